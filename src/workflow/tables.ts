import { WorkflowError } from '../errors'
import type { AnyEvent } from './event'
import type { StepDefinition } from './step'
import { STEP_FAILED } from './step-failed'
import type { Definition } from './workflow'

type Tables = Pick<Definition, 'stepsByName' | 'routes' | 'takers' | 'eventsByType'>

/**
 * The tables by which the engine finds steps and events; looked up in Maps, never on objects.
 *
 * @throws WorkflowError for a step whose `on`, `emits` or `asks` holds what is no event
 */
export function tablesOf(options: Definition['options'], steps: readonly StepDefinition[]): Tables {
  const routes = new Map<string, string[]>()
  const takers = new Map<string, { readonly to: string[]; readonly gather: string[] }>()
  const eventsByType = new Map<string, AnyEvent>()
  const know = (event: AnyEvent | undefined): void => {
    if (event == null || eventsByType.has(event.type)) return
    eventsByType.set(event.type, event)
    know(event.reply)
  }
  for (const event of [options.start, options.stop, ...options.events]) know(event)
  for (const step of steps) {
    for (const event of [...step.on, ...step.emits, ...step.asks]) {
      mustBeEvent(event, step.name, options.name)
      know(event)
    }
    for (const type of new Set(step.on.map((it) => it.type))) {
      // Only the step that `catchError` names hears of a failed step.
      if (type === STEP_FAILED) continue
      const all = takers.get(type) ?? { to: [], gather: [] }
      ;(step.join === 'gather' ? all.gather : all.to).push(step.name)
      takers.set(type, all)
      routes.set(type, [...(routes.get(type) ?? []), step.name])
    }
  }
  return { routes, takers, eventsByType, stepsByName: new Map(steps.map((it) => [it.name, it])) }
}

function mustBeEvent(event: AnyEvent | undefined, step: string, workflow: string): void {
  if (event?.type && typeof event.type === 'string') return
  // As text, some objects are an error of their own: a whole module is one.
  const is = event && typeof event
  const what = is === 'function' ? 'a function without a type' : is === 'object' ? 'an object' : String(event)
  const message = `step "${step}": \`on\`, \`emits\` or \`asks\` holds ${what}, which is no event; do two files import each other?`
  throw new WorkflowError(workflow, [{ check: 'options', message }])
}
