import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  graphOf,
  memoryStorage,
  toMermaid,
  workflowFromGraph,
  type GraphError,
} from 'dogear'
import { crash, virtualClock } from 'dogear/testing'
import { thrown } from '../support/flows'

const Refund = defineEvent('refund', z.object({ order: z.string() }))
const Decision = defineEvent('decision', z.boolean())
const Approve = defineEvent('approve', z.object({ order: z.string() }), { reply: Decision })
const Refunded = defineEvent('refunded', z.object({ approved: z.boolean() }))

const refund = defineWorkflow({ name: 'refund', version: 2, start: Refund, stop: Refunded }).step(
  'decide',
  { on: Refund, asks: [Approve], emits: [Refunded] },
  async (ctx, { data }) => Refunded({ approved: (await ctx.ask(Approve(data))).data }),
)

const document = {
  name: 'desk',
  version: 1,
  nodes: [
    { id: 'read', type: 'Read' },
    { id: 'refund', type: 'Refund' },
    { id: 'answer', type: 'Answer' },
  ],
  edges: [
    { from: 'read', to: 'refund' },
    { from: 'refund', to: 'answer' },
  ],
  initial_state: { order: 'A-1' },
}
const registry = {
  nodes: {
    Read: {},
    Refund: {
      workflow: refund,
      capture: { input: { order: 'state.order' } },
      writeBack: { value: 'result.approved', state: { approved: 'result.approved' } },
    },
    Answer: {
      prepare: (_state: unknown, ctx: { event: { data: unknown } }) => ctx.event.data,
      execute: (approved: unknown) => (approved === true ? 'done' : 'sorry'),
      cleanup: (state: { set(path: string, value: unknown): unknown }, _: unknown, reply: unknown) =>
        state.set('reply', reply),
    },
  },
}

describe('a node that is another workflow', () => {
  test('its ask shows on the session, survives a crash, and its result goes to the next node', async () => {
    const storage = memoryStorage()
    const clock = virtualClock()
    const first = createEngine({ storage, clock })
    const before = await first.open(workflowFromGraph(document, registry))
    before.run(null).catch(() => {})
    await clock.advance(1000)
    expect(before.asks.map((it) => it.data)).toEqual([{ order: 'A-1' }])
    crash(first)

    const after = await createEngine({ storage, clock }).open(workflowFromGraph(document, registry))
    const result = after.run(null)
    await clock.advance(1000)
    expect(await after.asks[0]?.reply(true)).toBe(true)
    await clock.advance(1000)
    expect(await result).toEqual({ order: 'A-1', approved: true, reply: 'done' })
  })

  test('that fails, with a registered retry / is tried again', async () => {
    let tries = 0
    const failing = defineWorkflow({ name: 'refund', version: 2, start: Refund, stop: Refunded }).step(
      'decide',
      { on: Refund, emits: [Refunded] },
      () => {
        if (++tries < 3) throw new Error('the bank does not answer')
        return Refunded({ approved: true })
      },
    )
    const Again = { ...registry.nodes.Refund, workflow: failing, retry: { attempts: 3, delay: 10 } }
    const clock = virtualClock()
    const session = await createEngine({ storage: memoryStorage(), clock }).open(
      workflowFromGraph(document, { nodes: { ...registry.nodes, Refund: Again } }),
    )
    const result = session.run(null)
    await clock.advance(1000)
    expect([tries, await result]).toEqual([3, { order: 'A-1', approved: true, reply: 'done' }])
  })

  test('with conditional edges after it / they are checked when the child has ended, on what it has written back', async () => {
    const forked = {
      ...document,
      nodes: [...document.nodes, { id: 'refuse', type: 'Read' }],
      edges: [
        { from: 'read', to: 'refund' },
        { from: 'refund', to: 'answer', when: 'approved' },
        { from: 'refund', to: 'refuse' },
      ],
    }
    const conditions = { approved: (state: { get(path: string): unknown }) => state.get('approved') === true }
    const workflow = workflowFromGraph(forked, { ...registry, conditions })
    for (const approved of [true, false]) {
      const session = await createEngine({ storage: memoryStorage() }).open(workflow)
      const result = session.run(null)
      await expect.poll(() => session.asks.length).toBe(1)
      await session.asks[0]?.reply(approved)
      expect(await result).toEqual({ order: 'A-1', approved, ...(approved && { reply: 'done' }) })
    }
  })

  test('a wrong mapping, and a value that is no workflow / one error with the paths', () => {
    const wrong = {
      nodes: {
        ...registry.nodes,
        Refund: {
          workflow: refund,
          writeBack: { resources: { x: 'result' }, state: { a: 'result', 'a.b': 'result' } },
        },
        Answer: { workflow: {} },
        Read: { workflow: refund, retry: { attempts: 0 } },
      },
    }
    let error: GraphError | undefined
    try {
      workflowFromGraph(document, wrong as never)
    } catch (thrown) {
      error = thrown as GraphError
    }
    expect(error?.name).toBe('GraphError')
    expect(error?.message).toContain('registry.nodes.Refund is not valid: writeBack.resources')
    expect(error?.message).toContain('writeBack.state["a.b"]')
    expect(error?.message).toContain('registry.nodes.Answer.workflow')
    expect(error?.message).toContain('registry.nodes.Read.retry is not valid: retry.attempts is 0')
  })

  test('options that mean nothing for a workflow, in the registry and the document / findings with their paths', () => {
    const { findings } = thrown<GraphError>(() =>
      workflowFromGraph(
        { ...document, nodes: document.nodes.map((it) => ({ ...it, config: { a: 1 } })) },
        {
          nodes: {
            ...registry.nodes,
            Refund: {
              ...registry.nodes.Refund,
              ...{
                execute: () => 1,
                config: {},
                asks: [Approve],
                timeout: 5,
                emits: undefined,
                retry: { attempts: 2 },
              },
            },
          },
        },
      ),
    )
    expect(findings.map((it) => it.path)).toEqual([
      'nodes.1.config',
      'registry.nodes.Refund.execute',
      'registry.nodes.Refund.config',
      'registry.nodes.Refund.asks',
      'registry.nodes.Refund.timeout',
    ])
    expect(findings[1]?.message).toContain('"capture", "retry", "workflow", "writeBack"')
  })

  test('export, import, run / the same; the export names the child and holds no code', async () => {
    const exported = graphOf(workflowFromGraph(document, registry))
    expect(exported.steps[1]).toMatchObject({ name: 'refund', subflow: { name: 'refund', version: 2 } })
    const again = workflowFromGraph(JSON.parse(JSON.stringify(exported)) as typeof exported, registry)
    expect(graphOf(again)).toEqual(exported)
    const session = await createEngine({ storage: memoryStorage() }).open(again)
    const result = session.run(null)
    await expect.poll(() => session.asks.length).toBe(1)
    await session.asks[0]?.reply(false)
    expect(await result).toEqual({ order: 'A-1', approved: false, reply: 'sorry' })
  })

  test("a builder's sub-flow / comes back as one when registered under its step's name", async () => {
    const Begin = defineEvent('begin', z.object({ order: z.string() }))
    const Done = defineEvent('done', z.object({ approved: z.boolean() }))
    const parent = defineWorkflow({ name: 'parent', version: 1, start: Begin, stop: Done }).subflow('pay', {
      on: Begin,
      workflow: refund,
      emits: [Done],
    })
    const exported = graphOf(parent)
    const again = workflowFromGraph(exported, { nodes: { pay: { workflow: refund } }, events: [Begin, Done] })
    expect(graphOf(again)).toEqual(exported)
    const session = await createEngine({ storage: memoryStorage() }).open(again)
    const result = session.run({ order: 'B-2' })
    await expect.poll(() => session.asks.length).toBe(1)
    await session.asks[0]?.reply(true)
    expect(await result).toEqual({ approved: true })
    expect(toMermaid(again)).toBe(toMermaid(parent))
  })
})

test('a diagram / draws a sub-flow as a group of its steps, three deep, each with its own ids', () => {
  const middle = defineWorkflow({ name: 'middle', version: 1, start: Refund, stop: Refunded }).subflow(
    'inner',
    {
      on: Refund,
      workflow: refund,
      emits: [Refunded],
    },
  )
  const outer = defineWorkflow({ name: 'outer', version: 1, start: Refund, stop: Refunded }).subflow(
    'outer',
    {
      on: Refund,
      workflow: middle,
      emits: [Refunded],
    },
  )
  const lines = toMermaid(outer).trimEnd().split('\n')
  expect(lines).toContain('subgraph s0["outer"]')
  expect(lines).toContain('subgraph s0_s0["inner"]')
  expect(lines).toContain('s0_s0_s0(["decide"])')
  expect(lines).toContain('s0_s0_begin --> s0_s0_s0')
  expect(lines).toContain('begin --> s0')
  expect(lines.filter((it) => it === 'end')).toHaveLength(2)
  const lit = (...names: (string | readonly string[])[]) =>
    toMermaid(outer, { lit: names }).split('\n').slice(lines.length)
  expect(lit(['outer', 'inner', 'decide'], 'nobody', ['outer', 'nobody'], ['inner'])).toEqual([
    expect.stringMatching(/^classDef lit /),
    'class s0_s0_s0 lit',
    '',
  ])
  expect(lit('outer', ['outer', 'inner'])).toEqual([
    expect.stringMatching(/^classDef lit /),
    'class s0,s0_s0 lit',
    expect.stringMatching(/^classDef around /),
    'class s0,s0_s0 around',
    '',
  ])
})

describe('a document as a sub-flow', () => {
  const Begin = defineEvent('begin', z.string())
  const Ended = defineEvent('ended', z.unknown())
  const child = workflowFromGraph(
    {
      ...document,
      nodes: [{ id: 'read', type: 'Read' }],
      edges: [],
      initial_state: { order: 'A-1', log: [] },
    },
    registry,
  )
  const parent = (capture?: object) =>
    defineWorkflow({ name: 'parent', version: 1, start: Begin, stop: Ended }).subflow('desk', {
      on: Begin,
      workflow: child,
      emits: [Ended],
      ...(capture && { capture }),
    })

  test('begins with its `initial_state`', async () => {
    const session = await createEngine({ storage: memoryStorage() }).open(parent())
    expect(await session.run('B-2')).toEqual({ order: 'A-1', log: [] })
  })

  test('what is captured into its state lands on its `initial_state`; a whole state replaces it', async () => {
    const one = await createEngine({ storage: memoryStorage() }).open(parent({ state: { order: 'value' } }))
    expect(await one.run('B-2')).toEqual({ order: 'B-2', log: [] })
    const all = await createEngine({ storage: memoryStorage() }).open(parent({ state: 'state' }), {
      initialState: { own: 1 },
    })
    expect(await all.run('B-2')).toEqual({ own: 1 })
  })
})
