import { levelAt, type Level } from './level'
import type { Waiting } from './model/model'

/** An open ask, of the session or of a sub-flow in it. */
export interface AskedPoint extends Waiting {
  /** The workflow at work that asks. */
  readonly level: Level
}

/** Records the answer to it. */
export function answerAsk({ exec, point, level }: AskedPoint, value: unknown): void {
  level.append({ kind: 'answered', exec: exec.id, key: point.key, ...(value !== undefined && { value }) })
}

/** The open asks of a workflow at work. */
export function asksOf(level: Level): AskedPoint[] {
  const found: AskedPoint[] = []
  for (const waits of level.model.waits.values())
    for (const { exec, point } of waits.values()) if (point.type === 'ask') found.push({ exec, point, level })
  return found
}

/** The id of an open ask. */
export function idOf({ exec, point, level }: AskedPoint): string {
  return `${level.prefix}/${exec.id}/${point.key}`
}

/** The open ask of this name, which comes after the prefix of its level. Keys may hold slashes themselves. */
export function askIn(level: Level, name: string): AskedPoint | undefined {
  const slash = name.indexOf('/')
  const exec = level.model.execs.get(Number(name.slice(0, slash)))
  if (exec === undefined) return undefined
  const { points } = exec
  const key = name.slice(slash + 1)
  const point = points.get(key)
  if (point?.type === 'ask' && point.result === undefined) return { exec, point, level }
  for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1)) {
    const open = points.get(key.slice(0, end))
    const inner = open && levelAt(level, exec, open)
    const found = inner && askIn(inner, key.slice(end + 1))
    if (found) return found
  }
  return undefined
}
