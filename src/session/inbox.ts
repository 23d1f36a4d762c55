import { nextTask } from '../clock'
import { EventNotAcceptedError, UnknownStepError } from '../errors'
import { isEvent, type WorkflowEvent } from '../workflow/event'
import type { Core } from './core'
import type { Target } from './session'

/** What comes from outside: events and replies. A bad call throws at the call; the rest is true, or taken by nobody. */
export class Inbox {
  private readonly core: Core

  constructor(core: Core) {
    this.core = core
  }

  /** Checks an event and its target; the answer delivers it. */
  accept(value: unknown, to: Target): () => boolean | Promise<boolean> {
    const { core } = this
    // The reply to a question of a sub-flow is an event that only that one may know.
    const open = to.ask === undefined ? undefined : core.openAsk(to.ask)
    if (open && open.path.length > 0 && isEvent(value) && value.type === open.point.reply)
      return this.acceptReply(open.id, value.data)
    const where = `session.send of workflow "${core.definition.name}"`
    const event = core.genuine(value, [...core.definition.eventsByType.values()], where)
    const { ask, step } = to
    if (step !== undefined && ask === undefined) this.#mustAccept(step, event.type)
    return () => {
      if (core.remote) return core.remote.call('send', event, to) as Promise<boolean>
      if (ask !== undefined) return this.#answer(ask, event.type, event.data)
      return core.routing.isUnclear([event]) ? this.#deliverLater(event, step) : this.#deliver(event, step)
    }
  }

  /** Checks a reply; the answer records it. */
  acceptReply(ask: string, data: unknown): () => boolean | Promise<boolean> {
    const { core } = this
    const open = core.openAsk(ask)
    const reply = open?.point.reply
    if (open === undefined || reply === undefined) return () => false
    const definition = core.definitionAt(open.path)
    const value = definition && core.replyData(reply, data, definition)
    return () => {
      if (core.remote) return core.remote.call('reply', ask, data) as Promise<boolean>
      return definition ? this.#answer(ask, reply, value) : this.#replyLater(ask, data)
    }
  }

  #answer(ask: string, type: string, value: unknown): boolean {
    const open = this.core.openAsk(ask)
    const run = this.core.model.run
    if (open === undefined || open.point.reply !== type || run === undefined || run.end) return false
    const { exec, point } = open
    open.append({
      kind: 'answered',
      exec: exec.id,
      key: point.key,
      ...(value !== undefined && { value }),
    })
    this.core.wake()
    return true
  }

  /** After a reload it is not known what a sub-flow asks for until its step has run up to it again. */
  async #replyLater(ask: string, data: unknown): Promise<boolean> {
    const isKnown = (): boolean => {
      const open = this.core.openAsk(ask)
      return open === undefined || this.core.definitionAt(open.path) !== undefined
    }
    for (let tasks = 0; tasks < PATIENCE && !isKnown(); tasks++) await new Promise<void>(nextTask)
    return isKnown() ? this.acceptReply(ask, data)() : false
  }

  async #deliverLater(event: WorkflowEvent, step: string | undefined): Promise<boolean> {
    await this.core.routing.clear([event])
    return this.#deliver(event, step)
  }

  #deliver(event: WorkflowEvent, step: string | undefined): boolean {
    const extra = step === undefined ? undefined : { to: [step] }
    const [emission] = this.core.routing.emissions([event], () => extra, true)
    const run = this.core.model.run
    const running = run !== undefined && (run.end === undefined || run.end.status === 'stalled')
    if (emission === undefined || !running || (emission.to.length === 0 && !emission.answers)) return false
    this.core.append({ kind: 'sent', event: emission })
    this.core.wake()
    return true
  }

  #mustAccept(step: string, type: string): void {
    const { stepsByName } = this.core.definition
    const found = stepsByName.get(step)
    if (found === undefined) throw new UnknownStepError(step, [...stepsByName.keys()])
    const types = found.on.map((it) => it.type)
    if (!types.includes(type)) throw new EventNotAcceptedError(type, step, types)
  }
}

/** Tasks that a reply waits for a step to run up to its sub-flow again. */
const PATIENCE = 1000
