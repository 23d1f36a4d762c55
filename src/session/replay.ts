import { nextTask } from '../clock'
import type { Op } from '../state/op'
import { sameJson } from '../state/same'
import { sameOp } from '../state/writer'
import type { CollectedEvent, Entry, Execution } from './model'

/** Tasks that a recorded result waits for those before it, before changed code gets it out of turn. */
const PATIENCE = 100

/**
 * One attempt's way through what its execution has recorded (durable-steps, rules a, b, g). A write or send is
 * silent when the ledger holds an equal one that this attempt has not used yet; a read sees the state of the
 * last own entry that was reached again; recorded results come in recorded order, one a task.
 */
export class Replay {
  readonly #entries: readonly Entry[]
  readonly #used: boolean[]
  readonly #base: unknown
  /** The furthest entry that was reached again. */
  #position = -1
  #left: number
  #reads = 0
  readonly #waiting = new Map<string, () => void>()
  #pumping = false

  /** `recorded`: how many of its entries were there before the attempt began. */
  constructor(exec: Execution, recorded: number) {
    this.#entries = recorded === 0 ? none : exec.entries.slice(0, recorded)
    this.#base = exec.root
    this.#used = []
    this.#left = 0
    for (const { kind } of this.#entries) if (kind !== 'saw') this.#left++
  }

  /** Whether everything recorded was reached again: what the attempt does now is new. */
  get live(): boolean {
    return this.#left === 0
  }

  /** A new own entry was recorded: reads are counted from here. */
  entered(): void {
    this.#reads = 0
  }

  /** How many reads there were since the last own entry; counts this one. */
  countRead(): number {
    return this.#reads++
  }

  /** The state that a silent read sees; to be called once a read. */
  readRoot(): unknown {
    const next = this.#entries[this.#position + 1]
    if (next?.kind === 'saw' && next.reads === this.#reads) this.#use(this.#position + 1)
    this.#reads++
    return this.#position < 0 ? this.#base : this.#entries[this.#position]?.root
  }

  wrote(ops: readonly Op[]): boolean {
    return this.#match(
      (it) =>
        it.kind === 'wrote' &&
        it.ops.length === ops.length &&
        it.ops.every((op, n) => sameOp(op, ops[n] as Op)),
    )
  }

  sent(event: CollectedEvent): boolean {
    return this.#match(
      (it) => it.kind === 'sent' && it.event.type === event.type && sameJson(it.event.data, event.data),
    )
  }

  /** Marks the entries of a point as reached. */
  reached(key: string, kind: 'opened' | 'done' | 'answered'): boolean {
    return this.#match((it) => it.kind === kind && it.key === key)
  }

  /** Resolves when it is a recorded result's turn. */
  turn(key: string): Promise<void> {
    if (!this.#entries.some((it, index) => isResult(it) && it.key === key && !this.#used[index]))
      return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.set(key, resolve)
      if (!this.#pumping) void this.#pump()
    })
  }

  /** What was recorded and not reached, in words. */
  missed(): string[] {
    return this.#entries.filter((it, index) => !this.#used[index] && it.kind !== 'saw').map(inWords)
  }

  #match(fits: (entry: Entry) => boolean): boolean {
    if (this.#left === 0) return false
    const index = this.#entries.findIndex((it, at) => !this.#used[at] && fits(it))
    if (index < 0) return false
    this.#use(index)
    return true
  }

  #use(index: number): void {
    this.#used[index] = true
    if (this.#entries[index]?.kind !== 'saw') this.#left--
    // A send is no entry of its own when it happens, live: it goes out with the point after it.
    if (this.#entries[index]?.kind === 'sent') return
    this.#position = Math.max(this.#position, index)
    this.#reads = 0
  }

  async #pump(): Promise<void> {
    this.#pumping = true
    for (let idle = 0; this.#waiting.size > 0;) {
      await new Promise<void>(nextTask)
      const due = this.#entries.find((it, index) => isResult(it) && !this.#used[index])
      let key = due && 'key' in due ? due.key : undefined
      if (key === undefined || !this.#waiting.has(key)) {
        if (++idle < PATIENCE) continue
        key = this.#waiting.keys().next().value as string
      }
      idle = 0
      const resolve = this.#waiting.get(key)
      this.#waiting.delete(key)
      if (!this.reached(key, 'done')) this.reached(key, 'answered')
      resolve?.()
    }
    this.#pumping = false
  }
}

const none: readonly Entry[] = []

function isResult(entry: Entry): entry is Extract<Entry, { key: string }> {
  return entry.kind === 'done' || entry.kind === 'answered'
}

function inWords(entry: Entry): string {
  switch (entry.kind) {
    case 'wrote':
      return `the write to ${entry.ops.map((op) => (op[0] === 'replace' ? 'the state' : String(op[1]))).join(', ')}`
    case 'sent':
      return `the send of "${entry.event.type}"`
    default:
      return 'key' in entry ? `the point ${entry.key}` : entry.kind
  }
}
