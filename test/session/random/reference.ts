import type { Value } from './program'

export type Write =
  readonly [op: 'set' | 'text' | 'item', path: string, value: Value] | readonly [op: 'delete', path: string]

export interface Entry {
  seq: number
  /** The step that wrote it; `undefined`: the person. */
  readonly step: string | undefined
  readonly write: Write
  committed: number | undefined
  dropped: boolean
}

/** What a step did and saw, in order, one list for each of its branches. */
export interface Seen {
  readonly what: string
  /** Whether something was done by then: what was only read, or waits for its turn, is done again after a crash. */
  did: boolean
  committed: number | undefined
}

interface Exec {
  attempt: Attempt | undefined
  trace: Map<string, Seen[]>
  /** Points and their ends that were recorded, with their sequence numbers. */
  points: Map<string, number>
  ended: number | undefined
  sends: Set<string>
}

/** One run of a handler through its program. */
export class Attempt {
  readonly step: string
  readonly number: number
  readonly candidates: Entry[]
  readonly used = new Set<Entry>()
  readonly trace = new Map<string, Seen[]>()
  readonly sends = new Set<string>()
  over = false

  constructor(step: string, number: number, candidates: Entry[]) {
    this.step = step
    this.number = number
    this.candidates = candidates
  }
}

/** What of a session the reference looks at, to see that something was recorded; never at what it means. */
export interface Look {
  readonly seq: number
  /** The recorded points of a step, opened and done, each with its sequence number. */
  points(step: string): ReadonlyMap<string, number>
}

/**
 * What a session has to be like, kept by hand: the writes in the order in which they were made, each of them
 * uncommitted, committed or dropped. The state is the replay of all that are not dropped, in order. Knows nothing
 * of ledgers, versions, rebases or snapshots.
 */
export class Reference {
  entries: Entry[] = []
  readonly execs = new Map<string, Exec>()
  readonly wrong: string[] = []

  complain(what: string): void {
    if (this.wrong.length < 20) this.wrong.push(what)
  }

  get state(): Value {
    return this.entries.filter((it) => !it.dropped).reduce(replay, {})
  }

  typed(seq: number, write: Write): void {
    this.entries.push({ seq, step: undefined, write, committed: seq, dropped: false })
  }

  begin(step: string, number: number): Attempt {
    const exec = this.exec(step)
    if (exec.attempt?.over === false) this.complain(`${step} runs twice at once`)
    if (exec.ended !== undefined) this.complain(`${step} runs again after its end`)
    const attempt = new Attempt(
      step,
      number,
      this.entries.filter((it) => it.step === step && it.committed !== undefined && !it.dropped),
    )
    exec.attempt = attempt
    return attempt
  }

  /** Notices points that were recorded since the last look: each commits what the step had done before it. */
  notice(attempt: Attempt, look: Look): void {
    const exec = this.exec(attempt.step)
    for (const [point, seq] of look.points(attempt.step)) {
      if (exec.points.has(point)) continue
      exec.points.set(point, seq)
      if (!point.startsWith('answered ')) this.commit(attempt, seq)
    }
  }

  private commit(attempt: Attempt, seq: number): void {
    const exec = this.exec(attempt.step)
    for (const entry of this.entries)
      if (entry.step === attempt.step && !entry.dropped && entry.seq <= seq) entry.committed ??= seq
    for (const [branch, all] of attempt.trace) {
      const seen = all.slice(0, all.findLastIndex((it) => it.did) + 1)
      for (const it of seen) it.committed ??= seq
      if (seen.length > (exec.trace.get(branch)?.length ?? 0)) exec.trace.set(branch, seen)
    }
    exec.sends = new Set([...exec.sends, ...attempt.sends])
  }

  /** Whether a write is a repeated one; else it is new, with this number. */
  wrote(attempt: Attempt, write: Write, before: number, after: number): void {
    const known = this.known(attempt, write)
    if (known === undefined && after === before && this.changesNothing(attempt, write)) return
    if (known) attempt.used.add(known)
    else this.entries.push({ seq: after, step: attempt.step, write, committed: undefined, dropped: false })
    // A new write may also record that somebody else has written since the step last read.
    if (known ? after !== before : after === before)
      this.complain(
        `${attempt.step} ${JSON.stringify(write)} is ${known ? 'a repeated' : 'a new'} write: ${before} -> ${after}`,
      )
  }

  /** A write or an edit that waited for its turn, at the moment when it is made. Nothing when it is a repeated one. */
  wroteLate(attempt: Attempt, write: Write): Entry | undefined {
    const known = this.known(attempt, write)
    if (known) return void attempt.used.add(known)
    const entry = { seq: Infinity, step: attempt.step, write, committed: undefined, dropped: false }
    this.entries.push(entry)
    return entry
  }

  /** It was recorded with this number; with none, when it changed nothing. */
  place(entry: Entry, seq: number | undefined): void {
    this.entries = this.entries.filter((it) => it !== entry)
    if (seq === undefined) return
    entry.seq = seq
    const next = this.entries.findIndex((it) => it.seq > seq)
    this.entries.splice(next < 0 ? this.entries.length : next, 0, entry)
  }

  private known(attempt: Attempt, write: Write): Entry | undefined {
    return attempt.candidates.find(
      (it) => !attempt.used.has(it) && JSON.stringify(it.write) === JSON.stringify(write),
    )
  }

  /** Whether the same value is there, and stays there whichever other steps are rolled back. */
  private changesNothing({ step }: Attempt, write: Write): boolean {
    const at = (entries: readonly Entry[]): string | undefined =>
      JSON.stringify(valueAt(entries.filter((it) => !it.dropped).reduce(replay, {}), write[1]))
    const sure = this.entries.filter((it) => it.step === step || it.committed !== undefined)
    return write[0] === 'set' && [this.entries, sure].every((it) => at(it) === JSON.stringify(write[2]))
  }

  /** Notes what a step did or saw: up to its last commit, every attempt must see the same. */
  saw(attempt: Attempt, branch: string, what: string, did: boolean): Seen {
    const seen = attempt.trace.get(branch) ?? []
    const agreed = this.exec(attempt.step).trace.get(branch)?.[seen.length]
    if (agreed && agreed.what !== what)
      this.complain(`${attempt.step}${branch} once saw ${agreed.what}, now ${what}`)
    const now = { what, did, committed: agreed?.committed }
    attempt.trace.set(branch, [...seen, now])
    return now
  }

  failed(attempt: Attempt): void {
    attempt.over = true
    this.dropUncommitted(attempt.step)
  }

  ended(attempt: Attempt, seq: number): void {
    attempt.over = true
    for (const [branch, agreed] of this.exec(attempt.step).trace)
      if (agreed.length > (attempt.trace.get(branch)?.length ?? 0))
        this.complain(
          `${attempt.step}${branch} ended before ${agreed[attempt.trace.get(branch)?.length ?? 0]?.what}`,
        )
    for (const it of attempt.candidates)
      if (!attempt.used.has(it)) this.complain(`${attempt.step} missed ${JSON.stringify(it.write)}`)
    this.commit(attempt, seq)
    this.exec(attempt.step).ended = seq
  }

  /** The page is gone, `last` seen like this; up to `durable` it was stored. */
  crashed(durable: number, last: Look): void {
    for (const { attempt } of this.execs.values()) if (attempt?.over === false) this.notice(attempt, last)
    this.entries = this.entries.filter((it) => it.seq <= durable)
    const stored = (it: { committed: number | undefined }): boolean =>
      it.committed !== undefined && it.committed <= durable
    for (const entry of this.entries) if (!stored(entry)) entry.committed = undefined
    for (const [step, exec] of this.execs) {
      if (exec.attempt) exec.attempt.over = true
      if (exec.ended !== undefined && exec.ended > durable) exec.ended = undefined
      for (const [point, seq] of exec.points) if (seq > durable) exec.points.delete(point)
      for (const [branch, seen] of exec.trace) exec.trace.set(branch, seen.filter(stored))
      this.dropUncommitted(step)
    }
  }

  private dropUncommitted(step: string): void {
    for (const entry of this.entries)
      if (entry.step === step && entry.committed === undefined) entry.dropped = true
  }

  /** What was sent by the attempts that ended. */
  get sends(): string[] {
    return [...this.execs.values()].flatMap((it) => [
      ...((it.ended === undefined ? it.sends : it.attempt?.sends) ?? []),
    ])
  }

  private exec(step: string): Exec {
    let exec = this.execs.get(step)
    if (exec === undefined) {
      exec = { attempt: undefined, trace: new Map(), points: new Map(), ended: undefined, sends: new Set() }
      this.execs.set(step, exec)
    }
    return exec
  }
}

function replay(state: Value, { write }: Entry): Value {
  return apply(state, write)
}

function valueAt(state: Value, path: string): Value | undefined {
  let value: Value | undefined = state
  for (const key of path.split('.'))
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? value[key] : undefined
  return value
}

/** The plainest way to write to a path: parents that are missing, or cannot hold it, are made. */
export function apply(state: Value, write: Write): Value {
  const [op, path] = write
  const change = (old: Value | undefined): Value | undefined => {
    if (op === 'delete') return undefined
    const value = write[2]
    if (op === 'set') return value
    if (op === 'text') return typeof old === 'string' && typeof value === 'string' ? old + value : value
    return Array.isArray(old)
      ? ([...(old as Value[]), value] as unknown as Value)
      : ([value] as unknown as Value)
  }
  const into = (node: Value | undefined, keys: readonly string[]): Value | undefined => {
    const [key, ...rest] = keys
    if (key === undefined) return change(node)
    const object = typeof node === 'object' && node !== null && !Array.isArray(node) ? node : {}
    if (op === 'delete' && !Object.hasOwn(object, key)) return node
    const { [key]: old, ...others } = object
    const next = into(old, rest)
    return next === undefined ? others : { ...others, [key]: next }
  }
  return into(state, path.split('.')) ?? {}
}
