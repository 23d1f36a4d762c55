import type { FlowDeps } from './flow-deps'
import { flowLoadError, loadFlow } from './flow-load'
import { Origin } from './flow-origin'
import { placeOf } from './leaving'
import { emptied } from './tenure'
import { deferred, type Deferred } from '../session/deferred'
import type { FlowWrite, SessionFlow, StepChange } from '../session/flow'
import { copyJson } from '../state/json'
import { diff } from '../state/diff'
import type { Op } from '../state/op'
import { compileSchema, type CompiledSchema } from '../state/schema'
import { createStateStore, type StateStore } from '../state/store'
import { Tree } from '../state/tree'
import { Writer } from '../state/writer'
import { EarlyWrites, type Remake } from '../state/early-writes'
import { encodeFlow, isNamed, named, nextSeq, type LoadedFlow, type NamedWrite } from '../storage/flow'
import { Refusal } from '../storage/refusal'
import { storageError } from '../storage/storage-error'
import type { Channel } from '../tabs/channel'
import type { Definition } from '../workflow/workflow'

/** Makes the operations of a write for a state as it is. */
type Change = (view: Tree) => readonly Op[]

/** A write that is not known to be stored. */
interface Pending extends NamedWrite {
  readonly change: Change
  /** When it may be stored: whoever makes it must be known again after a crash, or it would be made anew. */
  after: Promise<void> | undefined
  /** It is stored, or storage has failed: trouble there never stops a flow. */
  readonly tried: Deferred<void>
}

/** Milliseconds until storage is tried again after a failure; doubled each time, up to the longest. */
const FIRST_RETRY = 1000
const LONGEST_RETRY = 60_000

/**
 * The flow state of one workflow in this page: as it was stored, with this page's own writes on top of it. Other
 * pages write it too, so each save is a compare-and-set; when another page was faster, its state is read and our
 * writes are made again for that one. Nothing is stored before the first read has settled.
 */
export class FlowState implements SessionFlow {
  readonly state: StateStore<unknown>
  readonly writer: Writer
  readonly initial: unknown
  readonly #deps: FlowDeps
  readonly #definition: Definition
  readonly #schema: CompiledSchema
  readonly #tree: Tree
  /** Names this page in what is stored. */
  readonly #page: string
  #base: LoadedFlow = { seq: 0, applied: [], state: undefined }
  #known = false
  #refused: Error | undefined
  #over = false
  #pending: Pending[] = []
  #count = 0
  #loaded: Deferred<void> = deferred()
  #failed = false
  #reading: Promise<void> | undefined
  #saving: Promise<void> | undefined
  #delay = FIRST_RETRY
  #timer: unknown
  /** How the write that is coming in is made anew. */
  readonly #making: Remake[] = []
  readonly #channel: Channel | undefined
  readonly #origin: Origin

  constructor(deps: FlowDeps, definition: Definition) {
    this.#deps = deps
    this.#definition = definition
    this.#page = deps.ids()
    this.#schema = compileSchema(definition.options.flowState)
    this.initial = copyJson(this.#schema.initial(undefined), 'flowState')
    this.#base = { ...this.#base, state: this.initial }
    this.#tree = new Tree(this.initial, deps.report)
    this.writer = new Writer(this.#schema, copyJson)
    const parts = {
      tree: this.#tree,
      writer: this.writer,
      commit: (ops: readonly Op[]) => void this.#put(ops, this.#making.pop() ?? (() => ops)),
      initial: () => this.initial,
    }
    this.state = createStateStore(parts, new EarlyWrites(parts, () => this.#making))
    this.#channel = deps.channels?.(placeOf(deps.storage, `flow:${definition.name}`))
    // Another page has stored a newer one, or everything was removed.
    if (this.#channel) this.#channel.onmessage = ({ data }) => void this.#heard(data)
    const again = (): Promise<void> | undefined =>
      this.#known && !this.#refused && !this.#over ? this.#read() : undefined
    this.#origin = new Origin(deps.storage, deps.clock, again)
    void this.fresh()
  }

  get ready(): Promise<void> {
    return this.#loaded.promise
  }

  async #heard(seq: unknown): Promise<void> {
    // What is being read now may have been read before that.
    await this.#reading
    if (seq !== this.#base.seq) await this.fresh()
  }

  fresh(): Promise<void> {
    return (this.#reading ??= this.#load().finally(() => (this.#reading = undefined)))
  }

  async #load(): Promise<void> {
    if (this.#refused || this.#over) return
    try {
      await this.#read()
    } catch (error) {
      this.#fail(error)
    }
  }

  async write(step: FlowWrite, change: StepChange): Promise<void> {
    const { core, exec } = step
    const key = core.key(exec.id, step.key)
    const known = this.#pending.find((it) => it.key === key)
    if (known) await known.tried.promise
    else if (!this.#base.applied.includes(key)) {
      const made = change(this.#tree)
      const ops = made instanceof Promise ? await made : made
      await this.#put(ops, made instanceof Promise ? () => ops : (change as Change), {
        key,
        after: core.sink.durable(exec.seq ?? 0),
      })
    }
    if (core.model.execs.get(exec.id) === exec && !exec.points.has(step.key))
      core.append({ kind: 'flowWrote', exec: exec.id, key: step.key })
  }

  async flush(): Promise<void> {
    if (this.#refused) throw this.#refused
    if (this.#pending.length > 0) await this.#save()
  }

  /** Everything stored is gone, and what was still to be stored with it. */
  forget(): void {
    this.#channel?.postMessage(0)
    for (const { tried } of this.#pending) tried.resolve()
    this.#pending = []
    this.#refused = undefined
    this.#adopt({ seq: 0, applied: [], state: this.initial })
  }

  /** Nothing is stored any more from here on. */
  stop(): void {
    this.#over = true
    this.#channel?.close()
    this.#origin.end()
    this.#deps.clock.clearTimeout(this.#timer)
  }

  #put(ops: readonly Op[], change: Change, of?: Pick<Pending, 'key' | 'after'>): Promise<void> {
    const entry: Pending = { n: ++this.#count, key: of?.key, after: of?.after, change, tried: deferred() }
    this.#pending.push(entry)
    this.#tree.apply(ops)
    if (this.#refused) entry.tried.resolve()
    else this.#save().catch(() => {})
    this.#tree.flush()
    return entry.tried.promise
  }

  #save(): Promise<void> {
    return (this.#saving ??= this.#saveAll())
  }

  async #saveAll(): Promise<void> {
    try {
      if (this.#reading) await this.#reading
      // Whatever this task writes belongs together.
      await Promise.resolve()
      while (this.#pending.length > 0 && !this.#over && !this.#refused) await this.#saveOnce()
      this.#delay = FIRST_RETRY
    } catch (error) {
      const { clock, onError } = this.#deps
      if (error instanceof Refusal) this.#fail(error)
      for (const { tried } of this.#pending) tried.resolve()
      if (this.#refused) throw this.#refused
      onError(storageError(error))
      if (!this.#over) this.#timer = clock.setTimeout(() => this.#save().catch(() => {}), this.#delay)
      this.#delay = Math.min(this.#delay * 2, LONGEST_RETRY)
      throw storageError(error)
    } finally {
      this.#saving = undefined
    }
  }

  async #saveOnce(): Promise<void> {
    const { storage, serializer, clock } = this.#deps
    if (!this.#known) return this.#read()
    for (let it = this.#held; it; it = this.#held) {
      await it.after
      it.after = undefined
    }
    // From here to the write nothing may come between what is read and what is written.
    const batch = [...this.#pending]
    const state = this.#tree.root()
    const { seq, applied } = this.#base
    const next: LoadedFlow = {
      seq: nextSeq(this.#base, clock.now(), `${this.#page}#${this.#count}`),
      applied: named(applied, this.#page, batch),
      state,
    }
    const flow = await encodeFlow(next, this.#definition, serializer, clock.now())
    if (!(await storage.writeFlow(flow, seq))) return this.#read()
    if (next.seq > this.#base.seq) this.#base = next
    this.#origin.note()
    this.#settle((it) => batch.includes(it))
    this.#channel?.postMessage(next.seq)
  }

  get #held(): Pending | undefined {
    return this.#pending.find((it) => it.after)
  }

  #settle(isStored: (entry: Pending) => boolean): void {
    for (const entry of this.#pending) if (isStored(entry)) entry.tried.resolve()
    this.#pending = this.#pending.filter((it) => !isStored(it))
  }

  async #read(): Promise<void> {
    const loaded = await loadFlow(this.#deps, this.#definition, this.#schema)
    this.#refused = undefined
    if (!loaded && this.#base.seq > 0 && (await this.#origin.isEmptied())) return this.#anew()
    this.#adopt(loaded ?? { seq: 0, applied: [], state: this.initial })
    if (loaded) this.#origin.note()
    this.#known = true
    if (this.#failed) this.#loaded = deferred()
    this.#failed = false
    this.#loaded.resolve()
  }

  /** Storage was emptied under the page: all that the page holds is stored again. */
  #anew(): void {
    this.#base = { ...this.#base, seq: 0 }
    void this.#put([], () => [])
    this.#deps.onError(emptied(`flow state of workflow "${this.#definition.name}"`))
  }

  /** Another state is stored: it is taken, and what it does not have of ours is made again on top of it. */
  #adopt(base: LoadedFlow): void {
    if (this.#known && base.seq === this.#base.seq) return
    this.#base = base
    this.#settle((it) => isNamed(base.applied, this.#page, it))
    const tree = this.#tree
    const before = tree.root()
    tree.restore(base.state)
    this.#pending = this.#pending.filter((it) => this.#again(it, tree))
    // Exactly what differs is told.
    const ops = diff(before, tree.root())
    tree.restore(before)
    tree.apply(ops)
    tree.flush()
  }

  /** Whether a write could be made again. One that does not fit any more is lost, and told. */
  #again({ change, tried }: Pending, tree: Tree): boolean {
    const before = tree.root()
    try {
      tree.apply(change(tree))
      this.#schema.initial(tree.root())
      return true
    } catch (error) {
      tree.restore(before)
      tried.resolve()
      this.#deps.report(error)
      return false
    }
  }

  #fail(error: unknown): void {
    const { storage, onError } = this.#deps
    if (this.#failed) this.#loaded = deferred()
    this.#failed = true
    const { name } = this.#definition
    if (!(error instanceof Refusal)) {
      const failure = storageError(error)
      this.#loaded.reject(failure)
      onError(failure)
      return
    }
    // A newer one is not touched at all.
    if (!error.code.startsWith('NEWER')) storage.quarantineFlow(name).catch(onError)
    this.#refused = flowLoadError(error, name, storage, () => this.#retry())
    this.#loaded.reject(this.#refused)
    for (const { tried } of this.#pending) tried.resolve()
  }

  async #retry(): Promise<void> {
    this.#refused = undefined
    await this.fresh()
    await this.ready
    if (this.#pending.length > 0) this.#save().catch(() => {})
  }
}
