import type { Clock } from './clock'
import { LoadError, StaleEpochError, type LoadErrorCode } from './errors'
import { interrupted } from './session/interruption'
import type { Journaling } from './session/journaling'
import { LiveSession } from './session/live-session'
import { createModel, type Model } from './session/model'
import type { SessionRecord } from './session/record'
import { reduce } from './session/reduce'
import { Resources, type ResourceLayer } from './session/resources'
import { restoreModel, type SavedModel, saveModel } from './session/saved-model'
import type { Resumed } from './session/session'
import { copyJson } from './state/json'
import { mend } from './state/mend'
import { sameJson } from './state/same'
import { compileSchema, type CompiledSchema } from './state/schema'
import { Tree } from './state/tree'
import { Writer } from './state/writer'
import { FORMAT } from './storage/format'
import { Journal } from './storage/journal'
import { loadStored, Refusal, type Loaded } from './storage/load'
import type { Serializer } from './storage/serializer'
import type { SessionStorage, StoredHead } from './storage/storage'
import { storageError } from './storage/storage-error'
import { withinLimit } from './storage/time-limit'
import type { Definition } from './workflow/workflow'

export interface OpeningDeps {
  readonly storage: SessionStorage
  readonly serializer: Serializer
  readonly clock: Clock
  readonly ids: () => string
  readonly random: () => number
  readonly timeout: number
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
    this.#initialState = copyJson(this.#schema.initial(initialState), 'initialState')
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
      onClose,
    })
  }

  /** Never rejects: the session's `ready` says how it went. */
  async start(autoResume: boolean, after?: Promise<void>): Promise<void> {
    try {
      await after
      await this.#load(autoResume)
    } catch (error) {
      this.live.refuse(await this.#explain(error, autoResume))
    }
  }

  async #load(autoResume: boolean): Promise<void> {
    const { storage, serializer, clock, timeout } = this.#deps
    const limited = <T>(call: Promise<T>, what: string): Promise<T> =>
      withinLimit(clock, call, timeout, `${what} of session "${this.#id}"`)
    for (;;) {
      const loaded = await limited(
        loadStored(storage, this.#id, serializer, (head) => this.#accept(head)),
        'read',
      )
      const model = loaded && this.#fold(loaded)
      const shape = { format: FORMAT, workflow: this.#definition.name, version: this.#definition.version }
      const { epoch } = await limited(storage.claim(this.#id, shape, loaded?.head.seq ?? 0), 'claim')
      // Somebody has written between the two: what was read is old already.
      if (epoch === undefined) continue
      const journal = this.#journal(epoch, loaded)
      this.live.attach(
        model ?? createModel(this.#initialState, this.live.core.model.lineage, this.#tree),
        journal,
        resumed(loaded?.head, model),
        autoResume,
      )
      return
    }
  }

  #accept(head: StoredHead): void {
    const { name, version } = this.#definition
    if (head.workflow !== name)
      throw new Refused('WRONG_WORKFLOW', `it belongs to workflow "${head.workflow}", not to "${name}"`)
    if (head.version > version)
      throw new Refused(
        'NEWER_VERSION',
        `it has version ${head.version}, this code knows ${version}; reload the page`,
      )
    if (head.version < version)
      throw new Refused(
        'MIGRATION_MISSING',
        `it has version ${head.version}, and nothing migrates it to ${version}`,
      )
  }

  /** Snapshot and records, folded; beside the tree that is shown, until all of it has turned out to be good. */
  #fold({ snapshot, records }: Loaded): Model {
    const aside = new Tree(undefined)
    let model: Model
    try {
      model = snapshot
        ? restoreModel(snapshot.value as SavedModel, aside)
        : createModel(this.#initialState, this.live.core.model.lineage, aside)
      for (const record of records) reduce(model, record as SessionRecord)
    } catch (error) {
      throw new Refused('UNREADABLE_RECORD', 'its records do not fit together', error)
    }
    const state = model.tree.root()
    this.#check(state)
    this.#tree.restore(state)
    return { ...model, tree: this.#tree }
  }

  #check(state: unknown): void {
    let accepted
    try {
      accepted = this.#schema.initial(state)
    } catch (error) {
      throw new Refused(
        'STATE_INVALID',
        `its state does not pass the schema: ${(error as Error).message}`,
        error,
      )
    }
    if (!sameJson(accepted, state))
      throw new Refused('STATE_INVALID', 'the schema would change its state; raise the version')
  }

  #journal(epoch: number, loaded: Loaded | undefined): Journaling {
    const { storage, serializer, clock, timeout, onError } = this.#deps
    const { live } = this
    return new Journal({
      storage,
      id: this.#id,
      clock,
      serializer,
      timeout,
      shape: { format: FORMAT, workflow: this.#definition.name, version: this.#definition.version },
      ...(loaded && { stored: loaded.sizes }),
      epoch: () => epoch,
      status: () => live.status,
      snapshot: () => ({
        seq: live.core.model.seq,
        value: { ...saveModel(live.core.model), resourceKeys: live.core.options.resources.keys() },
      }),
      onChange: () => live.changed(),
      onError: (error) => {
        // Before anybody who waits for storage goes on.
        if (error instanceof StaleEpochError) live.fence(error)
        onError(error)
      },
    })
  }

  async #explain(error: unknown, autoResume: boolean): Promise<Error> {
    if (!(error instanceof Refusal || error instanceof Refused)) return storageError(error)
    const { storage } = this.#deps
    // A newer record is not touched at all.
    if (!error.code.startsWith('NEWER')) await storage.quarantine(this.#id).catch(this.#deps.onError)
    const again = async (): Promise<void> => {
      this.live.reload()
      try {
        await this.#load(autoResume)
      } catch (failure) {
        const explained = await this.#explain(failure, autoResume)
        this.live.refuse(explained)
        throw explained
      }
    }
    return new LoadError(
      error.code,
      this.#id,
      error.message,
      {
        retry: again,
        reset: async () => {
          await storage.quarantine(this.#id)
          await storage.discard(this.#id)
          await again()
        },
        export: () => storage.export(this.#id),
      },
      error.cause,
    )
  }
}

/** Stored data that is whole and yet not for this code. */
class Refused extends Error {
  readonly code: LoadErrorCode
  constructor(code: LoadErrorCode, reason: string, cause?: unknown) {
    super(reason, { cause })
    this.code = code
  }
}

function resumed(head: StoredHead | undefined, model: Model | undefined): Resumed {
  if (head === undefined || model === undefined) return { found: false }
  const cut = interrupted(model).length > 0 ? 'crash' : 'return'
  return { found: true, reason: wasReloaded() ? 'reload' : cut, savedAt: head.savedAt }
}

declare const performance:
  { getEntriesByType?(type: string): readonly { readonly type?: string }[] } | undefined

/** Whether the page itself says that it was reloaded. */
function wasReloaded(): boolean {
  if (typeof performance === 'undefined') return false
  return performance.getEntriesByType?.('navigation')[0]?.type === 'reload'
}
