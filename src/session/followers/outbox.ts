import type { Op } from '../../state/op'
import { deferred, type Deferred } from '../deferred'
import { isHeard, type Answer, type Asked, type AskedBefore } from './message'
import type { Model } from '../model/model'
import type { SessionRecord } from '../model/record'
import { rebuildError } from '../model/recorded-error'
import { OvertakenError } from './tab-errors'

/** What a later leader may do as well; the rest would mean something else by then. */
const repeatable: ReadonlySet<string> = new Set(['write', 'reply', 'send'])

/** What this tab has asked of the leader, without an answer yet. */
export interface Pending extends Omit<Asked, 'n' | 'seen'> {
  n: number
  seen: number
  at: number
  readonly done: Deferred<unknown>
  /** The epoch of the leader that was last asked. */
  askedOf: number
  /** Whether it was sent, and so must stay as it is. */
  sent: boolean
  /** The newest record when a leader in trouble answered: once that is stored, so is the result of this operation. */
  until?: number
  /** Of the session of which a tab that was left had asked it. */
  readonly lineage?: string
  /** The record of this tab's own, as the leader, that it makes again. */
  readonly of?: SessionRecord | undefined
}

/** An operation that makes a record again, or the rest of one that was heard in part. */
export type Again = readonly [call: string, args: readonly unknown[], of: SessionRecord]

/**
 * The operations of one tab, in order, each until the leader has stored it: through any number of leaders, and when the tab
 * itself becomes the leader.
 */
export class Outbox {
  readonly by: string
  #n = 0
  /** The names of what this tab has recorded as the leader, by record. `asked`: it was asked for under that name. */
  readonly #names = new WeakMap<SessionRecord, { readonly n: number; readonly asked: boolean }>()
  #pending: Pending[] = []
  /** Answered but not stored: the next leader may never have heard of these. */
  #unstored: Pending[] = []

  constructor(by: string) {
    this.by = by
  }

  get pending(): readonly Pending[] {
    return this.#pending
  }

  /** Whether a later leader may have to do some of them. */
  get isOwed(): boolean {
    return this.#pending.length + this.#unstored.length > 0
  }

  get busy(): boolean {
    return this.#pending.length > 0
  }

  /** Whether the run that is shown may give way to another by what was asked. */
  get mayBegin(): boolean {
    return this.#pending.some(({ call }) => !repeatable.has(call))
  }

  add(call: string, args: readonly unknown[], seen: number, at: number, of?: SessionRecord): Pending {
    const entry = {
      of,
      by: this.by,
      n: ++this.#n,
      seen,
      call,
      args,
      at,
      done: deferred<unknown>(),
      askedOf: 0,
      sent: false,
    }
    this.#pending.push(entry)
    return entry
  }

  /** This tab has recorded it as the leader: if it must be asked for after all, then before what is asked from now on. */
  name(record: SessionRecord): void {
    if (!this.#names.has(record)) this.#names.set(record, { n: ++this.#n, asked: false })
  }

  /**
   * What this tab had done as the leader goes before what it has asked since, as its names are older; unless the session has
   * `heard` of later ones without this, and would take it for known.
   */
  again(calls: readonly Again[], heard: Model['heard'], now: number): void {
    const { by } = this
    for (const [call, args, of] of calls) {
      // The rest of it may have been asked for under the same name.
      this.#pending = this.#pending.filter((it) => it.of !== of)
      const entry = this.add(call, args, 0, now, of)
      const name = this.#names.get(of)
      if (name && (name.asked || !isHeard(heard, { by, n: name.n }))) entry.n = name.n
      this.#names.set(of, { n: entry.n, asked: true })
    }
    const own = this.#pending.filter((it) => it.by === by).sort((a, b) => b.n - a.n)
    let at = now
    for (const it of own) {
      // A leader asks itself in the order of time. None of them was made for what the new leader has.
      it.at = at = Math.min(at, it.at)
      it.seen = 0
    }
    this.#pending = [...this.#pending.filter((it) => it.by !== by), ...own.reverse()]
  }

  /** Takes back what it was to make again and the session has after all. */
  regain(has: (record: SessionRecord) => boolean): SessionRecord[] {
    const isBack = ({ of }: Pending): boolean => of !== undefined && has(of)
    const back = [...this.#unstored, ...this.#pending].filter(isBack)
    this.#unstored = this.#unstored.filter((it) => !back.includes(it))
    this.#pending = this.#pending.filter((it) => !back.includes(it))
    return back.map((it) => it.of as SessionRecord)
  }

  /** The operations are being done, here or elsewhere: from now on they keep their names and content. */
  keepNames(): void {
    for (const it of this.#pending) it.sent = true
  }

  /** Takes up what a tab that was left had asked, under its own name. */
  resume(asked: AskedBefore, at: number): void {
    this.#pending.push({ ...asked, at, done: deferred<unknown>(), askedOf: 0, sent: true })
  }

  /** The operation that this answer is for. */
  find({ to, n }: Pick<Answer, 'to' | 'n'>): Pending | undefined {
    return this.#pending.find((it) => it.n === n && it.by === to)
  }

  /** Writes in one burst are one operation. */
  write(ops: readonly Op[], seen: number, at: number): void {
    const last = this.#pending.at(-1)
    if (last?.call === 'write' && !last.sent) (last.args[0] as Op[]).push(...ops)
    else this.add('write', [[...ops]], seen, at)
  }

  /** The operations of this name that are not known to be done, by how far each tab was `heard`. */
  undoneOf(call: string, heard: Model['heard']): Pending[] {
    return this.#pending.filter((it) => it.call === call && !isHeard(heard, it))
  }

  answered(entry: Pending, { value, error, unstored }: Answer): void {
    this.#pending = this.#pending.filter((it) => it !== entry)
    if (unstored !== undefined && repeatable.has(entry.call)) {
      entry.until = unstored
      this.#unstored.push(entry)
    }
    if (error) entry.done.reject(rebuildError(error))
    else entry.done.resolve(value)
  }

  /** Everything up to this record is stored. */
  stored(seq: number): void {
    this.#unstored = this.#unstored.filter(({ until = 0 }) => until > seq)
  }

  /**
   * A new leader may not know operations that were answered but not stored: these are asked for again. What was left for another
   * session is not: it may make again what this one has.
   */
  recall({ heard, seq, lineage }: Model): void {
    const again = [...this.#unstored.filter((it) => !isHeard(heard, it)), ...this.#pending]
    this.#pending = again.filter(({ lineage: its = lineage }) => its === '' || its === lineage)
    this.#unstored = this.#unstored.filter((it) => isHeard(heard, it))
    for (const it of this.#unstored) it.until = seq
  }

  /** Answers may have been missed: everything is asked once more. */
  forget(): void {
    for (const entry of this.#pending) entry.askedOf = 0
  }

  /** Nobody answers: calls that only wait for storage reject; operations stay queued. */
  silent(error: Error): void {
    for (const { call, done } of this.#pending) if (call === 'flush') done.reject(error)
  }

  /** The names of the calls that will not be done. A call that only asks about storage or the view is no loss. */
  get undone(): string[] {
    return [...new Set(this.#pending.map((it) => it.call))].filter((it) => it !== 'flush')
  }

  /**
   * What this tab has asked for and a later leader may do. The operations keep their names, because this page may come back
   * and ask for them again. What other tabs had left is where they left it.
   */
  leave(): Asked[] {
    this.keepNames()
    const lasting = [...this.#unstored, ...this.#pending].filter(
      (it) => it.by === this.by && repeatable.has(it.call),
    )
    return lasting.map(({ by, n, call, args }) => ({ by, n, seen: 0, call, args }))
  }

  /**
   * The session is gone. Its operations are not done on another session, but reported as lost; except writes, if nothing of it
   * was ever stored, because then nobody has removed it. What this one has `heard` was done before somebody started it over.
   */
  lose(id: string, onError: (error: unknown) => void, heard: Model['heard'], wasStored = true): void {
    const all = [...this.#unstored.splice(0), ...this.#pending]
    const isLost = (it: Pending): boolean => (wasStored || it.call !== 'write') && !isHeard(heard, it)
    this.#pending = all.filter(isLost)
    const error = new OvertakenError(id, this.undone)
    this.reject(() => error)
    if (error.lost.length > 0) onError(error)
    this.#pending = all.filter((it) => !isLost(it))
  }

  /** Nobody will answer any more. */
  reject(why: () => Error): void {
    for (const { done } of this.#pending.splice(0)) done.reject(why())
  }
}
