import type { Durability } from '../storage/storage'
import type { Definition } from '../workflow/workflow'
import type { Core } from './core'
import type { LiveAttempt } from './step/live-attempt'
import type { Execution, Point } from './model/model'
import type { RecordBody, SessionRecord } from './model/record'

/** Where the records of a sub-flow go: into its parent's journal. */
export interface Within {
  append(body: RecordBody, durability: Durability): void
  durable(seq: number | undefined): Promise<void>
  /** What its keys begin with: the key of its point. */
  readonly prefix: string
  /** `step()` has started something: nothing else starts. */
  stepped(): void
  /** The sub-flow has started what can start: whoever waits for it may work, or wait, now. */
  ran(): void
  /** Whether an effect's result is recorded after the sub-flow has ended: it has failed, and may be retried. */
  outlives(record: RecordBody): boolean
  /** The core that is at work at its point now. */
  heir(): Core | undefined
}

/** The core that gets the results of this core's effects: a core that is over has left them to the next. */
export function heirOf(core: Core): Core {
  return core.options.within?.heir() ?? core
}

/** The attempt that waits for a sub-flow. */
export interface Joining {
  readonly over: Error | undefined
  /** Its clock stands still while the sub-flow waits for somebody. */
  waits(on: boolean): void
  /** The same while a step of the sub-flow waits for storage. */
  awaiting<T>(wait: Promise<T>, forStorage: true): Promise<T>
}

/** A sub-flow at work in its parent. */
export interface Nested {
  readonly core: Core
  /** Declared resources that nobody has given it or those in it. */
  readonly missing: readonly string[]
  /** A record of it was folded. */
  told(record: SessionRecord): void
  /** An attempt has come to the sub-flow, which begins or carries on. */
  join(attempt: Joining): void
  /** Nobody waits for it any more: its steps stop, and go on with the next attempt. */
  leave(attempt: Joining, reason: Error): void
  wake(): void
  /** Lets one execution of it start. */
  startOne(): LiveAttempt | undefined
  /** Ends it; with `'crashed'` like a killed page. */
  end(reason: Error | 'crashed'): void
}

/** What makes a point of a parent a sub-flow at work. */
export type Nest = (
  parent: Core,
  exec: Execution,
  point: Point,
  definition: Definition,
  /** What it is given of its parent's resources, as far as they are there. */
  given: () => Readonly<Record<string, unknown>>,
) => Nested
