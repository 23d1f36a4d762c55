import { apart } from '../../state/apart'
import { share } from '../../state/sharing'
import type { Op } from '../../state/op'
import { createStateStore, type StateStore } from '../../state/store'
import { Tree } from '../../state/tree'
import type { Writer } from '../../state/writer'
import { EarlyWrites, type Remake } from '../../state/early-writes'
import { isPromise } from '../../state/thenable'
import type { Definition } from '../../workflow/workflow'
import { encodeFlow, hasAll, nextSeq, NOTHING, type LoadedFlow } from '../../storage/flow'
import { Outage } from '../../storage/outage'
import { Refusal } from '../../storage/refusal'
import { storageError } from '../../storage/storage-error'
import { deferred, type Deferred } from '../../session/deferred'
import type { FlowAttempt, SessionFlow, StepChange } from '../../session/flow'
import { flowChannel } from './channel'
import { FlowCode } from './code'
import { heldAgain } from './held'
import { flowLoadError, loadFlow } from './load'
import { Origin } from './origin'
import { LeftWrites } from './left-writes'
import { OwnWrites, type Change, type OwnWrite } from './own-writes'
import type { OpeningDeps } from '../opening-deps'

/**
 * The flow state of one workflow in this page: as it was stored, with this page's own writes on top of it. Other pages write
 * it too, so each save is a compare-and-set; when another page was faster, its state is read and our writes are made again for
 * that one. Nothing is stored before the first read has settled.
 */
export class FlowState implements SessionFlow {
  readonly state: StateStore<unknown>
  readonly writer: Writer
  readonly #deps: OpeningDeps
  readonly #code: FlowCode
  readonly #tree: Tree
  readonly #own: OwnWrites
  readonly #left: LeftWrites
  #base: LoadedFlow
  #known = false
  /** Something was stored when it was first read, so what was written before that was based on another state. */
  #came = false
  #refused: Error | undefined
  #over = false
  #loaded: Deferred<void> = deferred()
  #failed = false
  #reading: Promise<void> | undefined
  #saving: Promise<void> | undefined
  /** Saving has failed, and was reported. */
  #unsaved = false
  readonly #outage = new Outage()
  #timer: unknown
  /** How to make the next write again: the store puts it here, and the commit of the write takes it out. */
  readonly #making: Remake[] = []
  readonly #channel: ReturnType<typeof flowChannel>
  readonly #origin: Origin

  constructor(deps: OpeningDeps, definition: Definition) {
    this.#deps = deps
    this.#code = new FlowCode(definition)
    this.writer = this.#code.writer
    this.#own = new OwnWrites(deps.ids())
    this.#left = new LeftWrites(deps, this.#code, this.#own, () => this.#known)
    this.#base = { ...NOTHING, state: this.initial }
    this.#tree = new Tree(this.initial, deps.report)
    const parts = {
      tree: this.#tree,
      writer: this.writer,
      commit: (ops: readonly Op[]) => void this.#put(ops, this.#making.pop() ?? (() => ops)),
      initial: () => this.initial,
      apart,
      base: () => this.#came,
    }
    this.state = createStateStore(parts, new EarlyWrites(parts, () => this.#making))
    this.#channel = flowChannel(deps, definition.name, (seq) => void this.#heard(seq))
    const again = (): Promise<void> | undefined =>
      this.#known && !this.#refused && !this.#over ? this.#read() : undefined
    this.#origin = new Origin(deps.storage, deps.clock, again)
    void this.fresh()
  }

  get initial(): unknown {
    return this.#code.initial
  }

  get ready(): Promise<void> {
    return this.#loaded.promise
  }

  /** Newer code of the workflow: what is there is shown as that takes it, and what is stored is read anew. */
  renew(definition: Definition): void {
    if (!this.#code.renew(definition)) return
    if (this.#known || this.#failed) this.#loaded = deferred()
    this.#known = this.#failed = false
    this.#adopt(this.#code.shown(this.#base), true)
    this.#retry().catch(() => {})
  }

  async #heard(seq: unknown): Promise<void> {
    await this.#reading // It may have begun before that.
    if (seq !== this.#base.seq) await this.fresh()
  }

  fresh(): Promise<void> {
    return (this.#reading ??= this.#load().finally(() => (this.#reading = undefined)))
  }

  async #load(): Promise<void> {
    if (this.#refused || this.#over) return
    try {
      await this.#read()
      if (this.#own.all.length === 0) this.#outage.failures = 0
    } catch (error) {
      this.#fail(error)
      if (!this.#refused) this.#later()
    }
  }

  /** Storage is in trouble, and is tried again, less and less often. Writes that wait read first. */
  #later(): void {
    if (this.#over) return
    this.#timer ??= this.#deps.clock.setTimeout(() => {
      this.#timer = undefined
      if (this.#own.all.length > 0) this.#save().catch(() => {})
      else if (this.#failed) void this.fresh()
    }, this.#outage.pause())
  }

  async write(attempt: FlowAttempt, name: string, change: StepChange): Promise<void> {
    const { core, exec } = attempt
    const key = core.key(exec.id, name)
    const known = this.#own.all.find((it) => it.key === key)
    if (known) await attempt.awaiting(known.tried.promise, true)
    else if (!this.#base.applied.includes(key)) {
      const made = change(this.#tree)
      const ops = isPromise(made) ? await made : made
      const again = isPromise(made) ? () => ops : (change as Change)
      await attempt.awaiting(this.#put(ops, again, { key, after: core.durable() }), true)
    }
    if (core.model.execs.get(exec.id) === exec && !exec.points.has(name))
      core.append({ kind: 'flowWrote', exec: exec.id, key: name })
  }

  async flush(): Promise<void> {
    if (this.#refused) throw this.#refused
    if (this.#over || this.#own.all.length === 0) return
    await this.#save()
    if (this.#own.all.length > 0) await new Promise(() => {}) // The page was killed meanwhile: its calls never settle.
  }

  /** Everything that was stored is gone, and so is what was still to be stored. */
  forget(): void {
    this.#channel?.postMessage(0)
    this.#own.settle(() => true)
    this.#refused = undefined
    this.#adopt({ ...NOTHING, state: this.initial }, true)
  }

  /** What could not be stored is left to the next page. */
  close(): void {
    this.#left.leave()
    this.stop()
  }

  /** Nothing is stored any more from here on. */
  stop(): void {
    this.#over = true
    this.#channel?.close()
    this.#origin.end()
    this.#left.end()
    this.#deps.clock.clearTimeout(this.#timer)
  }

  #put(ops: readonly Op[], change: Change, of?: Partial<OwnWrite>): Promise<void> {
    const { tried } = this.#own.add(ops, change, of)
    this.#tree.apply(ops)
    if (this.#refused) tried.resolve()
    else this.#save().catch(() => {})
    this.#tree.flush()
    return tried.promise
  }

  #save(): Promise<void> {
    return (this.#saving ??= this.#saveAll())
  }

  async #saveAll(): Promise<void> {
    try {
      if (this.#reading) await this.#reading
      // All writes of this task belong together.
      await Promise.resolve()
      while (this.#own.all.length > 0 && !this.#over && !this.#refused) await this.#saveOnce()
      if (this.#own.all.length === 0) await this.#left.tidy()
      this.#outage.failures = 0
      this.#unsaved = false
    } catch (thrown) {
      if (thrown instanceof Refusal) this.#fail(thrown)
      this.#own.tried()
      if (this.#refused) throw this.#refused
      const error = storageError(thrown)
      if (!this.#unsaved) this.#deps.onError(error)
      this.#unsaved = true
      this.#later()
      throw error
    } finally {
      this.#saving = undefined
    }
  }

  async #saveOnce(): Promise<void> {
    const { storage, clock } = this.#deps
    if (!this.#known) return this.#read()
    await this.#own.released()
    // From here on nothing may come between the read and the write.
    const batch = [...this.#own.all]
    const { seq, applied } = this.#base
    const next: LoadedFlow = {
      seq: nextSeq(this.#base, clock.now(), this.#own.newest),
      applied: this.#own.names(applied, batch),
      state: this.#tree.root(),
    }
    const flow = await encodeFlow(next, this.#code.definition, this.#deps)
    this.#origin.look()
    const refused = !(await storage.writeFlow(flow, seq))
    if (refused) await this.#read()
    if (this.#outage.inVain(refused && this.#base.seq === seq))
      throw new Error(`flow state "${this.#code.definition.name}" is refused`)
    if (refused || !this.#known) return // Newer code reads what has landed.
    if (next.seq > this.#base.seq) this.#base = next
    this.#origin.note()
    this.#own.settle((it) => batch.includes(it))
    if (!this.#over) this.#channel?.postMessage(next.seq)
  }

  async #read(): Promise<void> {
    const { seq } = this.#base
    const loaded = await loadFlow(this.#deps, this.#code)
    this.#refused = undefined
    const isLost = await this.#isLost(loaded)
    const base = loaded ?? { ...NOTHING, state: this.initial }
    const owes = (await this.#left.take(base.applied)) || isLost
    this.#came ||= !this.#known && base.seq > 0
    // Where something of this page has landed meanwhile, what was read may be older. Newer code reads its own number anew.
    const isLater = !isLost && this.#base.seq !== seq
    this.#adopt(isLater ? this.#base : base, owes || (seq > 0 && !this.#known))
    this.#known = true
    if (owes) this.#save().catch(() => {})
    if (loaded) this.#origin.note()
    if (this.#failed) this.#loaded = deferred()
    this.#failed = false
    this.#loaded.resolve()
  }

  /** Whether storage was emptied under the page: then what it holds and storage does not is stored again. */
  async #isLost(loaded: LoadedFlow | undefined): Promise<boolean> {
    const held = this.#base
    const isThere = held.seq === 0 || hasAll(loaded?.applied ?? [], held.applied)
    if (isThere || !(await this.#origin.isEmptied())) return false
    this.#own.recover(heldAgain(held, this.#code, this.#deps.onError))
    return true
  }

  /** Takes the stored state if it is another one, or `always`, and makes our writes that it lacks again on top of it. */
  #adopt(base: LoadedFlow, always = false): void {
    if (base.seq === this.#base.seq && !always) return
    this.#base = base
    // Some of our writes have landed without an answer, so nobody was told.
    if (this.#own.stored(base.applied) && !this.#over) this.#channel?.postMessage(base.seq)
    const tree = this.#tree
    const before = tree.root()
    tree.restore(base.state)
    this.#own.again(tree, base.applied, this.writer.schema, this.#deps.report)
    // Listeners hear of exactly what differs.
    share(tree, before)
    tree.flush()
  }

  #fail(error: unknown): void {
    const { storage, onError } = this.#deps
    const known = this.#failed
    if (known) this.#loaded = deferred()
    this.#failed = true
    if (error instanceof Refusal) {
      // A newer one is not touched at all.
      if (!error.code.startsWith('NEWER')) storage.quarantineFlow(this.#code.definition.name).catch(onError)
      this.#refused = flowLoadError(error, this.#code.definition.name, this.#deps, () => this.#retry())
      this.#own.tried()
    }
    const failure = this.#refused ?? storageError(error)
    this.#loaded.reject(failure)
    // Reported once, though every session that is opened reads it anew.
    if (!known || this.#refused) onError(failure)
  }

  async #retry(): Promise<void> {
    this.#refused = undefined
    await this.fresh()
    await this.ready
    if (this.#own.all.length > 0) this.#save().catch(() => {})
  }
}
