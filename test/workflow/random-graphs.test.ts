import { expect, test } from 'vitest'
import {
  createEngine,
  graphOf,
  memoryStorage,
  toMermaid,
  workflowFromGraph,
  type RegisteredNode,
} from 'dogear'
import { crash, virtualClock } from 'dogear/testing'
import { Question } from '../support/flows'
import type { Any } from '../session/random/subflow-world'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

/* Random documents of nodes and edges, with crashes, beside a walk over the document that knows no engine. */

interface Node {
  readonly id: string
  readonly type: string
  readonly config?: number
  readonly retry?: { attempts: number; delay: number }
}
interface Edge {
  readonly from: string
  readonly to: string
  readonly when?: string
}

const MOST = 40

async function play(seed: number): Promise<string[]> {
  const chance = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const wrong: string[] = []
  const count = 1 + Math.floor(chance() * 5)
  const types = ['Plain', 'Exec', 'Flaky', 'Saved', 'Asking', 'Open', 'Empty']
  const nodes = Array.from({ length: count }, (_, n): Node => {
    const type = pick(types)
    const config = chance() < 0.6 ? { config: Math.floor(chance() * 5) } : {}
    const retry =
      type === 'Flaky' || (type === 'Saved' && chance() < 0.5) ? { retry: { attempts: 4, delay: 10 } } : {}
    return { id: `n${n}`, type, ...config, ...retry }
  })
  const conditions = ['even', 'third', 'never', 'later', 'long', 'last']
  const edges = Array.from({ length: Math.floor(chance() * 2.5 * count) }, (): Edge => ({
    from: pick(nodes).id,
    to: pick(nodes).id,
    ...(chance() < 0.75 && { when: pick(conditions) }),
  }))
  const start = chance() < 0.5 ? { start: pick(nodes).id } : {}
  const test = (when: string, trail: readonly unknown[]): boolean => {
    const { length } = trail
    if (when === 'even' || when === 'later') return length % 2 === 0
    if (when === 'third') return length % 3 === 0
    if (when === 'long') return length < 7
    return when === 'last' ? JSON.stringify(trail.at(-1) ?? '').length % 2 === 0 : false
  }
  // The walk.
  const trail: unknown[] = []
  let at = start.start ?? nodes[0]!.id
  let incoming: unknown = 'input'
  let steps = 0
  for (;;) {
    if (++steps > MOST) return []
    const node = nodes.find((it) => it.id === at)!
    const { config } = node
    const made: Readonly<Record<string, readonly [outcome: unknown, ...notes: unknown[]]>> = {
      Plain: [undefined, incoming ?? null],
      Exec: [{ did: config ?? 'own' }, config ?? 'own', trail.length],
      Flaky: ['flaky', 'flaky', 3],
      Saved: ['saved', 'saved', trail.length],
      Asking: [undefined, 'answered'],
      Open: [{ open: config ?? 7 }],
      Empty: [undefined],
    }
    const [outcome, ...notes] = made[node.type]!
    if (notes.length > 0) trail.push([node.id, ...notes])
    incoming = outcome
    const own = edges.filter((it) => it.from === at)
    const next =
      own.find((it) => it.when !== undefined && test(it.when, trail)) ??
      own.find((it) => it.when === undefined)
    if (!next) break
    at = next.to
  }
  const expected = { trail }

  const clock = virtualClock()
  const pass = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms))
  const list = (state: Any): unknown[] => state.get('trail') as unknown[]
  const registered: Record<string, RegisteredNode> = {
    Plain: {
      prepare: (_s: Any, ctx: Any) => ctx.event.data ?? null,
      cleanup: (state: Any, got: unknown, __: unknown, ctx: Any) => state.append('trail', [ctx.step, got]),
    },
    Exec: {
      config: 'own',
      prepare: (state: Any, ctx: Any) => [ctx.step, list(state).length],
      execute: async (_p: Any, { config }: Any) => {
        if (chance() < 0.5) await pass(5)
        return config
      },
      cleanup: async (state: Any, [step, length]: Any, result: Any) => {
        await state.append('trail', [step, result, length])
        return { did: result }
      },
    },
    Flaky: {
      execute: (_p: Any, { attempt }: Any) => {
        if (attempt < 3) throw new Error('flaky')
        return attempt
      },
      cleanup: async (state: Any, _p: Any, attempt: Any, ctx: Any) => {
        await state.append('trail', [ctx.step, 'flaky', attempt])
        return 'flaky'
      },
    },
    Saved: {
      prepare: (state: Any) => list(state).length,
      execute: () => {
        throw new Error('always')
      },
      fallback: (prepared: Any, error: Any) => (error.message === 'always' ? ['saved', prepared] : error),
      cleanup: async (state: Any, _p: Any, [word, length]: Any, ctx: Any) => {
        await state.append('trail', [ctx.step, word, length])
        return 'saved'
      },
    },
    Asking: {
      asks: [Question],
      prepare: async (_state: Any, ctx: Any) => (await ctx.ask(Question(1))).data,
      cleanup: (state: Any, got: Any, _r: Any, ctx: Any) => state.append('trail', [ctx.step, got]),
    },
    Open: { config: 7, execute: (_p: Any, { config }: Any) => ({ open: config }) },
    Empty: {},
  }
  const document = { name: 'graph', version: 1, nodes, edges, ...start, initial_state: { trail: [] } }
  const make = () => {
    const code = {
      nodes: registered,
      conditions: Object.fromEntries(
        conditions.map((it) => [
          it,
          async (state: Any) => {
            if (it === 'later') await Promise.resolve()
            return test(it, list(state))
          },
        ]),
      ),
    } as Any
    const first = workflowFromGraph(document as Any, code)
    if (seed % 2 === 0) return first
    const text = JSON.parse(JSON.stringify(graphOf(first)))
    const again = workflowFromGraph(text, code)
    if (JSON.stringify(graphOf(again)) !== JSON.stringify(graphOf(first))) wrong.push('another export')
    if (toMermaid(again) !== toMermaid(first)) wrong.push('another diagram')
    return again
  }
  let storage = memoryStorage()
  let engine = createEngine({ storage, clock })
  let session = await engine.open(make())
  const watched = (): void =>
    void session.run('input').then(
      (it) => {
        if (JSON.stringify(it) !== JSON.stringify(expected))
          wrong.push(`it ran to ${JSON.stringify(it)}, not ${JSON.stringify(expected)}`)
      },
      () => {},
    )
  watched()
  for (let n = 0; n < 400 && session.status !== 'completed' && wrong.length === 0; n++) {
    await clock.advance(pick([0, 0, 1, 5, 10, 30]))
    if (session.asks.length > 0 && chance() < 0.6) void session.asks[0]!.reply('answered')
    if (session.status === 'failed') wrong.push(`failed: ${session.error?.message}`)
    if (n < 60 && chance() < 0.15) {
      if (chance() < 0.5) await Promise.race([session.flush(), clock.advance(0)])
      crash(engine)
      storage = storage.restart()
      engine = createEngine({ storage, clock })
      session = await engine.open(make())
      if (session.status === 'idle') watched()
      await clock.advance(0)
    }
  }
  if (session.status !== 'completed') wrong.push(`it is ${session.status}: ${session.error?.message}`)
  if (JSON.stringify(session.state.get()) !== JSON.stringify(expected))
    wrong.push(`the state is ${JSON.stringify(session.state.get())}, not ${JSON.stringify(expected)}`)
  await engine.close()
  return wrong.length > 0 ? [...wrong, JSON.stringify(document)] : []
}

test('random documents with crashes / go the way that their nodes and edges say, as do their exports', async () => {
  expect(await failuresOf(100, play)).toEqual([])
}, 3_600_000)
