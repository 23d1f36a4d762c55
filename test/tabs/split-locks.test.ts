import { expect, test } from 'vitest'
import { createEngine, memoryStorage, type SessionStorage } from 'dogear'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { asking } from '../support/flows'

/**
 * Two tabs of one site on one storage, with locks of their own: after "clear site data" Chromium gives pages that load other
 * locks than those of the pages that are open. Channels stay the same.
 */
async function cleared() {
  const [clock, memory, older, newer] = [virtualClock(), memoryStorage(), virtualTabs(), virtualTabs()]
  let claims = 0
  const claim: SessionStorage['claim'] = (...args) => {
    claims++
    return memory.claim(...args)
  }
  const storage: SessionStorage = { ...memory, claim }
  const page = (locks: typeof older.locks) =>
    createEngine({ storage, clock, locks, channel: older.channel }).open(asking)
  const first = await page(older.locks)
  first.state.set('text', 'typed')
  await first.flush()
  const opening = page(newer.locks)
  await clock.advance(2000)
  return { clock, older, newer, page, first, second: await opening, claims: () => claims }
}

test('site data was cleared and a tab reloads / it leads, the other one follows, and neither takes over from the other', async () => {
  const { clock, first, second, claims } = await cleared()
  const before = claims()
  const roles = new Set<string>()
  for (const it of [first, second]) it.subscribe(() => roles.add(`${first.role} ${second.role}`))
  for (const text of ['a', 'ab', 'abc']) {
    first.state.set('text', text)
    second.state.set('secret', text.length)
    await clock.advance(2000)
  }
  expect([...roles]).toEqual(['follower leader'])
  expect(claims()).toBe(before)
  expect([first.state.get(), second.state.get()]).toEqual([
    { text: 'abc', secret: 3 },
    { text: 'abc', secret: 3 },
  ])
})

test('site data was cleared, a tab reloads, and is closed later / the other one leads', async () => {
  const { clock, first, second } = await cleared()
  second.state.set('text', 'last')
  await second.close()
  await clock.advance(2000)
  expect([first.role, first.state.get('text')]).toEqual(['leader', 'last'])
})
