import { expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, type Engine, type SessionStorage } from 'dogear'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { Done, failure, flow, gate, Go, unhandled } from '../support/flows'
import { browser as leavable } from '../support/leaving'

const effects: string[] = []
const paying = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) => {
  effects.push('began')
  return Done(await ctx.once('pay', () => (effects.push('paid'), 'paid')))
})

/** A browser whose storage claims when the test lets it; `also` is done before the claim lands. */
const browser = () => {
  const clock = virtualClock()
  const memory = memoryStorage()
  const errors: unknown[] = []
  let [ids, claims] = [0, 0]
  const claim = { held: undefined as Promise<unknown> | undefined }
  const storage: SessionStorage = {
    ...memory,
    async claim(...call) {
      claims++
      await claim.held
      return memory.claim(...call)
    },
  }
  const tabs = virtualTabs()
  const tab = (with_: SessionStorage = storage): Engine =>
    createEngine({
      storage: with_,
      clock,
      ids: () => `id-${++ids}`,
      onError: (error) => errors.push(error),
      ...tabs,
    })
  return { clock, memory, storage, errors, claim, tab, claims: () => claims }
}

/** A session whose run was cut off, and that nobody has open. */
async function cutOff({ tab, memory }: ReturnType<typeof browser>): Promise<void> {
  const engine = tab(memory)
  const session = await engine.open(paying, { id: 'a', autoResume: false })
  session.state.set('note', 'kept')
  session.pause()
  session.run().catch(() => {})
  await session.flush()
  await engine.close()
}

test('a slow claim / what is stored is shown at once; no step runs and `open` waits until the session is claimed', async () => {
  const all = browser()
  const { clock, claim, tab } = all
  await cutOff(all)
  effects.length = 0
  const claimed = gate()
  claim.held = claimed.promise
  const engine = tab()
  const session = engine.session(paying, { id: 'a' })
  let opened = false
  void session.ready.then(() => (opened = true))
  await clock.advance(100)
  expect([session.status, session.state.get('note'), session.role]).toEqual(['paused', 'kept', 'leader'])
  session.state.set('note', 'typed meanwhile')
  session.resume()
  await clock.advance(1000)
  expect([opened, effects, session.status]).toEqual([false, [], 'running'])
  claimed.open()
  await clock.advance(1000)
  expect([opened, effects, session.result]).toEqual([true, ['began', 'paid'], 'paid'])
  await engine.close()
  const again = await tab().open(paying, { id: 'a' })
  expect([again.state.get('note'), again.result]).toEqual(['typed meanwhile', 'paid'])
})

test('somebody elsewhere writes between the read and the claim / their state is shown, what was typed here goes on top, all is saved', async () => {
  const { clock, memory, errors, claim, tab } = browser()
  const heard = await unhandled(async () => {
    const first = createEngine({ storage: memory, clock, locks: null, channel: null })
    const there = await first.open(paying, { id: 'a' })
    there.state.set('theirs', 1)
    await there.flush()
    const claimed = gate()
    claim.held = claimed.promise
    const here = tab().session(paying, { id: 'a' })
    await clock.advance(100)
    expect(here.state.get()).toEqual({ theirs: 1 })
    here.state.set('mine', 1)
    there.state.set('theirs', 2)
    await there.flush()
    claim.held = undefined
    claimed.open()
    await here.ready
    await clock.advance(5000)
    expect(here.role).toBe('leader')
    expect(here.state.get()).toEqual({ theirs: 2, mine: 1 })
    expect(here.persistence.status).toBe('saved')
    expect(errors).toEqual([])
  })
  expect(heard).toEqual([])
})

test('the claim fails / the session goes on in memory and says so; it is claimed and saved when storage is back', async () => {
  const all = browser()
  const { clock, claim, tab, errors } = all
  await cutOff(all)
  const heard = await unhandled(async () => {
    claim.held = Promise.reject(new Error('the disk is gone'))
    // The claim is only asked for once the session is shown.
    claim.held.catch(() => {})
    const session = await tab().open(paying, { id: 'a' })
    expect([session.state.get('note'), session.persistence.status]).toEqual(['kept', 'unsaved'])
    expect(errors).toHaveLength(1)
    session.state.set('note', 'new')
    await clock.advance(500)
    expect(session.persistence.status).toBe('unsaved')
    expect(errors).toHaveLength(1)
    claim.held = undefined
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
  })
  expect(heard).toEqual([])
})

test('the claim fails, and nothing is written / `unsaved` at once and reported once; `saved` when storage is back, without a write', async () => {
  const all = browser()
  const { clock, claim, tab, errors } = all
  await cutOff(all)
  claim.held = Promise.reject(new Error('the disk is gone'))
  claim.held.catch(() => {})
  const session = await tab().open(paying, { id: 'a' })
  const { savedAt } = session.persistence
  expect(session.persistence).toMatchObject({ status: 'unsaved', error: { code: 'STORAGE' } })
  expect(errors).toEqual([session.persistence.error])
  await clock.advance(20_000)
  expect([session.persistence.status, errors.length]).toEqual(['unsaved', 1])
  claim.held = undefined
  await clock.advance(5000)
  expect(session.persistence).toEqual({ status: 'saved', savedAt })
  session.state.set('note', 'a field edit')
  await clock.advance(149)
  expect(session.persistence.status).toBe('saving')
  await clock.advance(1)
  expect(session.persistence.status).toBe('saved')
  expect(errors).toHaveLength(1)
})

test('the claim fails, and the session is closed before the next claim / it claims no more: the next tab writes undisturbed', async () => {
  const all = browser()
  const { clock, claim, tab, memory, claims } = all
  await cutOff(all)
  claim.held = Promise.reject(new Error('the disk is gone'))
  claim.held.catch(() => {})
  const session = await tab().open(paying, { id: 'a', autoResume: false })
  await session.close()
  const made = claims()
  claim.held = undefined
  const next = await tab(memory).open(paying, { id: 'a', autoResume: false })
  await clock.advance(60_000)
  expect(claims()).toBe(made)
  next.state.set('note', 'of the next')
  await next.flush()
  expect(next.persistence.status).toBe('saved')
})

test('the claim hangs / the session goes on after the time limit, and claims again by itself', async () => {
  const all = browser()
  const { clock, claim, tab, claims } = all
  await cutOff(all)
  claim.held = new Promise(() => {})
  const session = tab().session(paying, { id: 'a' })
  let opened = false
  void session.ready.then(() => (opened = true))
  await clock.advance(3000)
  expect(opened).toBe(false)
  await clock.advance(1500)
  expect(opened).toBe(true)
  claim.held = undefined
  await clock.advance(10_000)
  expect(claims()).toBe(2)
  session.state.set('note', 'new')
  await session.flush()
  expect(session.persistence.status).toBe('saved')
})

test('a page is left during its claim and comes back from the cache / it claims anew, leads, and saves what was typed', async () => {
  const claimed = gate()
  const storage = memoryStorage()
  let claims = 0
  const slow: SessionStorage = {
    ...storage,
    async claim(...call) {
      if (++claims === 1) await claimed.promise
      return storage.claim(...call)
    },
  }
  const { tab, clock, box } = leavable()
  const before = tab({ storage })
  const old = await before.engine.open(paying, { id: 'a' })
  old.state.set('note', 'stored')
  await old.flush()
  before.leave()
  await clock.advance(100)
  const { engine, page } = tab({ storage: slow })
  const session = engine.session(paying, { id: 'a' })
  await clock.advance(100)
  expect([session.status, session.state.get('note'), claims]).toEqual(['idle', 'stored', 1])
  session.state.set('typed', 'during the claim')
  page.hide(true)
  await clock.advance(1000)
  claimed.open()
  await clock.advance(1000)
  page.show(true)
  await clock.advance(1000)
  await session.flush()
  expect(claims).toBeGreaterThan(1)
  expect([session.role, session.persistence.status]).toEqual(['leader', 'saved'])
  expect(session.state.get()).toEqual({ note: 'stored', typed: 'during the claim' })
  expect(await session.run()).toBe('paid')
  await session.close()
  expect([...box]).toEqual([])
  const again = await tab({ storage }).engine.open(paying, { id: 'a' })
  expect([again.state.get(), again.result]).toEqual([session.state.get(), 'paid'])
})

const state = z.object({ note: z.string().default(''), n: z.number().default(0) })
const noted = defineWorkflow({ ...flow, state }).step('work', { on: Go, emits: [Done] }, () => Done(1))
const renewed = defineWorkflow({
  ...flow,
  version: 2,
  state,
  migrations: { 2: (old) => ({ ...(old as object), n: 2 }) },
}).step('work', { on: Go, emits: [Done] }, () => Done(1))

test.each([
  ['where there are no tabs', noted, { note: 'kept', n: 0 }, { locks: null, channel: null }],
  ['where it is to be migrated', renewed, { note: 'kept', n: 2 }, {}],
] as const)(
  'the claim fails %s / what was read is shown, the flow goes on, and all is saved when storage is back',
  async (_, workflow, shown, options) => {
    const { clock, memory, errors } = browser()
    const before = createEngine({ storage: memory, clock })
    const old = await before.open(noted, { id: 'a' })
    old.state.set('note', 'kept')
    await before.close()
    let full = true
    const storage: SessionStorage = {
      ...memory,
      claim: (...call) =>
        full ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : memory.claim(...call),
    }
    const onError = (error: unknown): unknown => errors.push(error)
    const session = await createEngine({
      ...{ storage, clock, onError },
      ...virtualTabs(),
      ...options,
    }).open(workflow, { id: 'a' })
    expect(session.state.get()).toEqual(shown)
    session.state.set('note', 'typed')
    expect(await session.run()).toBe(1)
    await clock.advance(2000)
    expect(session.persistence.status).toBe('unsaved')
    expect(errors).toHaveLength(1)
    full = false
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
    const again = await createEngine({ storage: memory, clock }).open(workflow, { id: 'a' })
    expect([again.state.get(), again.result]).toEqual([{ ...shown, note: 'typed' }, 1])
  },
)

test('the claim fails without tabs, and another engine writes / its state stays; this session is outdated and shows what it had', async () => {
  const { clock, memory } = browser()
  let full = true
  const storage: SessionStorage = {
    ...memory,
    claim: (...call) => (full ? Promise.reject(new Error('full')) : memory.claim(...call)),
  }
  const here = await createEngine({ storage, clock }).open(noted, { id: 'a' })
  here.state.set('note', 'mine')
  const there = await createEngine({ storage: memory, clock }).open(noted, { id: 'a' })
  there.state.set('note', 'theirs')
  await there.flush()
  full = false
  await clock.advance(60_000)
  expect([here.persistence.status, here.role, here.state.get('note')]).toEqual(['outdated', 'reader', 'mine'])
  expect(await failure(here.flush())).toMatchObject({ code: 'STALE_EPOCH' })
  there.state.set('n', 1)
  await there.flush()
  expect(there.persistence.status).toBe('saved')
})

test('typed and closed before the session is claimed / the text is stored with the claim, and the next one opens with it', async () => {
  const all = browser()
  const { clock, claim, tab, errors } = all
  await cutOff(all)
  const claimed = gate()
  claim.held = claimed.promise
  const engine = tab()
  const session = engine.session(paying, { id: 'a', autoResume: false })
  session.ready.catch(() => {})
  await clock.advance(100)
  session.state.set('note', 'typed meanwhile')
  const closing = session.close()
  await clock.advance(100)
  claimed.open()
  await closing
  const next = await engine.open(paying, { id: 'a', autoResume: false })
  expect(next.state.get('note')).toBe('typed meanwhile')
  expect(errors).toEqual([])
})

test('the claim fails without tabs, and somebody else writes / outdated at the next claim, reported once, and no step runs', async () => {
  const all = browser()
  const { clock, memory, claim, errors } = all
  await cutOff(all)
  effects.length = 0
  claim.held = Promise.reject(new DOMException('full', 'QuotaExceededError'))
  claim.held.catch(() => {})
  const alone = { clock, locks: null, channel: null } as const
  const storage: SessionStorage = { ...memory, claim: (...call) => all.storage.claim(...call) }
  const session = await createEngine({ storage, ...alone, onError: (it) => errors.push(it) }).open(paying, {
    id: 'a',
    autoResume: false,
  })
  const other = await createEngine({ storage: memory, ...alone }).open(paying, { id: 'a', autoResume: false })
  other.state.set('note', 'newer')
  await other.flush()
  claim.held = undefined
  await clock.advance(20_000)
  expect([session.role, session.persistence.status]).toEqual(['reader', 'outdated'])
  expect(errors).toMatchObject([{ code: 'STORAGE' }, { code: 'STALE_EPOCH' }])
  session.run().catch(() => {})
  await clock.advance(1000)
  expect(effects).toEqual([])
})
