import { createElement } from 'react'
import { z } from 'zod'
import type { Adapter, Chain, Chat, Crowd, Entry, Graphs, Keeper, Return, Talk } from '../adapter.ts'
import {
  createEngine,
  createStore,
  defineEvent,
  defineWorkflow,
  indexedDBStorage,
  memoryStorage,
  toMermaid,
  workflowFromGraph,
  type GraphDocument,
} from '../../src/index.ts'
import { createWorkflowHooks } from '../../src/react/index.ts'
import { cells } from './dogear-cells.ts'
import { keeping } from './dogear-session.ts'

const Link = defineEvent('link', z.object({ n: z.number(), length: z.number() }))
const Done = defineEvent('done', z.object({ n: z.number() }))

const chained = defineWorkflow({
  name: 'chain',
  version: 1,
  start: Link,
  stop: Done,
  maxSteps: 1_000_000,
}).step('link', { on: Link, emits: [Link, Done] }, (_ctx, { data: { n, length } }) =>
  n + 1 < length ? Link({ n: n + 1, length }) : Done({ n: n + 1 }),
)

/** The records that reached storage are counted there. */
function chain(): Chain {
  let sessions = 0
  return {
    async run(length) {
      let recorded = 0
      const memory = memoryStorage()
      const storage: typeof memory = {
        ...memory,
        append(id, epoch, batch, options) {
          recorded += batch.to - batch.from + 1
          return memory.append(id, epoch, batch, options)
        },
      }
      const engine = createEngine({ storage })
      const session = await engine.open(chained, { id: `chain-${sessions++}` })
      const { n } = await session.run({ n: 0, length })
      await session.flush()
      await engine.close()
      return { reached: n, recorded }
    },
    async hold(length) {
      const engine = createEngine({ storage: memoryStorage() })
      const session = await engine.open(chained, { id: 'held' })
      const { n: reached } = await session.run({ n: 0, length })
      await session.flush()
      return { reached, held: [engine, session] }
    },
  }
}

const Begin = defineEvent('begin', z.number())
const Item = defineEvent('item', z.number())
const Worked = defineEvent('worked', z.number())
const Sum = defineEvent('sum', z.number())
const tinyRun = defineWorkflow({ name: 'tiny', version: 1, start: Begin, stop: Sum }).step(
  'end',
  { on: Begin, emits: [Sum] },
  async (_ctx, { data }) => Sum(data),
)

/** A fan-out into a step with so many workers, and a step that collects all of it. */
function fanOf(count: number, workers: number) {
  const all = Array.from({ length: count }, () => Worked)
  return defineWorkflow({ name: 'fan', version: 1, start: Begin, stop: Sum })
    .step('fan', { on: Begin, emits: [Item] }, () => Array.from({ length: count }, (_, n) => Item(n)))
    .step('work', { on: Item, emits: [Worked], workers }, async (_ctx, { data }) => Worked(data))
    .step('collect', { on: Worked, emits: [Sum] }, async (ctx, event) => {
      const batch = await ctx.collect(event, all)
      return batch && Sum(batch.reduce((sum, { data }) => sum + data, 0))
    })
}

/** Everything recorded on memory storage; a session for each run. */
function crowd(): Crowd {
  let sessions = 0
  return {
    async fan(count, workers) {
      const engine = createEngine({ storage: memoryStorage() })
      const session = await engine.open(fanOf(count, workers), { id: `fan-${sessions++}` })
      const sum = await session.run(0)
      await engine.close()
      return sum
    },
    async tiny(count) {
      const engine = createEngine({ storage: memoryStorage() })
      let ended = 0
      for (let n = 0; n < count; n++) {
        const session = await engine.open(tinyRun, { id: `tiny-${n}` })
        ended += await session.run(1)
      }
      await engine.close()
      return ended
    },
    async again(count) {
      const engine = createEngine({ storage: memoryStorage() })
      const session = await engine.open(tinyRun)
      let ended = 0
      for (let n = 0; n < count; n++) ended += await session.run(1)
      await engine.close()
      return ended
    },
  }
}

const entriesPath = (at: number) => ['entries', at, 'note'] as const

/** An open session on IndexedDB; nothing is called but `set`. */
async function keeper(entries: Entry[]): Promise<Keeper> {
  const engine = createEngine({ storage: indexedDBStorage() })
  const session = await engine.open(keeping, { id: 'large', initialState: { entries } })
  session.state.set('opened', true)
  await session.flush()
  return {
    change: (at, note) => session.state.set(entriesPath(at), note),
    async stored(at) {
      await session.close()
      await engine.close()
      const again = createEngine({ storage: indexedDBStorage() })
      const { state } = await again.open(keeping, { id: 'large', autoResume: false })
      const note = state.get(entriesPath(at))
      await again.close()
      return note
    },
    async compacted() {
      const storage = indexedDBStorage()
      const stored = await storage.read('large')
      await storage.close()
      return stored?.snapshot !== undefined && stored.batches.length === 0
    },
  }
}

const { WorkflowProvider, useWorkflowState } = createWorkflowHooks(keeping)

function Shown({ at }: { readonly at: number }) {
  return useWorkflowState(`entries.${at}.note`)[0] as string
}

/** The provider of the documentation: children mount when the session is there. */
function comeBack(): Return {
  const engine = createEngine({ storage: indexedDBStorage() })
  return {
    Note: ({ at }) =>
      createElement(WorkflowProvider, { engine, id: 'large', children: createElement(Shown, { at }) }),
  }
}

async function chat(messages: string[]): Promise<Chat> {
  const engine = createEngine({ storage: indexedDBStorage() })
  const session = await engine.open(keeping, { id: 'chat', initialState: { messages } })
  session.state.set('opened', true)
  await session.flush()
  const path = ['messages', messages.length - 1] as const
  return {
    token: (text) => session.state.append(path, text),
    async stored() {
      await engine.close()
      const again = createEngine({ storage: indexedDBStorage() })
      const { state } = await again.open(keeping, { id: 'chat', autoResume: false })
      const text = state.get(path)
      await again.close()
      return text
    },
  }
}

/** A store of its own: no session, nothing is recorded. */
function talk(messages: string[]): Talk {
  const store = createStore({ initial: { messages } })
  const path = ['messages', messages.length - 1] as const
  return { token: (text) => store.append(path, text), text: () => store.get(path) }
}

const code = { nodes: { Work: { execute: () => 1 } }, conditions: { again: () => false } }

function graphs(): Graphs {
  return {
    load(text) {
      const workflow = workflowFromGraph(JSON.parse(text) as GraphDocument, code)
      workflow.validate()
      return toMermaid(workflow).split('"Work ').length - 1
    },
  }
}

export const dogear: Adapter = { cells, chain, chat, talk, comeBack, crowd, keeper, graphs }
