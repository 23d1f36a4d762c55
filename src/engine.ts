import { systemClock, type Clock } from './clock'
import { StorageError } from './errors'
import { Opening, type OpeningDeps } from './opening'
import { LiveSession } from './session/live-session'
import { makeFace } from './session/face'
import { ResourceLayer } from './session/resources'
import type { Session } from './session/session'
import { indexedDBStorage } from './storage/indexeddb'
import { memoryStorage } from './storage/memory'
import { jsonSerializer, type Serializer } from './storage/serializer'
import type { SessionStorage, StorageFilter, StoredSessionInfo } from './storage/storage'
import type { AnyWorkflow, ResourcesOf, StateOf } from './workflow/shape'
import { definitionOf } from './workflow/workflow'

export interface EngineOptions {
  /** Where sessions survive. Default: IndexedDB where there is one, else memory. */
  readonly storage?: SessionStorage
  /** How values are stored. Default: strict JSON. */
  readonly serializer?: Serializer
  /** Default: the system's. */
  readonly clock?: Clock
  /** Makes unique names. Default: random. */
  readonly ids?: () => string
  /** 0 to 1, for the jitter of retries. Default: `Math.random`. */
  readonly random?: () => number
  /** Milliseconds that a storage call may take. Default 4,000. */
  readonly timeout?: number
  /** Told of trouble that no caller can catch, as storage that fails. Default: nobody; `session.persistence` shows it. */
  readonly onError?: (error: unknown) => void
}

export interface OpenOptions<W extends AnyWorkflow> {
  /** Names the session; another open of it gets the same one. Default: the workflow's name. */
  readonly id?: string
  readonly resources?: { [K in keyof ResourcesOf<W>]?: ResourcesOf<W>[K] }
  /** What a new session's state begins with, completed by the schema's defaults; copied, never merged later. */
  readonly initialState?: Partial<StateOf<W>>
  /** Whether interrupted work goes on by itself. Default true; else the session is paused. */
  readonly autoResume?: boolean
}

/** The sessions of one workflow together. */
export interface Flow<W extends AnyWorkflow> {
  readonly setResources: (resources: { [K in keyof ResourcesOf<W>]?: ResourcesOf<W>[K] }) => void
  readonly deleteResource: (key: keyof ResourcesOf<W> & string) => void
}

export interface Engine {
  /**
   * Opens a session and resumes what was interrupted. The same id gives the same session.
   *
   * Rejects with WorkflowError for a wrong definition, StateValidationError for an initial state that the schema
   * refuses, LoadError when what is stored cannot be loaded, StorageError when storage cannot be read.
   */
  open<W extends AnyWorkflow>(workflow: W, options?: OpenOptions<W>): Promise<Session<W>>
  /** The same at once, still `loading`: writes made meanwhile go on top of what is read. */
  session<W extends AnyWorkflow>(workflow: W, options?: OpenOptions<W>): Session<W>
  /** Stored sessions, newest first, without reading them. */
  list(filter?: StorageFilter): Promise<StoredSessionInfo[]>
  /** Closes a session and removes it with all that is stored of it. */
  delete(id: string): Promise<void>
  /** What is stored of a session, as it is. */
  export(id: string): Promise<unknown>
  /** What all sessions of a workflow share. */
  flow<W extends AnyWorkflow>(workflow: W): Flow<W>
  /** Deletes all sessions, or those whose id begins with `prefix`: for a logout. */
  clear(options?: { prefix?: string }): Promise<void>
  /** Closes every session, and the storage's connections. */
  close(): Promise<void>
}

/** What `dogear/testing` needs of an engine. */
export interface EngineInside {
  readonly live: ReadonlyMap<string, LiveSession>
}

const insides = new WeakMap<Engine, EngineInside>()

export function insideOf(engine: Engine): EngineInside | undefined {
  return insides.get(engine)
}

/**
 * Makes an engine: it opens sessions on a storage. One per page is the rule.
 *
 * ```ts
 * const engine = createEngine()
 * const session = await engine.open(checkout, { id: 'cart-42', resources: { payments } })
 * const { orderId } = await session.run({ country: 'NL' })
 * ```
 */
export function createEngine(options: EngineOptions = {}): Engine {
  const storage = options.storage ?? defaultStorage()
  const deps: OpeningDeps = {
    storage,
    serializer: options.serializer ?? jsonSerializer,
    clock: options.clock ?? systemClock,
    ids: options.ids ?? randomId,
    random: options.random ?? Math.random,
    timeout: options.timeout ?? 4000,
    onError: options.onError ?? (() => {}),
  }
  const live = new Map<string, LiveSession>()
  const faces = new Map<string, Session<AnyWorkflow>>()
  const flows = new Map<string, ResourceLayer>()
  let closed = false

  const layer = (workflow: AnyWorkflow): ResourceLayer => {
    const found = flows.get(workflow.name) ?? new ResourceLayer()
    flows.set(workflow.name, found)
    return found
  }
  const session = <W extends AnyWorkflow>(workflow: W, open: OpenOptions<W> = {}): Session<W> => {
    if (closed) throw new StorageError('the engine is closed; make another one with createEngine()')
    const definition = definitionOf(workflow)
    const id = open.id ?? definition.name
    const known = faces.get(id)
    if (known) return again(known, workflow, open) as unknown as Session<W>
    definition.validate()
    const opening = new Opening(deps, definition, id, open.initialState, layer(workflow), () => {
      live.delete(id)
      faces.delete(id)
    })
    if (open.resources) opening.live.core.options.resources.set(open.resources)
    const face = makeFace(opening.live, workflow)
    live.set(id, opening.live)
    faces.set(id, face)
    void opening.start(open.autoResume ?? true)
    return face as unknown as Session<W>
  }
  const closeOne = async (id: string): Promise<void> => {
    await live
      .get(id)
      ?.close()
      .catch(() => {})
  }
  const engine: Engine = {
    session,
    async open(workflow, open) {
      const opened = session(workflow, open)
      await opened.ready
      return opened
    },
    list: (filter) => storage.list(filter),
    async delete(id) {
      await closeOne(id)
      await storage.delete(id)
    },
    export: (id) => storage.export(id),
    flow: (workflow) => ({
      setResources: (values) => layer(workflow).set(values),
      deleteResource: (key) => layer(workflow).delete(key),
    }),
    async clear({ prefix } = {}) {
      await Promise.all([...live.keys()].filter((it) => it.startsWith(prefix ?? '')).map(closeOne))
      await storage.clear(prefix)
    },
    async close() {
      closed = true
      await Promise.all([...live.keys()].map(closeOne))
      await storage.close()
    },
  }
  insides.set(engine, { live })
  return Object.freeze(engine)
}

function again<W extends AnyWorkflow>(
  known: Session<AnyWorkflow>,
  workflow: W,
  { resources }: OpenOptions<W>,
): Session<AnyWorkflow> {
  if (known.workflow.name !== workflow.name)
    throw new StorageError(
      `session "${known.id}" is open with workflow "${known.workflow.name}", not "${workflow.name}"; give it another id`,
    )
  if (resources) known.setResources(resources as never)
  return known
}

function defaultStorage(): SessionStorage {
  return typeof indexedDB === 'undefined' ? memoryStorage() : indexedDBStorage()
}

function randomId(): string {
  // Not every page has crypto.randomUUID: plain http has none.
  const bytes = crypto.getRandomValues(new Uint8Array(9))
  return Array.from(bytes, (it) => it.toString(36).padStart(2, '0')).join('')
}
