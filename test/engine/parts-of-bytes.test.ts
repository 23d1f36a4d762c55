import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, type SessionStorage } from 'dogear'
import { virtualClock } from 'dogear/testing'
import type { StoredSession } from '../../src/storage/storage'
import { Done, failure, flow, Go } from '../support/flows'

const keeping = defineWorkflow({ ...flow }).step('end', { on: Go, emits: [Done] }, () => Done(''))
const strict = defineWorkflow({
  ...flow,
  state: z.object({
    entries: z.array(z.any()).default([]),
    opened: z.boolean().optional(),
    more: z.array(z.any()).optional(),
    still: z.array(z.any()).optional(),
  }),
}).step('end', { on: Go, emits: [Done] }, () => Done(''))

/** It has the same fields, without a schema to say so. */
const untyped = keeping as unknown as typeof strict

const entry = (at: number) => ({
  id: `entry-${at}`,
  note: `note ${at}: €, \ud83d\udc15, \ud83d`,
  text: 'x'.repeat(900),
})
const COUNT = 3000
const entries = Array.from({ length: COUNT }, (_, at) => entry(at))

/** A session of 3 MB in parts, in a storage that keeps bytes. */
async function large({ keepsBytes = true, workflow = untyped, size = COUNT } = {}) {
  const clock = virtualClock()
  const storage: SessionStorage = { ...memoryStorage(), keepsBytes }
  const on = (inner: SessionStorage) => createEngine({ storage: inner, clock })
  const session = await on(storage).open(workflow, {
    id: 'a',
    initialState: { entries: entries.slice(0, size) },
  })
  session.state.set('opened', true)
  await session.flush()
  await clock.advance(10_000)
  await session.close()
  const stored = (await storage.read('a')) as StoredSession
  const open = (inner = storage) => on(inner).open(workflow, { id: 'a' })
  return { clock, storage, stored, open }
}

const isBytes = ([, data]: readonly [number, unknown]): boolean => data instanceof Uint8Array

describe('a large session in a storage that keeps bytes', () => {
  test('when stored / its parts are bytes, and its format keeps older code away', async () => {
    const { stored } = await large()
    expect(stored.parts?.length).toBeGreaterThan(8)
    expect(stored.parts?.every(isBytes)).toBe(true)
    expect([stored.head.format, stored.snapshot?.format]).toEqual([6, 6])
  })

  test.each([
    ['without a schema', untyped],
    ['with one', strict],
  ])('opened %s / one entry can be read, and all of them', async (_, workflow) => {
    const { open } = await large({ workflow })
    const { state } = await open()
    expect(state.get('entries.1500' as 'entries')).toEqual(entry(1500))
    expect(state.get('entries')).toEqual(entries)
  })

  test('a changed byte, or a missing end / refused at open as damaged', async () => {
    const { storage, stored, open } = await large()
    const [n, data] = stored.parts![3] as readonly [number, Uint8Array]
    for (const made of [data.map((it, at) => (at === 77_777 ? it ^ 4 : it)), data.slice(0, -1)]) {
      const damaged = { ...stored, parts: stored.parts!.with(3, [n, made]) }
      const error = await failure(open({ ...storage, read: async () => damaged }))
      expect(error).toMatchObject({ code: 'UNREADABLE_RECORD' })
    }
  })

  test('stored as text by older code / opens, and only what changes is written again, as bytes', async () => {
    const { storage, open, clock } = await large({ keepsBytes: false })
    const before = (await storage.read('a')) as StoredSession
    expect(before.parts?.some(isBytes)).toBe(false)
    const session = await open({ ...storage, keepsBytes: true })
    for (const more of ['more', 'still'] as const) session.state.set(more, entries)
    await session.flush()
    await clock.advance(20_000)
    const after = (await storage.read('a')) as StoredSession
    expect(after.batches).toEqual([])
    expect(after.parts?.filter((it) => !isBytes(it)).length).toBeGreaterThan(20)
    expect(after.parts?.filter(isBytes).length).toBeGreaterThan(0)
    expect(after.head.format).toBe(6)
    await session.close()
    const again = await open()
    expect(again.state.get('entries')).toEqual(entries)
    expect(again.state.get('more')).toEqual(entries)
  })

  test('exported, also when set aside / all of it is text, fit for JSON', async () => {
    const { storage } = await large()
    await storage.quarantine('a')
    const exported = await createEngine({ storage }).export('a')
    const saved = JSON.stringify(exported)
    expect(JSON.parse(saved)).toEqual(exported)
    expect(saved.split('entry-1500').length - 1).toBe(2)
  })

  test('with a custom serializer / its parts are what that makes', async () => {
    const clock = virtualClock()
    const storage: SessionStorage = { ...memoryStorage(), keepsBytes: true }
    const serializer = {
      serialize: (value: unknown) => `own ${JSON.stringify(value)}`,
      deserialize: (stored: unknown) => JSON.parse(String(stored).slice(4)) as unknown,
    }
    const engine = createEngine({ storage, clock, serializer })
    const session = await engine.open(keeping, { id: 'a', initialState: { entries } })
    session.state.set('opened', true)
    await session.flush()
    await clock.advance(10_000)
    await engine.close()
    const stored = (await storage.read('a')) as StoredSession
    expect([stored.head.format, stored.parts?.some(isBytes)]).toEqual([5, false])
    const again = await createEngine({ storage, clock, serializer }).open(keeping, { id: 'a' })
    expect(again.state.get('entries')).toEqual(entries)
  })
})
