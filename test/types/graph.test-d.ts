import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  resource,
  workflowFromGraph,
  type GraphDocument,
  type ResultOf,
  type StateOf,
} from '../../src/index'

const document: GraphDocument = { name: 'desk', version: 1, nodes: [{ id: 'a', type: 'Work' }] }
const Yes = defineEvent('yes', z.boolean())
const Sure = defineEvent('sure', z.string(), { reply: Yes })

describe('workflowFromGraph', () => {
  it('has an untyped state, which is its result, and accepts any input', async () => {
    const desk = workflowFromGraph(document, { nodes: { Work: {} } })
    expectTypeOf<StateOf<typeof desk>>().toEqualTypeOf<Record<string, unknown>>()
    expectTypeOf<ResultOf<typeof desk>>().toEqualTypeOf<Record<string, unknown>>()
    const session = await createEngine().open(desk)
    expectTypeOf(session.run).parameter(0).toEqualTypeOf<unknown>()
    void session.run()
    void session.run([1, { a: null }])
    for (const ask of session.asks) expectTypeOf(ask.reply).toBeCallableWith({ any: 'data' })
  })

  it('has a typed state when a schema is given beside the nodes', () => {
    const state = z.object({ kind: z.string().default(''), n: z.number() })
    const desk = workflowFromGraph(document, {
      nodes: {
        Work: {
          asks: [Sure],
          prepare: async (store, ctx) => {
            expectTypeOf(store.get('n')).toEqualTypeOf<number>()
            // @ts-expect-error there is no such path
            store.get('nothing')
            const answer = await ctx.ask(Sure('?'))
            expectTypeOf(answer.data).toEqualTypeOf<unknown>()
            return store.get('n')
          },
          execute: (n: number, { resources, config }: { resources: { log: string[] }; config: string }) =>
            resources.log.push(`${config}${n}`),
          cleanup: (store, _prepared, result) => store.set('n', result as number),
        },
      },
      conditions: {
        isRefund: (store) => {
          // @ts-expect-error a condition reads only
          void store.set
          return store.get('kind') === 'refund'
        },
      },
      state,
      resources: { log: resource<string[]>() },
    })
    expectTypeOf<ResultOf<typeof desk>>().toEqualTypeOf<{ kind: string; n: number }>()
  })

  it('accepts the schema in the document too', () => {
    const desk = workflowFromGraph(
      { ...document, state: z.object({ n: z.number() }) },
      { nodes: { Work: {} } },
    )
    expectTypeOf<StateOf<typeof desk>>().toEqualTypeOf<{ n: number }>()
  })

  it('accepts an imported JSON file', () => {
    const json = {
      name: 'x',
      nodes: [
        { id: 'a', type: 'Work', config: { words: ['b'] }, retry: { attempts: 3, delay: 1 } },
        { id: 'b', class: 'Work' },
      ],
      edges: [
        { from: 'a', to: 'b', when: 'yes' },
        { from: 'a', to: 'b' },
      ],
      initial_state: { deep: { list: [1] } },
    }
    workflowFromGraph(json, { nodes: { Work: {} } })
    // @ts-expect-error a document has nodes
    workflowFromGraph({ name: 'x' }, { nodes: {} })
    // @ts-expect-error a phase is a function
    workflowFromGraph(json, { nodes: { Work: { execute: 5 } } })
  })

  it('takes nodes and conditions that are made of data', () => {
    const rules = [{ name: 'grown', field: 'age' }]
    workflowFromGraph(document, {
      nodes: Object.fromEntries(
        rules.map(({ name, field }) => [
          name,
          { execute: () => 1, cleanup: (state, _, age) => state.set(field, age) },
        ]),
      ),
      conditions: Object.fromEntries(
        rules.map(({ name, field }) => [name, (state) => Number(state.get(field)) > 17]),
      ),
    })
  })
})
