import { systemClock, type Clock } from './clock'
import { randomId } from './random-id'
import { checkArgument, checkOptions } from './state/argument'
import { reportLater } from './state/subscribers'
import type { StateStore } from './state/store'
import type { GivenResources } from './workflow/resource'
import type { AnyWorkflow, FlowStateOf, ResourcesOf, StateOf } from './workflow/shape'
import { EXPIRE_AFTER, isExpired } from './storage/expiry'
import { indexedDBStorage } from './storage/adapters/indexeddb'
import { limited } from './storage/limited'
import { plainMemoryStorage } from './storage/adapters/memory'
import { jsonSerializer, type Serializer } from './storage/serializer'
import type { SessionStorage } from './storage/storage'
import type { Session } from './session/session'
import { pageChannels, type Channel } from './tabs/channel'
import { pageLocks, type Locks } from './tabs/locks'
import type { Page } from './engine/leaving'
import type { OpeningDeps } from './engine/opening-deps'
import { Registry } from './engine/registry'
import { removing } from './engine/removing'
import { list, type SessionFilter, type SessionInfo } from './engine/session-info'

/** What an engine works with. All of it has a default; tests and servers bring their own. */
export interface EngineOptions {
  /** Where sessions survive. Default: IndexedDB where there is one, else memory. */
  readonly storage?: SessionStorage | undefined
  /** How values are stored. Default: strict JSON. */
  readonly serializer?: Serializer | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Makes unique names. Default: random. */
  readonly ids?: (() => string) | undefined
  /** 0 to 1, for the jitter of retries. Default: `Math.random`. */
  readonly random?: (() => number) | undefined
  /**
   * Elects the tab that executes a session. Default: the page's Web Locks, unless the storage is in memory. With `null`
   * there is no election: a second tab only reads.
   */
  readonly locks?: Locks | null | undefined
  /** Makes the channel by which a session's tabs hear of each other. Default: a BroadcastChannel, as for `locks`. */
  readonly channel?: ((name: string) => Channel) | null | undefined
  /**
   * The page: its `pagehide` and similar events, and its `localStorage`, which keeps what is not stored yet when the page
   * is left. Default: the window, unless the storage is in memory.
   */
  readonly page?: Page | null | undefined
  /** Milliseconds that a storage call may take. Default 4,000. */
  readonly timeout?: number | undefined
  /**
   * Called with errors that no caller can catch: storage that fails, a browser that has lost what was stored, listeners
   * that throw. Default: `session.persistence` shows the first, the platform reports the others.
   */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** Which session is opened, and with what. */
export interface OpenOptions<W extends AnyWorkflow> {
  /** Names the session; another open of it gets the same one. Default: the workflow's name. */
  readonly id?: string | undefined
  /** What steps need and nothing stores: clients, loggers. Without a declared one no step starts: a run is `paused`. */
  readonly resources?: GivenResources<ResourcesOf<W>> | undefined
  /** A new session's first state, completed by the schema's defaults. Copied, never merged. A stored session needs none. */
  readonly initialState?: Partial<StateOf<W>> | undefined
  /** How this session's values are stored. Default: the engine's. Another one cannot read what is stored already. */
  readonly serializer?: Serializer | undefined
  /**
   * Milliseconds after the last save until the session expires: `engine.sweep()` removes it then, and so does this open
   * when it finds the session older. Default: 30 days, and only `sweep` removes it.
   */
  readonly expireAfter?: number | undefined
  /** Whether interrupted work goes on by itself; with false the session is paused. Default true. */
  readonly autoResume?: boolean | undefined
}

/** What the sessions of one workflow share: its flow state, and its layer of resources. */
export interface Flow<W extends AnyWorkflow> {
  /**
   * Resolves when the flow state has been read. Rejects with a LoadError when what is stored is damaged or for other
   * code: then `state` shows the defaults, and writes to it are kept in memory and stored once `retry` or `reset` of the
   * error has helped. Rejects with a StorageError or TimeoutError when storage cannot be read, which is tried again.
   */
  readonly ready: Promise<void>
  /**
   * Small data that all sessions of the workflow share, in all tabs. Stored apart: restoring a session never touches
   * it. `set` with a function and a plain `edit` may be run again when another tab was faster, so no increment is lost.
   */
  readonly state: StateStore<FlowStateOf<W>>
  /** The workflow's own layer of resources. Read-only. */
  readonly resources: Partial<ResourcesOf<W>>
  /** Merges resources by key; sessions that were waiting for them go on. */
  readonly setResources: (resources: GivenResources<ResourcesOf<W>>) => void
  /** Takes a resource out of the workflow's layer. */
  readonly deleteResource: (key: keyof ResourcesOf<W> & string) => void
}

/** Opens sessions on a storage, and looks after what is stored. Made by {@link createEngine}. */
export interface Engine {
  /**
   * Opens a session and resumes what was interrupted. The same id gives the same session.
   *
   * Rejects with WorkflowError or ArgumentError (the definition, an option), StateValidationError or SerializationError (the
   * initial state), SessionStateError (the id is open with another workflow), LoadError (what is stored) or StorageError (the
   * same, or the engine is closed).
   */
  open<W extends AnyWorkflow>(workflow: W, options?: OpenOptions<W>): Promise<Session<W>>
  /**
   * The same at once. Unless it is open already, it is still `loading`: writes go on top of what is read. Throws what is wrong
   * with the call itself.
   */
  session<W extends AnyWorkflow>(workflow: W, options?: OpenOptions<W>): Session<W>
  /** Stored sessions, newest first, without reading them. */
  list(filter?: SessionFilter): Promise<SessionInfo[]>
  /** Closes a session and removes it with all that is stored of it. */
  delete(id: string): Promise<void>
  /** What is stored of a session, if anything is, saved first: for a rescue by hand. (`import` takes `toJSON()` instead.) */
  export(id: string): Promise<unknown>
  /**
   * Opens a session from what `session.toJSON()` gave, under its own id or another one. What is refused stores nothing.
   *
   * Rejects with LoadError for what is foreign, damaged, empty or newer, and with SessionStateError for an id that exists.
   * `delete` that session first: a page that shows it then shows what is imported.
   */
  import<W extends AnyWorkflow>(
    workflow: W,
    json: unknown,
    options?: Pick<OpenOptions<W>, 'id' | 'resources' | 'serializer' | 'expireAfter'>,
  ): Promise<Session<W>>
  /** What all sessions of a workflow share. */
  flow<W extends AnyWorkflow>(workflow: W): Flow<W>
  /** Removes sessions past their `expireAfter`, open ones too, and traces of mere visits. Resolves with the sessions' ids. */
  sweep(): Promise<string[]>
  /** Deletes all sessions and flow state; with a prefix, only sessions whose id begins with it. Their tabs are `outdated`. */
  clear(options?: { prefix?: string | undefined }): Promise<void>
  /** Closes every session, and the storage's connections. */
  close(): Promise<void>
}

const registries = new WeakMap<Engine, Registry>()

/** For `dogear/testing`. */
export function registryOf(engine: Engine): Registry | undefined {
  return registries.get(engine)
}

/**
 * Makes an engine: it opens sessions on a storage. One per page is the rule.
 *
 * ```ts
 * const engine = createEngine()
 * const session = await engine.open(checkout, { id: 'cart-42', resources: { payments } })
 * const { orderId } = await session.run({ country: 'NL' })
 * ```
 *
 * @throws ArgumentError for a wrong option
 */
export function createEngine(options: EngineOptions = {}): Engine {
  checkOptions('createEngine()', options, taken)
  const deps = withDefaults(options)
  const { storage } = deps
  void storage.connect().then((lost) => lost && deps.report(lost))
  const registry = new Registry(deps)
  const session: Engine['session'] = (workflow, open = {}) =>
    registry.session(workflow, open) as unknown as Session<typeof workflow>
  const engine: Engine = Object.freeze<Engine>({
    session,
    open: async (workflow, open) => {
      const opened = session(workflow, open)
      await opened.ready
      return opened
    },
    list: (filter) => list(storage, filter),
    delete: (id) => registry.remove(id, () => storage.delete(id)),
    export: async (id) => {
      checkArgument('engine.export()', id, 'string')
      // What has happened here and waits for its window is a part of it.
      const open = registry.face(id)
      if (open) await open.flush().catch(() => {})
      return storage.export(id)
    },
    import: async (workflow, json, open = {}) =>
      (await registry.import(workflow, json, open)) as unknown as Session<typeof workflow>,
    flow: (workflow) => flowOf(registry, workflow),
    clear: (which) => registry.clear(which),
    sweep: async () => {
      const old = await expired(deps)
      await Promise.all([storage.sweep(deps.clock.now()), ...old.map((id) => engine.delete(id))])
      return old
    },
    close: async () => {
      await registry.closeAll()
      await storage.close()
    },
  })
  registries.set(engine, registry)
  return engine
}

const taken = {
  storage: 'read',
  serializer: 'serialize',
  clock: 'now',
  ids: 'function',
  random: 'function',
  locks: 'request',
  channel: 'function',
  page: 'addEventListener',
  timeout: 'number',
  onError: 'function',
}

/** The ids of the sessions that are past their time. */
async function expired({ storage, clock }: OpeningDeps): Promise<string[]> {
  const now = clock.now()
  const all = await storage.list()
  return all.filter((it) => isExpired(it, now, it.expireAfter ?? EXPIRE_AFTER)).map((it) => it.id)
}

function flowOf<W extends AnyWorkflow>(registry: Registry, workflow: W): Flow<W> {
  const flow = registry.flow(workflow)
  const layer = registry.layer(workflow)
  return {
    state: flow.state,
    get ready() {
      return flow.ready
    },
    get resources() {
      return layer.view as Partial<ResourcesOf<W>>
    },
    setResources: (values) => layer.set(values),
    deleteResource: (key) => layer.delete(key),
  }
}

function withDefaults(options: EngineOptions): OpeningDeps {
  const clock = options.clock ?? systemClock
  const timeout = options.timeout ?? 4000
  // Whoever asks for a denied IndexedDB may get an error: that is for its storage to say.
  const storage = options.storage ?? ('indexedDB' in globalThis ? indexedDBStorage() : plainMemoryStorage())
  const around = tabsOf(options, storage)
  const report = guarded(options.onError ?? reportLater)
  let told: unknown
  return {
    storage: removing(limited(storage, clock, timeout), { ...around, report }),
    serializer: options.serializer ?? jsonSerializer,
    clock,
    ids: options.ids ? checked(options.ids, 'ids', 'string') : randomId,
    random: options.random ?? Math.random,
    timeout,
    ...around,
    // One database may fail a session and its flow state, with one error.
    onError: guarded((error) => error !== told && options.onError?.((told = error))),
    report,
  }
}

/** What is named by anything but a text could not be read again, and without its channel a session would not load. */
function checked<A extends unknown[], R>(make: (...given: A) => R, name: string, takes: string): typeof make {
  return (...given) => {
    const made = make(...given)
    checkArgument(`createEngine(): ${name}()`, made, takes)
    return made
  }
}

/** A handler of errors that throws has nobody to tell, and must not break what it was told of. */
function guarded(handler: (error: unknown) => unknown): (error: unknown) => void {
  return (error) => {
    try {
      handler(error)
    } catch {
      // It had its chance.
    }
  }
}

/** What is in the memory of one page has no other tabs; neither has what is no page and no worker of one. */
function tabsOf(
  { locks, channel, page }: EngineOptions,
  { kind }: SessionStorage,
): Pick<OpeningDeps, 'locks' | 'channels' | 'page'> {
  const here = kind !== 'memory' && (typeof document !== 'undefined' || 'WorkerGlobalScope' in globalThis)
  const channels = channel && checked(channel, 'channel', 'postMessage')
  return {
    locks: (locks === undefined && here ? pageLocks() : locks) ?? undefined,
    channels: (channels === undefined && here ? pageChannels() : channels) ?? undefined,
    page: (page === undefined && here ? globalThis.window : page) ?? undefined,
  }
}
