import { createWorkflowHooks } from 'dogear/react'
import type { Session } from 'dogear'
import { useState } from 'react'
import { checkout } from './workflow'

/** Every path, question and resource of the checkout, typed. */
export const { WorkflowProvider, useWorkflow, useWorkflowState, useResource } = createWorkflowHooks(checkout)

/** What the flow asks: one of its open questions, told apart by `type`. */
export type Question = Session<typeof checkout>['asks'][number]

/** The open question that a page answers. */
export type AskFor<Type extends Question['type']> = Extract<Question, { type: Type }>

/**
 * What the flow asks. Between an answer and the next question it works for a moment: the page stays until then, or
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
