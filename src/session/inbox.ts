import { EventValidationError, SessionStateError } from '../errors'
import { checkOptions } from '../state/argument'
import { genuine, isEvent, isGenuine, type AnyEvent, type WorkflowEvent } from '../workflow/event'
import { OutcomeKnown } from '../workflow/outcome-unknown'
import type { Definition } from '../workflow/workflow'
import type { Core } from './core'
import { dispatch, known, mustAccept } from './dispatch'
import { answerAsk } from './open-asks'
import { patiently } from './patience'
import type { Running } from './runs'
import type { Target } from './session'

/* What comes from outside: events and replies. A bad call throws; any other resolves with whether somebody took it. */

type Open = Pick<Running, 'core' | 'gate'>
/** Delivers what was checked. */
type Deliver = () => boolean | Promise<boolean>

export function send(of: Open, event: unknown, to: Target = {}): Promise<boolean> {
  checkOptions('send()', to, { step: '', ask: 'string' })
  return of.gate.whenOpen(accept(of, event, to))
}

export function reply(of: Open, ask: string, data: unknown): Promise<boolean> {
  checkOptions('reply()', { ask }, { ask: 'string' })
  return answer(of, ask, { type: '', data })
}

/** A reply as an event, which may have passed its schema before. */
export function answer(of: Open, ask: string, event: WorkflowEvent): Promise<boolean> {
  const { gate } = of
  if (gate.phase === 'loading') return gate.whenOpen(() => answer(of, ask, event))
  return gate.whenOpen(acceptReply(of, ask, event))
}

/** Checks an event and its target. */
function accept(of: Open, value: unknown, to: Target): Deliver {
  const { core } = of
  const { ask, step } = to
  // The reply to an ask of a sub-flow is an event that perhaps only the sub-flow knows.
  const open = ask === undefined ? undefined : core.openAsk(ask)
  if (open && open.level.path.length > 0 && isEvent(value) && value.type === open.point.reply)
    return acceptReply(of, ask as string, value)
  const event = known(core, value)
  if (step !== undefined && ask === undefined) mustAccept(core, step, event.type)
  return () => {
    if (core.remote) return core.remote.call('send', event, to) as Promise<boolean>
    if (ask !== undefined) return taken(core, ask, event.type, event.data)
    return dispatch(core, event, step)
  }
}

/** Checks a reply. */
function acceptReply(of: Open, ask: string, event: WorkflowEvent): Deliver {
  const { core } = of
  const open = core.openAsk(ask)
  const type = open?.point.reply
  if (open === undefined || type === undefined) return () => false
  const { definition } = open.level
  const value = definition && replyData(type, event, definition)
  return () => {
    if (core.remote) {
      // The code of a sub-flow that a handler calls is in the leader only. It may ask for an event that is known here, or for
      // another one of that name.
      const factory = core.definition.eventsByType.get(type)
      const args = definition ? [value, true] : [event.data, factory && isGenuine(event, factory) && type]
      return core.remote.call('reply', ask, ...args) as Promise<boolean>
    }
    return definition || isOver(core) ? taken(core, ask, type, value) : replyLater(of, ask, event)
  }
}

/** The run has ended: nobody is asked any more, and no step comes to its ask again. */
function isOver({ model }: Core): boolean {
  return model.run?.end !== undefined
}

/** Records a reply, if the ask still waits for one. */
function taken(core: Core, ask: string, type: string, value: unknown): boolean {
  // See `Core.expire`.
  core.openAsk(ask)?.level.expire()
  const open = core.openAsk(ask)
  if (open?.point.reply !== type || isOver(core)) return false
  answerAsk(open, value)
  core.wake()
  return true
}

/** After a reload it is not known what a sub-flow asks for until its step has run up to it again. */
async function replyLater(of: Open, ask: string, event: WorkflowEvent): Promise<boolean> {
  const { core, gate } = of
  const isKnown = (): boolean => {
    const open = core.openAsk(ask)
    return isOver(core) || open === undefined || open.level.definition !== undefined
  }
  await patiently(isKnown)
  if (isKnown()) return acceptReply(of, ask, event)()
  gate.mustBeOpen()
  throw new SessionStateError(
    `ask "${ask}" cannot be answered until its step runs again; resume() the session, or try later`,
  )
}

/** Data for an ask's reply, as the reply's schema gives it. */
function replyData(type: string, event: WorkflowEvent, { eventsByType }: Definition): unknown {
  const factory: AnyEvent | undefined =
    type === OutcomeKnown.type ? (OutcomeKnown as AnyEvent) : eventsByType.get(type)
  if (factory === undefined)
    throw new EventValidationError(type, [
      { path: '', message: 'the workflow does not know this event any more' },
    ])
  const { data } = genuine(event, factory)
  // On its way from another tab, no data may have become null.
  return factory.schema && data
}
