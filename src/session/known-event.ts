import { UnknownEventError } from '../errors'
import { genuine, isEvent, type AnyEvent, type WorkflowEvent } from '../workflow/event'

/** The event, if it is one of these, checked against what its type's schema says. */
export function knownEvent(value: unknown, known: readonly AnyEvent[], where: () => string): WorkflowEvent {
  const factory = isEvent(value) ? known.find((it) => it.type === value.type) : undefined
  if (factory) return genuine(value as WorkflowEvent, factory)
  const what = isEvent(value) ? `event "${value.type}"` : describe(value)
  const names = known.map((it) => it.type)
  throw new UnknownEventError(what, where(), names)
}

const describe = (value: unknown): string =>
  Object(value) === value
    ? 'an object that is no event'
    : `${typeof value === 'string' ? `"${value}"` : String(value)}, which is no event`
