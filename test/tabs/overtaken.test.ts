import { expect, test } from 'vitest'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  OvertakenError,
  type AnySession,
  type AnyWorkflow,
  type Engine,
  type EngineOptions,
  type StateStore,
} from 'dogear'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { z } from 'zod'
import { Done, flow, Go, Nudge, unhandled } from '../support/flows'
import { ears } from '../support/leaving'
import { overheardTabs } from '../support/overheard'

const nudged = defineWorkflow({ ...flow, events: [Nudge] }).step(
  'wait',
  { on: Go, emits: [Done] },
  async (ctx) => Done((await ctx.waitFor(Nudge)).data),
)

type Store = StateStore<Record<string, unknown>>
type Write = (store: Store) => void

/** Devices that share a storage, each with its own tabs. */
const house = () => {
  const clock = virtualClock()
  const storage = memoryStorage()
  const errors: unknown[] = []
  let ids = 0
  const device = (tabs = virtualTabs()) => {
    return (more: EngineOptions = {}): Engine =>
      createEngine({
        storage,
        clock,
        ids: () => `id-${++ids}`,
        onError: (error) => errors.push(error),
        ...tabs,
        ...more,
      })
  }
  return { clock, storage, errors, device }
}

test('a tab types and sends at the very moment of a takeover / the new leader has both', async () => {
  const { clock, device, errors } = house()
  const tab = device()
  const one = await tab().open(nudged)
  const two = await tab().open(nudged)
  one.run().catch(() => {})
  await clock.advance(2000)
  const taken = two.takeOver()
  one.state.set('text', 'typed in that moment')
  const sent = one.send(Nudge('sent in that moment'))
  await taken
  await clock.advance(5000)
  expect(await sent).toBe(true)
  expect([one.role, two.role]).toEqual(['follower', 'leader'])
  expect([two.state.get('text'), two.result]).toEqual(['typed in that moment', 'sent in that moment'])
  expect([one.state.get('text'), one.result]).toEqual(['typed in that moment', 'sent in that moment'])
  expect(errors.filter((it) => it instanceof OvertakenError)).toEqual([])
})

test('in one millisecond a leader types, and a tab that has not heard it types into the same field and takes over / both are there', async () => {
  const { clock, device } = house()
  const tabs = virtualTabs()
  const hearing = ears(tabs)
  const tab = device(tabs)
  const one = await tab().open(nudged)
  const two = await tab({ channel: hearing.channel }).open(nudged)
  one.state.set('text', 'a')
  await one.flush()
  await clock.advance(1000)
  hearing.close()
  one.state.append('text', 'b')
  two.state.append('text', 'c')
  await two.takeOver()
  hearing.open()
  await clock.advance(1000)
  for (const { state } of [one, two]) expect(state.get('text')).toBe('acb')
})

test.each(['as the leader', 'before it heard of the new leader'])(
  'what a tab typed %s does not fit what the new leader has typed / all show and keep what the schema takes',
  async (when) => {
    const { clock, device } = house()
    const Range = z.object({ from: z.number(), to: z.number() }).refine((it) => it.from <= it.to)
    const state = z.object({ note: z.string().default(''), range: Range.default({ from: 1, to: 9 }) })
    const ranged = defineWorkflow({ ...flow, state }).step('a', { on: Go, emits: [Done] }, () => Done(1))
    const tab = device()
    const one = await tab().open(ranged)
    const two = await tab().open(ranged)
    one.state.set('range.to', 8)
    await clock.advance(2000)
    const taken = two.takeOver()
    if (when === 'as the leader') one.state.set('range.from', 5)
    else {
      one.state.set('note', 'typed')
      while (one.role === 'leader') await Promise.resolve()
      one.state.set('range.from', 5)
    }
    await taken
    two.state.set('range.to', 2)
    await clock.advance(5000)
    expect([one.role, two.role]).toEqual(['follower', 'leader'])
    expect(Range.safeParse(two.state.get('range')).success).toBe(true)
    expect(one.state.get()).toEqual(two.state.get())
  },
)

const appends =
  (text: string): Write =>
  (store) =>
    store.append('text', text)
const begins: Write = (store) => store.set('text', 'a')

test.each<readonly [string, Write, (text: string) => Write]>([
  ['a text that grows', begins, appends],
  ['a text that grows from nothing', appends('a'), appends],
  [
    'a field that is set',
    begins,
    (text) => (store) => store.set('text', `${String(store.get('text'))}${text}`),
  ],
  ['another field', begins, (text) => (store) => store.set(`text-${text}`, text)],
])(
  '%s, while nothing can be stored and the new leader does not hear it in time / it has all of it',
  async (_, begin, write) => {
    const clock = virtualClock()
    let full = true
    const memory = memoryStorage()
    const claim: typeof memory.claim = (...call) =>
      full ? Promise.reject(new Error('full')) : memory.claim(...call)
    const storage = { ...memory, claim }
    const tabs = virtualTabs()
    const { channel, ...hearing } = ears(tabs)
    const options = { storage, clock, onError: () => {}, ...tabs }
    const one = await createEngine(options).open(nudged)
    const two = await createEngine({ ...options, channel }).open(nudged)
    one.state.set('tried', true)
    await clock.advance(2000)
    begin(one.state)
    await clock.advance(10)
    hearing.close()
    for (const text of ['b', 'c', 'd']) write(text)(one.state)
    const typed = one.state.get()
    full = false
    await two.takeOver()
    hearing.open()
    await clock.advance(60_000)
    expect([one.role, two.role]).toEqual(['follower', 'leader'])
    for (const { state, persistence } of [one, two])
      expect([state.get(), persistence.status]).toEqual([typed, 'saved'])
  },
)

test('what was typed is private / no other tab hears of it, and this tab keeps it', async () => {
  const { heard, ...tabs } = overheardTabs()
  const [storage, clock] = [memoryStorage(), virtualClock()]
  const state = z.object({ card: z.string().default(''), text: z.string().default('') })
  const discreet = defineWorkflow({ ...flow, state, private: ['card'] }).step(
    'end',
    { on: Go, emits: [Done] },
    () => Done(1),
  )
  const one = await createEngine({ storage, clock, ...tabs }).open(discreet)
  const two = await createEngine({ storage, clock, ...tabs }).open(discreet)
  one.state.set('text', 'a')
  await clock.advance(2000)
  const taken = two.takeOver()
  one.state.set('card', 'SECRET')
  one.state.set('text', 'ab')
  await taken
  await clock.advance(5000)
  expect([one.role, two.state.get('text'), one.state.get('text')]).toEqual(['follower', 'ab', 'ab'])
  expect(JSON.stringify(heard)).toContain('"write"')
  expect(JSON.stringify([heard, await storage.export('flow')])).not.toContain('SECRET')
  expect([one.state.get('card'), two.state.get('card')]).toEqual(['SECRET', ''])
})

test('a tab types at the moment of a takeover and on, before the new leader answers / the last text stands', async () => {
  const { clock, device } = house()
  const tab = device()
  const one = await tab().open(nudged)
  const two = await tab().open(nudged)
  one.state.set('text', '')
  await clock.advance(2000)
  one.state.set('text', 'a')
  one.state.append('log', 'a')
  const taken = two.takeOver()
  // The next task, in which the lock is lost and nothing else is known.
  await Promise.resolve()
  for (const key of ['ab', 'abc']) {
    one.state.set('text', key)
    one.state.append('log', key.slice(-1))
    await Promise.resolve()
  }
  await taken
  await clock.advance(5000)
  expect([one.role, two.role]).toEqual(['follower', 'leader'])
  for (const { state } of [one, two]) expect(state.get()).toEqual({ text: 'abc', log: 'abc' })
})

test('another device has written more / what is typed here goes on top of that, and is saved', async () => {
  const { clock, device } = house()
  const heard = await unhandled(async () => {
    const here = await device()().open(nudged)
    here.state.set('mine', 'old')
    await here.flush()
    const there = await device()().open(nudged)
    for (let n = 0; n < 10; n++) {
      there.state.set('theirs', n)
      await there.flush()
    }
    here.state.set('mine', 'new')
    await clock.advance(5000)
    expect(here.state.get()).toEqual({ mine: 'new', theirs: 9 })
    expect(here.persistence.status).toBe('saved')
    there.state.set('theirs', 'and on')
    await clock.advance(5000)
    expect(there.state.get()).toEqual({ mine: 'new', theirs: 'and on' })
    expect(there.persistence.status).toBe('saved')
  })
  expect(heard).toEqual([])
})

test('another device has ended the run / a cancel made here is reported, not done', async () => {
  const { clock, device, errors } = house()
  const here = await device()().open(nudged)
  here.run().catch(() => {})
  await clock.advance(2000)
  const there = await device()().open(nudged)
  await there.send(Nudge('there'))
  await clock.advance(2000)
  expect(there.result).toBe('there')
  here.cancel('here')
  await clock.advance(5000)
  expect([here.status, here.result]).toEqual(['completed', 'there'])
  const told = errors.filter((it) => it instanceof OvertakenError)
  expect(told).toMatchObject([{ code: 'OVERTAKEN', id: 'flow', lost: ['finished'] }])
})

test.each([
  ['to one step', { step: 'b' as const }, ['b']],
  ['to whoever takes it', {}, ['a', 'b']],
])(
  'an event is sent %s at the very moment of a takeover / the new leader delivers it as it was sent',
  async (_, to, takers) => {
    const { clock, device } = house()
    const took: string[] = []
    const workflow = defineWorkflow({ ...flow, events: [Nudge], skip: ['deadEnd'] })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.sleep(1e6)
        return Done(1)
      })
      .step('a', { on: Nudge }, () => void took.push('a'))
      .step('b', { on: Nudge }, () => void took.push('b'))
    const tab = device()
    const one = await tab().open(workflow)
    const two = await tab().open(workflow)
    one.run().catch(() => {})
    await clock.advance(2000)
    one.pause()
    await clock.advance(2000)
    const taken = two.takeOver()
    const sent = one.send(Nudge(1), to)
    await taken
    two.resume()
    await clock.advance(5000)
    expect([await sent, two.role, took]).toEqual([true, 'leader', takers])
  },
)

const Told = defineEvent('told', z.string().transform(Number))
const AskTold = defineEvent('askTold', undefined, { reply: Told })
/** Asks, then waits for a nudge. */
const asking = defineWorkflow({ ...flow, events: [Nudge] }).step(
  'ask',
  { on: Go, asks: [AskTold], emits: [Done] },
  async (ctx) => {
    const { data } = await ctx.ask(AskTold())
    return Done([data, (await ctx.waitFor(Nudge)).data])
  },
)
const outer = { ...flow, name: 'outer', events: [Nudge] } as const

test.each<readonly [string, AnyWorkflow]>([
  ['the workflow', asking],
  ['a sub-flow', defineWorkflow(outer).subflow('inner', { on: Go, workflow: asking, emits: [Done] })],
  [
    'a sub-flow of a sub-flow',
    defineWorkflow(outer).step('inner', { on: Go, emits: [Done] }, async (ctx) => {
      const middle = defineWorkflow({ ...flow, name: 'middle' }) //
        .subflow('inner', { on: Go, workflow: asking, emits: [Done] })
      return Done(await ctx.subflow(middle))
    }),
  ],
])(
  'a reply to an ask of %s, or the event that it waits for, comes at the very moment of a takeover / the new leader has it, parsed once',
  async (_, workflow) => {
    const { clock, device, errors } = house()
    const tab = device()
    const open = async (): Promise<AnySession> => {
      const session: AnySession = await tab().open(workflow)
      session.run().catch(() => {})
      await clock.advance(2000)
      return session
    }
    const one = await open()
    const two = await open()
    const three = await open()
    let taken = two.takeOver()
    const replied = one.asks[0]?.reply('5')
    await taken
    await clock.advance(5000)
    expect([await replied, one.role, two.role, two.asks]).toEqual([true, 'follower', 'leader', []])
    taken = three.takeOver()
    const sent = two.send(Nudge('nudged'))
    await taken
    await clock.advance(5000)
    expect([await sent, two.role, three.role]).toEqual([true, 'follower', 'leader'])
    expect([one.result, two.result, three.result]).toEqual(Array.from({ length: 3 }, () => [5, 'nudged']))
    expect(errors).toEqual([])
  },
)
