import { createWorkflowHooks } from 'dogear/react'
import type { Session } from 'dogear'
import { useState } from 'react'
import { checkout } from './workflow'

/** The hooks of the checkout: every path, ask and resource is typed. */
export const { WorkflowProvider, useWorkflow, useWorkflowState, useResource } = createWorkflowHooks(checkout)

/** An open ask of the checkout: a union, discriminated by `type`. */
export type Question = Session<typeof checkout>['asks'][number]

/** The open ask that a page replies to. */
export type AskFor<Type extends Question['type']> = Extract<Question, { type: Type }>

/**
 * The open ask. Between a reply and the next ask the flow works for a moment: the page stays until then, or
 * until there is progress to show.
 */
export function useQuestion(): Question | undefined {
  const { ask, status, progress } = useWorkflow()
  const [kept, keep] = useState(ask)
  const working = status === 'running' && progress?.label === undefined
  const question = ask ?? (working ? kept : undefined)
  if (question !== kept) keep(question)
  return question
}
