import { UnknownEventError } from '../../errors'
import { genuine, isEvent, isGenuine, vouched, type AnyEvent, type WorkflowEvent } from '../../workflow/event'
import type { Execution } from '../model/model'

/**
 * The event, if it is one of these, which stand in that option, checked by its type's schema. An event that the execution was given is passed on as it
 * is: it was checked when it was journaled, and a schema that transforms would refuse its own output.
 */
export function knownEvent(
  value: unknown,
  known: readonly AnyEvent[],
  where: () => string,
  option: string,
  exec?: Execution,
): WorkflowEvent {
  const event = isEvent(value) ? value : undefined
  const factory = event && known.find((it) => it.type === event.type)
  if (factory)
    return exec && !isGenuine(event, factory) && gave(exec, event) ? vouched(event) : genuine(event, factory)
  const what = oddity(value) ?? `event "${event?.type}"`
  const names = known.map((it) => it.type)
  const hint = event && `; declare it in \`${option}\``
  throw new UnknownEventError(what, where(), names, event?.type, hint)
}

/** Whether this event has started the execution, or was asked for, waited for or collected by it. */
function gave({ events, points }: Execution, { type, data }: WorkflowEvent): boolean {
  const same = (it: { readonly type: string; readonly data?: unknown }): boolean =>
    it.type === type && it.data === data
  if (data === undefined) return false
  if (events.some(same)) return true
  for (const { reply, result, type: kind } of points.values())
    if (
      kind === 'collect'
        ? ((result?.value ?? []) as WorkflowEvent[]).some(same)
        : reply === type && result?.value === data
    )
      return true
  return false
}

/** What is there in place of an event, in words. */
export function oddity(value: unknown): string | undefined {
  if (isEvent(value)) return undefined
  if (Object(value) === value) return 'an object that is no event'
  return `${typeof value === 'string' ? `"${value}"` : String(value)}, which is no event`
}
