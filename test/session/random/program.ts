import { fewer } from './fewer'

/** A random workflow as data, so that a failing one can be printed, made smaller and played again. */
export type Value = null | boolean | number | string | { readonly [key: string]: Value }

export type Instruction =
  | { readonly do: 'set'; readonly path: string; readonly value: Value }
  | { readonly do: 'increment' | 'text' | 'item' | 'delete'; readonly path: string }
  /** An edit below `root` that is open for so long (ms); without `ms` its recipe is synchronous. */
  | { readonly do: 'edit'; readonly root: string; readonly add: number; readonly ms?: number }
  | {
      readonly do: 'branch'
      readonly path: string
      readonly yes: readonly Instruction[]
      readonly no: readonly Instruction[]
    }
  | {
      readonly do: 'once'
      readonly name: string
      /** Ends at once, after some time, fails this often first, or always fails and the step catches it. */
      readonly how: 'sync' | 'slow' | 'flaky' | 'caught'
    }
  /** With `timeout` (ms), the step goes on without an answer. */
  | { readonly do: 'ask' | 'wait'; readonly name: string; readonly timeout?: number }
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'commit' }
  | { readonly do: 'send'; readonly name: string; readonly path: string }
  | { readonly do: 'raw'; readonly ms: number }
  | { readonly do: 'throw'; readonly until: number }
  | { readonly do: 'all'; readonly a: readonly Instruction[]; readonly b: readonly Instruction[] }

/** What happens to the session from outside, one after the other. */
export type Action =
  | { readonly act: 'advance'; readonly ms: number }
  | { readonly act: 'type'; readonly writes: readonly Instruction[] }
  | { readonly act: 'reply' | 'nudge'; readonly pick: number; readonly value: Value }
  | { readonly act: 'look' }
  | { readonly act: 'crash' }
  | { readonly act: 'die'; readonly operation: number; readonly lands: boolean }
  | { readonly act: 'close' }

type Program = readonly Instruction[]

export interface Scenario {
  readonly steps: readonly Program[]
  /** Fan-outs by the programs of their branches; a gathering step takes over when all have ended. */
  readonly fans: readonly (readonly Program[])[]
  /** Two steps and the one that starts when both are done (`allOf`). */
  readonly pair: readonly Program[]
  /** A step that fails for good after its program, and the one that recovers from it. */
  readonly lost: readonly Program[]
  readonly actions: readonly Action[]
  /** Steps have asynchronous edits, which all their writes wait for. */
  readonly edits: boolean
  /** Every append is followed by a compaction. */
  readonly compact: boolean
  /** So many microtasks pass before the page hears of what storage has done. */
  readonly lag: number
}

const shared = ['a', 'b', 'o.x', 'o.y.z']
const parents = ['o', 'o.y']

/** Paths that only one branch of one step, and the person, write to. */
function own(name: string): readonly string[] {
  return [`${name}.n`, `${name}.deep.n`]
}

export function scenario(random: () => number, raw = false): Scenario {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const chance = (share: number): boolean => random() < share
  const upTo = (n: number): number => Math.floor(random() * (n + 1))
  // Steps with `Promise.all` do nothing raw, and each branch has paths of its own.
  const parallel = chance(0.4)
  const count = 1 + upTo(2)
  const [fanned, paired, losing] = [chance(0.3), chance(0.2), chance(0.2)]
  const edits = chance(0.3)
  const values: readonly Value[] = [0, 1, 2, '', 'x', null, false]
  let names = 0
  const name = (): string => `p${++names}`

  // A write that waits is told by the function that it is given, which only `set` takes.
  const write = (paths: readonly string[], root: string, late = false): Instruction => {
    const kind = random()
    if (kind < 0.35) return { do: 'set', path: pick(paths), value: pick(values) }
    if (kind < 0.5) return { do: 'increment', path: pick(paths) }
    if (late) return { do: 'set', path: pick(paths), value: pick(values) }
    if (kind < 0.62) return { do: 'text', path: `${root}t` }
    if (kind < 0.74) return { do: 'item', path: `${root}l` }
    if (root !== '') return { do: 'set', path: `${root}deep`, value: { n: upTo(3) } }
    if (kind < 0.87) {
      const path = pick(parents)
      return { do: 'set', path, value: path === 'o' ? { x: upTo(3), y: { z: upTo(3) } } : { z: upTo(3) } }
    }
    return { do: 'delete', path: pick([...shared, ...parents, 't', 'l']) }
  }

  const instruction = (paths: readonly string[], root: string, depth: number): Instruction => {
    const inside = root !== ''
    const kind = random()
    if (kind < 0.42) return write(paths, root, edits)
    if (kind < 0.5 && depth < 2) {
      const body = (): Instruction[] => instructions(1 + upTo(1), paths, root, depth + 1)
      return { do: 'branch', path: pick(paths), yes: body(), no: body() }
    }
    if (kind < 0.66)
      return {
        do: 'once',
        name: name(),
        how: pick(inside ? ['sync', 'slow', 'caught'] : ['sync', 'slow', 'flaky', 'caught']),
      }
    const timeout = chance(0.3) ? { timeout: pick([0, 15, 60]) } : {}
    if (kind < 0.73) return { do: 'ask', name: name(), ...timeout }
    if (kind < 0.78) return { do: 'wait', name: name(), ...timeout }
    if (kind < 0.83) return { do: 'sleep', ms: pick([0, 10, 40]) }
    if (kind < 0.87) return { do: 'commit' }
    if (kind < 0.93) return { do: 'send', name: name(), path: pick(paths) }
    if (inside && raw && chance(0.5)) return { do: 'raw', ms: pick([0, 5, 20]) }
    if (edits && kind > (inside ? 0.93 : 0.95)) {
      const open = chance(0.7) ? { ms: pick([0, 0, 5, 40]) } : {}
      return { do: 'edit', root: inside ? root.slice(0, -1) : 'o', add: 1 + upTo(3), ...open }
    }
    if (inside || depth > 0) return write(paths, root, edits)
    if (kind < 0.96) return parallel ? write(paths, root, edits) : { do: 'raw', ms: pick([0, 0, 20]) }
    return { do: 'throw', until: 1 + upTo(1) }
  }

  const instructions = (
    count: number,
    paths: readonly string[],
    root: string,
    depth: number,
  ): Instruction[] => Array.from({ length: count }, () => instruction(paths, root, depth))

  const step = (index: number): Instruction[] => {
    const before = instructions(1 + upTo(5), shared, '', 0)
    if (!parallel) return before
    const branch = (which: string): Instruction[] => {
      const root = `s${index}${which}.`
      return instructions(1 + upTo(4), own(root.slice(0, -1)), root, 0)
    }
    const b: Instruction[] = chance(0.3) ? [{ do: 'all', a: branch('b'), b: branch('c') }] : branch('b')
    return [...before, { do: 'all', a: branch('a'), b }, ...instructions(upTo(3), shared, '', 0)]
  }

  const typed = (): Instruction => {
    if (parallel && chance(0.5)) {
      const root = `s${upTo(1)}${pick(['a', 'b'])}`
      return write(own(root), `${root}.`)
    }
    return write(shared, '')
  }

  let cuts = 0
  const action = (): Action => {
    const kind = random()
    // Ten in a row without getting anywhere are a crash loop, which is another matter.
    if (kind >= 0.82 && ++cuts > 9) return { act: 'look' }
    if (kind < 0.3) return { act: 'advance', ms: pick([0, 0, 5, 20, 160]) }
    if (kind < 0.5) return { act: 'type', writes: Array.from({ length: 1 + upTo(2) }, typed) }
    if (kind < 0.68) return { act: 'reply', pick: upTo(5), value: pick([...values, { deep: { n: 1 } }]) }
    if (kind < 0.76) return { act: 'nudge', pick: upTo(20), value: pick(values) }
    if (kind < 0.82) return { act: 'look' }
    if (kind < 0.88) return { act: 'crash' }
    if (kind < 0.97) return { act: 'die', operation: 1 + upTo(4), lands: chance(0.5) }
    return { act: 'close' }
  }

  const some = (): Instruction[] => instructions(upTo(3), shared, '', 1)
  const list = <T>(length: number, make: () => T): T[] => Array.from({ length }, make)
  const steps = Array.from({ length: count }, (_, index) => step(index))
  const fans = fanned ? list(1 + upTo(1), () => list(upTo(3), some)) : []
  const pair = paired ? list(3, some) : []
  const lost = losing ? list(2, some) : []
  return {
    ...{ steps, fans, pair, lost, edits },
    actions: Array.from({ length: 6 + upTo(24) }, action),
    compact: chance(0.3),
    lag: upTo(3),
  }
}

/** Every scenario that is one piece smaller. */
export function* smaller(it: Scenario): Generator<Scenario> {
  for (let n = 0; n < it.steps.length; n++)
    if (it.steps.length > 1) yield { ...it, steps: without(it.steps, n) }
  if (it.pair.length > 0) yield { ...it, pair: [] }
  if (it.lost.length > 0) yield { ...it, lost: [] }
  for (let n = 0; n < it.fans.length; n++) yield { ...it, fans: without(it.fans, n) }
  for (const actions of fewer(it.actions)) yield { ...it, actions }
  for (let n = 0; n < it.steps.length; n++)
    for (const body of shorter(it.steps[n] ?? []))
      yield { ...it, steps: it.steps.map((old, at) => (at === n ? body : old)) }
  for (const kind of ['pair', 'lost'] as const)
    for (const [n, old] of it[kind].entries())
      for (const body of shorter(old))
        yield { ...it, [kind]: it[kind].map((own, at) => (at === n ? body : own)) }
  for (const [f, fan] of it.fans.entries())
    for (const less of smallerFans(fan))
      yield { ...it, fans: it.fans.map((own, at) => (at === f ? less : own)) }
  for (const [n, action] of it.actions.entries())
    if (action.act === 'type' && action.writes.length > 1)
      for (let at = 0; at < action.writes.length; at++)
        yield {
          ...it,
          actions: it.actions.map((old, i) =>
            i === n ? { ...action, writes: without(action.writes, at) } : old,
          ),
        }
  if (it.compact) yield { ...it, compact: false }
  if (it.lag > 0) yield { ...it, lag: it.lag - 1 }
}

function* smallerFans(fan: readonly Program[]): Generator<readonly Program[]> {
  for (let n = 0; n < fan.length; n++) yield without(fan, n)
  for (const [n, old] of fan.entries())
    for (const body of shorter(old)) yield fan.map((own, at) => (at === n ? body : own))
}

function* shorter(body: readonly Instruction[]): Generator<readonly Instruction[]> {
  for (let n = 0; n < body.length; n++) yield without(body, n)
  for (const [n, it] of body.entries()) {
    const replace = (next: readonly Instruction[]): Instruction[] => [
      ...body.slice(0, n),
      ...next,
      ...body.slice(n + 1),
    ]
    if (it.do === 'branch') {
      yield replace(it.yes)
      yield replace(it.no)
    }
    if (it.do === 'all') {
      yield replace(it.a)
      yield replace(it.b)
      for (const a of shorter(it.a)) yield replace([{ ...it, a }])
      for (const b of shorter(it.b)) yield replace([{ ...it, b }])
    }
  }
}

function without<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, at) => at !== index)
}
