import type { Op } from '../../state/op'
import { isNamed } from '../../storage/flow'
import { isCached } from '../leaving'
import { FLOW, placeOf } from '../place'
import type { FlowCode } from './code'
import type { OpeningDeps } from '../opening-deps'
import type { OwnWrite, OwnWrites } from './own-writes'
import { Unanswered } from '../unanswered'

/**
 * The writes to a flow state that were on their way when a page was left. They are kept beside storage (decision 13), and
 * the next page makes them once. Those of steps are not among them, because a re-run of the step makes them.
 */
export class LeftWrites {
  readonly #deps: OpeningDeps
  readonly #code: FlowCode
  readonly #own: OwnWrites
  readonly #isKnown: () => boolean
  readonly #list: Unanswered
  /** The names of other pages' writes that were taken over. */
  readonly #taken = new Set<string>()
  /** Whether there may be a list that is no longer needed. */
  #untidy = false

  /** `isKnown`: whether the flow state was read. What was written before that was made for another state. */
  constructor(deps: OpeningDeps, code: FlowCode, own: OwnWrites, isKnown: () => boolean) {
    const { page, storage, serializer } = deps
    this.#deps = deps
    this.#code = code
    this.#own = own
    this.#isKnown = isKnown
    const key = placeOf(storage, code.definition.name).replace('dogear:', FLOW)
    this.#list = new Unanswered({ box: () => page?.localStorage, key, serializer }, own.page)
    page?.addEventListener('pagehide', this.#hide)
  }

  get #version(): number {
    return this.#code.definition.version
  }

  /** Nothing is taken over from this page any more. */
  end(): void {
    this.#deps.page?.removeEventListener('pagehide', this.#hide)
  }

  /** Leaves what is not known to be stored. */
  leave(): void {
    const { page, clock } = this.#deps
    const own = this.#own.all.filter(({ by, n, key }) => by === this.#own.page && n > 0 && key === undefined)
    if (!page || !this.#isKnown() || own.length === 0) return
    // In the form of a follower's requests, but of no session: flow state belongs to all of them.
    const asked = own.map(({ by, n, ops }) => ({ by, n, seen: 0, call: 'write', args: [ops] }))
    this.#list.write(asked, { version: this.#version, epoch: 0, base: 0, lineage: '', at: clock.now() })
    this.#untidy = true
  }

  /** Takes over others' writes whose names are not stored. Returns whether there were any. */
  async take(names: readonly string[]): Promise<boolean> {
    if (!this.#deps.page) return false
    const left: Pick<OwnWrite, 'by' | 'n' | 'ops'>[] = []
    // What newer code has left waits for newer code.
    const all = (await this.#list.read()).filter((it) => it.version <= this.#version)
    for (const { by, n, args } of all.flatMap(({ asked }) => asked)) {
      this.#untidy = true
      if (by === this.#own.page || this.#taken.has(`${by}#${n}`)) continue
      this.#taken.add(`${by}#${n}`)
      if (!isNamed(names, { by, n, key: undefined })) left.push({ by, n, ops: args[0] as readonly Op[] })
    }
    this.#own.inherit(left)
    return left.length > 0
  }

  /** All is stored, or reported as lost. */
  async tidy(): Promise<void> {
    if (!this.#untidy) return
    this.#untidy = false
    const all = await this.#list.read()
    const isDone = (by: string, n: number): boolean => by === this.#own.page || this.#taken.has(`${by}#${n}`)
    this.#list.clear(all.filter(({ asked }) => asked.every(({ by, n }) => isDone(by, n))))
  }

  readonly #hide = (event: object): void => {
    this.leave()
    // A transaction that is frozen with its page would block all others.
    if (isCached(event)) this.#deps.storage.release()
  }
}
