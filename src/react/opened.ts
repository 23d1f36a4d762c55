import { useEffect, useState } from 'react'
import { registryOf, type Engine, type OpenOptions } from '../engine'
import type { Session } from '../session/session'
import type { AnyWorkflow } from '../workflow/shape'
import { inPage, pageEngine, serverEngine } from './page-engine'
import { useSnapshot } from './snapshot'

/** What a component says about the session it wants. */
export interface SessionOptions<W extends AnyWorkflow> extends Pick<
  OpenOptions<W>,
  'id' | 'resources' | 'initialState'
> {
  /** Default: one engine for the page, made on first use. */
  readonly engine?: Engine
}

type Wanted = SessionOptions<AnyWorkflow> & { readonly workflow: AnyWorkflow }

export interface Opened {
  readonly wanted: Wanted
  readonly engine: Engine
  readonly session: Session<AnyWorkflow>
  /** Whether the engine still has it: it was not closed or deleted. */
  readonly isOpen: () => boolean
}

/** `server`: on a server, and in the first render over what a server sent. */
export type Phase = 'server' | 'loading' | 'error' | 'open' | 'closed'

/**
 * The session that is wanted, from the engine's registry: rendering twice, remounting and hidden subtrees find
 * the same one. When it was closed under the component, it is opened afresh.
 */
export function useOpened(wanted: Wanted | undefined): readonly [Opened | undefined, Phase] {
  const [held, hold] = useState(() => wanted && open(wanted))
  const opened = wanted && !(held && fits(held, wanted)) ? reopen(wanted, held) : held
  if (opened !== held) hold(opened)
  const phase = useSnapshot(
    { subscribe: opened?.session.subscribe ?? never, get: () => phaseOf(opened) },
    server,
  )
  const session = opened?.session
  const resources = wanted?.resources
  useEffect(() => {
    if (resources) session?.setResources(resources)
  }, [session, resources])
  return [opened, phase]
}

function open(wanted: Wanted): Opened {
  const { workflow, engine: given, ...options } = wanted
  const engine = inPage() ? (given ?? pageEngine()) : serverEngine()
  const session = engine.session(workflow, options)
  const registry = registryOf(engine)
  return { wanted, engine, session, isOpen: () => registry?.has(session) ?? true }
}

/** A closed engine opens nothing: the component keeps what it has. */
function reopen(wanted: Wanted, held: Opened | undefined): Opened {
  try {
    return open(wanted)
  } catch (error) {
    if (held && matches(held, wanted)) return held
    throw error
  }
}

function fits(held: Opened, wanted: Wanted): boolean {
  return matches(held, wanted) && held.isOpen()
}

function matches({ wanted: before }: Opened, wanted: Wanted): boolean {
  return (
    before.engine === wanted.engine &&
    before.workflow.name === wanted.workflow.name &&
    before.id === wanted.id
  )
}

function phaseOf(opened: Opened | undefined): Phase {
  if (opened?.isOpen() !== true) return 'closed'
  const { status } = opened.session
  return status === 'loading' || status === 'error' ? status : 'open'
}

const server = (): Phase => 'server'
const never = (): (() => void) => () => {}
