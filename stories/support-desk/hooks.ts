import type { Session } from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { useMemo, useSyncExternalStore } from 'react'
import { supportDesk } from './workflow'

export const { WorkflowProvider, useWorkflow, useWorkflowState } = createWorkflowHooks(supportDesk)

/** The steps at work, each by the names that lead to it: those in a sub-flow come after the node that it is. */
export function useStepsAtWork(): readonly (readonly string[])[] {
  const { session } = useWorkflow()
  const text = useSyncExternalStore(session.subscribe, () => JSON.stringify(pathsOf(stepsAtWork(session))))
  return useMemo(() => JSON.parse(text) as string[][], [text])
}

/** Steps by execution, with what is at work in them. */
type AtWork = Map<unknown, { readonly step: string; readonly inside: AtWork }>

/** As the journal tells it: taken and not ended. What happens in a sub-flow is wrapped in a record of its parent. */
function stepsAtWork(session: Session<typeof supportDesk>): AtWork {
  const whole: AtWork = new Map()
  for (const { type, ...entry } of session.history()) {
    let record: Readonly<Record<string, unknown>> = { ...entry, kind: type }
    let level: AtWork | undefined = whole
    while (record['kind'] === 'child') {
      level = level?.get(record['exec'])?.inside
      record = record['record'] as typeof record
    }
    const { kind, exec, step } = record
    if (kind === 'taken') level?.set(exec, { step: step as string, inside: new Map() })
    if (kind === 'ended') level?.delete(exec)
    if (kind === 'started' || kind === 'finished') level?.clear()
  }
  return whole
}

function pathsOf(level: AtWork): string[][] {
  return [...level.values()].flatMap(({ step, inside }) => [
    [step],
    ...pathsOf(inside).map((it) => [step, ...it]),
  ])
}
