import { createStateStore } from '../state/store'
import type { AnyWorkflow } from '../workflow/shape'
import type { LiveSession } from './live-session'
import type { OpenAsk } from '../workflow/ask'
import type { Waiting } from './model'
import type { Session } from './session'
import type { EventsOptions } from './stream'

/** What users get of a live session: getters of what it shows, and methods that can be taken off it. */
export function makeFace(
  live: LiveSession,
  workflow: AnyWorkflow,
  fork: (seq?: number, id?: string) => Promise<Session<AnyWorkflow>>,
): Session<AnyWorkflow> {
  const { core } = live
  const { options } = core
  const state = createStateStore<unknown>({
    tree: core.model.tree,
    writer: options.writer,
    commit: (ops) => core.write(ops),
    base: () => core.model,
    early: () => (core.remote ? undefined : core.early),
    always: () => core.early !== undefined || core.model.log.length > 0,
    initial: () => options.initialState,
  })
  const { flow } = options
  const face = { id: options.id, workflow, state, flowState: flow.state, fork, ...methodsOf(live) }
  for (const [name, get] of Object.entries(gettersOf(live)))
    Object.defineProperty(face, name, { get, enumerable: true })
  lives.set(face, live)
  return Object.freeze(face) as unknown as Session<AnyWorkflow>
}

const lives = new WeakMap<object, LiveSession>()

/** The asks of the run that were answered, oldest first: the pages of a wizard that were turned. */
export function pagesOf(session: Session<AnyWorkflow>): readonly Pick<OpenAsk, 'type' | 'data' | 'step'>[] {
  const pages = lives.get(session)?.core.model.run?.pages ?? []
  return pages.map(({ event, step }) => ({ type: event?.type ?? '', data: event?.data, step }))
}

function methodsOf(live: LiveSession): object {
  const { resources } = live.core.options
  return {
    run: (input?: unknown) => live.runs.run(input),
    send: live.send.bind(live),
    reply: live.reply.bind(live),
    retry: () => live.runs.retry(),
    cancel: (reason?: string) => live.runs.cancel(reason),
    pause: () => live.runs.pause(),
    resume: () => live.runs.resume(),
    step: () => live.runs.step(),
    reset: () => live.runs.reset(),
    history: () => live.core.history.entries(),
    back: () => live.travel.back(),
    forward: () => live.travel.forward(),
    rewind: (seq: number) => live.travel.rewind(seq),
    events: (options: EventsOptions = {}) => live.events(options),
    subscribe: live.subscribe.bind(live),
    setResources: (values: object) => resources.set(values as Record<string, unknown>),
    deleteResource: (key: string) => resources.delete(key),
    subscribeResources: resources.subscribe.bind(resources),
    flush: () => live.flush(),
    takeOver: () => live.takeOver(),
    toJSON: () => live.toJSON(),
    close: () => live.close(),
  }
}

function gettersOf(live: LiveSession): Readonly<Record<string, () => unknown>> {
  const { resources } = live.core.options
  return {
    ready: () => live.ready,
    status: () => live.status,
    asks: askView(live),
    result: () => live.result,
    error: () => live.error,
    progress: () => live.progress,
    persistence: () => live.persistence,
    role: () => live.role,
    resumed: () => live.resumed,
    parent: () => live.core.model.parent,
    orphans: () => live.orphans,
    missingResources: () => live.missingResources,
    resources: () => resources.view,
  }
}

/** The open asks: the same array until one comes or goes, the same objects as long as they are open. */
function askView(live: LiveSession): () => readonly OpenAsk[] {
  let seen: readonly unknown[] = []
  let asks: readonly OpenAsk[] = Object.freeze([])
  let known = new Map<string, OpenAsk>()
  return () => {
    const { model, remote } = live.core
    const answering = remote?.answering
    if (seen[0] === model && seen[1] === model.askChanges && seen[2] === answering) return asks
    seen = [model, model.askChanges, answering]
    const active = model.run !== undefined && model.run.end === undefined
    const open = active ? live.core.openAsks() : []
    const next = open.flatMap((it) => {
      const { id } = it
      return answering?.has(id) ? [] : (known.get(id) ?? openAsk(live, id, it))
    })
    const same = next.length === asks.length && next.every((it, index) => it === asks[index])
    if (!same) asks = Object.freeze(next)
    known = new Map(asks.map((it) => [it.id, it]))
    return asks
  }
}

function openAsk(live: LiveSession, id: string, { exec, point }: Waiting): OpenAsk {
  return Object.freeze({
    id,
    type: point.event?.type ?? '',
    data: point.event?.data,
    step: exec.step,
    replyType: point.reply ?? '',
    ...(point.deadline !== undefined && { deadline: point.deadline }),
    reply: (data: unknown) => live.reply(id, data),
  })
}
