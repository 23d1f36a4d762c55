import type { Op } from '../../state/op'
import { startsWith, toPath, type Path } from '../../state/path'
import { sameContent, sameJson } from '../../state/same'
import { Tree } from '../../state/tree'
import type { CollectedEvent, Entry, Execution } from '../model/model'
import { hasMoment, inWords, isAct, isResult } from './entries'
import { OlderWork } from './older-work'
import { Turns } from './turns'

/**
 * One attempt's way through what its execution has recorded (decision 2, rules 1 to 3). A write or send is
 * silent when the ledger holds an equal one that this attempt has not used yet; a read sees the state that it saw,
 * and results come in recorded order. New work of the attempt is followed in the same way, so that it sees now what a
 * re-run would see.
 */
export class Replay {
  readonly #exec: Execution
  /** How many entries there were before the attempt began. */
  readonly #recorded: number
  readonly #used: boolean[] = []
  readonly turns: Turns
  /** How many recorded entries of the step itself are still to be reached. */
  #left = 0
  readonly #older: OlderWork | undefined
  /** Everything before it was reached, and every own recorded entry before `#low`. */
  #front = 0
  #low = 0
  /** The last entry that was reached, and the same with the writes that came early. */
  #furthest = -1
  #last = -1
  /** How many reads there were since the attempt's last progress; whoever reads counts. */
  reads = 0
  /** The entry whose state the view shows, with the attempt's own writes since; -1: the execution's first. */
  #base = -1
  #version: number
  #view: Tree | undefined

  constructor(exec: Execution, recorded: number) {
    this.#exec = exec
    this.#recorded = recorded
    this.#version = exec.version
    const results: string[] = []
    let older = false
    for (let index = 0; index < recorded; index++) {
      const entry = exec.entries[index] as Entry
      if ('old' in entry) this.#used[index] = older = true
      else if (isAct(entry)) this.#left++
      else if (isResult(entry)) results.push(entry.key)
      // A private write was stored without its operations: a re-run makes it anew, and does not come to this one.
      else if (entry.kind === 'wrote') this.#used[index] = true
    }
    if (older) this.#older = new OlderWork(exec.entries.slice(0, recorded))
    if (!this.live) this.#view = new Tree(exec.root)
    this.turns = new Turns(results, this)
    if (recorded > 0) this.#advance()
  }

  /** Whether everything that the step has recorded was done again: what the attempt does now is new. */
  get live(): boolean {
    return this.#left === 0
  }

  /** The earlier state that the attempt's next read sees; `undefined` for the present one. */
  get view(): Tree | undefined {
    if (this.live) return undefined
    const { entries } = this.#exec
    let index = this.#front
    for (let entry = entries[index]; entry; entry = entries[++index])
      if (!this.#used[index] && !isResult(entry)) break
    const next = entries[index]
    if (next?.kind === 'saw' && next.reads === this.reads) this.#use(index)
    return this.#view
  }

  /** Whether a re-run would see this version of the state here without a `saw` record. */
  knows(version: number): boolean {
    return this.#version === version
  }

  /** The attempt has recorded new entries of its own. */
  entered(): void {
    const { entries } = this.#exec
    let got = false
    for (let index = entries.length - 1; index >= this.#recorded && !this.#used[index]; index--) {
      const entry = entries[index] as Entry
      if (isResult(entry)) continue
      this.#mark(index)
      got ||= hasMoment(entry)
      if (entry.kind === 'opened') this.#older?.passed()
    }
    if (got) this.#got()
  }

  wrote(ops: readonly Op[]): boolean {
    return this.#match((it) => it.kind === 'wrote' && sameContent(it.ops, ops))
  }

  /** Whether a recorded write at, above or below the path is still to be made again. It is silent, so it waits for nobody. */
  owes({ keys }: Path): boolean {
    return this.#exec.entries.some(
      (it, index) =>
        !this.#used[index] &&
        it.kind === 'wrote' &&
        it.ops.some((op) => startsWith(keys, op[0] === 'replace' ? [] : toPath(op[1]).keys)),
    )
  }

  /** Takes something that older code wrote or sent for this write or send, which is silent then; `false`: nothing is left. */
  takeOlder(): boolean {
    return this.#older?.take(this.#low) === true
  }

  sent(event: CollectedEvent): boolean {
    const again = this.#match(
      (it) => it.kind === 'sent' && it.event.type === event.type && sameJson(it.event.data, event.data),
    )
    return again || this.takeOlder()
  }

  /** The step is at a recorded point again. */
  reached(key: string): void {
    this.turns.occupy()
    this.#match((it) => it.kind === 'opened' && it.key === key)
  }

  /** A phase that has ended is not walked through again: everything up to its end counts as reached. */
  pass(key: string): void {
    const { entries } = this.#exec
    const ends = (it: Entry): boolean => 'key' in it && it.key === key
    let last = this.#recorded - 1
    while (last >= 0 && !ends(entries[last] as Entry)) last--
    for (let index = 0; index <= last; index++) {
      const entry = entries[index] as Entry
      if (this.#used[index]) continue
      if (isAct(entry)) this.#left--
      if (isResult(entry)) this.turns.skip(entry.key)
      this.#use(index)
    }
  }

  /** The step has made a recorded write to flow state again. */
  wroteFlow(key: string): void {
    this.#match((it) => it.kind === 'flow' && it.key === key)
  }

  /** What was recorded and not reached, in words. */
  missed(): string[] {
    return this.#exec.entries
      .slice(0, this.#recorded)
      .filter((it, index) => !this.#used[index] && isAct(it))
      .map(inWords)
  }

  #match(fits: (entry: Entry) => boolean): boolean {
    if (this.live) return false
    const { entries } = this.#exec
    for (let index = this.#low; index < this.#recorded; index++) {
      const entry = entries[index] as Entry
      if (this.#used[index] || !isAct(entry) || !fits(entry)) continue
      this.#left--
      this.#use(index)
      return true
    }
    return false
  }

  /** The result is the step's now. */
  handed(key: string): void {
    const { entries } = this.#exec
    for (let index = this.#front; index < entries.length; index++) {
      const entry = entries[index] as Entry
      if (this.#used[index] || !isResult(entry) || entry.key !== key) continue
      this.#use(index)
      if (index >= this.#recorded) this.#older?.passed()
      return
    }
  }

  #use(index: number): void {
    const entry = this.#exec.entries[index] as Entry
    if (isResult(entry)) this.#older?.got(index)
    const early = this.#isEarly(index)
    this.#mark(index, early)
    if (early) this.reads--
    else if (hasMoment(entry)) this.#got()
    else this.#advance()
  }

  /**
   * Whether a write comes before reads that were made before it. It had waited for its turn, while other branches of the step
   * read, and somebody else wrote; now it waits for nobody. Those reads must not see what is later.
   */
  #isEarly(index: number): boolean {
    const { entries } = this.#exec
    let next = this.#front
    while (next < index && (this.#used[next] || isResult(entries[next] as Entry))) next++
    const saw = entries[next]
    return entries[index]?.kind === 'wrote' && saw?.kind === 'saw' && saw.reads >= this.reads
  }

  #mark(index: number, early = false): void {
    this.#used[index] = true
    const { kind } = this.#exec.entries[index] as Entry
    this.#last = Math.max(this.#last, index)
    if (kind !== 'sent' && !early) this.#furthest = Math.max(this.#furthest, index)
    if (kind === 'saw') this.#see(index)
    else this.#repeat(index)
  }

  #got(): void {
    this.#advance()
    this.reads = 0
  }

  #advance(): void {
    const { entries } = this.#exec
    for (let entry = entries[this.#front]; entry; entry = entries[++this.#front]) {
      // The step has passed this read without making it again: nobody waits for it.
      const missed = entry.kind === 'saw' && this.#front < this.#furthest
      if (!this.#used[this.#front] && !missed) break
      if (entry.root !== undefined) this.#see(this.#front)
    }
    for (let entry = entries[this.#low]; this.#low < this.#recorded && entry; entry = entries[++this.#low])
      if (!this.#used[this.#low] && isAct(entry)) break
  }

  /** The view shows this entry's state, with what the attempt has written since. */
  #see(index: number): void {
    const { entries } = this.#exec
    const { root, version } = entries[index] as Entry
    if (index <= this.#base || root === undefined) return
    this.#base = index
    this.#version = version
    if (!this.live) this.#view = new Tree(root)
    for (let later = index + 1; later <= this.#last; later++) if (this.#used[later]) this.#repeat(later)
  }

  /** Adds a repeated or new write to the view. */
  #repeat(index: number): void {
    const entry = this.#exec.entries[index] as Entry
    if (entry.kind !== 'wrote' || index < this.#base) return
    this.#version = entry.since === this.#version ? entry.version : -1
    if (!this.live) this.#view?.apply(entry.ops)
  }
}
