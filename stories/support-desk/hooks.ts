import { createWorkflowHooks } from 'dogear/react'
import { useSyncExternalStore } from 'react'
import { supportDesk } from './workflow'

export const { WorkflowProvider, useWorkflow, useWorkflowState } = createWorkflowHooks(supportDesk)

/** The steps at work, as the journal tells it: taken and not ended. */
export function useStepsAtWork(): readonly string[] {
  const { session } = useWorkflow()
  const text = useSyncExternalStore(session.subscribe, () => {
    const taken = new Map<unknown, string>()
    for (const { type, exec, step } of session.history()) {
      if (type === 'taken') taken.set(exec, step as string)
      if (type === 'ended') taken.delete(exec)
      if (type === 'started' || type === 'finished') taken.clear()
    }
    return [...taken.values()].join('\n')
  })
  return text === '' ? [] : text.split('\n')
}
