import type { WorkflowEvent } from '../../workflow/event'
import type { Persistence } from '../../storage/persistence'
import { isFieldEdit } from '../model/field-edit'
import type { RecordedError, SessionRecord } from '../model/record'
import type { SavedSession } from '../model/saved-session'
import type { Progress } from '../session'
import type { Status } from '../model/status'

/** What the tabs of one session tell each other; `decisions/0012-tabs.md` says what each message is for. */
export type Message = Hello | Lead | Welcome | News | Ask | Answer | Gone

export interface Hello {
  readonly kind: 'hello'
  readonly tab: string
  readonly epoch: number
  readonly seq: number
}

/** Asks whether anybody leads. */
export const rollCall = (tab: string): Hello => ({ kind: 'hello', tab, epoch: -1, seq: -1 })

export interface Lead {
  readonly kind: 'lead'
  readonly epoch: number
}

export interface Welcome {
  readonly kind: 'welcome'
  readonly to: string
  readonly epoch: number
  /** What was stored when the leader became one. */
  readonly base: number
  /** What is stored now. */
  readonly durable: number
  readonly model?: SavedSession
  readonly view: Shown
}

/** Somebody has removed the session, or stored a whole one under its id. */
export interface Gone {
  readonly kind: 'gone'
}

/** One burst of what happened. */
export interface News {
  readonly kind: 'news'
  readonly epoch: number
  /** In the order in which it happened. */
  readonly records: readonly (Heard | Streamed)[]
  readonly view?: Shown
  /** What is stored. */
  readonly durable: number
}

/** A record, or what has joined the record that came before it. */
export interface Heard {
  readonly record: SessionRecord
  readonly more?: true
}

/** What a step has streamed. */
export interface Streamed {
  readonly event: WorkflowEvent
}

/** What the leader shows of itself beside the model. */
export interface Shown {
  readonly status: Status
  readonly progress: Progress | undefined
  readonly persistence: Pick<Persistence, 'status' | 'savedAt'>
  readonly missing: readonly string[]
}

/** An operation that only the leader of that epoch does. Another leader is asked for all operations again, in order. */
export interface Ask extends Asked {
  readonly kind: 'ask'
  readonly of: number
}

/** An operation of a tab, by its name. */
export interface Asked {
  readonly by: string
  readonly n: number
  /** The leader's newest record that the tab had seen when it asked; 0 when it was to ask another leader, or none. */
  readonly seen: number
  readonly call: string
  readonly args: readonly unknown[]
}

/** An operation that a tab had asked for when it was left. */
export interface AskedBefore extends Asked {
  readonly at: number
  /** Of the session of which it was asked; empty when the tab knew of none. */
  readonly lineage: string
}

/** Whether a leader has said it. */
export function isOfLeader(message: Message): message is Lead | Welcome | News | Answer {
  return 'epoch' in message && message.kind !== 'hello'
}

/** Whether only the tab's own writes have changed something, which it shows already. */
export function isWrittenBy(news: News['records'], tab: string): boolean {
  // A step that it has run by hand may write in its name as well.
  return news.every((it) => 'event' in it || (isFieldEdit(it.record) && it.record.by === tab))
}

/** Whether the operation was heard, by how far each tab was heard. */
export function isHeard(heard: ReadonlyMap<string, number>, { by, n }: Pick<Asked, 'by' | 'n'>): boolean {
  return n <= (heard.get(by) ?? 0)
}

export interface Answer {
  readonly kind: 'answer'
  readonly to: string
  readonly n: number
  readonly epoch: number
  readonly value?: unknown
  readonly error?: RecordedError
  /** The newest record, when storage is in trouble and has not taken it: the operation may be lost with this leader. */
  readonly unstored?: number
}
