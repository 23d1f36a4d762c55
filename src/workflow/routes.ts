import type { AnyEvent } from './event'
import type { StepDefinition } from './step'
import { STEP_FAILED } from './step-failed'
import type { Definition } from './workflow'

export function emits(step: StepDefinition | undefined, type: string | undefined): boolean {
  return step?.emits.some((it) => it.type === type) ?? false
}

export function replies(step: StepDefinition): AnyEvent[] {
  return step.asks.map((it) => it.reply).filter((it) => it !== undefined)
}

/** The types of events that come from outside the steps. */
export function outside({ options, steps }: Definition): Set<string> {
  const given = [options.start, ...options.events, ...steps.flatMap(replies)]
  const types = new Set(given.filter((it): it is AnyEvent => it !== undefined).map((it) => it.type))
  const recovering = options.catchError !== undefined || steps.some((it) => it.catchError !== undefined)
  if (recovering) types.add(STEP_FAILED)
  return types
}

/** Whether a step accepts it, or may wait for it: an event that may come from outside may come from a step instead. */
export function isHeard(type: string, definition: Definition): boolean {
  return definition.routes.has(type) || outside(definition).has(type)
}

/** The steps that the events of a step can start and, if it `mayFail`, the one that recovers it. */
export function after(
  step: StepDefinition | undefined,
  { routes, stepsByName, options }: Definition,
  mayFail: boolean = true,
): StepDefinition[] {
  const names = (step?.emits ?? []).flatMap((it) => routes.get(it.type) ?? [])
  const recovery = mayFail ? (step?.catchError ?? options.catchError) : undefined
  return [...names, ...(recovery === undefined ? [] : [recovery])]
    .map((it) => stepsByName.get(it))
    .filter((it) => it !== undefined)
}

type Next = (step: StepDefinition) => readonly StepDefinition[] | undefined

/** The steps that each step leads to, found once: whoever looks for cycles asks for every pair of steps. */
export function ways(definition: Definition): Next {
  const all = new Map(definition.steps.map((it) => [it, after(it, definition)]))
  return (step) => all.get(step)
}

/** These steps, and all that can be reached from them. */
function closure(first: readonly StepDefinition[], next: Next): Set<StepDefinition> {
  const all = new Set(first)
  for (const step of all) for (const it of next(step) ?? []) all.add(it)
  return all
}

/** The steps that events of these types lead to. */
export function reachable(
  definition: Definition,
  types: ReadonlySet<string | undefined> = outside(definition),
): Set<StepDefinition> {
  const first = definition.steps.filter((it) => it.on.some((event) => types.has(event.type)))
  return closure(first, (it) => after(it, definition))
}

function leadingToStop({ steps, options }: Definition, next: Next): Set<StepDefinition> {
  const before = new Map<StepDefinition, StepDefinition[]>(steps.map((it) => [it, []]))
  for (const step of steps) for (const it of next(step) ?? []) before.get(it)?.push(step)
  const last = steps.filter((it) => emits(it, options.stop?.type))
  return closure(last, (it) => before.get(it))
}

/**
 * The steps beside a way to the stop event: what starts one of them starts a step on that way as well, so the run ends
 * without them. A loop beside it is no such step: it would take the run to its `maxSteps`.
 */
function alongside(steps: Definition['steps'], stopping: Set<StepDefinition>, next: Next): StepDefinition[] {
  const shared = new Set([...stopping].flatMap((it) => it.on.map(({ type }) => type)))
  // A failure starts one recovery, whatever else accepts it.
  shared.delete(STEP_FAILED)
  const first = steps.filter((it) => !stopping.has(it) && it.on.some(({ type }) => shared.has(type)))
  return [...closure(first, next)].filter((it) => !onCycle(it, next))
}

/**
 * The steps that are no dead end: they lead to the stop event, or are beside what does. A step that emits nothing is, when
 * what starts it also leads on elsewhere: it logs, or cleans up. So is one that emits what another step may be waiting for.
 */
export function endingWell(definition: Definition, next: Next): Set<StepDefinition> {
  const { steps, options, routes } = definition
  const stopping = leadingToStop(definition, next)
  const among = (events: readonly AnyEvent[]) => (own: AnyEvent) => events.some((it) => it.type === own.type)
  // Where an outside event ends the run, no step needs to.
  if ([...stopping].some((it) => it.on.some(among(options.events)))) return new Set(steps)
  const given = among([...options.events, ...steps.flatMap(replies)])
  const beside = steps.filter((step) =>
    step.emits.length > 0
      ? step.emits.some((it) => given(it) && !(routes.has(it.type) && onCycle(step, next)))
      : // What comes from outside always comes beside the run.
        step.on.every(given),
  )
  const fine = new Set([...stopping, ...alongside(steps, stopping, next), ...beside])
  for (const step of fine) for (const it of next(step) ?? []) if (it.emits.length === 0) fine.add(it)
  return fine
}

export function onCycle(step: StepDefinition, next: Next): boolean {
  return closure(next(step) ?? [], next).has(step)
}
