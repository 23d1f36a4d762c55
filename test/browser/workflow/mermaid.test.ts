import mermaid from 'mermaid'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  defineEvent,
  defineWorkflow,
  gather,
  StepFailed,
  toMermaid,
  workflowFromGraph,
  type AnyWorkflow,
} from 'dogear'

beforeAll(() => mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', maxEdges: 2000 }))

let drawings = 0

/** What Mermaid itself makes of a diagram: the texts of its nodes and of its edges, in order. */
async function drawn(
  source: string,
): Promise<{ nodes: string[]; edges: string[]; groups: string[]; svg: Element }> {
  const { svg } = await mermaid.render(`drawing-${++drawings}`, source)
  const host = document.createElement('div')
  host.innerHTML = svg
  document.body.append(host)
  const texts = (selector: string): string[] =>
    [...host.querySelectorAll(selector)]
      .map((it) => it.textContent.replace(/\s+/g, ' ').trim())
      .filter((it) => it !== '')
  const found = {
    nodes: texts('.node .nodeLabel'),
    edges: texts('.edgeLabels .edgeLabel .edgeLabel'),
    groups: texts('.cluster .nodeLabel, .cluster-label .nodeLabel'),
    svg: host,
  }
  return found
}

const Go = defineEvent('go')
const Done = defineEvent('done', z.unknown())
const Item = defineEvent('item', z.number())
const Left = defineEvent('left')
const Right = defineEvent('right')
const Answer = defineEvent('answer', z.unknown())
const Question = defineEvent('question', z.unknown(), { reply: Answer })

const built = defineWorkflow({ name: 'built', version: 1, start: Go, stop: Done })
  .step('fan out', { on: Go, emits: [Item, Left] }, () => [Item(1), Left()])
  .step('gathered', { on: gather(Item), emits: [Right], workers: 1 }, () => Right())
  .node(
    'both',
    { on: allOf(Left, Right), emits: [Done], asks: [Question], retry: { attempts: 3 }, timeout: 50 },
    { execute: () => Done(1) },
  )

describe('Mermaid draws', () => {
  test.each(['simple', 'detailed'] as const)(
    'sub-flows three groups deep, with lit steps / %s',
    async (detail) => {
      const inner = defineWorkflow({ name: 'inner', version: 1, start: Go, stop: Done }).step(
        'deep',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => Done((await ctx.ask(Question(1))).data),
      )
      const within = (name: string, workflow: typeof inner) =>
        defineWorkflow({ name, version: 1, start: Go, stop: Done }).subflow(name, {
          on: Go,
          workflow,
          emits: [Done],
        }) as unknown as typeof inner
      const whole = within('outer', within('middle', within('inmost', inner)))
      const lit = ['outer', ['outer', 'middle', 'inmost', 'deep'], ['outer', 'nobody'], ['deep']]
      const { nodes, groups, svg } = await drawn(toMermaid(whole, { detail, lit }))
      expect(nodes.join()).toContain('deep')
      expect(groups.sort()).toEqual(['inmost', 'middle', 'outer'])
      const shown = (selector: string) =>
        [...svg.querySelectorAll(selector)].map((it) => it.textContent.trim())
      expect(shown('.node.lit').join()).toMatch(/^deep/)
      expect(shown('.cluster.lit')).toEqual(['outer'])
      const fill = (selector: string) =>
        getComputedStyle(svg.querySelector(selector) as Element).getPropertyValue('fill')
      expect(fill('.node.lit > *')).toBe('rgb(255, 213, 74)')
      expect(fill('.cluster.lit > rect')).toBe('rgb(255, 246, 220)')
    },
  )

  test("a builder's workflow, simple / only its steps", async () => {
    const { nodes, edges } = await drawn(toMermaid(built))
    expect(nodes).toEqual(['fan out', 'gathered', 'both'])
    expect(edges).toEqual([])
  })

  test("a builder's workflow, detailed / also events, asks, retries and limits", async () => {
    const { nodes, edges } = await drawn(toMermaid(built, { detail: 'detailed' }))
    expect(nodes).toEqual([
      'fan out',
      'gatheredgather item1 at once',
      'bothallOf left, rightasks question3 attempts50 ms',
    ])
    expect(edges.sort()).toEqual(['done', 'go', 'item', 'left', 'right'])
  })

  test('steps that may fail, detailed / lead to the one that takes over, which does not lead to itself', async () => {
    const rescued = defineWorkflow({
      name: 'rescued',
      version: 1,
      start: Go,
      stop: Done,
      catchError: 'rescue',
    })
      .step('count', { on: Go, emits: [Left], retry: () => undefined }, () => Left())
      .step('own', { on: Left, emits: [Done], catchError: 'other' }, () => Done(1))
      .step('rescue', { on: StepFailed, emits: [Done] }, () => Done(2))
      .step('other', { on: StepFailed, emits: [Done] }, () => Done(3))
    const source = toMermaid(rescued, { detail: 'detailed' })
    const { nodes, edges } = await drawn(source)
    expect(nodes).toEqual(['countretries', 'own', 'rescue', 'other'])
    expect(edges.filter((it) => it === 'on failure')).toHaveLength(3)
    expect(source.match(/s\d -\.->\|"on failure"\| s\d/g)).toEqual([
      's0 -.->|"on failure"| s2',
      's1 -.->|"on failure"| s3',
      's3 -.->|"on failure"| s2',
    ])
    expect((await drawn(toMermaid(rescued))).edges).toEqual([])
  })

  test('a document / its edges with their conditions, and where it can end', async () => {
    const { nodes, edges, svg } = await drawn(
      toMermaid(
        workflowFromGraph(
          {
            name: 'g',
            nodes: ['classify', 'refund', 'answer'].map((id) => ({ id, type: 'N' })),
            edges: [
              { from: 'classify', to: 'refund', when: 'isRefund' },
              { from: 'classify', to: 'answer' },
              { from: 'answer', to: 'classify', when: 'again' },
            ],
          },
          { nodes: { N: {} }, conditions: { isRefund: () => true, again: () => false } },
        ),
      ),
    )
    expect(nodes).toEqual(['classify', 'refund', 'answer'])
    expect(edges.sort()).toEqual(['again', 'isRefund'])
    // begin -> classify, two edges, one back, and the ends of refund and answer.
    expect(svg.querySelectorAll('.edgePaths path')).toHaveLength(6)
  })

  test.each([
    'end',
    'subgraph',
    'click s0 callback',
    '"quoted" \'text\'',
    '[brackets](and){more}',
    '<b onclick="alert(1)">html</b> & &amp; #35;',
    '`code` **bold** _it_ 1. list',
    '1. one',
    '- dash',
    'ünïcödé 漢字 🦊 %% comment',
    'a;b|c-->d:::e',
    '__proto__x',
    '\\n $$x^2$$ ~',
  ])('a step called %j / its name unchanged in every place', async (name) => {
    const Odd = defineEvent(`${name} happened`)
    const odd = defineWorkflow({ name: 'odd', version: 1, start: Go, stop: Done })
      .step(name as 'odd', { on: Go, emits: [Odd] }, () => Odd())
      .step('plain', { on: Odd, emits: [Done] }, () => Done(1))
    const { nodes, edges, svg } = await drawn(toMermaid(odd, { detail: 'detailed', lit: [name, 'nobody'] }))
    expect(nodes).toEqual([name, 'plain'])
    expect(edges).toContain(`${name} happened`)
    expect(svg.querySelectorAll('.node.lit')).toHaveLength(1)
    expect(svg.querySelectorAll('b, script, [onclick]')).toHaveLength(0)
  })

  test('1,000 nodes / the parser accepts them', async () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => ({ id: `n${index}`, type: 'N' }))
    const edges = nodes.slice(1).map(({ id }, index) => ({ from: `n${index}`, to: id }))
    const workflow: AnyWorkflow = workflowFromGraph({ name: 'big', nodes, edges }, { nodes: { N: {} } })
    expect(await mermaid.parse(toMermaid(workflow))).toMatchObject({ diagramType: 'flowchart-v2' })
  })
})
