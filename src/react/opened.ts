import type { GivenResources } from '../workflow/resource'
import type { AnyWorkflow, ResourcesOf, StateOf } from '../workflow/shape'
import type { Session } from '../session/session'
import { registryOf, type Engine, type OpenOptions } from '../engine'
import { engineFor, serverEngine, useServer } from './page-engine'
import { useEffect, useState } from './react'
import { toNothing, useSnapshot } from './snapshot'

/** What a component says about the session it wants. */
export interface SessionOptions<W extends AnyWorkflow> {
  /** Names the session. Default: the workflow's name. */
  readonly id?: string | undefined
  /**
   * What opens the session. Make it outside of components: another one in each render would open the session again and again.
   * Default: one engine for the page, made on first use.
   */
  readonly engine?: Engine | undefined
  /**
   * What steps need: while a declared one is missing no step starts, and a run is `paused`. New values go to the session, equal
   * ones do nothing, and a key that is left out stays.
   */
  readonly resources?: GivenResources<ResourcesOf<W>> | undefined
  /** What a new session's state begins with, completed by the schema's defaults. */
  readonly initialState?: Partial<StateOf<W>> | undefined
  /** How its values are stored; changes nothing on a session that is open already. Default: the engine's. */
  readonly serializer?: OpenOptions<W>['serializer'] | undefined
  /** Milliseconds after the last save until it expires; changes nothing on a session that is open already. Default: 30 days. */
  readonly expireAfter?: number | undefined
  /** Whether interrupted work goes on by itself when the session is opened. Default true. */
  readonly autoResume?: boolean | undefined
}

export interface Wanted extends SessionOptions<AnyWorkflow> {
  readonly workflow: AnyWorkflow
}

export interface Opened {
  /** A different key for each session. */
  readonly key: number
  readonly given: Engine | undefined
  /** What it was opened for. */
  readonly wanted: AnyWorkflow
  readonly engine: Engine
  readonly session: Session<AnyWorkflow>
}

/** `server`: on a server, and in the first render over what a server has sent. */
export type Phase = 'server' | 'loading' | 'error' | 'open' | 'closed'

/**
 * The session that is wanted. It lives in the engine, by id: rendering twice, remounting and hidden trees find
 * the same one, and unmounting leaves it alone. One that was closed meanwhile is opened afresh.
 */
export function useOpened(wanted: Wanted | undefined): readonly [Opened | undefined, Phase] {
  const onServer = useServer()
  const [held, hold] = useState(() => wanted && open(wanted, onServer))
  const opened =
    wanted && !(held && fits(held, wanted) && isOpen(held) && isTried(held, wanted))
      ? reopen(wanted, onServer, held)
      : held
  if (opened !== held) hold(opened)
  const session = opened?.session
  const phase = useSnapshot(
    session?.subscribe ?? toNothing,
    () => phaseOf(opened),
    (): Phase => 'server',
  )
  const resources = wanted?.resources
  useEffect(() => {
    if (resources) session?.setResources(resources)
  }, [session, resources])
  return [opened, phase]
}

function open(wanted: Wanted, onServer: boolean): Opened {
  const { workflow, engine: given, id: own, resources } = wanted
  const id = own ?? workflow.name
  const engine = onServer ? serverEngine() : engineFor(given)
  // Found, not opened again: a render must not make the engine read again what it could not read.
  const known = registryOf(engine)?.found(id, workflow, resources)
  const session = known ?? engine.session(workflow, optionsOf(wanted, id))
  return { key: ++count, given, wanted: workflow, engine, session }
}

let count = 0

/** The options that the engine takes. */
export function optionsOf(wanted: SessionOptions<AnyWorkflow>, id: string): OpenOptions<AnyWorkflow> {
  const { resources, initialState, serializer, expireAfter, autoResume } = wanted
  return { id, resources, initialState, serializer, expireAfter, autoResume }
}

/** A closed engine opens nothing any more: the component keeps what it has. */
function reopen(wanted: Wanted, onServer: boolean, held: Opened | undefined): Opened {
  try {
    return open(wanted, onServer)
  } catch (error) {
    if (held && fits(held, wanted)) return held
    throw error
  }
}

function fits({ given, session }: Opened, { engine, workflow, id }: Wanted): boolean {
  return given === engine && session.id === (id ?? workflow.name) && session.workflow.name === workflow.name
}

/** Whether newer code, as after a hot reload, would change nothing: it is tried once on a refused session. */
function isTried({ wanted, session }: Opened, { workflow }: Wanted): boolean {
  return wanted === workflow || session.status !== 'error'
}

/** Whether the engine still has it: it was neither closed nor deleted. */
function isOpen({ engine, session }: Opened): boolean {
  return registryOf(engine)?.face(session.id) === session
}

function phaseOf(opened: Opened | undefined): Phase {
  if (!opened || !isOpen(opened)) return 'closed'
  const { status } = opened.session
  return status === 'loading' || status === 'error' ? status : 'open'
}
