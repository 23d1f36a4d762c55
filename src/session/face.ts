import { apart } from '../state/apart'
import { checkOptions } from '../state/argument'
import { EarlyWrites, type Remake } from '../state/early-writes'
import { sameJson } from '../state/same'
import { createStateStore, type StateStore } from '../state/store'
import type { StoreParts } from '../state/writes'
import type { AnyWorkflow } from '../workflow/shape'
import type { OpenAsk } from '../workflow/ask'
import { listen } from './catch-up'
import { reply, send } from './inbox'
import type { LiveSession } from './live-session'
import { goesOn, type Point, type Waiting } from './model/model'
import { idOf } from './open-asks'
import { retriesOf } from './retries'
import { cancel, pause, reset, resume, retry, run, step } from './runs'
import { pageProgress } from './step/page-progress'
import type { Progress, Session } from './session'
import type { EventsOptions } from './stream'
import { back, forward, rewind } from './travel'

type Fork = (seq?: number, id?: string) => Promise<Session<AnyWorkflow>>

/** The members that a face has made: the same for everybody who reads them. */
type Kept = Record<string, unknown>

/** Behind a face, and behind whatever has one as its prototype; the same in two copies of Dogear. */
const inside: unique symbol = /* @__PURE__ */ Symbol.for('dogear.session')

interface Parts {
  readonly live: LiveSession
  readonly kept: Kept
}

interface Face {
  /** A function, because a failing test shows a deep copy of its values, and an object with private fields cannot be copied. */
  readonly [inside]: () => Parts
}

/**
 * The prototype of all faces. It makes members when they are read, because a page with a thousand sessions reads only three
 * or four members of most.
 */
let members: object | undefined

function define(): object {
  const all = {}
  const add = (name: string, get: (this: Face) => unknown): unknown =>
    Object.defineProperty(all, name, { get, enumerable: true })
  for (const [name, show] of Object.entries(shown))
    add(name, function () {
      const { live, kept } = this[inside]()
      return show(live, kept)
    })
  for (const [name, act] of Object.entries<Action>(actions))
    add(name, function () {
      const { live, kept } = this[inside]()
      return (kept[name] ??= (...args: never[]) => act(live, ...args))
    })
  return all
}

/** What users get for a live session: getters of what it shows, and methods that can be taken off it. */
export function makeFace(live: LiveSession, fork: Fork): Session<AnyWorkflow> {
  const face = Object.create((members ??= define())) as { [inside]: () => Parts }
  const parts: Parts = { live, kept: { fork } }
  face[inside] = () => parts
  return Object.freeze(face) as unknown as Session<AnyWorkflow>
}

/** The answered asks of the run, oldest first: the pages of a wizard that were turned. */
export function pagesOf(session: Session<AnyWorkflow>): readonly Pick<OpenAsk, 'type' | 'data' | 'step'>[] {
  const pages = (session as unknown as Partial<Face>)[inside]?.().live.core.model.run?.pages ?? []
  return pages.map((it) => ({ type: it.event?.type ?? '', data: it.event?.data, step: it.step }))
}

type Action = (live: LiveSession, ...args: never[]) => unknown

/** What is done with it. */
const actions = {
  run,
  send,
  reply,
  retry,
  cancel,
  pause,
  resume,
  step,
  reset,
  back,
  forward,
  rewind,
  history: ({ core }: LiveSession) => core.history.entries(core.options.privacy),
  events(live: LiveSession, options: EventsOptions = {}) {
    checkOptions('events()', options, { buffer: 'number', follow: '', records: '' })
    return listen(live, live.gate, options)
  },
  subscribe: (live: LiveSession, listener: () => void) => live.subscribe(listener),
  setResources: ({ core }: LiveSession, values: Readonly<Kept>) => core.options.resources.set(values),
  deleteResource: ({ core }: LiveSession, key: string) => core.options.resources.delete(key),
  subscribeResources: ({ core }: LiveSession, listener: () => void) =>
    core.options.resources.subscribe(listener),
  flush: (live: LiveSession) => live.flush(),
  takeOver: (live: LiveSession) => live.takeOver(),
  toJSON: (live: LiveSession) => live.toJSON(),
  close: (live: LiveSession) => live.close(),
}

/** What it shows: read anew each time. */
const shown: Readonly<Record<string, (live: LiveSession, kept: Kept) => unknown>> = {
  id: (live) => live.core.options.id,
  workflow: (live) => live.core.definition,
  ready: (live) => live.ready,
  status: (live) => live.status,
  asks: (live, kept) => ((kept['asks'] ??= askView(live)) as () => unknown)(),
  retries: retryView,
  result: (live) => live.result,
  error: (live) => live.error,
  progress: (live, kept) => live.progress ?? ((kept['pages'] ??= pageView(live)) as () => unknown)(),
  persistence: (live) => live.persistence,
  role: (live) => live.role,
  resumed: (live) => live.resumed,
  parent: (live) => live.core.model.parent,
  orphans: (live) => live.orphans,
  missingResources: (live) => live.missingResources,
  state: (live, kept) => (kept['state'] ??= stateOf(live)),
  flowState: (live) => live.core.options.flow.state,
  resources: (live) => live.core.options.resources.view,
  fork: (_, kept) => kept['fork'],
}

function stateOf({ core }: LiveSession): StateStore<unknown> {
  const { options } = core
  const parts: StoreParts = {
    tree: core.model.tree,
    writer: options.writer,
    commit: (ops) => core.write(ops),
    base: () => core.model,
    always: () => core.early !== undefined || core.model.log.length > 0,
    initial: () => options.initialState,
    apart,
  }
  const early = (): Remake[] | undefined => (core.remote ? undefined : core.early)
  return createStateStore(parts, new EarlyWrites(parts, early))
}

/** The open asks: the same array until one comes or goes, the same objects as long as they are open. */
function askView(live: LiveSession): () => readonly OpenAsk[] {
  let seen: readonly unknown[] = []
  let asks: readonly OpenAsk[] = Object.freeze([])
  const views = new WeakMap<Point, OpenAsk>()
  return () => {
    const { model, remote } = live.core
    const answering = remote?.answering
    if (seen[0] === model && seen[1] === model.seq && seen[2] === answering) return asks
    // Another model has other points for the same asks, which are found by their ids.
    const known = seen[0] === model ? undefined : new Map(asks.map((it) => [it.id, it]))
    seen = [model, model.seq, answering]
    const open = goesOn(model) ? live.core.openAsks() : []
    const next = open
      .map((it) => {
        const ask = views.get(it.point) ?? known?.get(idOf(it)) ?? openAsk(live, idOf(it), it)
        views.set(it.point, ask)
        return ask
      })
      .filter((it) => !answering?.has(it.id))
    // Those with other functions are others, whatever they ask.
    if (!sameJson(next, asks)) asks = Object.freeze(next)
    return asks
  }
}

/** The steps in back-off: the same array until one comes or goes. */
function retryView({ core }: LiveSession, kept: Kept): unknown {
  const next = retriesOf(core)
  return sameJson(next, kept['retries']) ? kept['retries'] : (kept['retries'] = Object.freeze(next))
}

/** The progress of its pages: the same object until the number changes. */
function pageView(live: LiveSession): () => Progress | undefined {
  let last: Progress | undefined
  let seq = -1
  return () => {
    if (seq === live.core.model.seq) return last
    seq = live.core.model.seq
    const fraction = pageProgress(live.core)
    if (fraction !== last?.fraction) last = fraction === undefined ? fraction : Object.freeze({ fraction })
    return last
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
    reply: (data: unknown) => reply(live, id, data),
  })
}
