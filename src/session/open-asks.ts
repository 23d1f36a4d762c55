import type { Model, Waiting } from './model'
import type { RecordBody } from './record'

/** An open ask, of the session or of a sub-flow in it. */
export interface AskedPoint extends Waiting {
  readonly id: string
  /** The sub-flows that it is in, from the outside. */
  readonly path: readonly Waiting[]
  /** Records what comes to it. */
  readonly append: (body: RecordBody) => void
}

/** The open asks of a model and of the sub-flows in it; `prefix` is what their keys begin with. */
export function asksIn(
  model: Model,
  prefix: string,
  append: AskedPoint['append'],
  path: AskedPoint['path'] = [],
): AskedPoint[] {
  const asks: AskedPoint[] = []
  for (const waits of model.waits.values())
    for (const { exec, point } of waits.values()) {
      const id = `${prefix}/${exec.id}/${point.key}`
      if (point.type === 'ask') asks.push({ exec, point, id, path, append })
      const { child } = point
      if (child?.run === undefined || child.run.end) continue
      const inside = (record: RecordBody): void =>
        append({ kind: 'child', exec: exec.id, key: point.key, record })
      asks.push(...asksIn(child, id, inside, [...path, { exec, point }]))
    }
  return asks
}
