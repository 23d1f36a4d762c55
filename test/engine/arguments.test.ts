import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  createEngine,
  createPlainStore,
  createStore,
  defineEvent,
  defineWorkflow,
  DogearError,
  gather,
  graphOf,
  memoryStorage,
  resource,
  toMermaid,
  workflowFromGraph,
  type ArgumentError,
  type Clock,
  type Engine,
  type Session,
} from '../../src/index'
import { crash, virtualClock, virtualTabs } from '../../src/testing'
import { unstorageStorage } from '../../src/storage/adapters/unstorage'
import { webStorage } from '../../src/storage/adapters/web-storage'
import { Done, failure, flow, Go, profile, thrown, unhandled, type Profile } from '../support/flows'

// oxlint-disable-next-line typescript/no-explicit-any -- what a caller without types gives
type Any = any
type Calls = Readonly<Record<string, (given: Any) => unknown>>

const workflow = defineWorkflow({
  ...flow,
  state: z.object({ n: z.number().default(0) }),
  resources: { r: resource<unknown>({ optional: true }) },
}).step('work', { on: Go, emits: [Done] }, () => Done(1))

interface Stage {
  readonly page: Profile
  readonly engine: Record<keyof Engine, Any>
  readonly session: Record<keyof Session<typeof workflow>, Any>
}

async function stage(): Promise<Stage> {
  const page = profile()
  const session = await page.open(workflow)
  return { page, engine: page.engine, session }
}

const foreign: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['nothing', undefined],
  ['a number', 7],
  ['NaN', Number.NaN],
  ['an empty text', ''],
  ['a text', 'cart-42'],
  ['a foreign object', new Map()],
]

function option(call: (options: Any) => unknown, ...names: string[]): Calls {
  return Object.fromEntries(names.map((name) => [name, (given: Any) => call({ [name]: given })]))
}

function prefixed(prefix: string, calls: Calls): Calls {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [`${prefix}: ${name}`, call]))
}

const also = { on: Go, emits: [Done] } as const
const ran = async (options: object): Promise<unknown> => (await profile().open(workflow, options)).run()
const made = (options: object): unknown =>
  createEngine({ storage: memoryStorage(), ...options }).open(workflow)
const defined = (options: object): Promise<unknown> =>
  profile().open((defineWorkflow({ ...flow, ...options } as Any) as Any).step('work', also, () => Done(1)))
const stepped = (options: object): Promise<unknown> =>
  profile().open(
    defineWorkflow(flow).step('work', { on: Go, emits: [Done], ...options } as Any, () => Done(1) as Any),
  )
const child = (options: object): void =>
  (workflow as Any).subflow('x', { ...also, workflow, ...options }).validate()
const document = { name: 'x', version: 1, nodes: [{ id: 'a', type: 'A' }], edges: [] }
const graph = (options: object): unknown =>
  workflowFromGraph({ ...document, ...options }, { nodes: { A: {} } })

/** Every public function, and every option of it. */
function calls({ page, engine, session }: Stage): Calls {
  const { state } = session
  const shared = engine.flow(workflow)
  return {
    createEngine: (it) => createEngine(it),
    ...prefixed(
      'createEngine',
      option(
        made,
        'storage',
        'serializer',
        'clock',
        'ids',
        'random',
        'locks',
        'channel',
        'page',
        'timeout',
        'onError',
      ),
    ),
    'engine.open': (it) => engine.open(it),
    'engine.open, its options': (it) => engine.open(workflow, it),
    'engine.session, its options': (it) => engine.session(workflow, it),
    ...prefixed(
      'engine.open',
      option(ran, 'id', 'resources', 'initialState', 'serializer', 'expireAfter', 'autoResume'),
    ),
    'engine.list': (it) => engine.list(it),
    'engine.delete': (it) => engine.delete(it),
    'engine.export': (it) => engine.export(it),
    'engine.import': (it) => engine.import(workflow, it),
    'engine.import, its options': (it) => engine.import(workflow, session.toJSON(), it),
    'engine.import: id': (it) => engine.import(workflow, session.toJSON(), { id: it }),
    'engine.clear': (it) => engine.clear(it),
    'engine.clear: prefix': (it) => engine.clear({ prefix: it }),
    'flow.setResources': (it) => shared.setResources(it),
    'flow.deleteResource': (it) => shared.deleteResource(it),
    run: (it) => session.run(it),
    send: (it) => session.send(it),
    'send, its target': (it) => session.send(Go(), it),
    'send: step': (it) => session.send(Go(), { step: it }),
    'send: ask': (it) => session.send(Go(), { ask: it }),
    reply: (it) => session.reply(it, 1),
    cancel: (it) => session.cancel(it),
    rewind: (it) => session.rewind(it),
    fork: (it) => session.fork(it),
    'fork, its id': (it) => session.fork(undefined, it),
    events: (it) => session.events(it),
    'events: buffer': (it) => session.events({ buffer: it }),
    subscribe: (it) => session.subscribe(it),
    setResources: (it) => session.setResources(it),
    deleteResource: (it) => session.deleteResource(it),
    subscribeResources: (it) => session.subscribeResources(it),
    'state.get': (it) => state.get(it),
    'state.has': (it) => state.has(it),
    'state.set': (it) => state.set(it, 1),
    'state.append': (it) => state.append(it, 1),
    'state.delete': (it) => state.delete(it),
    'state.edit': (it) => state.edit(it),
    'state.replace': (it) => state.replace(it),
    'state.batch': (it) => state.batch(it),
    'state.subscribe': (it) => state.subscribe(it, () => {}),
    'state.subscribe, its listener': (it) => state.subscribe('', it),
    createStore: (it) => createStore(it),
    ...prefixed('createStore', option(createStore, 'schema', 'initial')),
    createPlainStore: (it) => createPlainStore(it),
    ...prefixed('createPlainStore', option(createPlainStore, 'initial')),
    defineEvent: (it) => defineEvent(it),
    'defineEvent, its schema': (it) => (defineEvent('x', it) as Any)(1),
    'defineEvent, its options': (it) => defineEvent('x', z.number(), it),
    'defineEvent: reply': (it) => stepped({ asks: [defineEvent('x', z.number(), { reply: it })] }),
    'event.is': (it) => Go.is(it),
    defineWorkflow: (it) => defineWorkflow(it),
    ...prefixed(
      'defineWorkflow',
      option(
        defined,
        'name',
        'version',
        'start',
        'stop',
        'state',
        'flowState',
        'resources',
        'events',
        'timeout',
        'maxSteps',
        'recoveries',
        'history',
        'catchError',
        'onUnknownOutcome',
        'migrations',
        'renamedSteps',
        'private',
        'skip',
      ),
    ),
    'workflow.step': (it) => workflow.step(it, also, () => Done(1)).validate(),
    'workflow.step, its options': (it) => (workflow as Any).step('x', it, () => undefined).validate(),
    'workflow.step, its handler': (it) => workflow.step('x', also, it).validate(),
    ...prefixed(
      'step',
      option(stepped, 'on', 'emits', 'asks', 'workers', 'retry', 'timeout', 'catchError', 'recoveries'),
    ),
    'workflow.node': (it) => workflow.node(it, also, {} as Any).validate(),
    'workflow.node, its options': (it) => workflow.node('x', it, {} as Any).validate(),
    'workflow.node, its phases': (it) => workflow.node('x', also, it).validate(),
    'workflow.subflow, its options': (it) => workflow.subflow('x', it).validate(),
    ...prefixed('subflow', option(child, 'workflow', 'capture', 'writeBack', 'on', 'emits')),
    'workflow.validate': (it) => workflow.validate(it),
    'workflow.validate: skip': (it) => workflow.validate({ skip: it }),
    resource: (it) => resource(it),
    'resource, its options': (it) => resource(() => 1, it),
    allOf: (it) => stepped({ on: (allOf as Any)(it) }),
    gather: (it) => stepped({ on: gather(it) }),
    graphOf: (it) => graphOf(it),
    toMermaid: (it) => toMermaid(it),
    'toMermaid, its options': (it) => toMermaid(workflow, it),
    'toMermaid: lit': (it) => toMermaid(workflow, { lit: it }),
    workflowFromGraph: (it) => workflowFromGraph(it, {} as Any),
    'workflowFromGraph, its registry': (it) => workflowFromGraph(document as Any, it),
    ...prefixed(
      'workflowFromGraph',
      option(graph, 'name', 'version', 'nodes', 'edges', 'start', 'initial_state', 'initialState'),
    ),
    'workflowFromGraph, a node': (it) => graph({ nodes: [it] }),
    'workflowFromGraph, an edge': (it) => graph({ edges: [it] }),
    ...prefixed(
      'registry',
      option(
        (it) => workflowFromGraph(document as Any, { nodes: { A: {} }, ...it }),
        'nodes',
        'conditions',
        'flowState',
      ),
    ),
    memoryStorage: (it) => memoryStorage(it),
    ...prefixed('memoryStorage', option(memoryStorage, 'failAt', 'crashAt')),
    webStorage: (it) => webStorage(it).list(),
    unstorageStorage: (it) => unstorageStorage(it).list(),
    virtualClock: (it) => virtualClock(it),
    'virtualClock: now': (it) => virtualClock({ now: it }),
    advance: (it) => page.clock.advance(it),
    crash: (it) => crash(it),
    virtualTabs: (it) => (virtualTabs as Any)(it),
  }
}

describe('values that the types forbid, from a caller without types', () => {
  test.each(foreign)(
    '%s, in every argument and option / accepted, or a typed error, never a raw one',
    async (_, given) => {
      const raw: string[] = []
      const late = await unhandled(async () => {
        for (const name of Object.keys(calls(await stage()))) {
          const call = calls(await stage())[name]
          try {
            // Some calls wait for ever; everything that fails has failed before this.
            await Promise.race([call?.(given), virtualClock().advance(0)])
          } catch (error) {
            if (!(error instanceof DogearError && error.code && error.message.length > 20))
              raw.push(`${name}: ${String(error)}`)
          }
        }
      })
      expect(raw).toEqual([])
      expect(late).toEqual([])
    },
  )
})

describe('in a step', () => {
  const Nudge = defineEvent('nudge')
  const Question = defineEvent('question', z.unknown(), { reply: Nudge })
  const steps: readonly (readonly [string, (ctx: Any) => unknown, string])[] = [
    ['waitFor(name)', (ctx) => ctx.waitFor('nudge'), 'waitFor() takes an event, not string'],
    ['waitFor()', (ctx) => ctx.waitFor(), 'waitFor() takes an event, not undefined'],
    [
      'waitFor({ where })',
      (ctx) => ctx.waitFor(Nudge, { where: { n: 1 } }),
      'waitFor(): where takes a function, not object',
    ],
    ['sleep(text)', (ctx) => ctx.sleep('1s'), 'sleep() takes milliseconds, not string'],
    [
      'ask({ timeout })',
      (ctx) => ctx.ask(Question(1), { timeout: null }),
      'ask(): timeout takes milliseconds, not null',
    ],
    ['once() by no key', (ctx) => ctx.once(undefined, () => 1), 'once(): key takes a text, not undefined'],
    ['edit(value)', (ctx) => ctx.state.edit({ n: 1 }), 'edit() takes a function, not object'],
    ['flowState.edit()', (ctx) => ctx.flowState.edit(), 'edit() takes a function, not undefined'],
    ['waitFor(event, null)', (ctx) => ctx.waitFor(Nudge, null), 'waitFor() takes an object, not null'],
    ['subflow(child, null)', (ctx) => ctx.subflow(workflow, null), 'subflow() takes an object, not null'],
    [
      'collect(event, list, null)',
      (ctx) => ctx.collect(ctx.event, [Go], null),
      'collect() takes an object, not null',
    ],
    [
      'collect({ buffer })',
      (ctx) => ctx.collect(ctx.event, [Go], { buffer: 5n }),
      'collect(): buffer takes a text, not bigint',
    ],
    ['waitFor() of one event', (ctx) => ctx.waitFor(Nudge()), 'waitFor() takes an event, not object'],
    [
      'waitFor() with a misspelt option',
      (ctx) => ctx.waitFor(Nudge, { were: () => false }),
      'waitFor() takes the options where, timeout, emit, not were',
    ],
    [
      'ask() with a misspelt option',
      (ctx) => ctx.ask(Question(1), { timout: 5 }),
      'ask() takes the options timeout, not timout',
    ],
    [
      'subflow() with a misspelt mapping',
      (ctx) => ctx.subflow(workflow, { captures: { input: 'value' } }),
      'subflow() takes the options capture, writeBack, not captures',
    ],
    [
      'once() with a misspelt option',
      (ctx) => ctx.once('key', () => 1, { onUnknownOutcom: 'ask' }),
      'once() takes the options onUnknownOutcome, not onUnknownOutcom',
    ],
    [
      'once() with a policy that is none',
      (ctx) => ctx.once('key', () => 1, { onUnknownOutcome: 'aks' }),
      'once(): onUnknownOutcome takes "rerun", "ask" or "fail", not aks',
    ],
    ['progress(NaN)', (ctx) => ctx.progress(0 / 0), 'progress() takes a number from 0, not NaN'],
    ['progress(text)', (ctx) => ctx.progress('half'), 'progress() takes a number from 0, not string'],
    [
      'progress() with a number as label',
      (ctx) => ctx.progress(0.5, 5n),
      'progress(): label takes a text, not bigint',
    ],
    ['once(value)', (ctx) => ctx.once('key', Promise.resolve(1)), 'once() takes a function, not object'],
    ['collect(one)', (ctx) => ctx.collect(ctx.event, Go), 'collect() takes a list of events, not function'],
    [
      'collect() of an import that was not there yet',
      (ctx) => ctx.collect(ctx.event, [undefined]),
      'collect() takes a list of events, not undefined',
    ],
    [
      'stream(text)',
      (ctx) => ctx.stream('text'),
      'stream() of step "work" does not allow "text", which is no event; it allows none',
    ],
  ]

  test.each(steps)(
    '%s / a typed error that the step can catch, and nothing is left waiting',
    async (_, call, message) => {
      const page = profile()
      const session = await page.open(
        defineWorkflow({ ...flow, events: [Nudge] }).step(
          'work',
          { on: Go, emits: [Done], asks: [Question] },
          async (ctx) => {
            const error: DogearError = await failure(Promise.resolve().then(() => call(ctx)))
            return Done([error.message, error instanceof DogearError])
          },
        ),
      )
      void session.run()
      await page.settle()
      expect([session.status, session.result]).toEqual(['completed', [message, true]])
    },
  )
})

describe('a wrong argument', () => {
  const given: readonly (readonly [string, (stage: Stage) => unknown, string])[] = [
    ['createEngine(null)', () => createEngine(null as Any), 'createEngine() takes an object, not null'],
    [
      'a time limit below 0',
      () => createEngine({ timeout: -1 }),
      'createEngine(): timeout takes a number from 0, not -1',
    ],
    [
      'what is no storage',
      () => createEngine({ storage: new Map() as Any }),
      'createEngine(): storage takes an object with read(), not object',
    ],
    ['clear(null)', (it) => it.engine.clear(null), 'engine.clear() takes an object, not null'],
    ['clear with a prefix', (it) => it.engine.clear('cart-'), 'engine.clear() takes an object, not string'],
    ['list(null)', (it) => it.engine.list(null), 'engine.list() takes an object, not null'],
    ['list with a prefix', (it) => it.engine.list('cart-'), 'engine.list() takes an object, not string'],
    [
      'list of a workflow itself',
      (it) => it.engine.list({ workflow: {} }),
      'engine.list(): workflow takes a text, not object',
    ],
    ['export without an id', (it) => it.engine.export(), 'engine.export() takes a text, not undefined'],
    ['delete without an id', (it) => it.engine.delete(), 'engine.delete() takes a text, not undefined'],
    [
      'an age below 0',
      () => ran({ expireAfter: -1 }),
      'engine.open(): expireAfter takes a number from 0, not -1',
    ],
    [
      'an age that is no number',
      () => ran({ expireAfter: Number.NaN }),
      'engine.open(): expireAfter takes a number from 0, not NaN',
    ],
    [
      'an age in words',
      () => ran({ expireAfter: '30 days' }),
      'engine.open(): expireAfter takes a number from 0, not string',
    ],
    [
      'clear with a misspelt prefix',
      (it) => it.engine.clear({ prefx: 'cart-' }),
      'engine.clear() takes the options prefix, not prefx',
    ],
    [
      'list with a misspelt prefix',
      (it) => it.engine.list({ prefx: 'cart-' }),
      'engine.list() takes the options workflow, status, prefix, not prefx',
    ],
    [
      'send to a misspelt target',
      (it) => it.session.send(Go(), { stp: 'work' }),
      'send() takes the options step, ask, not stp',
    ],
    [
      'open with a misspelt id',
      (it) => it.engine.open(workflow, { Id: 'cart-42' }),
      'engine.open() takes the options id, resources, initialState, serializer, expireAfter, autoResume, not Id',
    ],
    [
      'an engine with a misspelt serializer',
      () => createEngine({ serialiser: {} } as Any),
      'createEngine() takes the options storage, serializer, clock, ids, random, locks, channel, page, timeout, onError, not serialiser',
    ],
    [
      'a memory storage with misspelt trouble',
      () => memoryStorage({ failsAt: 1 } as Any),
      'memoryStorage() takes the options failAt, crashAt, not failsAt',
    ],
    [
      'trouble at a write that is named in words',
      () => memoryStorage().restart({ crashAt: 'first' } as Any),
      'memoryStorage(): crashAt takes a number from 1 or a function, not string',
    ],
    [
      'ids that are numbers',
      () => createEngine({ storage: memoryStorage(), ids: (() => 7) as Any }).open(workflow),
      'createEngine(): ids() takes a text, not 7',
    ],
    [
      'a channel that is not there',
      () => createEngine({ storage: memoryStorage(), channel: (() => undefined) as Any }).open(workflow),
      'createEngine(): channel() takes an object with postMessage(), not undefined',
    ],
    ['setResources()', (it) => it.session.setResources(), 'setResources() takes an object, not undefined'],
    [
      'setResources() of a flow',
      (it) => it.engine.flow(workflow).setResources(null),
      'setResources() takes an object, not null',
    ],
    [
      'reply() to an ask in place of its id',
      (it) => it.session.reply({ id: 'x' }, 1),
      'reply(): ask takes a text, not object',
    ],
    [
      'send() to an ask in place of its id',
      (it) => it.session.send(Go(), { ask: { id: 'x' } }),
      'send(): ask takes a text, not object',
    ],
    ['edit()', (it) => it.session.state.edit(), 'edit() takes a function, not undefined'],
    ['batch()', (it) => it.session.state.batch({}), 'batch() takes a function, not object'],
    ['subscribe()', (it) => it.session.subscribe(), 'subscribe() takes a function, not undefined'],
    [
      'subscribe() of a store',
      () => (createPlainStore() as Any).subscribe('a'),
      'subscribe() takes a function, not undefined',
    ],
    [
      'what is no schema',
      () => createStore({ schema: {} as Any }),
      'a schema takes a Standard Schema, not object',
    ],
    [
      'what is no engine',
      () => crash({} as Any),
      'crash() takes what createEngine() of this copy of Dogear has made, not object',
    ],
  ]

  test.each(given)(
    '%s / ArgumentError naming the call, what was given and what it takes',
    async (_, call, message) => {
      const here = await stage()
      const error: ArgumentError = await failure(Promise.resolve().then(() => call(here)))
      expect([error.name, error.code, error.message]).toEqual(['ArgumentError', 'ARGUMENT', message])
      expect(message).toContain(error.call)
    },
  )

  test('a workflow with a misspelt option / an error at the definition, before anything private is stored', () => {
    const error: ArgumentError = thrown(() => defineWorkflow({ ...flow, privat: ['card'] } as Any))
    expect(error).toMatchObject({ code: 'ARGUMENT', call: 'defineWorkflow()' })
    expect(error.message).toMatch(
      /^defineWorkflow\(\) takes the options name, .*, private, skip, not privat$/,
    )
  })

  test('a step with an unknown option / an error at the definition', () => {
    const options = { ...also, onUnknownOutcome: 'ask' } as Any
    const message =
      'takes the options on, emits, asks, workers, retry, timeout, catchError, recoveries, config, not onUnknownOutcome'
    expect(thrown(() => (workflow as Any).step('x', options, () => Done(1)))).toMatchObject({
      code: 'ARGUMENT',
      message: `step() ${message}`,
    })
    expect(thrown(() => workflow.node('x', options, {} as Any))).toMatchObject({
      code: 'ARGUMENT',
      message: `node() ${message}`,
    })
  })

  test('a sub-flow with a misspelt mapping / an error at the definition, before the child gets the wrong input', () => {
    const options = { ...also, workflow, captures: { input: 'state.n' } } as Any
    expect(thrown<Error>(() => (workflow as Any).subflow('x', options)).message).toMatch(
      /^subflow\(\) takes the options on, .*, workflow, capture, writeBack, not captures$/,
    )
  })

  test.each([{}, Object.create(null) as object, Object.freeze({ Begin: Go })])(
    'a step on an object that is no event, as a whole module / an error at the definition that says so',
    (given) => {
      for (const name of ['on', 'emits', 'asks'])
        expect(
          thrown<Error>(() => (workflow as Any).step('x', { ...also, [name]: given }, () => Done(1))).message,
        ).toContain('step "x": `on`, `emits` or `asks` holds an object, which is no event')
    },
  )

  test('a client where its declaration belongs, or `optional: false` / it is declared, and not optional', async () => {
    for (const given of [new Map(), { optional: false }, { charge: () => 1 }]) {
      const open = profile()
      const declared = defineWorkflow({ ...flow, resources: { pay: resource(given as Any) } }) //
        .step('work', { on: Go, emits: [Done] }, () => Done(1))
      expect((await open.open(declared)).missingResources).toEqual(['pay'])
    }
  })

  test('an option that is null / counts as not given', async () => {
    const clock = virtualClock()
    const nothing = { timeout: null, serializer: null, ids: null, locks: null } as Any
    const engine = createEngine({ storage: memoryStorage(), clock, ...nothing })
    const options = { id: null, expireAfter: null, serializer: null, resources: null } as Any
    const session = await engine.open(workflow, options)
    session.state.set('n', 1)
    await session.flush()
    await clock.advance(1000)
    expect(await engine.sweep()).toEqual([])
    expect((await engine.list()).map((it) => it.id)).toEqual(['flow'])
  })

  test('instances of classes / their methods are called on them', async () => {
    const clock = virtualClock()
    const tabs = virtualTabs()
    /** An object whose methods must be called on it, as those of a class with private fields. */
    const instanceOf = <T extends object>(parts: T): T => {
      const own = { ...parts } as Record<string, unknown>
      for (const [name, it] of Object.entries(parts))
        if (typeof it === 'function')
          own[name] = function (this: unknown, ...args: unknown[]): unknown {
            if (this !== own) throw new TypeError(`${name}() was taken off its instance`)
            return Reflect.apply(it, parts, args)
          }
      return own as T
    }
    const given = {
      storage: instanceOf(memoryStorage()),
      clock: instanceOf<Clock>(clock),
      serializer: instanceOf({
        serialize: JSON.stringify,
        deserialize: (it: unknown) => JSON.parse(String(it)),
      }),
      locks: instanceOf(tabs.locks),
      channel: tabs.channel,
    }
    const first = await createEngine(given).open(workflow)
    const second = await createEngine(given).open(workflow)
    second.state.set('n', 7)
    await clock.advance(1000)
    expect([first.role, second.role, first.state.get('n')]).toEqual(['leader', 'follower', 7])
    await first.close()
    await clock.advance(5000)
    expect(await second.run()).toBe(1)
    await second.close()
    expect((await createEngine(given).open(workflow)).result).toBe(1)
  })

  test('a wrong prefix / nothing is removed', async () => {
    const { page, engine, session } = await stage()
    session.state.set('n', 1)
    await session.flush()
    for (const it of ['cart-', null, { prefix: 7 }, { prefx: 'cart-' }]) await failure(engine.clear(it))
    expect(await page.engine.list()).toHaveLength(1)
  })
})
