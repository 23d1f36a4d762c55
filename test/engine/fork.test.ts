import { describe, expect, test } from 'vitest'
import { createEngine, defineWorkflow, memoryStorage, resource, type Session } from '../../src/index'
import { virtualClock } from '../../src/testing'
import { Done, failure, flow, gate, Go, profile, Question, sorted } from '../support/flows'

const twice = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    const first = await ctx.ask(Question('first?'))
    await ctx.state.set('first', first.data)
    const second = await ctx.ask(Question('second?'))
    return Done([first.data, second.data])
  },
)

const question = (session: Session<typeof twice>) => session.asks[0]?.data

async function asked() {
  const page = profile()
  const session = await page.open(twice, { id: 'one' })
  const result = session.run()
  result.catch(() => {})
  await page.settle()
  const opened = session.history().at(-1)?.seq ?? 0
  await session.asks[0]?.reply('a')
  await page.settle()
  return { page, session, result, opened }
}

describe('fork(seq?, id?)', () => {
  test('now / another session like this one; both go on, separately', async () => {
    const { page, session, result } = await asked()
    const fork = await session.fork(undefined, 'two')
    expect(fork.id).toBe('two')
    expect(fork.parent).toEqual({ id: 'one', seq: session.history().at(-1)?.seq })
    expect(session.parent).toBeUndefined()
    expect(fork.resumed).toEqual({ found: false })
    expect(fork.state.get()).toEqual({ first: 'a' })
    await page.settle()
    expect(question(fork)).toBe('second?')
    fork.state.set('first', 'other')
    expect(session.state.get('first')).toBe('a')
    const forked = fork.run()
    await fork.asks[0]?.reply('fork')
    await session.asks[0]?.reply('trunk')
    expect(await forked).toEqual(['a', 'fork'])
    expect(await result).toEqual(['a', 'trunk'])
  })

  test('from an earlier record / as it was then; the original is not touched', async () => {
    const { page, session, opened } = await asked()
    const before = JSON.stringify(session.toJSON())
    const fork = await session.fork(opened)
    expect(JSON.stringify(session.toJSON())).toBe(before)
    expect(fork.id).toMatch(/^one-/)
    expect(fork.parent).toEqual({ id: 'one', seq: opened })
    expect(fork.state.get()).toEqual({})
    await page.settle()
    expect(question(fork)).toBe('first?')
    expect(fork.asks[0]?.id).not.toBe(session.asks[0]?.id)
    expect(question(session)).toBe('second?')
  })

  test('an ask with a timeout / keeps its deadline in the fork', async () => {
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(1), { timeout: 1000 })).data),
    )
    const page = profile()
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.clock.advance(400)
    const fork = await session.fork()
    expect(fork.asks[0]?.deadline).toBe(session.asks[0]?.deadline)
    await page.clock.advance(599)
    expect([session.status, fork.status]).toEqual(['waiting', 'waiting'])
    await page.clock.advance(1)
    expect([session.status, fork.status]).toEqual(['failed', 'failed'])
  })

  test('its history / includes the time before the fork, and back() works there', async () => {
    const { page, session } = await asked()
    const fork = await session.fork()
    expect(fork.history()).toEqual(session.history())
    expect(fork.back()).toBe(true)
    await page.settle()
    expect(question(fork)).toBe('first?')
    expect(question(session)).toBe('second?')
  })

  test('a reload / both are there, and the fork knows its parent', async () => {
    const { page, session } = await asked()
    const fork = await session.fork(undefined, 'two')
    fork.state.set('note', 'mine')
    await fork.flush()
    await page.reload()
    const again = await page.open(twice, { id: 'two' })
    expect(again.parent).toMatchObject({ id: 'one' })
    expect(again.state.get()).toEqual({ first: 'a', note: 'mine' })
    expect((await page.open(twice, { id: 'one' })).state.get()).toEqual({ first: 'a' })
    expect(sorted((await page.engine.list()).map((it) => [it.id, it.status]))).toEqual([
      ['one', 'waiting'],
      ['two', 'waiting'],
    ])
  })

  test('killed right after it resolved / it is there', async () => {
    const { page, session } = await asked()
    await session.fork(undefined, 'two')
    page.kill()
    expect((await page.open(twice, { id: 'two' })).state.get()).toEqual({ first: 'a' })
  })

  test('an id that exists, open, stored or its own / SessionStateError, and nothing changes', async () => {
    const { page, session } = await asked()
    const other = await page.open(twice, { id: 'other' })
    other.state.set('note', 1)
    await other.flush()
    const before = JSON.stringify(other.toJSON())
    for (const id of ['other', 'one'])
      expect(await failure(session.fork(undefined, id))).toMatchObject({ code: 'SESSION_STATE' })
    await other.close()
    expect(await failure(session.fork(undefined, 'other'))).toMatchObject({ code: 'SESSION_STATE' })
    expect(JSON.stringify((await page.open(twice, { id: 'other' })).toJSON())).toBe(before)
  })

  test('two with one id at the same time, as by a double click / one wins and is stored, the other rejects', async () => {
    const { page, session } = await asked()
    const both = [session.fork(undefined, 'two'), session.fork(undefined, 'two')]
    const outcomes = await Promise.allSettled(both)
    expect(sorted(outcomes.map((it) => it.status))).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find((it) => it.status === 'rejected')?.reason).toMatchObject({ code: 'SESSION_STATE' })
    page.kill()
    expect((await page.open(twice, { id: 'two' })).state.get()).toEqual({ first: 'a' })
  })

  /** A fork whose first write reaches storage, or is answered, only when `held` is opened; and another page. */
  async function heldUp(reaches = false) {
    const storage = memoryStorage()
    const clock = virtualClock()
    const landing = gate()
    const held = gate()
    const slow = {
      ...storage,
      async compact(...given: Parameters<typeof storage.compact>) {
        landing.open()
        if (!reaches) await held.promise
        await storage.compact(...given)
        return held.promise
      },
    }
    const session = await createEngine({ storage: slow, clock }).open(twice, { id: 'one' })
    const forked = failure(session.fork(undefined, 'two'))
    await landing.promise
    const elsewhere = createEngine({ storage, clock: virtualClock() })
    const begin = async () => {
      const other = await elsewhere.open(twice, { id: 'two' })
      other.state.set('note', 1)
      await other.flush()
    }
    const found = async () => {
      await elsewhere.close()
      const again = await createEngine({ storage, clock: virtualClock() }).open(twice, { id: 'two' })
      return [again.resumed.found, again.state.get()]
    }
    return { clock, held, forked, begin, found }
  }

  test('another page begins a session of the id meanwhile / SessionStateError, and what that page has stored stays', async () => {
    const { held, forked, begin, found } = await heldUp()
    await begin()
    held.open()
    expect(await forked).toMatchObject({ code: 'SESSION_STATE' })
    expect(await found()).toEqual([true, { note: 1 }])
  })

  test.each([
    ['lost', 'begins a session of the id', [true, { note: 1 }]],
    ['lost', 'does nothing', [false, {}]],
    ['late', 'does nothing', [false, {}]],
  ])(
    'its first write is %s, and another page %s meanwhile / it removes its own, and no more',
    async (how, which, left) => {
      const { clock, held, forked, begin, found } = await heldUp(how === 'late')
      if (which !== 'does nothing') await begin()
      await clock.advance(4000)
      expect(await forked).toMatchObject({ code: 'TIMEOUT' })
      held.open()
      await clock.advance(0)
      expect(await found()).toEqual(left)
    },
  )

  test('a bad seq / HistoryError, and no session', async () => {
    const { page, session } = await asked()
    await session.flush()
    expect(await failure(session.fork(99, 'two'))).toMatchObject({ code: 'HISTORY' })
    expect((await page.engine.list()).map((it) => it.id)).toEqual(['one'])
  })

  test('an effect in flight / its result stays with the original; the fork runs its own, with its own key', async () => {
    const page = profile()
    const keys: string[] = []
    const slow = gate()
    const workflow = defineWorkflow({ ...flow, resources: { bank: resource<{ name: string }>() } }).step(
      'pay',
      { on: Go, emits: [Done] },
      async (ctx) =>
        Done(
          await ctx.once('charge', async (key) => {
            keys.push(key)
            await slow.promise
            return ctx.resources.bank.name
          }),
        ),
    )
    const session = await page.open(workflow, { id: 'one', resources: { bank: { name: 'Bank' } } })
    const result = session.run()
    await page.settle()
    const fork = await session.fork(undefined, 'two')
    const forked = fork.run()
    await page.settle()
    slow.open()
    expect(await result).toBe('Bank')
    expect(await forked).toBe('Bank')
    expect(keys).toHaveLength(2)
    expect(keys[0]).not.toBe(keys[1])
  })

  test('deleted, then made again with the same id / its effects have other keys', async () => {
    const page = profile()
    const keys: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question('pay?'))
        return Done(await ctx.once('charge', (key) => keys.push(key)))
      },
    )
    const session = await page.open(workflow, { id: 'one' })
    session.run().catch(() => {})
    await page.settle()
    for (const _ of [1, 2]) {
      const fork = await session.fork(undefined, 'two')
      const paid = fork.run()
      await page.settle()
      await fork.asks[0]?.reply('yes')
      await paid
      await page.engine.delete('two')
    }
    expect(keys).toHaveLength(2)
    expect(keys[0]).not.toBe(keys[1])
  })

  test('of an untouched session / an untouched session', async () => {
    const page = profile()
    const session = await page.open(twice, { id: 'one' })
    const fork = await session.fork(undefined, 'two')
    expect(fork.status).toBe('idle')
    expect(fork.parent).toEqual({ id: 'one', seq: 0 })
    const result = fork.run()
    await page.settle()
    await fork.asks[0]?.reply(1)
    await page.settle()
    await fork.asks[0]?.reply(2)
    expect(await result).toEqual([1, 2])
  })

  test('a fork of a fork, and a rewind in it / each knows its own parent', async () => {
    const { page, session, opened } = await asked()
    const fork = await session.fork(undefined, 'two')
    const third = await fork.fork(opened, 'three')
    expect(third.parent).toEqual({ id: 'two', seq: opened })
    third.rewind(opened)
    expect(third.parent).toEqual({ id: 'two', seq: opened })
    await page.settle()
  })

  test.each([
    ['answers nothing', () => gate<never>().promise, 'TIMEOUT'],
    [
      'has no room for a claim',
      () => Promise.reject(new DOMException('full', 'QuotaExceededError')),
      'STORAGE',
    ],
  ])('storage %s / the fork is refused with a code', async (_, claim, code) => {
    const storage = memoryStorage()
    let broken = false
    const page = profile(
      {},
      {
        storage: { ...storage, claim: (...call) => (broken ? claim() : storage.claim(...call)) },
      },
    )
    const session = await page.open(twice, { id: 'one' })
    session.state.set('note', 1)
    await session.flush()
    broken = true
    const refused = failure(session.fork(undefined, 'two'))
    await page.clock.advance(4000)
    expect(await refused).toMatchObject({ code })
    broken = false
    expect((await session.fork(undefined, 'two')).state.get()).toEqual({ note: 1 })
  })

  test('storage fails / StorageError, and no session is left', async () => {
    let broken = false
    const page = profile({ failAt: () => broken })
    const session = await page.open(twice, { id: 'one' })
    session.state.set('note', 1)
    await session.flush()
    broken = true
    expect(await failure(session.fork(undefined, 'two'))).toMatchObject({ code: 'STORAGE' })
    broken = false
    expect((await page.engine.list()).map((it) => it.id)).toEqual(['one'])
    expect((await session.fork(undefined, 'two')).state.get()).toEqual({ note: 1 })
  })

  test('a closed session, or one that cannot be read / the reason, and no session is made', async () => {
    const page = profile()
    const session = await page.open(twice, { id: 'one' })
    session.state.set('note', 1)
    await session.close()
    expect(await failure(session.fork(undefined, 'two'))).toMatchObject({ code: 'SESSION_CLOSED' })
    const other = page.engine.session(
      defineWorkflow({ ...flow, name: 'other' }).step('all', { on: Go, emits: [Done] }, () => Done(1)),
      { id: 'one' },
    )
    await failure(other.ready)
    expect(await failure(other.fork(undefined, 'two'))).toMatchObject({ code: 'WRONG_WORKFLOW' })
    expect((await page.engine.list()).map((it) => it.id)).toEqual(['one'])
  })
})
