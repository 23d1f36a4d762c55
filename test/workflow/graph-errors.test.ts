import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  defineEvent,
  GraphError,
  workflowFromGraph,
  type GraphDocument,
  type GraphRegistry,
} from '../../src/index'
import { thrown } from '../support/flows'

const registry: GraphRegistry = { nodes: { Classify: {}, Answer: {} }, conditions: { isRefund: () => true } }
const good = {
  name: 'desk',
  version: 1,
  nodes: [
    { id: 'a', type: 'Classify' },
    { id: 'b', type: 'Answer' },
  ],
  edges: [{ from: 'a', to: 'b' }],
}

/** What is found, as `path message`. */
function findings(document: unknown, code: unknown = registry): string[] {
  const error = thrown<GraphError>(() => workflowFromGraph(document as GraphDocument, code as GraphRegistry))
  expect(error).toBeInstanceOf(GraphError)
  expect(error).toMatchObject({ name: 'GraphError', code: 'GRAPH' })
  for (const it of error.findings) expect(error.message).toContain(it.message)
  return error.findings.map((it) => `${it.path} ${it.message}`)
}

describe('one error that lists everything', () => {
  test('holes in lists, and several mistakes in a retry policy / all are reported', () => {
    const retry = { attempts: 0, delay: -1, factor: 'x' }
    const nodes = Object.assign([], { length: 2, 1: { id: 'a', type: 'Answer', retry } })
    const edges = Object.assign([], { length: 1 })
    expect(findings({ name: 'holes', nodes, edges })).toEqual([
      'nodes.0 is missing; it must be an object',
      'nodes.1.retry.factor is a text; it must be a number',
      'nodes.1.retry is not valid: retry.attempts is 0; it is a whole number from 1',
      'nodes.1.retry is not valid: retry.delay is -1; it is 0 or more',
      'edges.0 is missing; it must be an object',
    ])
  })

  test('a mistake of every kind / each with its path and the known names, in document order', () => {
    const document = {
      name: '',
      version: 0,
      format: 2,
      nodes: [
        { id: 'a', type: 'Clasify' },
        { id: 'a', type: 'Answer' },
        { type: 'Answer' },
        { id: 'c' },
        null,
        { id: '__proto__', type: 'toString', retry: { attempts: 0, delay: '5', retryIf: true } },
        { id: 'd', type: 'Answer', class: 'Classify', config: () => {} },
      ],
      edges: [
        { from: 'a', to: 'x' },
        { from: 'y', to: 'c', when: 'isRefnd' },
        { to: 'a', when: null },
        [],
        { from: 'a', to: 'c', when: 'isRefnd', condition: 'isRefund' },
      ],
      start: 'nowhere',
      initial_state: [],
    }
    expect(findings(document)).toEqual([
      'name is empty; it must be a text',
      'version is 0; it is a whole number from 1',
      'format is 2; this code reads 1: update the library',
      'nodes.0.type names "Clasify", which is not registered; known: "Answer", "Classify"',
      'nodes.2.id is missing; it must be a text',
      'nodes.3.type is missing; it must be a text',
      'nodes.4 is null; it must be an object',
      'nodes.5.type names "toString", which is not registered; known: "Answer", "Classify"',
      'nodes.5.retry.delay is a text; it must be a number',
      'nodes.5.retry.retryIf is unknown; known: "attempts", "delay", "factor", "jitter", "maxDelay"',
      'nodes.5.retry is not valid: retry.attempts is 0; it is a whole number from 1',
      'nodes.5.id is "__proto__", which is refused as a name',
      'nodes.6.class is a second spelling of "type"; leave one of them out',
      'nodes.6.config cannot be kept: nodes.6.config is a function; store plain JSON, or put it in resources',
      'nodes.1.id is "a", like that of nodes.0; ids must be unique',
      'edges.0.to names "x", which is no node; known: "__proto__", "a", "c", "d"',
      'edges.1.from names "y", which is no node; known: "__proto__", "a", "c", "d"',
      'edges.1.when names "isRefnd", which is not registered; known: "isRefund"',
      'edges.2.from is missing; it must be a text',
      'edges.2.when is null; it must be a text',
      'edges.3 is a list; it must be an object',
      'edges.4.condition is a second spelling of "when"; leave one of them out',
      'edges.4.when names "isRefnd", which is not registered; known: "isRefund"',
      'start names "nowhere", which is no node; known: "__proto__", "a", "c", "d"',
      'initial_state is a list; it must be an object',
    ])
    expect(Object.prototype).not.toHaveProperty('id')
  })

  test.each([
    [{ name: 'desk', nodes: [] }, 'desk', 'nodes is empty; there must be a node to begin with'],
    [null, '', 'the document is null; it must be an object'],
  ])('the error of %j / names the document, and says what is wrong', (document, graph, finding) => {
    const error = thrown<GraphError>(() => workflowFromGraph(document as GraphDocument, registry))
    expect([error.graph, error.message]).toEqual([graph, `graph "${graph}" has 1 mistake:\n  - ${finding}`])
  })

  test.each([
    [null, ' is null; it must be an object'],
    [[], ' is a list; it must be an object'],
    ['{}', ' is a text; it must be an object'],
    [5, ' is a number; it must be an object'],
    [undefined, ' is missing; it must be an object'],
    [new Date(), ' is a Date; it must be an object'],
    [{ name: 'desk', nodes: [] }, 'nodes is empty; there must be a node to begin with'],
    [{ ...good, nodes: {}, edges: [] }, 'nodes is an object; it must be a list'],
    [{ ...good, nodes: null, edges: [] }, 'nodes is null; it must be a list'],
    [{ name: 'desk' }, 'nodes is missing; it must be a list'],
    [{ ...good, edges: null }, 'edges is null; it must be a list'],
    [{ ...good, edges: {} }, 'edges is an object; it must be a list'],
    [{ ...good, name: 5 }, 'name is a number; it must be a text'],
    [{ ...good, version: '1' }, 'version is "1"; it is a whole number from 1'],
    [{ ...good, version: 1.5 }, 'version is 1.5; it is a whole number from 1'],
    [{ ...good, start: 5 }, 'start is a number; it must be a text'],
    [{ ...good, initialState: 'x' }, 'initialState is a text; it must be an object'],
    [
      { ...good, edges: [{ from: 'a', to: 'b', condition: 'isRefnd' }] },
      'edges.0.condition names "isRefnd", which is not registered; known: "isRefund"',
    ],
    [
      { ...good, nodes: [{ id: 'a', class: 'Clasify' }], edges: [] },
      'nodes.0.class names "Clasify", which is not registered; known: "Answer", "Classify"',
    ],
    [
      { ...good, initialState: { a: new Map() } },
      'initialState cannot be kept: initialState.a is a Map; put it in resources, or open the session with the structured-clone serializer',
    ],
    [
      { ...good, initial_state: { a: 1 }, initialState: { a: 2 } },
      'initialState is a second spelling of "initial_state"; leave one of them out',
    ],
    [
      JSON.parse('{"name":"desk","nodes":[{"id":"a","type":"__proto__"}]}'),
      'nodes.0.type names "__proto__", which is not registered; known: "Answer", "Classify"',
    ],
    [{ ...good, state: {} }, 'state is no schema; data go into initial_state'],
  ])('document %j / reported', (document, finding) => {
    expect(findings(document)).toEqual([finding])
  })

  test('an initial_state that the schema refuses / each issue with its path', () => {
    const state = z.object({ user: z.object({ name: z.string() }), n: z.number() })
    expect(
      findings({ ...good, initial_state: { user: { name: 5 }, n: 'x' } }, { ...registry, state }),
    ).toEqual([
      expect.stringMatching(/^initial_state.user.name is not valid: /),
      expect.stringMatching(/^initial_state.n is not valid: /),
    ])
    const odd = z.object({ n: z.number() }).refine(() => false, 'n is odd')
    expect(findings({ ...good, initial_state: { n: 1 } }, { ...registry, state: odd })).toEqual([
      'initial_state is not valid: n is odd',
    ])
    const late = z.object({ n: z.number() }).refine(async () => true)
    expect(findings({ ...good, initial_state: { n: 1 } }, { ...registry, state: late })).toEqual([
      expect.stringMatching(/^initial_state is not valid: /),
    ])
  })

  test('1,000 known nodes / the message names only the first', () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => ({ id: `n${index}`, type: 'Answer' }))
    const [finding] = findings({ ...good, nodes, edges: [{ from: 'n0', to: 'x' }] })
    expect(finding).toContain('and 970 more')
    expect(finding?.length).toBeLessThan(500)
  })
})

const asking = defineEvent('asking', undefined, { reply: defineEvent('answer') })

describe('the registry', () => {
  test.each([
    [null, 'registry is null; it must be an object'],
    [{}, 'registry.nodes is missing; it must be an object'],
    [{ nodes: {} }, 'nodes.0.type names "Classify", which is not registered; none is known'],
    [{ nodes: [] }, 'registry.nodes is a list; it must be an object'],
    [
      { nodes: { Classify: null } },
      'registry.nodes.Classify must be an object with any of prepare, execute, fallback, cleanup, handler',
    ],
    [
      { nodes: { Classify: 5 } },
      'registry.nodes.Classify must be an object with any of prepare, execute, fallback, cleanup, handler',
    ],
    [
      { nodes: { Classify: { workflow: null } } },
      'registry.nodes.Classify.workflow is null; it must be a workflow',
    ],
    [
      { nodes: { Classify: { execute: 5, cleanup: null } } },
      'registry.nodes.Classify.execute is a number; it must be a function',
    ],
    [
      { nodes: { Classify: { retry: { attempts: -1 } } } },
      'registry.nodes.Classify.retry is not valid: retry.attempts is -1; it is a whole number from 1',
    ],
    [
      { nodes: { Classify: { timeout: -1 } } },
      'registry.nodes.Classify.timeout is not valid: timeout is -1; it is more than 0',
    ],
    [{ nodes: { Classify: { asks: 5 } } }, 'registry.nodes.Classify.asks.0 is no event with a reply'],
    [
      { nodes: { Classify: { asks: [asking, defineEvent('sure')] } } },
      'registry.nodes.Classify.asks.1 is no event with a reply',
    ],
    [
      { nodes: {}, conditions: { isRefund: true } },
      'registry.conditions.isRefund is a boolean; it must be a function',
    ],
    [{ nodes: {}, conditions: 5 }, 'registry.conditions is a number; it must be an object'],
    [{ nodes: {}, state: {} }, 'registry.state is no schema'],
    [{ nodes: {}, events: ['x'] }, 'registry.events.0 is a text; it must be a function'],
  ])('%o / reported', (code, finding) => {
    expect(findings(good, code)).toContain(finding)
  })

  test('an inherited name is neither a node nor a condition', () => {
    const document = { ...good, edges: [{ from: 'a', to: 'b', when: 'toString' }] }
    expect(findings(document)).toEqual([
      'edges.0.when names "toString", which is not registered; known: "isRefund"',
    ])
  })

  test('what other code has put on every object / is no part of a document', () => {
    const name = 'when'
    Reflect.defineProperty(Object.prototype, name, { value: 'isRefnd', configurable: true })
    try {
      expect(() => workflowFromGraph(good, registry)).not.toThrow()
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
    }
  })

  test("a handler registered for a document's node / reported: a node has phases", () => {
    expect(findings(good, { nodes: { Classify: () => {}, Answer: {} } })).toEqual([
      'nodes.0.type names "Classify", which is a handler; a node has phases, such as execute',
    ])
  })

  test('both spellings with the same value / accepted', () => {
    const nodes = [{ id: 'a', type: 'Classify', class: 'Classify' }]
    expect(() => workflowFromGraph({ name: 'x', nodes }, registry)).not.toThrow()
  })
})
