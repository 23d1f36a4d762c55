import { EventValidationError, SessionStateError } from '../errors'
import { checkOptions } from '../state/argument'
import { genuine, isEvent, type AnyEvent, type WorkflowEvent } from '../workflow/event'
import { OutcomeKnown } from '../workflow/outcome-unknown'
import type { Definition } from '../workflow/workflow'
import type { Core } from './core'
import { dispatch, known, mustAccept } from './dispatch'
import type { Gate } from './gate'
import { answerAsk } from './open-asks'
import { patiently } from './patience'
import type { Target } from './session'

/** What comes from outside: events and replies. A bad call throws; any other resolves with whether somebody took it. */
export class Inbox {
  readonly #core: Core
  readonly #gate: Gate

  constructor(core: Core, gate: Gate) {
    this.#core = core
    this.#gate = gate
  }

  send(event: unknown, to: Target = {}): Promise<boolean> {
    checkOptions('send()', to, { step: '', ask: '' })
    return this.#gate.whenOpen(this.#accept(event, to))
  }

  reply(ask: string, data: unknown): Promise<boolean> {
    return this.answer(ask, { type: '', data })
  }

  /** A reply as an event, which may have passed its schema before. */
  answer(ask: string, event: WorkflowEvent): Promise<boolean> {
    const gate = this.#gate
    if (gate.phase === 'loading') return gate.whenOpen(() => this.answer(ask, event))
    return gate.whenOpen(this.#acceptReply(ask, event))
  }

  /** Checks an event and its target. The returned function delivers it. */
  #accept(value: unknown, to: Target): () => boolean | Promise<boolean> {
    const core = this.#core
    const { ask, step } = to
    // The reply to an ask of a sub-flow is an event that perhaps only the sub-flow knows.
    const open = ask === undefined ? undefined : core.openAsk(ask)
    if (open && open.level.path.length > 0 && isEvent(value) && value.type === open.point.reply)
      return this.#acceptReply(ask as string, value)
    const event = known(core, value)
    if (step !== undefined && ask === undefined) mustAccept(core, step, event.type)
    return () => {
      if (core.remote) return core.remote.call('send', event, to) as Promise<boolean>
      if (ask !== undefined) return this.#answer(ask, event.type, event.data)
      return dispatch(core, event, step)
    }
  }

  /** Checks a reply. The returned function records it. */
  #acceptReply(ask: string, event: WorkflowEvent): () => boolean | Promise<boolean> {
    const core = this.#core
    const open = core.openAsk(ask)
    const reply = open?.point.reply
    if (open === undefined || reply === undefined) return () => false
    const { definition } = open.level
    const value = definition && replyData(reply, event, definition)
    return () => {
      if (core.remote) {
        const args = definition ? [value, true] : [event.data]
        return core.remote.call('reply', ask, ...args) as Promise<boolean>
      }
      return definition || this.#isOver ? this.#answer(ask, reply, value) : this.#replyLater(ask, event)
    }
  }

  /** The run has ended: nobody is asked any more, and no step comes to its ask again. */
  get #isOver(): boolean {
    return this.#core.model.run?.end !== undefined
  }

  #answer(ask: string, type: string, value: unknown): boolean {
    // See `Core.expire`.
    this.#core.openAsk(ask)?.level.expire()
    const open = this.#core.openAsk(ask)
    if (open?.point.reply !== type || this.#isOver) return false
    answerAsk(open, value)
    this.#core.wake()
    return true
  }

  /** After a reload it is not known what a sub-flow asks for until its step has run up to it again. */
  async #replyLater(ask: string, event: WorkflowEvent): Promise<boolean> {
    const isKnown = (): boolean => {
      const open = this.#core.openAsk(ask)
      return this.#isOver || open === undefined || open.level.definition !== undefined
    }
    await patiently(isKnown)
    if (isKnown()) return this.#acceptReply(ask, event)()
    this.#gate.mustBeOpen()
    throw new SessionStateError(
      `ask "${ask}" cannot be answered until its step runs again; resume() the session, or try later`,
    )
  }
}

/** Data for an ask's reply, as the reply's schema gives it. */
function replyData(reply: string, event: WorkflowEvent, { eventsByType }: Definition): unknown {
  const factory: AnyEvent | undefined =
    reply === OutcomeKnown.type ? (OutcomeKnown as AnyEvent) : eventsByType.get(reply)
  if (factory === undefined)
    throw new EventValidationError(reply, [
      { path: '', message: 'the workflow does not know this event any more' },
    ])
  const { data } = genuine(event, factory)
  // On its way from another tab, no data may have become null.
  return factory.schema && data
}
