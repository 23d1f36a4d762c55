import { describe, expect, test } from 'vitest'
import { createEngine, defineWorkflow, memoryStorage, type SessionStorage } from '../../src/index'
import { virtualClock } from '../../src/testing'
import { Done, failure, flow, gate, Go, Item, Nudge, Question, unhandled } from '../support/flows'

const house = () => {
  const clock = virtualClock()
  const storage = memoryStorage()
  let ids = 0
  const errors: { old: unknown[]; new: unknown[] } = { old: [], new: [] }
  const engine = (who: 'old' | 'new') =>
    createEngine({ storage, clock, ids: () => `id-${++ids}`, onError: (error) => errors[who].push(error) })
  return { clock, storage, errors, engine }
}

describe('two engines on one storage: the newest opener wins', () => {
  const effects: string[] = []
  const asking = defineWorkflow({ ...flow }).step(
    'ask',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      const { data } = await ctx.ask(Question(1))
      await ctx.once('effect', () => effects.push(String(data)))
      return Done(data)
    },
  )

  test('the older writes / it is fenced and becomes outdated; onError hears of it once', async () => {
    const { clock, engine, errors, storage } = house()
    const heard = await unhandled(async () => {
      const older = await engine('old').open(asking)
      older.run().catch(() => {})
      await clock.advance(0)
      const newer = await engine('new').open(asking)
      expect(newer.asks).toHaveLength(1)
      older.state.set('by', 'older')
      expect(await failure(older.flush())).toMatchObject({ code: 'STALE_EPOCH', id: 'flow' })
      expect(older.persistence).toMatchObject({ status: 'outdated', error: { code: 'STALE_EPOCH' } })
      expect(errors.old).toHaveLength(1)
      expect(errors.old[0]).toMatchObject({ code: 'STALE_EPOCH' })
      newer.state.set('by', 'newer')
      await newer.flush()
      await clock.advance(60_000)
      expect(newer.persistence.status).toBe('saved')
      expect(errors).toEqual({ old: errors.old, new: [] })
      expect(errors.old).toHaveLength(1)
    })
    expect(heard).toEqual([])
    const again = await createEngine({ storage, clock }).open(asking)
    expect(again.state.get()).toEqual({ by: 'newer' })
  })

  test("the older stores something between the newer's read and its claim / the newer reads again, and has it", async () => {
    const { clock, storage, engine } = house()
    const older = await engine('old').open(asking)
    older.state.set('by', 'older')
    await older.flush()
    let claims = 0
    const between: SessionStorage = {
      ...storage,
      async claim(...call) {
        if (++claims === 1) {
          older.state.set('more', 1)
          await older.flush()
        }
        return storage.claim(...call)
      },
    }
    const newer = await createEngine({ storage: between, clock }).open(asking)
    expect([claims, newer.state.get()]).toEqual([2, { by: 'older', more: 1 }])
    newer.state.set('by', 'newer')
    await newer.flush()
    expect(newer.persistence.status).toBe('saved')
  })

  test('a run is awaited at the older / it rejects when the older is outdated', async () => {
    const { clock, engine } = house()
    const older = await engine('old').open(asking)
    const run = failure(older.run())
    await clock.advance(0)
    await engine('new').open(asking)
    older.state.set('by', 'older')
    await clock.advance(10_000)
    expect(older.persistence.status).toBe('outdated')
    expect(await run).toMatchObject({ code: 'STALE_EPOCH', id: 'flow' })
  })

  test('a reply at the older / runs no effect; at the newer it runs one', async () => {
    const { clock, engine } = house()
    effects.length = 0
    const older = await engine('old').open(asking)
    older.run().catch(() => {})
    await clock.advance(0)
    const newer = await engine('new').open(asking)
    await clock.advance(0)
    void older.asks[0]?.reply('at the older')
    await clock.advance(10_000)
    expect(effects).toEqual([])
    expect(older.persistence.status).toBe('outdated')
    expect(await newer.asks[0]?.reply('at the newer')).toBe(true)
    await clock.advance(10_000)
    expect(newer.result).toBe('at the newer')
    expect(effects).toEqual(['at the newer'])
  })

  test('a reply, an event and a write at the older / true once recorded; one error lists them as lost', async () => {
    const { clock, engine, errors } = house()
    const nudged = defineWorkflow({ ...flow, events: [Nudge] })
      .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
        const { data } = await ctx.ask(Question(1))
        await ctx.state.set('answered', data)
        return Done(data)
      })
      .step('nudge', { on: Nudge }, async (ctx) => ctx.state.set('nudged', true))
    const older = await engine('old').open(nudged)
    older.run().catch(() => {})
    await older.flush()
    await engine('new').open(nudged)
    older.state.set('typed', 1)
    const [sent, answered] = [older.send(Nudge(1)), older.asks[0]?.reply('yes')]
    expect([await sent, await answered]).toEqual([true, true])
    await clock.advance(10_000)
    expect(errors.old).toMatchObject([{ code: 'STALE_EPOCH', lost: ['wrote', 'sent', 'answered'] }])
    expect(older.persistence.error).toBe(errors.old[0])
  })

  test('a reply to an ask of a sub-flow, and an event for it, at the older / the error lists them as lost', async () => {
    const { clock, engine, errors } = house()
    const inner = defineWorkflow({ ...flow, name: 'inner', events: [Nudge] })
      .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
        Done((await ctx.ask(Question(1))).data),
      )
      .step('nudge', { on: Nudge }, () => {})
    const outer = defineWorkflow(flow).subflow('inner', { on: Go, workflow: inner, emits: [Done] })
    const older = await engine('old').open(outer)
    older.run().catch(() => {})
    await older.flush()
    await engine('new').open(outer)
    const [sent, answered] = [older.send(Nudge(1)), older.asks[0]?.reply('yes')]
    expect([await sent, await answered]).toEqual([true, true])
    await clock.advance(10_000)
    expect(errors.old).toMatchObject([{ code: 'STALE_EPOCH', lost: ['sent', 'answered'] }])
  })

  test('the older is fenced with nothing of its user unsaved / no loss is reported', async () => {
    const { clock, engine, errors } = house()
    const sleeping = defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.sleep(1000)
      return Done(1)
    })
    const older = await engine('old').open(sleeping)
    older.run().catch(() => {})
    await older.flush()
    await engine('new').open(sleeping)
    await clock.advance(10_000)
    expect(errors.old).toMatchObject([{ code: 'STALE_EPOCH', lost: [] }])
  })

  test('both reply at the same moment / one effect', async () => {
    const { clock, engine } = house()
    effects.length = 0
    const older = await engine('old').open(asking)
    older.run().catch(() => {})
    await clock.advance(0)
    const newer = await engine('new').open(asking)
    await clock.advance(0)
    void newer.asks[0]?.reply('newer')
    void older.asks[0]?.reply('older')
    await clock.advance(10_000)
    expect(effects).toEqual(['newer'])
    expect(newer.result).toBe('newer')
  })

  test('the older wakes from a sleep after the newer has opened / only the newer runs the effect', async () => {
    const { clock, engine } = house()
    const ran: string[] = []
    const sleeping = (who: string) =>
      defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.sleep(1000)
        await ctx.once('effect', () => ran.push(who))
        return Done(who)
      })
    const older = await engine('old').open(sleeping('older'))
    older.run().catch(() => {})
    await clock.advance(500)
    const newer = await engine('new').open(sleeping('newer'))
    await clock.advance(60_000)
    expect(ran).toEqual(['newer'])
    expect(newer.result).toBe('newer')
    expect(older.persistence.status).toBe('outdated')
  })

  test('the older is in the middle of an effect / its result is dropped; the newer runs it with the same key', async () => {
    const { clock, engine, storage } = house()
    const keys: string[] = []
    const door = gate<string>()
    const slow = (wait: boolean) =>
      defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) =>
        Done(
          await ctx.once('charge', (key) => {
            keys.push(key)
            return wait ? door.promise : 'by the newer'
          }),
        ),
      )
    const older = await engine('old').open(slow(true))
    older.run().catch(() => {})
    await clock.advance(0)
    const newer = await engine('new').open(slow(false))
    await clock.advance(0)
    expect(newer.result).toBe('by the newer')
    door.open('by the older')
    await clock.advance(10_000)
    expect(older.persistence.status).toBe('outdated')
    expect(new Set(keys).size).toBe(1)
    expect(keys).toHaveLength(2)
    expect((await createEngine({ storage, clock }).open(slow(false))).result).toBe('by the newer')
  })

  test('the older takes over with its effect on its way / it runs the effect again with the same key, and goes on', async () => {
    const { clock, engine } = house()
    const door = gate<string>()
    const keys: string[] = []
    const paying = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.once('charge', (key) => (keys.push(key) === 1 ? door.promise : 'second'))),
    )
    const older = await engine('old').open(paying)
    older.run().catch(() => {})
    await clock.advance(0)
    await engine('new').open(paying, { autoResume: false })
    older.state.set('by', 'older')
    await failure(older.flush())
    await older.takeOver()
    await clock.advance(0)
    expect([older.result, keys.length, new Set(keys).size]).toEqual(['second', 2, 1])
    door.open('first')
    await clock.advance(0)
    expect([older.result, older.persistence.status]).toEqual(['second', 'saved'])
  })

  test('the older is outdated / it shows what it has, and its steps are aborted', async () => {
    const { clock, engine } = house()
    let aborted = false
    const endless = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      ctx.signal.addEventListener('abort', () => (aborted = true))
      await ctx.state.set('seen', true)
      await ctx.commit()
      return gate<never>().promise
    })
    const older = await engine('old').open(endless)
    const result = older.run()
    result.catch(() => {})
    await clock.advance(0)
    await engine('new').open(endless, { autoResume: false })
    older.state.set('typed', 'too late')
    await older.flush().catch(() => {})
    await clock.advance(100)
    expect(older.persistence.status).toBe('outdated')
    expect(older.state.get('seen')).toBe(true)
    expect(aborted).toBe(true)
    await older.close().catch(() => {})
    expect(older.state.get('seen')).toBe(true)
  })

  test('the older closes without having written / it does not disturb the newer', async () => {
    const { clock, engine, errors } = house()
    const older = await engine('old').open(asking)
    older.run().catch(() => {})
    await clock.advance(1000)
    await older.flush()
    const newer = await engine('new').open(asking)
    await older.close()
    newer.state.set('x', 1)
    await newer.flush()
    expect(newer.persistence.status).toBe('saved')
    expect(errors.new).toEqual([])
  })

  test('opened in turns, ten times / each finds what the last has saved', async () => {
    const { clock, engine } = house()
    const counting = defineWorkflow({ ...flow, skip: ['unconsumed'] }).step(
      'work',
      { on: Go, emits: [Done, Item] },
      () => Done(1),
    )
    for (let turn = 0; turn < 10; turn++) {
      const session = await engine(turn % 2 === 0 ? 'old' : 'new').open(counting)
      expect(session.state.get('turn', 0)).toBe(turn)
      session.state.set('turn', turn + 1)
      await session.flush()
    }
    await clock.advance(1000)
  })

  test('both open at the same moment / one wins, the other is outdated, and nothing is mixed', async () => {
    const { clock, engine, storage } = house()
    const [one, two] = await Promise.all([engine('old').open(asking), engine('new').open(asking)])
    one.state.set('by', 'one')
    two.state.set('by', 'two')
    await Promise.allSettled([one.flush(), two.flush()])
    await clock.advance(10_000)
    const statuses = [one.persistence.status, two.persistence.status]
    expect(statuses).toContain('saved')
    expect(statuses).toContain('outdated')
    const winner = one.persistence.status === 'saved' ? 'one' : 'two'
    expect((await createEngine({ storage, clock }).open(asking)).state.get()).toEqual({ by: winner })
  })

  test('the newer deletes the session / the older is outdated and does not bring it back', async () => {
    const { clock, engine, storage } = house()
    const older = await engine('old').open(asking)
    older.state.set('by', 'older')
    await older.flush()
    await engine('new').delete('flow')
    older.state.set('by', 'older again')
    await failure(older.flush())
    await clock.advance(60_000)
    expect(older.persistence.status).toBe('outdated')
    expect(await storage.list()).toEqual([])
  })
})
