import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  defineEvent,
  defineWorkflow,
  gather,
  graphOf,
  resource,
  StepFailed,
  structuredCloneSerializer,
  toMermaid,
  workflowFromGraph,
  type AnyWorkflow,
  type GraphDocument,
  type GraphExport,
  type GraphRegistry,
} from '../../src/index'
import { Done, Go, Item, Nudge, profile, Question, Worked } from '../support/flows'
import { random } from '../support/random'

/** As it comes back from a file. */
const stored = (graph: GraphExport): GraphExport => JSON.parse(JSON.stringify(graph)) as GraphExport

const Fanned = defineEvent('fanned', z.number())
const Left = defineEvent('left', z.number())
const Right = defineEvent('right', z.number())
const Begin = defineEvent('begin', z.object({ items: z.array(z.number()), ask: z.boolean().default(true) }))

const handlers = {
  split: (_: unknown, event: { data: { items: number[] } }) => event.data.items.map((it) => Item(it)),
  work: async (ctx: { once(key: string, fn: () => number): Promise<number> }, event: { data: number }) =>
    Fanned(await ctx.once('work', () => event.data * 2)),
  join: (_: unknown, all: { data: number }[]) => Left(all.reduce((sum, it) => sum + it.data, 0)),
  side: () => Right(1),
  both: {
    prepare: (_: unknown, ctx: { event: { data: number }[] }) => ctx.event.map((it) => it.data),
    execute: (numbers: number[]) => {
      if (numbers[0] === 12) throw new Error('twelve')
      return Worked((numbers[0] as number) + (numbers[1] as number))
    },
  },
  rescue: (_: unknown, failed: { data: { error: { message: string } } }) => Done(failed.data.error.message),
  end: async (
    ctx: {
      ask(event: unknown): Promise<{ data: unknown }>
      state: { set(path: string, value: unknown): Promise<void> }
    },
    event: { data: number },
  ) => {
    await ctx.state.set('sum', event.data)
    return Done([event.data, (await ctx.ask(Question('go on?'))).data])
  },
}

/** One of everything. */
const everything = defineWorkflow({
  name: 'everything',
  version: 3,
  start: Begin,
  stop: Done,
  state: z.object({ sum: z.number().default(0), note: z.string().default('') }),
  resources: { secret: resource<object>({ optional: true }) },
  events: [Nudge],
  maxSteps: 500,
  recoveries: 2,
})
  .step('split', { on: Begin, emits: [Item] }, handlers.split as never)
  .step('side', { on: Begin, emits: [Right] }, handlers.side as never)
  .step('work', { on: Item, emits: [Fanned], workers: 2 }, handlers.work as never)
  .step('join', { on: gather(Fanned), emits: [Left] }, handlers.join as never)
  .node(
    'both',
    { on: allOf(Left, Right), emits: [Worked], retry: { attempts: 2, delay: 1 }, catchError: 'rescue' },
    handlers.both as never,
  )
  .step('rescue', { on: StepFailed, emits: [Done] }, handlers.rescue as never)
  .step('end', { on: Worked, emits: [Done], asks: [Question], timeout: 1000 }, handlers.end as never)
  .step('nudged', { on: Nudge }, () => {})

const registry = {
  nodes: { ...handlers, nudged: () => {} },
  events: [Begin],
} as unknown as GraphRegistry

/** Runs a workflow to its end, answering what it asks; what it leaves. */
async function outcome(workflow: AnyWorkflow, input: unknown) {
  const page = profile()
  const session = await page.open(workflow)
  void (session as { run(input: unknown): Promise<unknown> }).run(input).catch(() => {})
  for (let turn = 0; turn < 50 && session.result === undefined && session.error === undefined; turn++) {
    await page.clock.advance(10)
    for (const ask of session.asks) await ask.reply('yes')
  }
  return {
    status: session.status,
    result: session.result,
    error: String(session.error),
    state: session.state.get(),
  }
}

describe('graphOf', () => {
  test('a workflow made with the builder / steps, events, edges and nodes: no code, no resource, no schema', () => {
    const graph = graphOf(everything)
    expect(Object.keys(graph)).toEqual([
      'format',
      'name',
      'version',
      'steps',
      'events',
      'edges',
      'nodes',
      'initial_state',
      'options',
    ])
    expect(graph).toMatchObject({ format: 1, name: 'everything', version: 3, options: { maxSteps: 500 } })
    expect(graph.steps).toContainEqual({
      name: 'both',
      on: ['left', 'right'],
      join: 'allOf',
      emits: ['worked'],
      retry: { attempts: 2, delay: 1 },
      catchError: 'rescue',
    })
    expect(graph.steps).toContainEqual({ name: 'work', on: ['item'], emits: ['fanned'], workers: 2 })
    expect(graph.events).toContainEqual({ type: 'begin', start: true })
    expect(graph.events).toContainEqual({ type: 'question', reply: 'answer' })
    expect(graph.events).toContainEqual({ type: 'nudge', outside: true })
    expect(graph.edges).toContainEqual({ from: 'split', to: 'work', event: 'item' })
    expect(graph.edges.filter((it) => it.event === 'stepFailed')).toEqual([
      { from: 'both', to: 'rescue', event: 'stepFailed' },
    ])
    expect(graph.nodes).toContainEqual({ id: 'both', type: 'both' })
    expect(stored(graph)).toEqual(graph)
    expect(JSON.stringify(graph)).not.toMatch(/secret|=>|function|\/(src|test|home|work)\//)
  })

  test('a plain workflow / exactly format, name, version, steps, events, edges, nodes', () => {
    const plain = defineWorkflow({ name: 'p', version: 1, start: Go, stop: Done }).step(
      'one',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    expect(graphOf(plain)).toEqual({
      format: 1,
      name: 'p',
      version: 1,
      steps: [{ name: 'one', on: ['go'], emits: ['done'] }],
      events: [
        { type: 'go', start: true },
        { type: 'done', stop: true },
      ],
      edges: [],
      nodes: [{ id: 'one', type: 'one' }],
    })
  })

  test('changes to the exported graph / do not reach the workflow', () => {
    const graph = graphOf(everything) as unknown as { nodes: unknown[] }
    graph.nodes.length = 0
    expect(graphOf(everything).nodes).toHaveLength(8)
  })
})

describe('export, import, run', () => {
  test.each([
    [{ items: [1, 2, 3] }],
    [{ items: [] }],
    // Six times two is twelve: the node fails for good and is rescued.
    [{ items: [6] }],
  ])("a builder's workflow with %j / the same result, state and status", async (input) => {
    const again = workflowFromGraph(stored(graphOf(everything)), registry)
    const expected = await outcome(everything, input)
    expect(expected.status).toBe('completed')
    expect(await outcome(again, input)).toEqual(expected)
    expect(graphOf(again)).toEqual(graphOf(everything))
  })

  test('without its events / any JSON is accepted, the rest is the same', async () => {
    const again = workflowFromGraph(stored(graphOf(everything)), { nodes: registry.nodes })
    expect((await outcome(again, { items: [1] })).result).toEqual([3, 'yes'])
  })

  test('with its schemas / they check and fill in as before', async () => {
    const Sure = defineEvent('sure', z.boolean())
    const AskSure = defineEvent('askSure', undefined, { reply: Sure })
    const state = z.object({ sum: z.number().default(0) })
    const asking = defineWorkflow({ name: 'asking', version: 1, start: Begin, stop: Done, state })
    const ask = async (ctx: { ask(event: unknown): Promise<{ data: unknown }> }, event: { data: unknown }) =>
      Done([event.data, (await ctx.ask(AskSure())).data])
    const graph = graphOf(asking.step('ask', { on: Begin, asks: [AskSure], emits: [Done] }, ask))
    const code = { nodes: { ask }, events: [Begin, AskSure], state } as unknown as GraphRegistry
    const page = profile()
    const session = await page.open(workflowFromGraph(stored(graph), code))
    expect(() => session.state.set('sum', 'x' as never)).toThrow('not valid')
    await expect(session.run({ items: 'x' })).rejects.toMatchObject({ code: 'EVENT_VALIDATION' })
    const result = session.run({ items: [] })
    await page.settle()
    expect(() => session.asks[0]?.reply('yes')).toThrow('sure')
    await session.asks[0]?.reply(true)
    expect(await result).toEqual([{ items: [], ask: true }, true])
  })

  test('a retry that is a function / is not exported, and is taken from the registry', async () => {
    const handler = (ctx: { attempt: number }) => {
      if (ctx.attempt < 3) throw new Error('again')
      return Done(ctx.attempt)
    }
    const retry = ({ attempt }: { attempt: number }) => (attempt < 3 ? 1 : undefined)
    const options = { on: Go, emits: [Done], retry }
    const plain = defineWorkflow({ name: 'p', version: 1, start: Go, stop: Done }).step(
      'one',
      options,
      handler,
    )
    const graph = stored(graphOf(plain))
    expect(graph.steps).toEqual([{ name: 'one', on: ['go'], emits: ['done'] }])
    const again = workflowFromGraph(graph, { nodes: { one: { handler, retry } } })
    expect(await outcome(again, undefined)).toMatchObject({ result: 3 })
  })

  test('a policy with retryIf / its numbers are exported, and the function is taken from the registry', async () => {
    const handler = (): unknown => {
      throw new Error('never')
    }
    const retry = { attempts: 3, delay: 1, retryIf: () => false }
    const plain = defineWorkflow({ name: 'p', version: 1, start: Go, stop: Done }).step(
      'one',
      { on: Go, emits: [Done], retry },
      handler as never,
    )
    const graph = stored(graphOf(plain))
    expect(graph.steps[0]?.retry).toEqual({ attempts: 3, delay: 1 })
    const again = workflowFromGraph(graph, { nodes: { one: { handler, retry } } })
    const page = profile()
    const session = await page.open(again)
    session.run(undefined).catch(() => {})
    await page.settle()
    expect([session.status, session.error]).toMatchObject(['failed', { attempts: 1 }])
  })

  test('private paths, a length of history and renamed steps / are in the export: what is private is stored by none', async () => {
    const state = z.object({ card: z.string().optional(), note: z.string().optional() })
    const options = { private: ['card'] as const, history: 7, renamedSteps: { former: 'one' } }
    const handler = (): unknown => Done(1)
    const plain = defineWorkflow({ name: 'p', version: 1, start: Go, stop: Done, state, ...options }).step(
      'one',
      { on: Go, emits: [Done] },
      handler as never,
    )
    const graph = stored(graphOf(plain))
    expect(graph).toMatchObject({ options })
    const again = workflowFromGraph(graph, { nodes: { one: handler }, events: [Go, Done], state })
    expect(graphOf(again)).toEqual(graph)
    const page = profile()
    const session = await page.open(again)
    session.state.set('card', '4111')
    session.state.set('note', 'ring')
    await session.flush()
    const found = JSON.stringify(await page.engine.export(session.id))
    expect(found).toContain('ring')
    expect(found).not.toContain('4111')
  })

  test('a schema of the flow state / is registered again: the same result, and its defaults', async () => {
    const flowState = z.object({ n: z.number().default(0) })
    const plain = defineWorkflow({ name: 'p', version: 1, start: Go, stop: Done, flowState }).step(
      'one',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.flowState.set('n', (n) => n + 1)
        return Done(ctx.flowState.get())
      },
    )
    const [handler] = (plain as unknown as { steps: { handler: () => unknown }[] }).steps.map(
      (it) => it.handler,
    )
    const graph = stored(graphOf(plain))
    const again = workflowFromGraph(graph, {
      nodes: { one: handler as never },
      events: [Go, Done],
      flowState,
    })
    const session = await profile().open(again)
    expect(await session.run()).toEqual(await (await profile().open(plain)).run())
    expect(session.flowState.get()).toEqual({ n: 1 })
    expect(() => session.flowState.set('n', 'one')).toThrow(
      expect.objectContaining({ code: 'STATE_VALIDATION' }),
    )
    expect(() =>
      workflowFromGraph(graph, { nodes: { one: handler as never }, flowState: {} as never }),
    ).toThrow('registry.flowState is no schema')
  })

  test('defaults that JSON has not / are left to the schema, which is registered again', async () => {
    const state = z.object({ at: z.date().default(new Date(5)), big: z.bigint().default(1n) })
    const plain = defineWorkflow({ name: 'p', version: 1, start: Go, stop: Done, state }).step(
      'one',
      { on: Go, emits: [Done] },
      (ctx) => Done(`${ctx.state.get('at').getTime()} ${ctx.state.get('big')}`),
    )
    const [handler] = (plain as unknown as { steps: { handler: () => unknown }[] }).steps.map(
      (it) => it.handler,
    )
    const graph = stored(graphOf(plain))
    expect(graph).not.toHaveProperty('initial_state')
    const again = workflowFromGraph(graph, { nodes: { one: handler as never }, events: [Go, Done], state })
    const session = await profile().open(again, { serializer: structuredCloneSerializer })
    expect(await session.run()).toBe('5 1')
  })

  test('a missing handler, an unknown event and no start / one GraphError', () => {
    const graph = stored(graphOf(everything)) as GraphExport & { events: { start?: boolean }[] }
    const broken = {
      ...graph,
      events: graph.events.filter((it) => !it.start),
      nodes: [],
    }
    const { join: _, ...rest } = registry.nodes as Record<string, never>
    expect(() => workflowFromGraph(broken, { nodes: rest })).toThrow(
      /events has no event with `start: true`[^]*steps.0.on.0 names "begin", which is no event[^]*steps.3.name is "join", which is not registered/,
    )
  })

  test('a join that does not exist, options and checks to skip that are none / one GraphError', () => {
    const graph = stored(graphOf(everything))
    const steps = graph.steps.map((it) => ({ ...it, join: 'some' }))
    const read = (options: unknown): unknown =>
      workflowFromGraph({ ...graph, steps, options } as never, registry)
    expect(() => read({ skip: 5 })).toThrow(
      /steps.0.join names "some", which is no way to join; [^]*options.skip is a number; it must be a list/,
    )
    expect(() => read('none')).toThrow('options is a text; it must be an object')
    expect(() => read({ private: 'card', renamedSteps: [] })).toThrow(
      /options.private is a text; it must be a list[^]*options.renamedSteps is a list; it must be an object/,
    )
  })

  test('replies that are no events or answer each other, and no stop / one GraphError', () => {
    const graph = stored(graphOf(everything)) as GraphExport & { events: { stop?: boolean }[] }
    const reply = (type: string, to: string) => ({ type, reply: to })
    const events = [
      ...graph.events.filter((it) => !it.stop),
      ...[reply('to none', 'nothing'), reply('one', 'other'), reply('other', 'one')],
    ]
    const finding = (type: string, to: string): string =>
      `events has "${type}" with the reply "${to}", which is no event`
    const read = (): unknown => workflowFromGraph({ ...graph, events } as never, registry)
    expect(read).toThrow('events has no event with `stop: true`')
    expect(read).toThrow(finding('to none', 'nothing'))
    expect(read).toThrow(finding('one', 'other'))
  })

  test("a document's workflow, registered by step names / runs the same", async () => {
    const document: GraphDocument = {
      name: 'g',
      nodes: [
        { id: 'one', type: 'Add', config: 1 },
        { id: 'two', type: 'Add', config: 2 },
      ],
      edges: [{ from: 'two', to: 'one' }],
      start: 'two',
      initial_state: { n: 0 },
    }
    const Add = addNode()
    const exported = stored(graphOf(workflowFromGraph(document, { nodes: { Add } })))
    const byStep = workflowFromGraph(exported, { nodes: { one: Add, two: Add } })
    const byType = workflowFromGraph(exported, { nodes: { Add } })
    for (const workflow of [byStep, byType])
      expect(await outcome(workflow, null)).toMatchObject({ result: { n: 3 } })
    expect(() => workflowFromGraph(document, { nodes: { one: Add, two: Add } })).toThrow(/names "Add"/)
  })
})

function addNode() {
  return {
    prepare: (state: { get(path: string): unknown }) => state.get('n') as number,
    execute: (n: number, { config }: { config: number }) => n + config,
    cleanup: (state: { set(path: string, value: unknown): Promise<void> }, _: unknown, n: unknown) =>
      state.set('n', n),
  } as never
}

interface Dice {
  below(limit: number): number
  chance(odds: number): boolean
  pick<T>(list: readonly T[]): T
}

function diceOf(seed: number): Dice {
  const next = random(seed)
  const below = (limit: number): number => Math.floor(next() * limit)
  return { below, chance: (odds) => next() < odds, pick: (list) => list[below(list.length)] as never }
}

/** A sub-flow has no config: what it gets is captured. */
function randomNode(dice: Dice): Pick<GraphDocument['nodes'][number], 'type' | 'config'> {
  const type = dice.pick(['Add', 'Fail', 'Empty', 'Ask', 'Triple'])
  return { type, ...(type !== 'Triple' && dice.chance(0.5) && { config: dice.below(5) }) }
}

/** A document of up to eight nodes; conditions read the state, so ways depend on the way so far. */
function randomDocument(dice: Dice): GraphDocument {
  const count = 1 + dice.below(8)
  const id = (): string => `n${dice.below(count)}`
  return {
    name: 'random',
    nodes: Array.from({ length: count }, (_, index) => ({
      id: `n${index}`,
      ...randomNode(dice),
      ...(dice.chance(0.3) && { retry: { attempts: 1 + dice.below(3), delay: dice.below(3) } }),
    })),
    edges: Array.from({ length: dice.below(count * 2) }, () => ({
      from: id(),
      to: id(),
      ...(dice.chance(0.7) && { when: dice.pick(['even', 'small', 'never']) }),
    })),
    ...(dice.chance(0.5) && { start: id() }),
    ...(dice.chance(0.8) && { initial_state: { n: dice.below(10), way: [] } }),
  }
}

const Given = defineEvent('given', z.object({ n: z.number() }))
const Tripled = defineEvent('tripled', z.object({ n: z.number(), said: z.unknown() }))

/** Asks, and gives three times what it got. */
const triple = defineWorkflow({ name: 'triple', version: 1, start: Given, stop: Tripled }).step(
  'ask',
  { on: Given, asks: [Question], emits: [Tripled] },
  async (ctx, { data: { n } }) => Tripled({ n: n * 3, said: (await ctx.ask(Question(n))).data }),
)

function randomRegistry(): GraphRegistry {
  const tries = new Map<string, number>()
  const way = z.array(z.string()).default([])
  const state = z.object({ n: z.number().default(0), way, said: z.unknown().optional() })
  const n = (it: { get(path: string): unknown }): number => it.get('n') as number
  const nodes: GraphRegistry['nodes'] = {
    Empty: {},
    Triple: {
      workflow: triple,
      capture: { input: { n: 'state.n' } },
      writeBack: { state: { n: 'result.n', said: 'result.said' } },
    },
    Add: {
      config: 1,
      prepare: n,
      execute: (it: number, { config }: { config: number }) => it + config,
      cleanup: async (it, _, sum, ctx) => {
        await it.set('n', sum)
        await it.append('way', ctx.step)
      },
    },
    Fail: {
      execute: (_, { idempotencyKey }) => {
        const tried = (tries.get(idempotencyKey) ?? 0) + 1
        tries.set(idempotencyKey, tried)
        if (tried < 2) throw new Error('try again')
        return tried
      },
      fallback: () => 0,
      cleanup: (it, _, tried) => it.set('n', (before) => (before as number) + (tried as number) + 1),
    },
    Ask: {
      asks: [Question],
      prepare: async (_, ctx) => (await ctx.ask(Question(ctx.step))).data,
      cleanup: (it, answer) => it.append('way', answer),
    },
  }
  const conditions: GraphRegistry['conditions'] = {
    even: (it) => n(it) % 2 === 0,
    small: async (it) => n(it) < 20,
    never: () => undefined,
  }
  return { nodes, conditions, state }
}

/** The way of a document by the rules alone, without an engine; `undefined` when it has no end. */
function expected(document: GraphDocument): unknown {
  const state = { n: 0, way: [] as string[], ...structuredClone(document.initial_state) }
  let at = document.nodes.find((it) => it.id === (document.start ?? document.nodes[0]?.id))
  for (let steps = 0; at !== undefined; steps++) {
    if (steps > 40) return undefined
    if (at.type === 'Add') {
      state.n += (at.config as number | undefined) ?? 1
      state.way.push(at.id)
    }
    if (at.type === 'Fail') state.n += ((at.retry?.attempts ?? 1) >= 2 ? 2 : 0) + 1
    if (at.type === 'Ask') state.way.push('yes')
    if (at.type === 'Triple') Object.assign(state, { n: state.n * 3, said: 'yes' })
    const holds = { even: state.n % 2 === 0, small: state.n < 20, never: false }
    const from = at.id
    const ways = (document.edges ?? []).filter((it) => it.from === from)
    const way =
      ways.find((it) => it.when !== undefined && holds[it.when as keyof typeof holds]) ??
      ways.find((it) => it.when === undefined)
    at = document.nodes.find((it) => it.id === way?.to)
  }
  return state
}

describe('random documents', () => {
  test('export, import, run / the same as the document, and as the rules say', async () => {
    let run = 0
    for (let seed = 1; run < 150; seed++) {
      const document = randomDocument(diceOf(seed))
      const end = expected(document)
      const workflow = workflowFromGraph(document, randomRegistry())
      const exported = stored(graphOf(workflow))
      const again = workflowFromGraph(exported, randomRegistry())
      expect(graphOf(again), `seed ${seed}`).toEqual(exported)
      // Without an end there is nothing to compare.
      if (end === undefined) continue
      run++
      const first = await outcome(workflow, seed)
      expect(first, `seed ${seed}`).toMatchObject({ status: 'completed', result: end })
      expect(await outcome(again, seed), `seed ${seed}`).toEqual(first)
    }
  }, 3_600_000)
})

/** A workflow of the builder: steps, nodes and sub-flows that choose their next one by the state, forwards only. */
function randomBuilder(dice: Dice): { workflow: AnyWorkflow; registry: GraphRegistry } {
  const count = 2 + dice.below(5)
  const enter = Array.from({ length: count }, (_, at) =>
    defineEvent(`enter${at}`, z.object({ n: z.number() })),
  )
  const events = [...enter, Tripled, Done]
  const to = (at: number) => (at < count ? enter[at] : Done) as unknown as (data: unknown) => never
  const nodes: Record<string, unknown> = {}
  let workflow = defineWorkflow({
    name: 'built',
    version: 2,
    start: enter[0] as (typeof enter)[number],
    stop: Done,
  }) as never as {
    step: (...args: unknown[]) => typeof workflow
    node: (...args: unknown[]) => typeof workflow
    subflow: (...args: unknown[]) => typeof workflow
  }
  for (let at = 0; at < count; at++) {
    const name = `s${at}`
    const far = Math.min(count, at + 1 + dice.below(3))
    const next = (n: number) => to(n % 2 === 0 ? far : at + 1)({ n })
    const options = { on: enter[at], emits: [...new Set([to(far), to(at + 1)])] }
    const retry = dice.chance(0.3) && { retry: { attempts: 2, delay: 5 } }
    const kind = dice.pick(['step', 'node', 'subflow'])
    if (kind === 'step') {
      const asks = dice.chance(0.5) ? [Question] : []
      const handler = async (
        ctx: { ask(it: unknown): Promise<unknown> },
        { data }: { data: { n: number } },
      ) => {
        if (asks.length > 0) await ctx.ask(Question(at))
        return next(data.n + 1)
      }
      workflow = workflow.step(name, { ...options, asks, ...retry }, handler)
      nodes[name] = handler
    } else if (kind === 'node') {
      const phases = {
        prepare: (_: unknown, ctx: { event: { data: { n: number } } }) => ctx.event.data.n,
        execute: (n: number) => n * 2,
        cleanup: (_: unknown, before: number, n: number) => next(n + before),
      }
      workflow = workflow.node(name, { ...options, ...retry }, phases)
      nodes[name] = phases
    } else {
      const mapping = {
        workflow: triple,
        writeBack: { value: { n: 'result.n' }, state: { [name]: 'result.said' } },
      }
      workflow = workflow.subflow(name, { ...options, ...mapping, emits: [to(at + 1)] })
      nodes[name] = mapping
    }
  }
  return { workflow: workflow as never, registry: { nodes, events } as never }
}

describe('random workflows of the builder', () => {
  test('export, import, run / the same result, the same state, the same diagram', async () => {
    const ends = new Set<string>()
    for (let seed = 1; seed <= 120; seed++) {
      const { workflow, registry } = randomBuilder(diceOf(seed))
      const skip = { skip: ['unreachable'] } as const
      ;(workflow as never as typeof everything).validate(skip)
      const exported = stored(graphOf(workflow))
      const again = workflowFromGraph(exported, registry)
      expect(graphOf(again), `seed ${seed}`).toEqual(exported)
      expect(toMermaid(again, { detail: 'detailed' })).toBe(toMermaid(workflow, { detail: 'detailed' }))
      const first = await outcome(workflow, { n: seed % 7 })
      ends.add(JSON.stringify(first))
      expect(await outcome(again, { n: seed % 7 }), `seed ${seed}`).toEqual(first)
    }
    expect(ends.size).toBeGreaterThan(60)
  }, 3_600_000)
})
