import { expect, test } from 'vitest'
import { createEngine, defineWorkflow, memoryStorage, OvertakenError, type Engine } from 'dogear'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { z } from 'zod'
import { Done, flow, Go, Nudge, unhandled } from '../support/flows'
import { overheardTabs } from '../support/overheard'

const nudged = defineWorkflow({ ...flow, events: [Nudge] }).step(
  'wait',
  { on: Go, emits: [Done] },
  async (ctx) => Done((await ctx.waitFor(Nudge)).data),
)

/** Devices that share a storage, each with its own tabs. */
const house = () => {
  const clock = virtualClock()
  const storage = memoryStorage()
  const errors: unknown[] = []
  let ids = 0
  const device = () => {
    const tabs = virtualTabs()
    return (): Engine =>
      createEngine({
        storage,
        clock,
        ids: () => `id-${++ids}`,
        onError: (error) => errors.push(error),
        ...tabs,
      })
  }
  return { clock, storage, errors, device }
}

test('a tab is taken over in the very moment in which something is typed and sent there / the other one has both', async () => {
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

test('what was typed there is private / no other tab hears of it, and the tab keeps it', async () => {
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

test('and it is typed on at once, before the other one answers / what was typed last stands', async () => {
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

test('another device has gone on, and has written more / what is typed here goes on top of that, and is saved', async () => {
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

test('another device has gone on / what was decided here and means something else there is told, not done', async () => {
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
