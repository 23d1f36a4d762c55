import type { Level } from './level'
import type { Waiting } from './model'

/** An open ask, of the session or of a sub-flow in it. */
export interface AskedPoint extends Waiting {
  readonly id: string
  /** The workflow at work that asks. */
  readonly level: Level
}

/** Records the answer to it. */
export function answerAsk({ exec, point, level }: AskedPoint, value: unknown): void {
  level.append({ kind: 'answered', exec: exec.id, key: point.key, ...(value !== undefined && { value }) })
}

/** The open asks of a workflow at work. */
export function asksOf(level: Level): AskedPoint[] {
  return [...level.model.waits.values()].flatMap((waits) =>
    [...waits.values()]
      .filter(({ point }) => point.type === 'ask')
      .map(({ exec, point }) => ({ exec, point, level, id: `${level.prefix}/${exec.id}/${point.key}` })),
  )
}
