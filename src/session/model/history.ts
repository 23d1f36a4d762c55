import { HistoryError } from '../../errors'
import type { Op } from '../../state/op'
import { isFieldEdit, joinOps, withoutReplaced } from './field-edit'
import type { HistoryEntry } from './history-entry'
import { entryOf } from './history-entry'
import { createModel, type Model } from './model'
import { Privacy } from './privacy'
import type { SessionRecord } from './record'
import { reduce } from './reduce'
import { fromPast, restoreModel, saveModel, toPast, type SavedModel, type SavedPast } from './saved-model'

const LIMIT = 500

/** How many operations the field edits may have before those in a row become one, and for each record of a greater limit. */
const OPS = 10_000
const OPS_EACH = 20

/** The least distance between a kept moment and the moment looked at, and the most moments that are kept. */
const NEAR = 16
const MOMENTS = 40

/** A session at one moment of its past. */
interface Base {
  readonly at: number
  readonly saved: SavedModel
}

/** The history as plain JSON, for a snapshot of the session. */
export interface SavedHistory {
  /** What the first record is applied to; nothing when it begins with the session. */
  readonly base?: SavedPast & { readonly at: number }
  readonly records: readonly SessionRecord[]
}

/**
 * The past of a session: a base and the records after it, `limit` to twice as many. Checkpoints make the base move on; they
 * share unchanged parts of the state with the session. Looking changes nothing.
 */
export class History {
  readonly #limit: number
  #base: Base | undefined
  /** The base that comes next: somewhere in the middle of the records. */
  #next: Base | undefined
  #records: SessionRecord[] = []
  /**
   * Moments on the way to what was looked at last, in order, each half as far from it as the one before. So whoever goes back
   * page by page folds a few records each time, not all of them.
   */
  #moments: SavedModel[] = []
  /** How many operations the field edits among them have but the newest, which may still grow, and how many they may have. */
  #ops = 0
  readonly #least: number
  #most: number
  /** Who has made the newest edits, if anybody: nothing else has happened since that record. Apart from what is kept, which may be nothing. */
  #by: string | undefined = ''
  #since = 0
  /** The number up to which everything is stored, as far as this page knows. */
  stored = (): number => 0

  constructor(limit: number = LIMIT) {
    this.#limit = limit
    this.#least = this.#most = Math.max(OPS, limit * OPS_EACH)
  }

  /** Folds a record and keeps it; `kept` is what is kept of one that may still grow. */
  fold(model: Model, record: SessionRecord, kept: SessionRecord = record): void {
    const by = isFieldEdit(record) ? (record.by ?? '') : undefined
    if (by === undefined || by !== (this.#by ??= by)) {
      this.#by = by
      this.#since = record.seq
    }
    this.#keep(kept, model)
    reduce(model, record)
  }

  /** The records before this one are final, and the model is their fold. */
  #keep(record: SessionRecord, model: Model): void {
    if (this.#limit === 0) return
    const { length } = this.#records
    const last = this.#records[length - 1]
    if (last?.seq === record.seq) return void (this.#records[length - 1] = grown(last, record))
    this.#ops += opsIn(last)
    if (length >= this.#limit && this.#next === undefined) this.#next = this.#checkpoint(model)
    if (length >= this.#limit * 2 || this.#ops > this.#most) this.#shorten(model)
    this.#records.push(record)
  }

  /** The session as it was after a record, on the side. */
  at(seq: number): Model {
    if (this.#isOutdated(seq))
      throw new HistoryError(`record ${seq} is older than the last migration: its state has another shape`)
    if (this.timeOf(seq) === undefined)
      throw new HistoryError(
        `the history has no record ${seq}: it holds ${this.#range} (workflow option \`history\`: how many it keeps)`,
      )
    return this.#upTo(seq)
  }

  #upTo(seq: number): Model {
    const moments = this.#moments
    while ((moments.at(-1)?.seq ?? 0) > seq || moments.length > MOMENTS) moments.pop()
    const saved = moments.at(-1) ?? this.#base?.saved
    const model = saved ? restoreModel(saved) : createModel(undefined, '')
    const records = this.#records.slice(saved && ahead(this.#records, saved.seq), ahead(this.#records, seq))
    let left = records.length
    let next = left >> 1
    for (const record of records) {
      reduce(model, record)
      if (--left !== next || left < NEAR) continue
      // The newest record, which may still grow, is not in it.
      moments.push(saveModel(model))
      next >>= 1
    }
    return model
  }

  /** The record of that number as it was written, if it is kept. */
  record(seq: number): SessionRecord | undefined {
    const record = this.#records[ahead(this.#records, seq) - 1]
    return record?.seq === seq ? record : undefined
  }

  /** Whether a found session is of the lineage that this one had at that record: a reset or a rewind since gave it another. */
  wasOnce({ seq, lineage }: Model, now: Model): boolean {
    if (!after(this.#records, seq).some((it) => 'lineage' in it)) return now.lineage === lineage
    const before = this.#records.slice(0, ahead(this.#records, seq))
    const last = before.flatMap((it) => ('lineage' in it ? it.lineage : [])).at(-1)
    return (last ?? this.#base?.saved.lineage) === lineage
  }

  /** Whether all that has happened since a tab has seen that record may be its own writes. */
  isOwnSince(seq: number, tab: string): boolean {
    return seq >= this.#since && tab === (this.#by ?? tab)
  }

  /** Those after a record, as far as they are kept. */
  since(seq: number): readonly SessionRecord[] {
    return after(this.#records, seq)
  }

  /** When a record was written; `undefined` when the session cannot go to that record. */
  timeOf(seq: number): number | undefined {
    const base = this.#base
    if (this.#isOutdated(seq)) return undefined
    return base && base.saved.seq === seq ? base.at : this.record(seq)?.at
  }

  /** What was before a migration can be looked at, but the present code could not go on from there. */
  #isOutdated(seq: number): boolean {
    return this.#records.some((it) => it.kind === 'migrated' && it.seq > seq)
  }

  /**
   * The writes since a record, in order, that are in the present state or were taken out again. Those of steps are dropped.
   * Dropped writes after the last that stays make no difference.
   */
  writesSince(seq: number): { readonly ops: readonly Op[]; readonly dropped: boolean }[] {
    const found = []
    let undone = Infinity
    for (const record of after(this.#records, seq).reverse()) {
      if (record.seq > undone) continue
      // A rewind leaves nothing of what it takes back; `back` leaves people's writes.
      if (record.kind === 'rewound' && !record.back) undone = record.to
      if (record.kind !== 'wrote') continue
      const dropped = record.exec !== undefined
      if (!dropped || found.length > 0) found.push({ ops: record.ops, dropped })
    }
    return found.reverse()
  }

  entries(privacy: Privacy = new Privacy()): readonly HistoryEntry[] {
    const base = this.#base
    const first: HistoryEntry[] = base
      ? [Object.freeze({ seq: base.saved.seq, at: base.at, type: 'snapshot' })]
      : []
    return Object.freeze([...first, ...this.#records.map((it) => entryOf(it, privacy))])
  }

  /** The history as JSON, up to a record, as operations from that state. */
  save(root: unknown, upTo: number): SavedHistory | undefined {
    if (this.#limit === 0) return undefined
    const base = this.#base
    return {
      ...(base && { base: { at: base.at, ...toPast(base.saved, root) } }),
      records: this.#records.filter((it) => it.seq <= upTo),
    }
  }

  /** Restores what a snapshot has kept of it; without that the snapshot itself is all there is. */
  restore(saved: SavedHistory | undefined, model: Model, at: number): void {
    this.#moments = []
    if (this.#limit === 0) return
    if (saved === undefined) this.#base = { at, saved: saveModel(model) }
    else {
      const { base: { at: since = 0, ...past } = {}, records } = saved
      if ('back' in past) this.#base = { at: since, saved: fromPast(past, model.tree.root()) }
      this.#records = [...records]
      this.#ops = opsOf(records.slice(0, -1))
    }
  }

  /** Returns a function that makes the history begin with this moment: all before it counts as one snapshot. */
  beginAnew(model: Model): () => void {
    const base = this.#checkpoint(model)
    return () => {
      this.#moveTo(base)
      this.#next = undefined
    }
  }

  get #range(): string {
    const first = this.#base?.saved.seq ?? this.#records[0]?.seq
    return first === undefined ? 'none' : `${first} to ${this.#records.at(-1)?.seq ?? first}`
  }

  #checkpoint(model: Model): Base {
    return { at: this.#records.at(-1)?.at ?? this.#base?.at ?? 0, saved: saveModel(model) }
  }

  #shorten(model: Model): void {
    this.#moments = []
    if (this.#ops > 0) this.#join()
    if (this.#records.length < this.#limit * 1.5) return
    this.#moveTo(this.#next ?? this.#checkpoint(model))
    this.#next = this.#checkpoint(model)
  }

  /**
   * Field edits in a row become one record first: an hour of typing must not cost the pages before it, nor is all of it kept.
   * Where each sets a thousand fields, they do so before there are many records; the newest stay, to be taken back one by one.
   * What is not stored yet stays as it is, because another tab may have heard a part of it.
   */
  #join(): void {
    const stored = this.stored()
    const all = this.#records
    let from = all.length
    for (let ops = 0; this.#ops > this.#most && from > 0; from--)
      if ((ops += opsIn(all[from - 1])) > this.#least / 2) break
    const old = joined(all.slice(0, from), this.#next?.saved.seq, stored).map((it) =>
      isFieldEdit(it) && it.seq <= stored ? { ...it, ops: withoutReplaced(it.ops) } : it,
    )
    this.#records = [...old, ...all.slice(from)]
    this.#ops = opsOf(this.#records)
    this.#most = Math.max(this.#least, opsOf(old) * 4)
  }

  #moveTo(base: Base): void {
    this.#moments = []
    this.#base = base
    this.#records = after(this.#records, base.saved.seq)
  }
}

/** Joins writes from outside that follow each other, under the number of the last; none is joined across one of the stops. */
function joined(records: readonly SessionRecord[], stop?: number, stored = 0): SessionRecord[] {
  const made: SessionRecord[] = []
  // The list of the last one, once it is one that nobody else has.
  let ops: Op[] | undefined
  for (const record of records) {
    const last = made.at(-1)
    const stops = last?.seq === stop || (last && last.seq <= stored && record.seq > stored)
    if (!isFieldEdit(record) || !isFieldEdit(last) || stops) {
      made.push(record)
      ops = undefined
    } else {
      ops ??= [...last.ops]
      joinOps(ops, record.ops)
      made[made.length - 1] = { ...record, ops }
    }
  }
  return made
}

/** How many operations a field edit has. */
function opsIn(record: SessionRecord | undefined): number {
  return isFieldEdit(record) ? record.ops.length : 0
}

function opsOf(records: readonly SessionRecord[]): number {
  return records.reduce((sum, it) => sum + opsIn(it), 0)
}

/** The records after a number. */
function after(records: readonly SessionRecord[], seq: number): SessionRecord[] {
  return records.slice(ahead(records, seq))
}

/** How many records are not after a number. They come first, and are no more than the numbers allow, which bounds the search. */
function ahead(records: readonly SessionRecord[], seq: number): number {
  let first = Math.max(0, Math.floor(records.length - ((records.at(-1)?.seq ?? seq) - seq)))
  while (first < records.length && (records[first] as SessionRecord).seq <= seq) first++
  return first
}

/** The last record, with what another tab has joined to it since it told it. */
function grown(last: SessionRecord, more: SessionRecord): SessionRecord {
  return joined([last, more])[0] ?? last
}
