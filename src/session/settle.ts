import type { Core } from './core'
import { emitted, type SessionRecord } from './model/record'

/** After a record: wakes whoever waits in a step for what it brings. */
export function settle(core: Core, record: SessionRecord): void {
  if (record.kind === 'answered' || (record.kind === 'done' && record.type !== 'commit'))
    core.attempts.get(record.exec)?.replay.turns.settled(record.key)
  for (const { answers } of emitted(record))
    if (answers) core.attempts.get(answers.exec)?.replay.turns.settled(answers.key)
}
