import type { Clock } from './clock'
import { LoadError, StaleEpochError, StorageError, type LoadRemedies } from './errors'
import { accept, continued, Refused, type Restored } from './restoring'
import { Surroundings } from './surroundings'
import { resumed } from './resumed'
import type { Page } from './leaving'
import { LiveSession } from './session/live-session'
import { createModel, type Model } from './session/model'
import { Resources, type ResourceLayer } from './session/resources'
import { Meanwhile } from './session/meanwhile'
import { copyJson } from './state/json'
import { mend } from './state/mend'
import { compileSchema, type CompiledSchema } from './state/schema'
import { Tree } from './state/tree'
import { Writer } from './state/writer'
import { FORMAT } from './storage/format'
import { Journal } from './storage/journal'
import type { Tail } from './storage/exit-journal'
import { loadStored, Refusal, type Loaded } from './storage/load'
import type { Serializer } from './storage/serializer'
import type { SessionStorage, StoredShape } from './storage/storage'
import { isAbsence, isOutage, storageError } from './storage/storage-error'
import { withinLimit } from './storage/time-limit'
import type { Channels } from './tabs/channel'
import type { Locks } from './tabs/locks'
import type { Definition } from './workflow/workflow'

export interface OpeningDeps {
  readonly storage: SessionStorage
  readonly serializer: Serializer
  readonly clock: Clock
  readonly ids: () => string
  readonly random: () => number
  readonly timeout: number
  /** What tells the tabs of a browser apart; none where sessions are shared with nobody. */
  readonly locks: Locks | undefined
  readonly channels: Channels | undefined
  /** The page that may be left. */
  readonly page: Page | undefined
  readonly onError: (error: unknown) => void
  /** Hears of what listeners throw. */
  readonly report: (error: unknown) => void
}

/** The way of one session from its storage into memory: read, check, fold, claim, attach. */
export class Opening {
  readonly live: LiveSession
  readonly #deps: OpeningDeps
  readonly #definition: Definition
  readonly #id: string
  readonly #schema: CompiledSchema
  readonly #initialState: unknown
  readonly #tree: Tree
  readonly #around: Surroundings
  #autoResume = true
  #reading: Promise<void> | undefined
  #resetting: Promise<void> | undefined

  constructor(
    deps: OpeningDeps,
    definition: Definition,
    id: string,
    initialState: unknown,
    flow: ResourceLayer,
    onClose: () => void,
  ) {
    this.#deps = deps
    this.#definition = definition
    this.#id = id
    this.#schema = compileSchema(definition.options.state)
    this.#initialState = copyJson(
      this.#schema.initial(initialState ?? definition.initialState),
      'initialState',
    )
    this.#tree = new Tree(this.#initialState, deps.report)
    const { clock, ids, random } = deps
    this.live = new LiveSession({
      id,
      definition,
      model: createModel(this.#initialState, ids(), this.#tree),
      clock,
      ids,
      random,
      copy: copyJson,
      writer: new Writer(this.#schema, copyJson),
      mend: (state) => (definition.options.state ? mend(this.#schema, state) : []),
      resources: new Resources(definition.resources, flow),
      initialState: this.#initialState,
      report: deps.report,
      onClose: () => {
        this.#around.end()
        onClose()
      },
      takeOver: () => this.#tabs.takeOver(),
    })
    this.#around = new Surroundings(deps, definition, this.live, () => this.again())
  }

  /** Never rejects: the session's `ready` says how it went. */
  async start(autoResume: boolean, after?: Promise<void>): Promise<void> {
    this.#autoResume = autoResume
    this.live.reload()
    await after
    await this.again().catch(() => {})
  }

  /** Reads the session, once at a time, unless it is there already. Rejects with what `ready` rejects with. */
  again(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #read(): Promise<void> {
    if (!this.live.mayAttach) return
    this.live.reload()
    const { clock, timeout } = this.#deps
    if (this.#tabs.shared) await this.#tabs.join()
    const finding = this.#find()
    try {
      await this.#arrive(await withinLimit(clock, finding, timeout, `read of session "${this.#id}"`))
    } catch (error) {
      // It has been shown for long: it stays as it is.
      if (isOutage(error) && this.live.core.remote) throw error
      if (!isOutage(error)) {
        const explained = await this.#explain(error)
        this.live.refuse(explained)
        throw explained
      }
      await this.#goOn(finding, error)
    }
  }

  /** What is stored, claimed for this page. Takes as long as it takes. */
  async #find(): Promise<Found> {
    const { storage, serializer } = this.#deps
    const definition = this.#definition
    const parts = { definition, schema: this.#schema, fresh: (tree: Tree) => this.#fresh(tree) }
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const loaded = await loadStored(storage, this.#id, serializer, (head) => accept(definition, head))
      const tail = this.#tabs.leads ? await this.#around.page?.left() : undefined
      const { model, history } = continued(parts, loaded, tail)
      const found = { loaded, model, history, tail }
      if (!this.live.mayAttach) break
      if (!this.#tabs.leads) return { ...found, epoch: loaded?.head.epoch ?? 0 }
      const expected = loaded?.head.seq ?? 0
      const { epoch, seq } = await storage.claim(this.#id, this.#shape, expected)
      if (Number.isSafeInteger(epoch)) return { ...found, epoch: epoch as number }
      // Else somebody has written between the two: what was read is old already.
      if (seq === expected) break
    }
    throw new StorageError(`session "${this.#id}" cannot be claimed`)
  }

  #arrive({ loaded, model, history, epoch, tail }: Found): Promise<void> | undefined {
    const { live } = this
    if (!live.mayAttach) return undefined
    const ahead = this.#tabs.ahead(loaded?.head, model)
    if (!ahead) this.#tree.restore(model ? model.tree.root() : this.#initialState)
    const own = ahead ?? (model ? { ...model, tree: this.#tree } : this.#fresh(this.#tree))
    const how = resumed(loaded?.head.savedAt ?? tail?.at, model)
    if (!ahead) live.core.history = history
    if (!this.#tabs.leads) return this.#tabs.follow(own, epoch, how)
    const journal = this.#journal(epoch, loaded)
    const { seq } = own
    if (seq > (loaded?.head.seq ?? 0)) journal.owe({ seq, value: live.save(own) })
    live.attach(own, journal, how, this.#autoResume)
    if (tail) this.#around.page?.settle(tail, epoch)
    this.#tabs.lead(epoch, seq)
    return undefined
  }

  #fresh(tree: Tree): Model {
    return createModel(this.#initialState, this.live.core.model.lineage, tree)
  }

  /** Storage does not answer: the session lives in memory, until an answer comes after all. */
  #goOn(finding: Promise<Found>, error: Error): Promise<void> | undefined {
    const { live } = this
    if (!live.mayAttach || live.core.sink instanceof Meanwhile) return undefined
    if (!this.#tabs.leads) return this.#tabs.follow(this.#fresh(this.#tree), 0, { found: false })
    const meanwhile = new Meanwhile(isAbsence(error) ? 'memory-only' : 'degraded', error)
    this.#tree.restore(this.#initialState)
    live.attach(this.#fresh(this.#tree), meanwhile, { found: false }, true)
    this.#deps.onError(error)
    void this.#await(finding, meanwhile)
    return undefined
  }

  async #await(finding: Promise<Found>, meanwhile: Meanwhile): Promise<void> {
    try {
      this.#late(await finding, meanwhile)
    } catch (thrown) {
      if (meanwhile.over) return
      if (thrown instanceof Refusal || thrown instanceof Refused) {
        const error = await this.#explain(thrown)
        meanwhile.show({ status: 'error', error })
        this.live.changed()
        this.#deps.onError(error)
        return
      }
      const { clock } = this.#deps
      const timer = clock.setTimeout(() => void this.#await(this.#find(), meanwhile), NEXT_LOOK)
      meanwhile.onEnd = () => clock.clearTimeout(timer)
    }
  }

  /** The answer has come. What was typed goes on top; what is stored is never overwritten by what is not newer. */
  #late(found: Found, meanwhile: Meanwhile): void {
    const { live } = this
    if (meanwhile.over) return
    if (found.model === undefined) {
      const journal = this.#journal(found.epoch, undefined)
      live.keep(journal)
      const { seq } = live.core.model
      if (seq > 0) journal.owe({ seq, value: live.save() })
      this.#tabs.lead(found.epoch, seq)
    } else if (meanwhile.binding) {
      const error = new StorageError(
        `session "${this.#id}" was read too late: a run has gone on without it; reload to go back to what is stored`,
      )
      meanwhile.show({ status: 'degraded', error })
      live.changed()
      this.#deps.onError(error)
    } else {
      const { started } = meanwhile
      void this.#arrive(found)
      if (started) live.restart(started.event)
    }
  }

  #journal(epoch: number, loaded: Loaded | undefined): Journal {
    const { storage, serializer, clock, timeout, onError } = this.#deps
    const { live } = this
    return new Journal({
      storage,
      id: this.#id,
      clock,
      serializer,
      timeout,
      shape: this.#shape,
      ...(loaded && { stored: loaded.sizes }),
      epoch: () => epoch,
      status: () => live.status,
      snapshot: () => ({ seq: live.core.model.seq, value: live.save() }),
      onChange: () => live.changed(),
      onError: (error) => {
        // Before anybody who waits for storage goes on.
        if (error instanceof StaleEpochError && !this.#tabs.fenced()) live.fence(error)
        onError(error)
      },
    })
  }

  get #tabs(): Surroundings['tabs'] {
    return this.#around.tabs
  }

  get #shape(): StoredShape {
    return { format: FORMAT, workflow: this.#definition.name, version: this.#definition.version }
  }

  async #explain(thrown: unknown): Promise<Error> {
    const { storage, onError } = this.#deps
    const remedies: LoadRemedies = {
      retry: () => this.again(),
      reset: () => this.#reset(),
      export: () => storage.export(this.#id),
    }
    if (!(thrown instanceof Refusal || thrown instanceof Refused)) {
      const error = storageError(thrown)
      return error instanceof StorageError ? Object.assign(error, remedies) : error
    }
    // A newer record is not touched at all.
    if (!thrown.code.startsWith('NEWER')) await storage.quarantine(this.#id).catch(onError)
    return new LoadError(thrown.code, this.#id, thrown.message, remedies, thrown.cause)
  }

  /** Gives up what is stored, unless it has been loaded meanwhile. Everybody who asks shares one reset. */
  #reset(): Promise<void> {
    const { storage } = this.#deps
    const reset = async (): Promise<void> => {
      await this.#reading?.catch(() => {})
      if (!this.live.mayAttach) return
      await storage.quarantine(this.#id)
      await storage.discard(this.#id)
      await this.again()
    }
    this.#resetting ??= reset().finally(() => (this.#resetting = undefined))
    return this.#resetting
  }
}

/** What a late look at the storage has found. */
interface Found extends Restored {
  readonly loaded: Loaded | undefined
  readonly epoch: number
  /** What a page had left in its exit journal; it is part of the model, if it goes on where storage ends. */
  readonly tail: Tail | undefined
}

/** Milliseconds until storage that failed is looked at again. */
const NEXT_LOOK = 30_000
/** Reads and claims in a row that somebody else's writes may spoil. */
const MOST_TRIES = 100
