import { describe, it } from 'vitest'
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow, resource, toMermaid } from 'dogear'
import { memoryStorage, workflowFromGraph, type Session } from 'dogear'
import type { RegisteredNode, RegisteredStep, RegisteredSubflow } from 'dogear'
import { useSessions, useWorkflow, useWorkflowState, WorkflowProvider } from 'dogear/react'
import { virtualClock } from 'dogear/testing'

const Go = defineEvent('go')
const Sure = defineEvent('sure', undefined, { reply: Go })
const Done = defineEvent('done')
const base = defineWorkflow({
  name: 'w',
  version: 1,
  start: Go,
  stop: Done,
  state: z.object({ a: z.number().default(0) }),
})
const none = undefined

describe('an option that is undefined counts as not given, so its type takes it, as of `condition ? value : undefined`', () => {
  it('to make and to use an engine', () => {
    const engine = createEngine({
      ...{
        storage: none,
        serializer: none,
        clock: none,
        ids: none,
        random: none,
        locks: none,
        channel: none,
      },
      ...{ page: none, timeout: none, onError: none },
    })
    void engine.open(base, {
      ...{ id: none, resources: none, initialState: none, serializer: none, expireAfter: none },
      autoResume: none,
    })
    void engine.list({ workflow: none, status: none, prefix: none })
    void engine.list({ workflow: base })
    void engine.import(base, {}, { id: none, expireAfter: none })
    void engine.clear({ prefix: none })
    memoryStorage({ failAt: none, crashAt: none })
    virtualClock({ now: none })
  })

  it('of a definition', () => {
    defineWorkflow({
      ...{ name: 'w', version: 1, start: Go, stop: Done, timeout: none, maxSteps: none, history: none },
      ...{ catchError: none, recoveries: none, onUnknownOutcome: none, migrations: none, renamedSteps: none },
      ...{ private: none, skip: none },
    })
    const retry = { attempts: 1, delay: none, factor: none, maxDelay: none, jitter: none, retryIf: none }
    base.step(
      'a',
      { on: Go, workers: none, retry, timeout: none, catchError: none, recoveries: none },
      () => {},
    )
    base.step('b', { on: Go, retry: none }, () => {})
    base.validate({ skip: none })
    resource(() => 1, { dispose: none })
    toMermaid(base, { lit: none })
  })

  it("of a graph document's code", () => {
    const Work: RegisteredNode = { config: none, retry: none, timeout: none, asks: none }
    const Child: RegisteredSubflow = { workflow: base, retry: none }
    const Step: RegisteredStep = { handler: () => {}, retry: none }
    const nodes = { Work, Child, Step }
    workflowFromGraph(
      { name: 'g', nodes: [{ id: 'a', type: 'Work' }] },
      { nodes, conditions: none, resources: none, events: none },
    )
  })

  it('in a step', () => {
    base.step('a', { on: Go, asks: [Sure], emits: [Done] }, async (ctx, go) => {
      await ctx.ask(Sure(), { timeout: none })
      await ctx.waitFor(Go, { where: none, timeout: none, emit: none })
      await ctx.once('a', () => 1, { onUnknownOutcome: none })
      await ctx.collect(go, [Go], { buffer: none })
      return Done()
    })
  })

  it('of a session and of hooks', () => {
    const session = {} as Session<typeof base>
    void session.send(Go(), { step: none, ask: none })
    session.events({ follow: none, records: none, buffer: none })
    useWorkflowState(session, 'a', { select: String, compare: none })
    useWorkflow(base, { id: none, resources: none, initialState: none, autoResume: none })
    useSessions(base, { status: none, prefix: none, engine: none })
    WorkflowProvider({
      workflow: base,
      fallback: none,
      errorFallback: none,
      scope: none,
      ssr: none,
      suspense: none,
    })
  })
})
