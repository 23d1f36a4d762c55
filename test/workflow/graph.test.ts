import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  graphOf,
  resource,
  workflowFromGraph,
  type GraphDocument,
  type GraphRegistry,
  type RegisteredNode,
  type StepError,
} from '../../src/index'
import { failure, gate, profile, Question, type Profile } from '../support/flows'

/** Notes its id in the state. */
const Note: RegisteredNode = {
  cleanup: (state, _prepared, _result, ctx) =>
    state.set('path', (path) => [...((path ?? []) as string[]), ctx.step]),
}
const code = (more: Partial<GraphRegistry> = {}): GraphRegistry => ({
  ...more,
  nodes: { Note, Empty: {}, ...more.nodes },
})
const nodes = (...ids: string[]) => ids.map((id) => ({ id, type: 'Note' }))

async function run(document: GraphDocument, registry = code(), input?: unknown, page = profile()) {
  const session = await page.open(workflowFromGraph(document, registry))
  const result = session.run(input)
  result.catch(() => {})
  await page.settle()
  return result
}

describe('edges', () => {
  test('two conditions hold / the first declared; the default comes last, wherever it stands', async () => {
    const document = {
      name: 'g',
      nodes: nodes('a', 'b', 'c', 'd'),
      edges: [
        { from: 'a', to: 'd' },
        { from: 'a', to: 'b', when: 'no' },
        { from: 'a', to: 'c', when: 'yes' },
        { from: 'a', to: 'b', when: 'yes' },
      ],
    }
    const conditions = { yes: () => true, no: () => false }
    expect(await run(document, code({ conditions }))).toEqual({ path: ['a', 'c'] })
    expect(await run(document, code({ conditions: { yes: () => 0, no: () => '' } }))).toEqual({
      path: ['a', 'd'],
    })
  })

  test('no condition holds and there is no default / completed', async () => {
    const document = {
      name: 'g',
      nodes: nodes('a', 'b'),
      edges: [{ from: 'a', to: 'b', condition: 'no' }],
    }
    expect(await run(document, code({ conditions: { no: () => false } }))).toEqual({ path: ['a'] })
  })

  test('conditional and default edge to the same node / both kept, the node runs once', async () => {
    const document = {
      name: 'g',
      nodes: nodes('a', 'b'),
      edges: [
        { from: 'a', to: 'b', when: 'yes' },
        { from: 'a', to: 'b' },
      ],
    }
    const registry = code({ conditions: { yes: () => true } })
    expect(await run(document, registry)).toEqual({ path: ['a', 'b'] })
    const { edges, steps } = graphOf(workflowFromGraph(document, registry))
    expect(edges).toEqual(document.edges)
    // The run does not end after `a`.
    expect(steps.map((it) => it.emits)).toEqual([['node:b'], ['graph:end']])
  })

  test('conditions may be asynchronous, and get the state store; the first that holds ends the search', async () => {
    const never = vi.fn()
    const seen: unknown[] = []
    const document = {
      name: 'g',
      nodes: nodes('a', 'b', 'c'),
      edges: [
        { from: 'a', to: 'b', when: 'slow' },
        { from: 'a', to: 'c', when: 'never' },
      ],
      initial_state: { kind: 'refund', path: [] },
    }
    const conditions: GraphRegistry['conditions'] = {
      slow: async (state) => {
        await Promise.resolve()
        seen.push(state.get('kind'), state.has('path.0'))
        return { truthy: true }
      },
      never,
    }
    expect(await run(document, code({ conditions }))).toEqual({ kind: 'refund', path: ['a', 'b'] })
    expect(seen).toEqual(['refund', true])
    expect(never).not.toHaveBeenCalled()
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no such kind')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no such kind'))],
  ])('a condition %s / the run fails naming it, and nothing is retried', async (_, isRefund) => {
    const execute = vi.fn()
    const document = {
      name: 'g',
      nodes: [{ id: 'a', type: 'Work', retry: { attempts: 3 } }, ...nodes('b')],
      edges: [{ from: 'a', to: 'b', when: 'isRefund' }],
    }
    const registry = code({ nodes: { Work: { execute } }, conditions: { isRefund } })
    const error = (await failure(run(document, registry))) as StepError
    expect(error).toMatchObject({
      step: 'a',
      attempts: 1,
      cause: { code: 'CONDITION', condition: 'isRefund', from: 'a', to: 'b' },
    })
    expect(error.message).toContain('condition "isRefund" of the edge from "a" to "b" threw: no such kind')
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test('a loop / runs until its condition says no; so does an edge from a node to itself', async () => {
    const document = {
      name: 'g',
      nodes: nodes('a', 'b'),
      edges: [
        { from: 'a', to: 'a', when: 'short' },
        { from: 'a', to: 'b' },
        { from: 'b', to: 'a', when: 'shorter' },
      ],
    }
    const length = (state: { get(path: string): unknown }): number => (state.get('path') as string[]).length
    const conditions: GraphRegistry['conditions'] = {
      short: (state) => length(state) < 3,
      shorter: (state) => length(state) < 6,
    }
    expect(await run(document, code({ conditions }))).toEqual({
      path: ['a', 'a', 'a', 'b', 'a', 'b'],
    })
  })

  test('an endless loop / StepLimitError', async () => {
    const document = { name: 'g', nodes: [{ id: 'a', type: 'Empty' }], edges: [{ from: 'a', to: 'a' }] }
    const page = profile()
    const session = await page.open(workflowFromGraph(document, code()))
    const result = failure(session.run())
    for (let turn = 0; turn < 60 && session.status !== 'failed'; turn++) await page.settle()
    expect(await result).toMatchObject({ code: 'STEP_LIMIT' })
  })
})

describe('nodes', () => {
  test('`start` / the named node, by default the first', async () => {
    const document = { name: 'g', nodes: nodes('a', 'b'), edges: [{ from: 'b', to: 'a' }] }
    expect(await run(document)).toEqual({ path: ['a'] })
    expect(await run({ ...document, start: 'b' })).toEqual({ path: ['b', 'a'] })
  })

  test('no version / version 1', () => {
    expect(workflowFromGraph({ name: 'g', nodes: nodes('a') }, code()).version).toBe(1)
  })

  test("a node's phases, config and retry / work as in .node(); the document's come before the registry's", async () => {
    const seen: unknown[] = []
    const Work: RegisteredNode = {
      config: { model: 'registered' },
      retry: { attempts: 2, delay: 5 },
      prepare: (state, ctx) => [state.get('n'), ctx.event.data ?? 'nothing'],
      execute: (prepared: number[], { config, attempt }) => {
        seen.push([prepared, config, attempt])
        if (attempt < (config.model === 'document' ? 3 : 2)) throw new Error('again')
        return (prepared[0] as number) + 1
      },
      fallback: () => -1,
      cleanup: (state, _, result) => state.set('n', result),
    }
    const document = {
      name: 'g',
      nodes: [
        { id: 'a', class: 'Work', config: { model: 'document' }, retry: { attempts: 3, delay: 5 } },
        { id: 'b', type: 'Work' },
      ],
      edges: [{ from: 'a', to: 'b' }],
      initialState: { n: 1 },
    }
    const page = profile()
    const session = await page.open(workflowFromGraph(document, code({ nodes: { Work } })))
    const result = session.run('begin')
    await page.clock.advance(100)
    expect(await result).toEqual({ n: 3 })
    expect(seen).toEqual([
      [[1, 'begin'], { model: 'document' }, 1],
      [[1, 'begin'], { model: 'document' }, 2],
      [[1, 'begin'], { model: 'document' }, 3],
      [[2, 'nothing'], { model: 'registered' }, 1],
      [[2, 'nothing'], { model: 'registered' }, 2],
    ])
  })

  test('a registered timeout / ends an attempt that takes longer', async () => {
    const Slow: RegisteredNode = { timeout: 50, execute: () => gate().promise }
    const page = profile()
    const document = { name: 'g', nodes: [{ id: 'a', type: 'Slow' }] }
    const session = await page.open(workflowFromGraph(document, code({ nodes: { Slow } })))
    const result = failure(session.run())
    await page.clock.advance(100)
    expect(await result).toMatchObject({ step: 'a', cause: { code: 'TIMEOUT' } })
  })

  test.each([undefined, null, 0, '', false, [], { a: [1, { b: null }] }])(
    'run(%j) / the first node gets it unchanged',
    async (input) => {
      const Keep: RegisteredNode = { prepare: (state, ctx) => state.set('got', ctx.event.data ?? 'nothing') }
      const document = { name: 'g', nodes: [{ id: 'a', type: 'Keep' }] }
      expect(await run(document, code({ nodes: { Keep } }), input)).toEqual({ got: input ?? 'nothing' })
    },
  )

  test("what a node returns / is the data of the next node's event", async () => {
    const Give: RegisteredNode = { execute: () => ({ n: 1 }) }
    const Take: RegisteredNode = { prepare: (state, ctx) => state.set('got', ctx.event.data) }
    const document = {
      name: 'g',
      nodes: [
        { id: 'a', type: 'Give' },
        { id: 'b', type: 'Take' },
      ],
      edges: [{ from: 'a', to: 'b' }],
    }
    expect(await run(document, code({ nodes: { Give, Take } }))).toEqual({ got: { n: 1 } })
  })

  test('an instance of a class as a node / its methods are the phases, with their `this`', async () => {
    class Greet implements RegisteredNode {
      readonly word = 'hello'
      prepare(): string {
        return this.word
      }
      cleanup(state: { set(path: string, value: unknown): unknown }, prepared: unknown): unknown {
        return state.set(this.word, prepared)
      }
    }
    const document = { name: 'g', nodes: [{ id: 'a', type: 'Greet' }] }
    expect(await run(document, code({ nodes: { Greet: new Greet() } }))).toEqual({ hello: 'hello' })
  })

  test('a node that asks and uses a resource / works like any step', async () => {
    const Approve: RegisteredNode<Record<string, unknown>, { log: string[] }> = {
      asks: [Question],
      prepare: async (_, ctx) => (await ctx.ask(Question('sure?'))).data,
      execute: (answer: unknown, { resources }) => (resources.log.push(String(answer)), answer),
      cleanup: (state, _, answer) => state.set('answer', answer),
    }
    const workflow = workflowFromGraph(
      { name: 'g', nodes: [{ id: 'a', type: 'Approve' }] },
      { nodes: { Approve }, resources: { log: resource<string[]>() } },
    )
    const page = profile()
    const log: string[] = []
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect([session.status, session.missingResources]).toEqual(['paused', ['log']])
    session.setResources({ log })
    await page.settle()
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply('yes')
    await page.settle()
    expect(await result).toEqual({ answer: 'yes' })
    expect(log).toEqual(['yes'])
  })

  test('ids named like events or methods, or with dots and signs / are plain names', async () => {
    const ids = [
      'start',
      'end',
      'stepFailed',
      'graph:end',
      'node:end',
      'toString',
      'hasOwnProperty',
      'a.b',
      '%"<>',
      ' ',
    ]
    const edges = ids.slice(1).map((to, index) => ({ from: ids[index] as string, to }))
    expect(await run({ name: 'g', nodes: nodes(...ids), edges })).toEqual({ path: ids })
  })
})

describe('state', () => {
  const initial = { user_profile: { name: 'Alice', preferences: ['quick', 'automated'] } }
  const document = { name: 'g', nodes: [{ id: 'a', type: 'Empty' }], initial_state: initial }

  test('initial_state / the state equals it, copied', async () => {
    const own = structuredClone(initial)
    const workflow = workflowFromGraph({ ...document, initial_state: own }, code())
    own.user_profile.name = 'changed'
    const session = await profile().open(workflow)
    expect(session.state.get()).toEqual(initial)
  })

  test('open(..., { initialState }) / replaces it, nothing is merged', async () => {
    const session = await profile().open(workflowFromGraph(document, code()), { initialState: { n: 1 } })
    expect(session.state.get()).toEqual({ n: 1 })
  })

  test('two sessions, and a reset / each begins with it again', async () => {
    const page = profile()
    const workflow = workflowFromGraph(document, code())
    const one = await page.open(workflow, { id: 'one' })
    one.state.set('user_profile.name', 'Bob')
    expect((await page.open(workflow, { id: 'two' })).state.get('user_profile.name')).toBe('Alice')
    one.state.reset()
    expect(one.state.get()).toEqual(initial)
  })

  test('a schema in the registry or the document / validates and fills in', async () => {
    const state = z.object({ n: z.number(), note: z.string().default('none') })
    const plain = { name: 'g', nodes: [{ id: 'a', type: 'Empty' }], initial_state: { n: 1 } }
    for (const workflow of [
      workflowFromGraph(plain, { nodes: { Empty: {} }, state }),
      workflowFromGraph({ ...plain, state }, { nodes: { Empty: {} } }),
    ]) {
      const session = await profile().open(workflow)
      expect(session.state.get()).toEqual({ n: 1, note: 'none' })
      expect(() => session.state.set('n', 'x' as never)).toThrow(/not valid/)
    }
    // What the schema needs may come with `open`.
    const { initial_state: _, ...bare } = plain
    const session = await profile().open(workflowFromGraph({ ...bare, state }, { nodes: { Empty: {} } }), {
      initialState: { n: 2 },
    })
    expect(session.state.get()).toEqual({ n: 2, note: 'none' })
  })
})

describe('reload and crash', () => {
  const document = {
    name: 'g',
    nodes: [
      { id: 'a', type: 'Count' },
      { id: 'b', type: 'Slow' },
      { id: 'c', type: 'Count' },
    ],
    edges: [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'a', when: 'again' },
    ],
    initial_state: { path: [] },
  }
  const make = (calls: string[], wait: () => Promise<void>) =>
    workflowFromGraph(document, {
      nodes: {
        Count: Note,
        Slow: {
          execute: async (_, { idempotencyKey }) => {
            calls.push(idempotencyKey)
            await wait()
            return calls.length
          },
          cleanup: (state) => state.append('path', 'b'),
        },
      },
      conditions: { again: (state) => (state.get('path') as string[]).length < 6 },
    })
  const path = ['a', 'b', 'c', 'a', 'b', 'c']

  test('in the middle of a node / goes on there', async () => {
    const page = profile()
    const calls: string[] = []
    const stuck = gate()
    void (
      await page.open(
        make(calls, () => stuck.promise),
        { id: 's' },
      )
    ).run()
    await page.settle()
    await page.reload()
    const session = await page.open(
      make(calls, async () => {}),
      { id: 's' },
    )
    await page.settle()
    expect(session.result).toEqual({ path })
    expect(calls).toHaveLength(3)
    expect(calls[0]).toBe(calls[1])
  })

  test('a crash at any storage operation / the same end as without', async () => {
    for (let write = 1; write <= 20; write++) {
      const page = profile({ crashAt: write })
      const calls: string[] = []
      const workflow = make(calls, async () => {})
      void (await page.open(workflow, { id: 's' })).run()
      await page.settle()
      page.kill()
      const session = await page.open(workflow, { id: 's' })
      if (session.status === 'idle') void session.run()
      await page.settle()
      expect(session.result).toEqual({ path })
    }
  })
})

describe('a document edited in the app', () => {
  const before: GraphDocument = {
    name: 'g',
    version: 1,
    nodes: nodes('a', 'b'),
    edges: [{ from: 'a', to: 'b' }],
  }
  const after = (version: number): GraphDocument => ({
    name: 'g',
    version,
    nodes: nodes('a', 'new', 'b'),
    edges: [
      { from: 'a', to: 'new' },
      { from: 'new', to: 'b' },
    ],
  })

  async function finished(page: Profile) {
    const session = await page.open(workflowFromGraph(before, code()), { id: 's' })
    const result = session.run()
    await page.settle()
    expect(await result).toEqual({ path: ['a', 'b'] })
    await session.close()
  }

  test.each([1, 2])(
    'between runs, version %j / the state is kept, and the next run takes the new edges',
    async (version) => {
      const page = profile()
      await finished(page)
      const session = await page.open(workflowFromGraph(after(version), code()), { id: 's' })
      expect(session.state.get()).toEqual({ path: ['a', 'b'] })
      const result = session.run()
      await page.settle()
      expect(await result).toEqual({ path: ['a', 'b', 'a', 'new', 'b'] })
    },
  )

  test('during a run, and the node at work is gone / its work is an orphan, and goes on when the node is back', async () => {
    const page = profile()
    let waiting = true
    const execute = () => (waiting ? gate().promise : 1)
    const registry = code({ nodes: { Wait: { execute } } })
    const document = { ...before, nodes: [{ id: 'a', type: 'Wait' }, ...nodes('b')] }
    const session = await page.open(workflowFromGraph(document, registry), { id: 's' })
    void session.run().catch(() => {})
    await page.settle()
    await session.close()
    const edited = { ...before, nodes: nodes('b'), edges: [] }
    const again = await page.open(workflowFromGraph(edited, registry), { id: 's' })
    await page.settle()
    expect(again.orphans.map((it) => it.step)).toEqual(['a'])
    // The old node is back: its work goes on.
    await again.close()
    waiting = false
    const back = await page.open(workflowFromGraph(document, registry), { id: 's' })
    await page.settle()
    expect(back.result).toEqual({ path: ['b'] })
  })
})
