import { StorageError } from '../storage-errors'
import type { CopyValue } from '../state/json'
import { sameContent } from '../state/same'
import { compileSchema, type CompiledSchema } from '../state/schema'
import { Tree } from '../state/tree'
import { Writer } from '../state/writer'
import type { Definition } from '../workflow/workflow'
import type { Journal } from '../storage/journal'
import { isAbsence, isOutage } from '../storage/storage-error'
import { withinLimit } from '../storage/time-limit'
import { notLoaded } from '../session/gate'
import { LiveSession } from '../session/live-session'
import { Meanwhile } from '../session/meanwhile'
import { createModel, type Model } from '../session/model/model'
import { Resources } from '../session/resources'
import type { Resumed } from '../session/session'
import { beginning } from './beginning'
import { copyFor, Keeping, type Attaching, type Storing } from './keeping'
import { explained } from './load-failure'
import type { OpeningDeps, Shared } from './opening-deps'
import { Finding, type Found } from './finding'
import { followed } from './followed'
import { upgraded } from './migration'
import { lateAnswer } from './late-answer'
import { resumed } from './resumed'
import { Surroundings } from './surroundings'
import { typedLast } from './typed-last'

/** The way of one session from its storage into memory: read, check, fold, claim, attach. */
export class Opening {
  readonly live: LiveSession
  readonly #deps: OpeningDeps
  readonly #definition: Definition
  readonly #id: string
  readonly #schema: CompiledSchema
  readonly #initialState: unknown
  readonly #lack: Error | undefined
  readonly #tree: Tree
  readonly #around: Surroundings
  readonly #keeping: Keeping
  readonly #finding: Finding
  #autoResume = true
  #reading: Promise<void> | undefined
  #resetting: Promise<void> | undefined

  constructor(
    deps: OpeningDeps,
    definition: Definition,
    id: string,
    { initialState, serializer: own, expireAfter }: Storing,
    shared: Shared,
    onClose: () => void,
  ) {
    this.#deps = deps
    this.#definition = definition
    this.#id = id
    this.#schema = compileSchema(definition.options.state, sameContent)
    const serializer = own ?? deps.serializer
    const copy = copyFor(serializer)
    this.#keeping = new Keeping(deps, definition, id, { serializer, expireAfter })
    const { state, lack } = beginning(this.#schema, initialState ?? definition.initialState, copy)
    this.#initialState = state
    this.#lack = lack
    this.#tree = new Tree(this.#initialState, deps.report)
    this.live = this.#live(copy, shared, onClose)
    this.#around = new Surroundings(deps, definition, this.live, this.#keeping, () => this.again())
    this.#finding = new Finding({
      deps,
      id,
      live: this.live,
      keeping: this.#keeping,
      around: this.#around,
      restoring: {
        definition,
        schema: this.#schema,
        copy,
        privacy: this.#keeping.privacy,
        fresh: (tree) => this.#fresh(tree),
        lack,
        clock: deps.clock,
      },
    })
  }

  #live(copy: CopyValue, { layers, flow }: Shared, onClose: () => void): LiveSession {
    const definition = this.#definition
    const { clock, ids, random, report } = this.#deps
    // Written out: with spreads, so many members make a slow and large object.
    return new LiveSession({
      id: this.#id,
      definition,
      clock,
      ids,
      random,
      copy,
      layers,
      flow,
      upgrade: upgraded,
      model: createModel(this.#initialState, ids(), this.#tree),
      writer: new Writer(this.#schema, copy),
      resources: new Resources(definition.resources, layers(definition), report),
      initialState: this.#initialState,
      report,
      privacy: this.#keeping.privacy,
      onClose: () => {
        this.#around.end()
        onClose()
      },
      takeOver: () => this.#tabs.takeOver(),
    })
  }

  /** Never rejects: the session's `ready` says how it went. */
  async start(autoResume: boolean, after?: Promise<void>): Promise<void> {
    this.#autoResume = autoResume
    this.live.reload()
    if (after) await after
    await this.again().catch(() => {})
  }

  /** Reads the session, once at a time, unless it is there already. Rejects with what `ready` rejects with. */
  again(): Promise<void> {
    return (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)))
  }

  async #read(): Promise<void> {
    const { live } = this
    if (!live.mayAttach) return
    live.reload()
    const { clock, timeout } = this.#deps
    const begun = this.#finding.begin()
    if (this.#tabs.shared) await this.#tabs.join()
    const finding = this.#finding.find(begun)
    try {
      const found = await withinLimit(clock, finding, timeout, `read of session "${this.#id}"`)
      // The app gives up, or reads again, what had come too late.
      const { journal } = live.core
      await (journal instanceof Meanwhile ? this.#late(found, journal) : this.#arrive(found))
    } catch (error) {
      // The session is shown already, or was read before this tab was to lead.
      const isThere = live.status !== 'loading' || (this.#tabs.following && live.core.model.seq > 0)
      if (isOutage(error) && live.core.remote && isThere) {
        const found = await followed(live, this.#around)
        if (found) return this.#arrive(found, error)
        if (live.status === 'loading') live.admit(resumed(clock.now(), live.core.model))
        throw error
      }
      if (this.#lack || !isOutage(error)) {
        const reason = await this.#explain(error)
        if (live.status === 'loading') this.#tabs.standDown()
        live.refuse(reason)
        throw reason
      }
      await this.#goOn(finding, error)
    }
  }

  /** What was found is shown. `silent`: storage does not say whether there is more. */
  #arrive(found: Found, silent?: Error): Promise<void> | undefined {
    const { loaded, model, history, epoch, tail } = found
    const { live } = this
    if (!live.mayAttach) return undefined
    const shown = live.core.remote && { ...live.core.model, state: this.#tree.root() }
    const ahead = this.#tabs.ahead(found)
    if (!ahead) this.#tree.restore(model ? model.tree.root() : this.#initialState)
    const own = ahead ?? (model ? { ...model, tree: this.#tree } : this.#fresh(this.#tree))
    // The session that was followed is gone. Another one begins, on which nothing of the old one is done again.
    if (shown && shown.seq > 0 && !ahead && model?.lineage !== shown.lineage)
      this.#tabs.outbox.lose(this.#id, this.#deps.onError, own.heard, this.#tabs.following?.wasStored)
    // Private values are in no storage and no message: this tab's own stay, if it is the same session.
    const same = shown && (own.seq > 0 ? shown.lineage === own.lineage : shown.seq === 0)
    if (same) this.#tree.apply(this.#keeping.privacy.complete(this.#tree, this.#schema, shown.state))
    const how = resumed(loaded?.head.savedAt ?? tail?.at, model)
    if (!ahead) live.core.recall(history)
    const beyond = own.seq > (loaded?.head.seq ?? 0)
    if (!this.#tabs.leads) return this.#follow(own, epoch ?? 0, how, beyond)
    const [journal, lead] = this.#toLead(found, own.seq)
    // Also when it was migrated: only a snapshot changes a version, and until then the old session is stored. Without what was
    // typed early, because only what is queued beside a copy is left to the next page when the session keeps no history.
    if (beyond) journal.owe({ seq: own.seq, value: live.save(own) })
    typedLast(live, this.#around.isAsked, () => {
      live.attach(own, journal, how, this.#autoResume)
      if (silent) {
        journal.claimed(silent)
        live.begin()
      }
      // What was typed here is on top again before anybody looks, also when the claim to come takes long.
      if (epoch !== undefined || shown || this.#around.isAsked) lead(epoch)
    })
    return undefined
  }

  async #follow(model: Model, epoch: number, how: Resumed, beyond = false): Promise<void> {
    if (await this.#tabs.follow(model, epoch, how, beyond)) return
    await this.#tabs.seize()
    await this.#read()
  }

  /** A session before its first record. If nothing was recorded in the one that is shown, it is that one. */
  #fresh(tree: Tree): Model {
    const { seq, lineage } = this.live.core.model
    return createModel(this.#initialState, seq > 0 ? this.#deps.ids() : lineage, tree)
  }

  /** Storage does not answer. The session lives in memory until an answer comes after all. */
  #goOn(finding: Promise<Found>, error: Error): Promise<void> | undefined {
    const { live } = this
    if (!live.mayAttach || live.core.journal instanceof Meanwhile) return undefined
    // What was typed goes on top of it. Of a session that was shown, and is gone, nothing stays.
    this.#tree.restore(this.#initialState)
    live.core.recall()
    if (!this.#tabs.leads) {
      // Older code, which this one cannot follow, has lost the session to it by then.
      const taken = (): boolean => this.#tabs.leads && !live.leading
      void finding.then((found) => (taken() ? this.#arrive(found) : undefined)).catch(() => {})
      // Nothing was read: the leader need not check whether its session is still stored.
      return this.#follow(this.#fresh(this.#tree), -1, { found: false })
    }
    const meanwhile = new Meanwhile(isAbsence(error) ? 'memory-only' : 'degraded', error)
    live.attach(this.#fresh(this.#tree), meanwhile, { found: false }, true)
    this.#tabs.lead(undefined, 0)
    this.#deps.onError(error)
    return void this.#untilRead(finding, meanwhile)
  }

  async #untilRead(finding: Promise<Found>, meanwhile: Meanwhile): Promise<void> {
    try {
      const found = await lateAnswer(finding, () => this.#finding.find(), meanwhile, this.#deps.clock)
      if (found) this.#late(found, meanwhile)
    } catch (thrown) {
      if (meanwhile.over) return
      const error = await this.#explain(thrown)
      meanwhile.persistence = notLoaded(error)
      this.live.changed()
      this.#deps.onError(error)
    }
  }

  /** The late answer has come. What was typed goes on top; what is stored is never overwritten by anything older. */
  #late(found: Found, meanwhile: Meanwhile): void {
    const { live } = this
    if (found.model === undefined) {
      const { seq } = live.core.model
      const [journal, lead] = this.#toLead(found, seq)
      live.keep(journal)
      if (seq > 0) journal.owe()
      lead(found.epoch)
    } else if (meanwhile.binding) {
      const error = new StorageError(
        `session "${this.#id}" was read too late: a run has gone on without it; reload to go back to what is stored`,
      )
      meanwhile.persistence = Object.freeze({ status: 'degraded', error })
      live.changed()
      this.#deps.onError(error)
    } else {
      // Other records follow now than other tabs have heard.
      this.#tabs.end()
      void this.#arrive(found)
      meanwhile.restart(live)
    }
  }

  /** The journal of a session that is led from `seq` on, and what is told its epoch: where that is to come, by the journal. */
  #toLead({ loaded, history, epoch, tail, dropped }: Found, seq: number): [Journal, Attaching['lead']] {
    const { tabs, page } = this.#around
    if (dropped) page?.drop(dropped, history)
    page?.begin(tail, Math.floor(loaded?.head.epoch ?? 0))
    const lead = (claimed: number | undefined): void => {
      if (tail && claimed !== undefined) page?.settle(tail, claimed)
      tabs.lead(claimed, seq, loaded?.head.epoch)
      page?.heeded()
    }
    return [this.#keeping.journal(this.live, { epoch, lead, loaded, tabs }), lead]
  }

  get #tabs(): Surroundings['tabs'] {
    return this.#around.tabs
  }

  #explain(thrown: unknown): Promise<Error> {
    const remedies = { retry: () => this.again(), reset: () => this.#reset() }
    const isClosed = () => this.live.closing !== undefined
    return explained(thrown, this.#id, { ...this.#deps, isClosed, ...remedies })
  }

  /** Gives up what is stored, unless it has been loaded meanwhile. Everybody who asks shares one reset. */
  #reset(): Promise<void> {
    const { storage } = this.#deps
    const reset = async (): Promise<void> => {
      await this.#reading?.catch(() => {})
      if (!this.live.mayAttach) return
      await storage.quarantine(this.#id)
      // Other code may have opened it meanwhile, and have loaded it.
      if (!this.live.mayAttach) return
      await storage.discard(this.#id)
      await this.again()
    }
    return (this.#resetting ??= reset().finally(() => (this.#resetting = undefined)))
  }
}
