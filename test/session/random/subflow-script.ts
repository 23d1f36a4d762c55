import { random } from '../../support/random'
import { fewer } from './fewer'

/** Random workflows in workflows as data, so that a failing one can be printed, made smaller and played again. */
export type Instruction =
  /** `wait` waits for its own event, `bell` for any of its type. What hangs does so once, and is for flows with timeouts. */
  | {
      readonly do: 'write' | 'flow' | 'secret' | 'commit' | 'send' | 'side' | 'bell' | 'hang'
      readonly name: string
    }
  /** The condition of a bad one throws at every event that it does not wait for. */
  | { readonly do: 'wait'; readonly name: string; readonly bad: boolean }
  /** A number: it fails so often first, an even one after a while. `caught`: it always fails, and the step catches it. */
  | { readonly do: 'once'; readonly name: string; readonly how: 'sync' | 'slow' | 'asks' | 'caught' | number }
  /** Nobody answers a late one in time. */
  | { readonly do: 'ask'; readonly name: string; readonly late: boolean }
  | { readonly do: 'sleep' | 'raw'; readonly name: string; readonly ms: number }
  | { readonly do: 'throw'; readonly name: string; readonly until: number }
  | Sub
  | { readonly do: 'all'; readonly name: string; readonly a: Program; readonly b: Program }

/** A step, or a part of one, that is another flow. */
export interface Sub {
  readonly do: 'sub'
  readonly name: string
  /** Its place in the list; greater than that of the flow that it is in. */
  readonly flow: number
  readonly input: 'value' | 'state'
  readonly back: readonly ('value' | 'state' | 'flowState')[]
}

export type Program = readonly Instruction[]

export interface Step {
  readonly body: Program
  /** Fails for good after its program, and another step recovers. */
  readonly lost: boolean
  readonly timeout: boolean
}

/** Branches of a fan-out with few workers, which are gathered; and what begins when they and a step beside them are done. */
export interface Joined {
  /** A branch may end in a fan-out of its own, of so many. */
  readonly items: readonly (Pick<Step, 'body' | 'lost'> & { readonly split: number })[]
  readonly beside: Program
  readonly both: Program
  readonly workers: number
  readonly timeout: boolean
}

export interface Flow {
  readonly steps: readonly Step[]
  readonly joined?: Joined
  /** Steps that are flows. */
  readonly subs: readonly (Sub & { readonly timeout: boolean })[]
  /** A fan-out into so many of another flow. */
  readonly fan: { readonly flow: number; readonly count: number } | undefined
  readonly attempts: number
  readonly tool: boolean
  /** It always fails in the end; the step that runs it catches that. */
  readonly fails: boolean
}

export type Act =
  | { readonly act: 'advance'; readonly ms: number }
  | { readonly act: 'ticks'; readonly n: number }
  | { readonly act: 'die'; readonly operation: number; readonly lands: boolean; readonly pick: number }
  | { readonly act: string; readonly pick: number }

export interface Script {
  readonly flows: readonly Flow[]
  readonly acts: readonly Act[]
  readonly compact: boolean
  /** How long storage takes for each operation. */
  readonly lag: number
  readonly history: number | undefined
  /** Somebody goes back, rewinds, forks, imports and starts over. */
  readonly restless: boolean
  /** Newer code with migrations and new names of steps is deployed, and older code is opened again. */
  readonly versions: boolean
  /** It begins paused, and in the end it is stepped by hand. */
  readonly byHand?: boolean
}

/** What a step does, and how often. */
const kinds = {
  ...{ sub: 5, write: 2, once: 4, ask: 3, wait: 1, bell: 1, sleep: 1, commit: 1, send: 1, side: 2 },
  ...{ flow: 1, secret: 1, raw: 1, throw: 1, hang: 4, all: 2 },
}
const often = ['reply', 'reply', 'reply', 'nudge', 'bell', 'type', 'flush', 'look']
const rare = [
  ...['crash', 'crash', 'enter', 'enter', 'kill', 'takeOver', 'takeOver', 'pause', 'run', 'resume', 'resume'],
  ...['step', 'step', 'close', 'late', 'die', 'die', 'die'],
]
const deploying = ['deploy', 'deploy', 'deploy', 'old']
const travelling = ['back', 'back', 'forward', 'rewind', 'rewind', 'fork', 'import', 'reset', 'cancel']

export function script(seed: number, { versions = false, joins = false } = {}): Script {
  const roll = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(roll() * list.length)] as T
  const chance = (share: number): boolean => roll() < share
  const upTo = (n: number): number => Math.floor(roll() * (n + 1))
  let names = 0
  const count = 2 + upTo(2)
  const restless = chance(0.35)
  const hangs = chance(0.4)
  // Each story has much of some things, and nothing of others.
  const bag = Object.entries(kinds).flatMap(([kind, n]) =>
    Array.from<string>({ length: n * pick([0, 1, 1, 3]) }).fill(kind),
  )
  const fails = Array.from({ length: count }, (_, at) => at > 0 && chance(0.2))
  let budget = 4

  const sub = (at: number, step = false): Sub | undefined => {
    const later = fails.flatMap((it, index) => (index > at && (!step || !it) ? [index] : []))
    if (later.length === 0 || budget === 0) return undefined
    budget--
    const back = (['value', 'state', 'flowState'] as const).filter(
      (it) => chance(0.3) && (at > 0 || it !== 'flowState'),
    )
    return {
      do: 'sub',
      name: `p${++names}`,
      flow: pick(later),
      input: step ? 'value' : pick(['value', 'state']),
      back,
    }
  }
  /** With a plain write in place of what cannot be there. */
  const instruction = (at: number, not: readonly string[]): Instruction => {
    const name = `p${++names}`
    const kind = pick(bag) ?? 'write'
    if (not.includes(kind)) return { do: 'write', name }
    switch (kind) {
      case 'sub':
        return sub(at) ?? { do: 'write', name }
      case 'once':
        return { do: 'once', name, how: pick(['sync', 'slow', 'slow', 'asks', 'caught', 1, 2, 3]) }
      case 'ask':
        return { do: 'ask', name, late: chance(0.2) }
      case 'wait':
        return { do: 'wait', name, bad: joins && chance(0.4) }
      case 'sleep':
        return { do: 'sleep', name, ms: pick([0, 10, 40]) }
      case 'raw':
        return { do: 'raw', name, ms: pick([0, 0, 20]) }
      case 'throw':
        return { do: 'throw', name, until: 1 + upTo(1) }
      case 'all': {
        // Of branches with something raw nobody knows the order.
        const inside = [...not, 'raw', 'hang', 'throw', 'all']
        return { do: 'all', name, a: body(at, inside, 1), b: body(at, inside, 1) }
      }
      default:
        return { do: kind as 'write', name }
    }
  }
  const body = (at: number, not: readonly string[], more = 2): Instruction[] =>
    Array.from({ length: 1 + upTo(more) }, () => instruction(at, not))
  /** What hangs in another flow may end by the time of the step around it alone. */
  const limited = (at: number): boolean => hangs && (at === 0 || chance(0.4))
  const alone = (at: number): string[] => ['side', at > 0 ? '' : 'flow', hangs ? '' : 'hang']
  const joined = (at: number): Joined => ({
    items: Array.from({ length: upTo(4) }, () => {
      const lost = chance(0.15)
      const not = alone(at).slice(1)
      return { body: body(at, lost ? [...not, 'send', 'side'] : not), lost, split: pick([0, 0, 1, 2]) }
    }),
    beside: body(at, alone(at)),
    both: chance(0.5) ? body(at, alone(at)) : [],
    workers: pick([1, 1, 2, 4]),
    timeout: limited(at),
  })
  const flow = (at: number): Flow => {
    const own = joins && (at === 0 || chance(0.3)) ? { joined: joined(at) } : {}
    const steps = Array.from({ length: joins ? upTo(1) : 1 + upTo(1) }, (): Step => {
      const lost = chance(0.1)
      const timeout = limited(at)
      return { body: body(at, [...alone(at), lost ? 'send' : '']), lost, timeout }
    })
    const subs = Array.from({ length: chance(0.5) ? 1 : 0 }, () => sub(at, true)).flatMap((it) =>
      it ? [{ ...it, timeout: limited(at) }] : [],
    )
    const fan = chance(0.15) && !hangs ? sub(at, true) : undefined
    return {
      ...{ steps, ...own, subs },
      fan: fan && { flow: fan.flow, count: upTo(3) },
      attempts: at === 0 ? pick([2, 60]) : pick([1, 2, 60]),
      tool: chance(0.4),
      fails: fails[at] as boolean,
    }
  }
  const weather = [
    ...Array.from({ length: 4 }, () => pick(rare)),
    ...(versions ? deploying : []),
    ...(restless ? [pick(travelling), pick(travelling)] : []),
  ]
  const wild = pick([0.15, 0.3, 0.5])
  let cuts = 0
  const act = (): Act => {
    const kind = roll()
    if (kind < 0.2) return { act: 'advance', ms: pick([0, 0, 5, 20, 160]) }
    if (kind < 0.3) return { act: 'ticks', n: upTo(12) }
    const chosen = pick(kind < 1 - wild ? often : weather)
    if (['crash', 'kill', 'close', 'die'].includes(chosen) && ++cuts >= 8) return { act: 'look', pick: 0 }
    if (chosen === 'die') return { act: 'die', operation: 1 + upTo(4), lands: chance(0.5), pick: upTo(9) }
    return { act: chosen, pick: upTo(99) }
  }
  return {
    flows: fails.map((_, at) => flow(at)),
    acts: Array.from({ length: 4 + upTo(16) }, act),
    compact: chance(0.3),
    lag: pick([0, 0, 0, 15]),
    history: chance(0.3) ? pick([0, 5, 30]) : undefined,
    ...{ restless, versions },
    ...(joins && { byHand: chance(0.3) }),
  }
}

/** Every script that is a piece smaller. */
export function* smaller(it: Script): Generator<Script> {
  for (const acts of fewer(it.acts)) yield { ...it, acts }
  for (const [n, flow] of it.flows.entries()) {
    const put = (next: Flow): Script => ({ ...it, flows: it.flows.with(n, next) })
    if (flow.fan) yield put({ ...flow, fan: undefined })
    const { joined, ...alone } = flow
    if (joined) {
      yield put(alone)
      for (const less of fewerJoined(joined)) yield put({ ...flow, joined: less })
    }
    for (const subs of fewer(flow.subs)) yield put({ ...flow, subs })
    for (const steps of fewer(flow.steps)) yield put({ ...flow, steps })
    for (const [at, step] of flow.steps.entries()) {
      if (step.lost) yield put({ ...flow, steps: flow.steps.with(at, { ...step, lost: false }) })
      for (const body of shorter(step.body))
        yield put({ ...flow, steps: flow.steps.with(at, { ...step, body }) })
    }
    if (flow.tool) yield put({ ...flow, tool: false })
    for (const [at, sub] of flow.subs.entries())
      if (sub.back.length > 0) yield put({ ...flow, subs: flow.subs.with(at, { ...sub, back: [] }) })
  }
  if (it.lag) yield { ...it, lag: 0 }
  if (it.compact) yield { ...it, compact: false }
  if (it.history !== undefined) yield { ...it, history: undefined }
  if (it.byHand) yield { ...it, byHand: false }
}

function* fewerJoined(it: Joined): Generator<Joined> {
  for (const items of fewer(it.items)) yield { ...it, items }
  for (const [n, item] of it.items.entries()) {
    if (item.lost) yield { ...it, items: it.items.with(n, { ...item, lost: false }) }
    if (item.split) yield { ...it, items: it.items.with(n, { ...item, split: 0 }) }
    for (const body of shorter(item.body)) yield { ...it, items: it.items.with(n, { ...item, body }) }
  }
  for (const beside of shorter(it.beside)) yield { ...it, beside }
  for (const both of shorter(it.both)) yield { ...it, both }
  if (it.workers < 4) yield { ...it, workers: 4 }
}

/** All programs of a flow. */
export function bodiesOf({ steps, joined }: Flow): Program[] {
  const bodies = steps.map((it) => it.body)
  return joined ? [...bodies, ...joined.items.map((it) => it.body), joined.beside, joined.both] : bodies
}

/** What is done in these programs, and in the branches of each. */
export function flat(bodies: readonly Program[]): Instruction[] {
  return bodies.flat().flatMap((it) => [it, ...(it.do === 'all' ? flat([it.a, it.b]) : [])])
}

function* shorter(body: Program): Generator<Program> {
  yield* fewer(body)
  for (const [n, it] of body.entries()) {
    if (it.do === 'all') {
      yield [...body.slice(0, n), ...it.a, ...body.slice(n + 1)]
      yield [...body.slice(0, n), ...it.b, ...body.slice(n + 1)]
      for (const a of shorter(it.a)) yield body.with(n, { ...it, a })
      for (const b of shorter(it.b)) yield body.with(n, { ...it, b })
    }
    if (it.do === 'sub' && it.back.length > 0) yield body.with(n, { ...it, back: [] })
    if (it.do === 'sub' && it.input === 'state') yield body.with(n, { ...it, input: 'value' })
  }
}
