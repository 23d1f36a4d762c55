import type { Session } from '../../../src/index'
import { virtualClock } from '../../../src/testing'
import type { Joined, Script } from './subflow-script'
import { flat } from './subflow-script'

// oxlint-disable-next-line typescript/no-explicit-any -- flows that are made of data have no types that say anything
export type Any = any

/**
 * Everything outside the pages, which outlives them. How a flow ends depends on nothing but its script: replies, results
 * and errors are the same however often it is cut off.
 */
export class World {
  readonly clock = virtualClock()
  readonly tool = { name: 'tool' }
  readonly wrong: string[] = []
  readonly script: Script
  /** What was done, to look into a failure. */
  readonly trace: string[] = []
  /** The effects that were called, by name in their line of history: their keys. */
  readonly calls = new Map<string, string[]>()
  /** Whose key it is. */
  readonly owners = new Map<string, string>()
  /** How often effects have failed, and which steps have hung. */
  readonly flaky = new Map<string, number>()
  readonly hung = new Set<string>()
  /** Effects that have returned, and those of them that are known to be stored. */
  returned = new Set<string>()
  settled = new Set<string>()
  /** The same for asks and their answers. */
  answered = new Set<string>()
  stored = new Set<string>()
  /** Lines of history: each has keys of its own. */
  line = 0
  /** Of the code that a page loads. */
  version = 1
  /** Steps that may begin in a paused session, because somebody steps it by hand. */
  credit = 0

  constructor(script: Script) {
    this.script = script
  }

  complain(what: string): void {
    if (this.wrong.length < 10) this.wrong.push(what)
  }

  leaveLine(): void {
    this.line++
    this.returned = new Set()
    this.settled = new Set()
    this.answered = new Set()
    this.stored = new Set()
  }

  /** A state begins with its version, and every migration adds its own. */
  checkMigrations(made: readonly number[] = [], version: number): void {
    const first = this.script.versions ? version - made.length + 1 : 0
    if (made.some((it, n) => it !== first + n) || (this.script.versions && made.length === 0))
      this.complain(`version ${version} was reached by the migrations to ${made.join()}`)
  }

  /** Two that were collected are no others' partners; nobody is left alone but a last one. */
  checkPairs(pairs: readonly (readonly string[])[] = [], joined: Joined | undefined): void {
    const all = joined ? flat(joined.items.map((it) => it.body)).filter((it) => it.do === 'side') : []
    const found = new Set(pairs.flat())
    if (found.size !== pairs.length * 2 || pairs.length !== Math.floor(all.length / 2))
      this.complain(`${all.length} were paired to ${JSON.stringify(pairs)}`)
  }

  /** Whether a step may begin now. */
  checkBegin(page: Page, step: string): void {
    const { session } = page
    if (!page.alive || session === undefined) return
    if (page.closed || session.role !== 'leader')
      this.complain(`${step} was begun by a page that does not lead`)
    if (session.status !== 'paused') return
    const last = session
      .history()
      .findLast(({ type }) => ['paused', 'resumed', 'rewound', 'started'].includes(type))
    if (last?.type === 'paused' && !page.closed && --this.credit < 0)
      this.complain(`${step} was begun in a paused session`)
  }

  /** An effect that takes so long, and fails so often first. */
  effect(page: Page, name: string, { ms = 0, fails = 0, result = '' }): (key: string) => Promise<string> {
    return async (key) => {
      if (!page.alive || page.closed || page.session?.role !== 'leader')
        this.complain(`${name} was called by a page that does not lead`)
      const { line } = this
      const calls = this.calls.get(`${line} ${name}`) ?? []
      this.calls.set(`${line} ${name}`, [...calls, key])
      if (calls.some((other) => other !== key))
        this.complain(`${name} got two keys: ${[...calls, key].join()}`)
      const owner = this.owners.get(key)
      if (owner !== undefined && owner !== name) this.complain(`${name} has the key of ${owner}`)
      this.owners.set(key, name)
      if (this.settled.has(name)) this.complain(`${name} was called again, and was stored`)
      const { flying } = page
      if (flying?.has(key)) this.complain(`${name} was called while it was on its way`)
      flying?.add(key)
      if (ms > 0) await this.pass(ms)
      flying?.delete(key)
      if (fails === Infinity) throw new Error('always')
      const times = this.flaky.get(name) ?? 0
      if (fails > 0) this.flaky.set(name, times + 1)
      if (times < fails) throw new Error(`flaky ${times}`)
      if (page.alive && page.session?.role === 'leader' && this.line === line) this.returned.add(name)
      return result
    }
  }

  /** Throws the first time. */
  failOnce(where: string): void {
    if (this.hung.has(where)) return
    this.hung.add(where)
    throw new Error(`on purpose, once ${where}`)
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimeout(resolve, ms))
  }
}

/** One page: what dies with it. */
export interface Page {
  alive: boolean
  closed?: boolean
  session?: Session<Any>
  /** At work in each step with few workers. */
  active?: Map<string, Set<unknown>>
  /** The effects on their way, by key, since it leads. */
  flying?: Set<string>
  readonly version: number
}

export function ordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(ordered)
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, it]) => [key, ordered(it)]),
  )
}

/** A list whose order says nothing. */
export function sorted(list: unknown[]): unknown[] {
  const text = (it: unknown): string => JSON.stringify(ordered(it))
  return [...list].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
}
