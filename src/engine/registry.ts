import { ArgumentError, SessionStateError, StateValidationError } from '../errors'
import { LoadError, StorageError, type LoadRemedies } from '../storage-errors'
import { checkArgument, checkOptions } from '../state/argument'
import type { AnyWorkflow } from '../workflow/shape'
import { definitionOf, type Definition } from '../workflow/workflow'
import type { SavedSession } from '../session/model/saved-session'
import { deferred } from '../session/deferred'
import { makeFace } from '../session/face'
import type { LiveSession } from '../session/live-session'
import { ResourceLayer } from '../session/resources'
import type { Session } from '../session/session'
import { branch } from '../session/travel'
import { FlowState } from './flow/flow-state'
import { copyFor, type Storing } from './keeping'
import { Opening } from './opening'
import type { OpeningDeps } from './opening-deps'
import { checked, plant, taken, type Seedling } from './planting'

interface Open {
  readonly live: LiveSession
  readonly face: Session<AnyWorkflow>
  readonly serializer: Opened['serializer']
  /** Reads it once more, after it could not be read. */
  readonly reopen: () => void
}

/** How a session is opened, untyped. */
export interface Opened extends Storing {
  readonly id?: string | undefined
  readonly resources?: Readonly<Record<string, unknown>> | undefined
  readonly autoResume?: boolean | undefined
}

/** The open sessions of one engine: one for each id, whoever asks and however often. */
export class Registry {
  readonly #deps: OpeningDeps
  readonly #open = new Map<string, Open>()
  readonly #layers = new Map<string, ResourceLayer>()
  readonly #flows = new Map<string, FlowState>()
  readonly #removals = new Map<string, Promise<void>>()
  #closed = false

  constructor(deps: OpeningDeps) {
    this.#deps = deps
  }

  get ids(): string[] {
    return [...this.#open.keys()]
  }

  get sessions(): LiveSession[] {
    return [...this.#open.values()].map((it) => it.live)
  }

  /** The open session of an id. */
  face(id: string): Session<AnyWorkflow> | undefined {
    return this.#open.get(id)?.face
  }

  /**
   * The open session of an id and a workflow, for a component that renders. Nobody is notified of the component's resources
   * until they are given once more.
   */
  found(id: string, workflow: AnyWorkflow, resources: Opened['resources']): Session<AnyWorkflow> | undefined {
    const open = this.#open.get(id)
    if (open?.face.workflow.name !== workflow.name || mayBegin(open, workflow, open)) return undefined
    if (resources) open.live.core.options.resources.session.put(resources)
    return open.face
  }

  session(workflow: AnyWorkflow, options: Opened): Session<AnyWorkflow> {
    if (this.#closed) throw new StorageError('the engine is closed; make another one with createEngine()')
    const definition = definitionOf(workflow)
    checkOptions('engine.open()', options, takes)
    const id = idOf(options, definition)
    const known = this.#open.get(id)
    const closing = known?.live.closing?.catch(() => {})
    if (known && !closing && !mayBegin(known, workflow, options)) return this.#again(known, workflow, options)
    definition.validate()
    void known?.live.close()
    const shared = { layers: (it: AnyWorkflow) => this.layer(it), flow: this.flow(workflow) }
    const closed = (): void => void (this.#open.get(id)?.live === live && this.#open.delete(id))
    const opening = new Opening(this.#deps, definition, id, options, shared, closed)
    const { live } = opening
    live.after = closing
    if (options.resources) live.core.options.resources.set(options.resources)
    const face = makeFace(live, (seq, as) => this.#fork(live, options, seq, as))
    // A session that is still being closed stores what it has before this one reads; a removal waits for that itself.
    const reopen = (): void =>
      void opening.start(options.autoResume ?? true, this.#removals.get(id) ?? closing)
    this.#open.set(id, { live, face, serializer: options.serializer, reopen })
    reopen()
    return face
  }

  /** Opens a session that is whole already. The id must be free, and stays free when the session cannot be opened. */
  async plant(
    workflow: AnyWorkflow,
    id: string,
    seedling: Seedling,
    options: Opened,
  ): Promise<Session<AnyWorkflow>> {
    checkArgument('fork(): id', id, 'string')
    const open = this.#open.get(id)?.live
    await open?.ready.catch(() => {})
    if (open && open.core.model.seq > 0) throw taken(id)
    const { storage } = this.#deps
    const planted = (): Promise<void> =>
      plant(this.#deps, definitionOf(workflow), id, seedling, options.serializer)
    // A session that components opened after a deletion is still empty: it makes way, and they open the planted one.
    await (open ? this.remove(id, planted) : planted())
    try {
      const face = this.session(workflow, { ...options, id })
      await face.ready
      return face
    } catch (error) {
      await this.remove(id, () => storage.delete(id)).catch(() => {})
      throw error
    }
  }

  async import(workflow: AnyWorkflow, json: unknown, options: Opened): Promise<Session<AnyWorkflow>> {
    const definition = definitionOf(workflow)
    checkOptions('engine.import()', options, takes)
    definition.validate()
    const remedies: LoadRemedies = {
      retry: async () => void (await this.import(workflow, json, options)),
      reset: async () => {},
      export: async () => json,
    }
    try {
      const { id, ...seedling } = checked(definition, json, options.id, remedies)
      return await this.plant(workflow, id, seedling, options)
    } catch (error) {
      throw error instanceof LoadError ? Object.assign(error, remedies) : error
    }
  }

  /** Makes a session from what another one is, or was. It gets the other's resources. */
  async #fork(live: LiveSession, options: Opened, seq?: number, id?: string): Promise<Session<AnyWorkflow>> {
    const { core } = live
    const { definition } = core
    const name = id ?? `${core.options.id}-${core.options.ids()}`
    // As with `run`: before that there is nothing to copy.
    if (live.status === 'loading') await live.ready
    const saved = branch(live, seq)
    const copy = copyFor(options.serializer ?? this.#deps.serializer)
    const seedling = { ...(copy(saved, 'session') as SavedSession), version: definition.version }
    const resources = core.options.resources.session.view
    const face = await this.plant(definition, name, seedling, { ...options, resources })
    const made = this.#open.get(name)
    // It was made just now: nobody comes back to it.
    if (made) made.live.resumed = { found: false }
    return face
  }

  /** What all sessions of the workflow share. */
  flow(workflow: AnyWorkflow): FlowState {
    const definition = definitionOf(workflow)
    const flow = this.#flows.get(definition.name) ?? new FlowState(this.#deps, definition)
    this.#flows.set(definition.name, flow)
    flow.renew(definition)
    return flow
  }

  get flows(): FlowState[] {
    return [...this.#flows.values()]
  }

  /** The workflow's layer of resources. */
  layer({ name }: AnyWorkflow): ResourceLayer {
    const layer = this.#layers.get(name) ?? new ResourceLayer(this.#deps.report)
    this.#layers.set(name, layer)
    return layer
  }

  /**
   * Closes a session and removes what is stored of it. Components hear of the closing and may open the session again at
   * once: the new one waits until the removal is done.
   */
  async remove(id: string, removed: () => Promise<void>): Promise<void> {
    checkArgument('engine.delete()', id, 'string')
    const closing = deferred<void>()
    const removal = closing.promise.then(removed)
    const settled = removal.catch(() => {})
    this.#removals.set(id, settled)
    await this.close(id)
    closing.resolve()
    await settled
    if (this.#removals.get(id) === settled) this.#removals.delete(id)
    return removal
  }

  /** Closes a session if it is open. What could not be saved was reported already. */
  async close(id: string): Promise<void> {
    await this.#open
      .get(id)
      ?.live.close()
      .catch(() => {})
  }

  /** Removes all sessions whose ids begin so; without a prefix all of them, and flow state too. */
  async clear(which: { prefix?: string | undefined } = {}): Promise<void> {
    checkOptions('engine.clear()', which, { prefix: 'string' })
    const prefix = which.prefix ?? undefined
    const { storage } = this.#deps
    const named = this.ids.filter((it) => it.startsWith(prefix ?? ''))
    // Each goes as soon as it is closed: a tab that leads then would lead what is about to go, and be outdated.
    const gone = named.map((id) => this.close(id).then(() => storage.delete(id).catch(() => {})))
    const cleared = Promise.all(gone).then(() => this.#clearStorage(prefix))
    await Promise.all([cleared, ...named.map((id) => this.remove(id, () => cleared))])
  }

  /** Removes what is stored. Flow state is flushed first, so that no write of it comes later. */
  async #clearStorage(prefix: string | undefined): Promise<void> {
    const flows = prefix === undefined ? this.flows : []
    await Promise.all(flows.map((it) => it.flush().catch(() => {})))
    await this.#deps.storage.clear(prefix)
    for (const flow of flows) flow.forget()
  }

  async closeAll(): Promise<void> {
    this.#closed = true
    await Promise.all(this.ids.map((id) => this.close(id)))
    // What could not be saved was reported already.
    await Promise.all(this.flows.map((it) => it.flush().catch(() => {})))
    for (const flow of this.flows) flow.close()
  }

  #again({ face, reopen }: Open, { name }: AnyWorkflow, { resources }: Opened): Session<AnyWorkflow> {
    if (face.workflow.name !== name)
      throw new SessionStateError(
        `session "${face.id}" is open with workflow "${face.workflow.name}", not "${name}"; give it another id`,
      )
    if (resources) face.setResources(resources)
    // A session that could not be read a while ago may be readable now; a refused record stays refused.
    if (face.status === 'error') reopen()
    return face
  }
}

const takes = {
  id: 'string',
  resources: 'object',
  initialState: '',
  serializer: 'serialize',
  expireAfter: 'number',
  autoResume: '',
}

/** Whether it could not begin, and might now: with an initial state, or with code or a serializer that was not tried yet. */
function mayBegin({ face, serializer: had }: Open, workflow: AnyWorkflow, given: Opened): boolean {
  const { status, error } = face
  if (status !== 'error') return false
  const other = face.workflow !== workflow || had !== given.serializer
  if (error instanceof StateValidationError) return other || given.initialState !== undefined
  return other && error instanceof LoadError
}

/** An empty id, as of a user who is not known yet, would open one session for all users. */
function idOf({ id }: Opened, { name }: Definition): string {
  if (id === '') throw new ArgumentError('engine.open(): id', id, 'a text', 'an empty one')
  return id ?? name
}
