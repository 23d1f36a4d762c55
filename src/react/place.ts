import type { Context } from 'react'
import { HookError } from '../errors'
import type { AnyWorkflow } from '../workflow/shape'
import type { Session } from '../session/session'
import type { Engine } from '../engine'
import { createContext, useContext } from './react'

/** Where a component is: in the session of the provider above it, which may itself be inside another one. */
export interface Place {
  readonly session: Session<AnyWorkflow>
  /** The session's workflow, which components read in every render. */
  readonly workflow: AnyWorkflow
  readonly engine: Engine
  readonly above: Place | undefined
}

export const PlaceContext: Context<Place | undefined> = /* @__PURE__ */ createContext<Place | undefined>(
  undefined,
)

/** The nearest provider, or the nearest one of a workflow. */
function nearest(place: Place | undefined, hook: string, workflow: AnyWorkflow | undefined): Place {
  // By name: a definition that was loaded once more by a hot reload is another object.
  for (let at = place; at; at = at.above) if (!workflow || at.workflow.name === workflow.name) return at
  const wanted = workflow ? ` of workflow "${workflow.name}"` : ''
  throw new HookError(hook, `there is no WorkflowProvider${wanted} above this component; wrap it in one`)
}

/**
 * The session that a hook means by its first argument: a session itself, the nearest provider's of a workflow, or
 * the nearest provider's.
 */
export function useSession(hook: string, of: unknown): Session<AnyWorkflow> {
  return sessionOf(useContext(PlaceContext), hook, of)
}

export function sessionOf(place: Place | undefined, hook: string, of: unknown): Session<AnyWorkflow> {
  if (has(of, 'state')) return of as unknown as Session<AnyWorkflow>
  return nearest(place, hook, of === undefined ? undefined : workflowOf(hook, of)).session
}

export function workflowOf(hook: string, of: unknown): AnyWorkflow {
  if (has(of, 'steps')) return of as unknown as AnyWorkflow
  throw misuse(hook)
}

export function misuse(hook: string): HookError {
  const order = 'workflow or session; path, key or event type; options or handler'
  return new HookError(hook, `wrong arguments; the order is: ${order}`)
}

export function has(value: unknown, key: string): value is object {
  return typeof value === 'object' && value !== null && key in value
}
