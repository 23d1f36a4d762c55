import { anything, defineEvent, type AnyEvent } from '../event'
import { readHead, readRetry } from './document'
import { known, type Report } from './error'
import { DATA } from './export'
import { join, own, reader, type JsonObject, type Reader } from './reader'
import { initialState, type Code, type Registered } from './registry'
import type { Join } from '../join'
import type { RetryPolicy } from '../retry'
import { makeStep, type StepDefinition } from '../step'
import { emitting } from '../subflow'
import { build, type Definition } from '../workflow'

/** Whether a document is the export of a workflow whose steps say themselves which event comes next. */
export function isEventful(source: JsonObject): boolean {
  const steps = own(source, 'steps')
  return Array.isArray(steps) && steps.some((it) => (it as JsonObject | null)?.['routes'] !== 'edges')
}

/** Reads an exported workflow. Returns a function that makes the definition, for when there are no findings. */
export function stepsOfEvents(source: JsonObject, code: Code, report: Report): () => Definition {
  const read = reader(report)
  const { name, version } = readHead(source, read, report)
  const events = readEvents(source, code, read, report)
  const steps = read.list(source, 'steps', '').map((it, index) => {
    const path = `steps.${index}`
    const step = read.object(it, path)
    const id = step && read.text(step, ['name'], path)
    if (step === undefined || id === undefined) return undefined
    const registered = code.types.get(id)
    if (registered === undefined)
      report(join(path, 'name'), `is "${id}", which is not registered; ${known(code.types.keys())}`)
    return readStep(id, step, path, registered, events, read, report)
  })
  const value = read.json(source, ['initial_state', 'initialState'], '') as object | undefined
  const state = initialState(source, value, code, report)
  const given = read.object(read.json(source, ['options'], '') ?? {}, 'options') ?? {}
  for (const key of ['skip', 'private']) read.list(given, key, 'options', true)
  read.object(own(given, 'renamedSteps') ?? {}, 'options.renamedSteps')
  const options = {
    name,
    version,
    start: events.start,
    stop: events.stop,
    events: events.outside,
    state: state.schema,
    flowState: code.flowState,
    resources: code.resources,
    ...Object.fromEntries(DATA.map((key) => [key, own(given, key)])),
  } as unknown as Definition['options']
  return () =>
    build(
      options,
      steps.filter((it) => it !== undefined),
      { initialState: state.value },
    )
}

interface Events {
  readonly get: (type: string, path: string) => AnyEvent | undefined
  readonly start: AnyEvent | undefined
  readonly stop: AnyEvent | undefined
  readonly outside: readonly AnyEvent[]
}

interface Listed {
  readonly event: JsonObject
  readonly type: string
  readonly reply: string | undefined
}

/** The events of an export, and what part each has in the workflow. */
function readEvents(source: JsonObject, code: Code, read: Reader, report: Report): Events {
  const listed = read.list(source, 'events', '').map((it, index): Listed => {
    const path = `events.${index}`
    const event = read.object(it, path) ?? {}
    const type = read.text(event, ['type'], path) ?? ''
    return { event, type, reply: read.text(event, ['reply'], path, true) }
  })
  const events = makeEvents(listed, code, report)
  const marked = (mark: string): AnyEvent[] =>
    listed.filter(({ event }) => own(event, mark) === true).map(({ type }) => events.get(type) as AnyEvent)
  const [start] = marked('start')
  const [stop] = marked('stop')
  if (start === undefined) report('events', 'has no event with `start: true`')
  if (stop === undefined) report('events', 'has no event with `stop: true`')
  return {
    get(type, path) {
      const event = events.get(type)
      if (event === undefined) report(path, `names "${type}", which is no event; ${known(events.keys())}`)
      return event
    },
    start,
    stop,
    outside: marked('outside'),
  }
}

/** Registered events as they are; any other event takes any JSON. */
function makeEvents(listed: readonly Listed[], code: Code, report: Report): Map<string, AnyEvent> {
  const events = new Map<string, AnyEvent>()
  const know = (event: AnyEvent | undefined): void => {
    if (event === undefined || events.has(event.type)) return
    events.set(event.type, event)
    know(event.reply)
  }
  for (const event of code.events) know(event)
  // A reply is an event of its own, so events without a reply are made first.
  for (let left = listed.filter((it) => !events.has(it.type)); left.length > 0;) {
    const ready = left.filter(({ reply }) => reply === undefined || events.has(reply))
    for (const { type, reply } of ready) {
      const options = reply === undefined ? undefined : { reply: events.get(reply) as AnyEvent }
      events.set(type, defineEvent(type, anything, options as { reply: AnyEvent }))
    }
    if (ready.length === 0)
      for (const { type, reply } of left)
        report('events', `has "${type}" with the reply "${reply}", which is no event`)
    left = ready.length === 0 ? [] : left.filter((it) => !ready.includes(it))
  }
  return events
}

function readStep(
  name: string,
  step: JsonObject,
  path: string,
  registered: Registered | undefined,
  events: Events,
  read: Reader,
  report: Report,
): StepDefinition {
  const list = (key: string, optional = true): AnyEvent[] =>
    read
      .list(step, key, path, optional)
      .map((it, index) => events.get(String(it), join(path, `${key}.${index}`)))
      .filter((it) => it !== undefined)
  const { node, config, subflow } = registered ?? {}
  const emits = list('emits')
  const written = subflow ? emitting(subflow, emits) : node?.(config)
  const handler = (registered?.handler ?? written) as StepDefinition['handler']
  const policy = readRetry(step, path, read, report)
  const { retryIf } = (registered?.retry ?? {}) as Partial<RetryPolicy>
  const retry = policy ? { ...policy, ...(retryIf && { retryIf }) } : registered?.retry
  const options = { on: [], emits, asks: list('asks'), ...(retry && { retry }) }
  const rest = Object.fromEntries(
    OPTIONS.map((key) => [key, own(step, key)]).filter(([, value]) => value !== undefined),
  ) as object
  const joined = read.name(step, ['join'], path, JOINS, 'no way to join', true)
  const on = { join: (joined ?? 'any') as Join, events: list('on', false) }
  return makeStep(name, { ...options, ...rest } as never, on, handler, subflow)
}

const JOINS: ReadonlyMap<string, true> = /* @__PURE__ */ new Map<Join, true>([
  ['any', true],
  ['allOf', true],
  ['gather', true],
])

const OPTIONS = ['workers', 'timeout', 'catchError', 'recoveries']
