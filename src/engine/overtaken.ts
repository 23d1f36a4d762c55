import type { Op } from '../state/op'
import type { Tail } from '../storage/tail'
import type { Core } from '../session/core'
import { isFieldEdit, isOfOnePlace } from '../session/model/field-edit'
import type { LiveSession } from '../session/live-session'
import type { Again, Outbox } from '../session/followers/outbox'
import type { RecordBody, SessionRecord } from '../session/model/record'
import { OvertakenError } from '../session/followers/tab-errors'
import { grown } from './grown'
import type { Restored } from './restoring'

/** The kinds of these records. */
export function kindsOf(records: readonly object[]): string[] {
  return [...new Set((records as readonly SessionRecord[]).map((it) => innermost(it)[0].kind))]
}

/** The kinds of records of what the user has done: nobody else does it again. */
export function lostOf(records: readonly object[]): string[] {
  return kindsOf((records as readonly SessionRecord[]).filter(isOfAPerson))
}

/** The kinds of the records that a session lacks, as far as its history tells; up to `base` it has all. */
export function missingOf(records: Tail['records'], history: Core['history'], base?: number): string[] {
  return kindsOf(records.filter((it) => !isKnown(it as SessionRecord, { history }, base)))
}

/** All records after what is stored. What an owed copy holds is no longer queued, but the history has it, unless that is short. */
export function unstoredOf(
  live: LiveSession,
  stored: number = live.stored,
): readonly { readonly seq: number }[] {
  const past = live.core.history.since(stored)
  return past[0]?.seq === stored + 1 ? past : (live.core.journal?.unacknowledged?.() ?? [])
}

interface Reporting {
  readonly live: LiveSession
  readonly onError: (error: unknown) => void
}

/** Reports what is not part of the session, by its kinds, if there is anything. */
export function tellLost({ live, onError }: Reporting, lost: readonly string[]): void {
  if (lost.length > 0) onError(new OvertakenError(live.core.options.id, lost))
}

/** Decisions of the user that would mean something else in another session than in the one they were made in. */
const decisions: ReadonlySet<string> = new Set([
  'started',
  'retried',
  'paused',
  'resumed',
  'rewound',
  'reset',
])

/** What a tab had recorded while it led, and may not be stored. */
export class Kept {
  /** The number of the newest record when this tab began to lead: what came after it, it has recorded itself. */
  from = 0
  readonly #of: Reporting
  readonly #outbox: Outbox
  #lineage = ''
  /** What the session's lineage was when it began, as long as nothing of it was stored. */
  #begun: string | undefined
  /** Storage had not said which session it holds, so what was done is meant for whichever that is. */
  #unread = false
  #records: readonly SessionRecord[] = []
  /** The kinds of what its user had done, until the new leader says what it knows. */
  #untold: string[] = []

  constructor(of: Reporting, outbox: Outbox) {
    this.#of = of
    this.#outbox = outbox
  }

  /** Somebody else leads from now on. */
  keep(): void {
    const { live } = this.#of
    const { early, model } = live.core
    const records = unstoredOf(live) as SessionRecord[]
    this.#untold = lostOf(records)
    this.#begun = begunAs(records[0])
    this.#unread = early !== undefined || (this.#unread && this.#lineage === model.lineage)
    this.#lineage = model.lineage
    // Not the records that it had followed: the tab that recorded them brings them.
    const own = records.filter((it) => it.seq > this.from)
    for (const it of own) this.#outbox.name(it)
    this.#records = [...this.#records.filter((it) => it.seq <= this.from), ...own]
  }

  /** The kinds of what this tab's user had done, which nobody will do again and no other tab may know. */
  lose(): string[] {
    return this.#untold.splice(0)
  }

  /** Somebody has deleted the session: what was done in it is done in no other one. */
  forget(): void {
    this.#records = []
    this.#outbox.stored(Infinity)
  }

  /** All that storage lacks of the session, as far as this tab has heard, if something that it had recorded is among that. */
  unstored(stored: number): Tail['records'] {
    return this.#records.some((it) => it.seq > stored) ? unstoredOf(this.#of.live, stored) : []
  }

  /**
   * Asks the new leader for what the user had done and it may not know: that goes on top of what is there, or is reported as
   * lost when it cannot be done again. Steps do their own work again. Up to `base` the records are surely the same; those up
   * to `durable` are stored. What is part of the session now is kept until it is stored, for the leader after this one.
   */
  again(base: number, durable: number): void {
    const { core } = this.#of.live
    const { history, model, options } = core
    const same = this.#lineage === model.lineage
    const begun = begunAs(history.record(1))
    // Nobody can have removed what was never stored: the leader found nothing, and had not heard of it.
    const anew = this.#begun && durable === 0 && (begun ? begun !== this.#begun : model.seq === 0)
    const again: Again[] = []
    const lost: SessionRecord[] = []
    const known: SessionRecord[] = []
    this.#untold = []
    // This session may be back after another one, of which they were asked meanwhile.
    const back = this.#outbox.regain((it) => isKnown(it, core))
    if (back.length > 0) this.#lineage = model.lineage
    for (const record of new Set([...back, ...this.#records])) {
      if (record.by !== undefined || record.seq <= durable) continue
      const fits = same || this.#unread || (anew && isFieldEdit(record))
      const call = fits ? callOf(record, core) : undefined
      if (back.includes(record) || (same && isKnown(record, core, base))) {
        const more = grown(record, core)
        known.push(record)
        if (more.length > 0) again.push(['write', [more], record])
      } else if (call) again.push([...call, record])
      else if (isOfAPerson(record)) lost.push(record)
    }
    this.#records = known
    this.#outbox.again(again, model.heard, options.clock.now())
    tellLost(this.#of, kindsOf(lost))
  }
}

/** Whether a session has this record, as far as its history tells; up to `base` it has all. */
export function isKnown(record: SessionRecord, { history }: Pick<Core, 'history'>, base = 0): boolean {
  const found = history.record(record.seq)
  return found ? isSame(found, record) : record.seq <= base
}

/** Whether a session as it was found is a beginning of this one. */
export function isBeginningOf(core: Core, { model, history }: Restored): boolean {
  const isOlder = model && model.seq < core.model.seq && core.history.wasOnce(model, core.model)
  const last = isOlder && history.record(model.seq)
  return last ? isKnown(last, core) : false
}

/**
 * Whether two records of one number are the same. Edits in a row are one record, which may be shorter there
 * ({@link grown}), or have others before it.
 */
function isSame(found: SessionRecord, record: SessionRecord): boolean {
  if (found.kind !== 'wrote' || record.kind !== 'wrote')
    return JSON.stringify(found) === JSON.stringify(record)
  const { at, by, exec, ops } = record
  const isThere = (op: Op): boolean => ops.some((it) => isOfOnePlace(it, op))
  return found.at === at && found.by === by && found.exec === exec && found.ops.some(isThere)
}

/** The lineage with which a session begins. */
function begunAs(first: SessionRecord | undefined): string | undefined {
  return first?.kind === 'created' ? first.lineage : undefined
}

/** The call that makes the record again. What it holds has passed its schema. */
function callOf(record: SessionRecord, core: Core): [string, readonly unknown[]] | undefined {
  if (isFieldEdit(record)) return ['write', [core.options.privacy.told(record.ops)]]
  const [made, place] = innermost(record, core.prefix)
  if (made.kind === 'answered' && !made.timeout)
    return ['reply', [`${place}/${made.exec}/${made.key}`, made.value, true]]
  if (made.kind !== 'sent') return undefined
  const { type, data, to } = made.event
  const steps = record.kind === 'child' ? [core.model.execs.get(record.exec)?.step] : to
  return ['send', [{ type, data }, steps.length === 1 ? { step: steps[0] } : {}, true]]
}

/** What happened in a sub-flow is in a record of its parent, at any depth. With what the ids of its asks begin with. */
function innermost(record: RecordBody, prefix = ''): [RecordBody, string] {
  return record.kind === 'child'
    ? innermost(record.record, `${prefix}/${record.exec}/${record.key}`)
    : [record, prefix]
}

function isOfAPerson(record: SessionRecord): boolean {
  const [made] = innermost(record)
  if (made.kind === 'answered') return !made.timeout
  if (record.kind === 'finished') return record.status === 'cancelled'
  return isFieldEdit(record) || made.kind === 'sent' || decisions.has(record.kind)
}
