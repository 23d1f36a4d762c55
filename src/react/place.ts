import { createContext, useContext, type Context } from 'react'
import type { Engine } from '../engine'
import { HookError } from '../errors'
import type { Session } from '../session/session'
import type { AnyWorkflow } from '../workflow/shape'

/** Where a component stands: the session of the provider above it, and the provider above that. */
export interface Place {
  readonly session: Session<AnyWorkflow>
  readonly engine: Engine
  readonly above: Place | undefined
}

export const PlaceContext: Context<Place | undefined> = /* @__PURE__ */ createContext<Place | undefined>(
  undefined,
)

/** The session of the nearest provider, or of the nearest one of a workflow. */
export function useNearest(hook: string, workflow?: AnyWorkflow): Session<AnyWorkflow> {
  return nearest(useContext(PlaceContext), hook, workflow)
}

/** Workflows are told apart by name: a definition that was loaded again (hot reload) is the same one. */
export function nearest(
  place: Place | undefined,
  hook: string,
  workflow: AnyWorkflow | undefined,
): Session<AnyWorkflow> {
  let at = place
  while (at && !isOf(at, workflow)) at = at.above
  if (at) return at.session
  const wanted = workflow ? ` of workflow "${workflow.name}"` : ''
  throw new HookError(hook, `there is no WorkflowProvider${wanted} above this component; wrap it in one`)
}

function isOf({ session }: Place, workflow: AnyWorkflow | undefined): boolean {
  return workflow === undefined || session.workflow.name === workflow.name
}
