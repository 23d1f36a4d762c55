import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineWorkflow, memoryStorage, type EngineOptions } from 'dogear'
import { crash } from 'dogear/testing'
import { Done, flow, Go } from '../support/flows'
import { browser } from '../support/leaving'

const of = (state: z.ZodObject, more: object = {}) =>
  defineWorkflow({ ...flow, state, ...more }).step('end', { on: Go, emits: [Done] }, () => Done(1))
const note = z.string().default('')
const plain = of(z.object({ note }))

/** A browser whose disk can be made full, with a page that has stored an "a". */
const begun = async (options: EngineOptions = {}) => {
  const disk = { full: false }
  const storage = memoryStorage({ failAt: () => disk.full })
  const { tab, clock } = browser({ storage, onError: () => {}, ...options })
  const page = tab()
  const session = await page.engine.open(plain)
  session.state.set('note', 'a')
  await session.flush()
  return { disk, tab, clock, page, session }
}

test('a tab leads with text that the leader before it could not store, and is left before it can either / all of it is there', async () => {
  const { disk, tab, clock, page: first, session: one } = await begun()
  const second = tab()
  const two = await second.engine.open(plain)
  disk.full = true
  one.state.append('note', 'b')
  await clock.advance(2000)
  crash(first.engine)
  await clock.advance(2000)
  two.state.append('note', 'c')
  await clock.advance(2000)
  expect([two.role, two.persistence.status, two.state.get('note')]).toEqual(['leader', 'unsaved', 'abc'])
  second.leave()
  disk.full = false
  expect((await tab().engine.open(plain)).state.get('note')).toBe('abc')
})

test.each([
  ['among others', {}],
  ['that knows of no others', { locks: null, channel: null }],
])(
  'in a tab %s, the session or its engine is closed while the disk is full / close() rejects; the next page has all the text, stored or not',
  async (_, alone) => {
    const { disk, tab, clock, page, session } = await begun(alone)
    disk.full = true
    session.state.append('note', 'b')
    await clock.advance(2000)
    await expect(session.close()).rejects.toThrow('failAt')
    const again = await page.engine.open(plain)
    again.state.append('note', 'c')
    await page.engine.close()
    disk.full = false
    const next = await tab().engine.open(plain)
    expect(next.state.get('note')).toBe('abc')
    await next.flush()
    await next.close()
    expect((await tab().engine.open(plain)).state.get('note')).toBe('abc')
  },
)

test.each([
  ['one more default', 1, {}],
  ['a new version', 2, { migrations: { 2: (state: object) => ({ ...state, tags: ['new'] }) } }],
])(
  'text from the last page, %s in the code, and two more pages are left before anything is stored / all of it is there, migrated once',
  async (_, version, more) => {
    const { disk, tab, clock, page: first, session: old } = await begun()
    old.state.append('note', 'b')
    first.leave()
    disk.full = true
    const next = of(z.object({ note, tags: z.array(z.string()).default(['new']) }), { ...more, version })
    for (const letter of ['c', 'd']) {
      const page = tab()
      const session = await page.engine.open(next)
      session.state.append('note', letter)
      session.state.append('tags', letter)
      await clock.advance(500)
      page.leave()
    }
    disk.full = false
    const all = { note: 'abcd', tags: ['new', 'c', 'd'] }
    const last = await tab().engine.open(next)
    expect(last.state.get()).toEqual(all)
    await last.flush()
    expect((await tab().engine.open(next)).state.get()).toEqual(all)
  },
)
