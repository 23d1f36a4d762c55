import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createStorage } from 'unstorage'
import fs from 'unstorage/drivers/fs'
import memory from 'unstorage/drivers/memory'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { createEngine, defineEvent, defineWorkflow } from 'dogear'
import { storageConformance, virtualClock } from 'dogear/testing'
import { unstorageStorage, type KeyValueStore } from 'dogear/unstorage'
import { deferred } from '../../src/session/deferred'
import { batch, begin, shape, snapshot, strict } from '../../src/testing/conformance/sample'

const Begin = defineEvent('begin')
const End = defineEvent('end')
const DAY = 24 * 3600 * 1000

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'dogear-files-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const stores: readonly (readonly [string, () => KeyValueStore])[] = [
  ['memory', () => createStorage()],
  ['the memory driver alone', () => memory()],
  ['files', () => createStorage({ driver: fs({ base: folder() }) })],
  ['the driver of files alone', () => fs({ base: folder() })],
]

describe.each(stores)('unstorageStorage on %s does what every storage must', (_, make) => {
  const cases = storageConformance(
    () => {
      const store = make()
      return () => unstorageStorage(store)
    },
    { values: 'json' },
  )
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

test('sweep() on unstorage / a session with its own expireAfter is removed after it, the others stay', async () => {
  const clock = virtualClock()
  const engine = createEngine({ storage: unstorageStorage(createStorage()), clock })
  const asking = defineWorkflow({ name: 'asking', version: 1, start: Begin, stop: End }).step(
    'only',
    { on: Begin, emits: [End] },
    () => End(),
  )
  for (const [id, own] of Object.entries({ short: { expireAfter: DAY }, usual: {} })) {
    const session = await engine.open(asking, { id, ...own })
    session.state.set('note', 'typed')
    await session.close()
  }
  await clock.advance(2 * DAY)
  expect(await engine.sweep()).toEqual(['short'])
  expect((await engine.list()).map((it) => it.id)).toEqual(['usual'])
  await engine.close()
})

test('a page dies while it sweeps away a claim / a later sweep removes what both have left', async () => {
  const store = createStorage()
  await unstorageStorage(store).claim('seen', { format: 1, workflow: 'flow', version: 1 }, 0, DAY)
  const dying = {
    ...store,
    removeItem: async () => {
      throw new Error('the page has died')
    },
  }
  await expect(unstorageStorage(dying).sweep?.(40 * DAY)).rejects.toThrow('died')
  await unstorageStorage(store).sweep?.(80 * DAY)
  expect(await store.getKeys()).toEqual([])
})

test('a session is deleted, and claimed again by the same page / its epoch is higher, as followers expect', async () => {
  const store = createStorage()
  const storage = unstorageStorage(store)
  const shape = { format: 1, workflow: 'flow', version: 1 }
  const before: (number | undefined)[] = []
  for (let time = 0; time < 3; time++) before.push((await storage.claim('a', shape, 0)).epoch)
  await unstorageStorage(store).delete('a')
  const { epoch } = await storage.claim('a', shape, 0)
  expect(epoch).toBeGreaterThan(before.at(-1) ?? Infinity)
})

test('a page dies while it claims, and its claim is cut off / its claim under way says what the session is', async () => {
  const store = createStorage()
  const storage = unstorageStorage(store)
  const shape = { format: 3, workflow: 'asking', version: 1 }
  const batch = { from: 1, to: 1, at: 1, status: 'idle', data: '[]', sum: 0 }
  const { epoch = 0 } = await storage.claim('a', shape, 0)
  await storage.append('a', epoch, batch, { durability: 'strict' })
  const dying: KeyValueStore = {
    getItem: (key) => store.getItem(key),
    getKeys: (base) => store.getKeys(base),
    setItem: (key, value) => store.setItem(key, /:c-[^:]*$/.test(key) ? value.slice(0, 9) : value),
    removeItem: () => Promise.reject(new Error('the page has died')),
  }
  await expect(unstorageStorage(dying).claim('a', shape, 1)).rejects.toThrow('died')
  expect((await storage.read('a'))?.head).toMatchObject(shape)
  expect(await storage.list()).toMatchObject([{ id: 'a', workflow: 'asking' }])
})

test('the value with a long id is cut off / the other sessions are listed', async () => {
  const store = createStorage()
  const storage = unstorageStorage(store)
  const shape = { format: 3, workflow: 'asking', version: 1 }
  const batch = { from: 1, to: 1, at: 1, status: 'idle', data: '[]', sum: 0 }
  for (const id of ['x'.repeat(400), 'short']) {
    const { epoch = 0 } = await storage.claim(id, shape, 0)
    await storage.append(id, epoch, batch, { durability: 'strict' })
  }
  const [named = ''] = (await store.getKeys()).filter((it) => /:n-[^:]*$/.test(it))
  const driver: KeyValueStore = {
    getItem: async (key) => (key === named ? '{"id":"xx' : store.getItem(key)),
    getKeys: (base) => store.getKeys(base),
  }
  expect(named).not.toBe('')
  expect((await unstorageStorage(driver).list()).map((it) => it.id)).toEqual(['short'])
})

test('text in the store is damaged, and as long as it was / it is not taken for one that was cut off: the load refuses it', async () => {
  const store = createStorage()
  const asking = defineWorkflow({ name: 'asking', version: 1, start: Begin, stop: End }).step(
    'only',
    { on: Begin, emits: [End] },
    () => End(),
  )
  const open = () => createEngine({ storage: unstorageStorage(store), clock: virtualClock() }).open(asking)
  const session = await open()
  session.state.set('note', 'typed')
  await session.close()
  const keys = (await store.getKeys()).filter((it) => /:j-[^:]*$/.test(it))
  expect(keys).not.toEqual([])
  for (const key of keys) {
    const text = JSON.stringify(await store.getItem(key))
    await store.setItemRaw(key, `x${text.slice(1)}`)
  }
  await expect(open()).rejects.toMatchObject({ code: 'UNREADABLE_RECORD' })
})

test('a page is overtaken while its batch is on the way / it is refused, and nobody reads that batch', async () => {
  const store = createStorage()
  let arrive = (): void => {}
  const onTheWay = new Promise<void>((resolve) => (arrive = resolve))
  const slow: KeyValueStore = {
    ...store,
    setItem: async (key, value) => {
      if (/:j-[^:]*$/.test(key) && value.includes('"late"')) await onTheWay
      return store.setItem(key, value)
    },
  }
  const [one, two] = [unstorageStorage(slow), unstorageStorage(store)]
  const epoch = await begin(one, 'a')
  await one.append('a', epoch, batch(1), strict)
  const late = one.append('a', epoch, { ...batch(2), data: ['late'] }, strict)
  const next = (await two.claim('a', shape, 1)).epoch ?? 0
  arrive()
  await expect(late).rejects.toMatchObject({ code: 'STALE_EPOCH' })
  expect((await two.read('a'))?.batches).toEqual([batch(1)])
  await two.append('a', next, batch(2), strict)
  expect((await unstorageStorage(store).read('a'))?.batches).toEqual([batch(1), batch(2)])
})

test('a page dies while it writes a snapshot of what is not the newest / the batches are read, all of them', async () => {
  const store = createStorage()
  const dying: KeyValueStore = {
    ...store,
    setItem: (key, value) => store.setItem(key, /:s-[^:]*$/.test(key) ? value.slice(0, 9) : value),
    removeItem: () => Promise.reject(new Error('the page has died')),
  }
  const storage = unstorageStorage(store)
  const epoch = await begin(storage, 'a')
  for (const seq of [1, 2, 3]) await storage.append('a', epoch, batch(seq), strict)
  await expect(unstorageStorage(dying).compact('a', epoch, snapshot(2))).rejects.toThrow('died')
  const { batches, snapshot: found } = (await unstorageStorage(store).read('a')) ?? {}
  expect([batches, found]).toEqual([[batch(1), batch(2), batch(3)], undefined])
})

test('a driver that can only read / shows what is there, and says so of a write', async () => {
  const store = createStorage()
  await unstorageStorage(store).append('a', await begin(unstorageStorage(store), 'a'), batch(1), strict)
  const { getItem, getKeys, setItem } = store
  for (const driver of [
    { getItem, getKeys },
    { getItem, getKeys, setItem },
  ] as KeyValueStore[]) {
    const storage = unstorageStorage(driver)
    expect((await storage.list()).map((it) => it.id)).toEqual(['a'])
    await expect(storage.delete('a')).rejects.toThrow('this driver of unstorage can only read')
  }
})

test('a driver that lists more than it is asked for / what is no session of this base is left out, and stays', async () => {
  const store = createStorage()
  for (const [base, id] of [
    ['dogear', 'mine'],
    ['other', 'theirs'],
  ] as const) {
    const storage = unstorageStorage(store, base)
    await storage.append(id, await begin(storage, id), batch(1), strict)
  }
  const theirs = (await store.getKeys('other')).map((it) => it.replace('other', 'dogear'))
  const more = ['dogear', 'dogear:mine', 'dogear:mine:note', ...theirs.map((it) => `${it}:more`)]
  const driver = { ...store, getKeys: async () => [...(await store.getKeys()), ...more] }
  const storage = unstorageStorage(driver)
  expect((await storage.list()).map((it) => it.id)).toEqual(['mine'])
  expect((await storage.read('mine'))?.batches).toEqual([batch(1)])
  await storage.clear()
  expect((await unstorageStorage(store, 'other').list()).map((it) => it.id)).toEqual(['theirs'])
})

test('others write all the time / an error, no endless loop', async () => {
  const store = createStorage()
  const storage = unstorageStorage(store)
  await storage.append('a', await begin(storage, 'a'), batch(1), strict)
  let n = 0
  const { getItem } = store
  const busy = {
    getItem,
    getKeys: async (base: string) => [
      ...(await store.getKeys(base)),
      `dogear:a:j-1-${(++n + 1).toString(36)}-1-1-1-1-1-`,
    ],
  } as KeyValueStore
  await expect(unstorageStorage(busy).read('a')).rejects.toThrow('others write session "a" all the time')
})

test('flow state is set aside / a copy of it stays in the store', async () => {
  const store = createStorage()
  const storage = unstorageStorage(store)
  const shape = { format: 3, workflow: 'asking', version: 1 }
  const aside = async () => (await store.getKeys()).filter((it) => /:q-[^:]*$/.test(it))
  expect(await storage.writeFlow({ ...shape, seq: 1, applied: [], at: 1, data: '{}', sum: 0 }, 0)).toBe(true)
  expect(await aside()).toEqual([])
  await storage.quarantineFlow('asking')
  expect(await aside()).toHaveLength(1)
})

/** A flow state with this number. */
const flow = (seq: number, data: string) => ({ ...shape, seq, at: 1000, applied: [], data, sum: 1 })

test('flow state is written, the answer is lost, and its page reads it / another page, on its way, takes nothing back', async () => {
  const store = createStorage()
  expect(await unstorageStorage(store).writeFlow(flow(5, 'old'), 0)).toBe(true)
  const [claimed, looked, go] = [deferred<void>(), deferred<void>(), deferred<void>()]
  const cut: KeyValueStore = {
    ...store,
    setItem: async (key, value) => {
      if (!/:s-[^:]*$/.test(key)) return store.setItem(key, value)
      claimed.resolve()
      await looked.promise
      await store.setItem(key, value)
      throw new Error('the connection is lost')
    },
  }
  const slow: KeyValueStore = {
    ...store,
    setItem: async (key, value) => {
      if (/:c-[^:]*$/.test(key)) {
        looked.resolve()
        await go.promise
      }
      return store.setItem(key, value)
    },
  }
  const one = unstorageStorage(cut).writeFlow(flow(6, 'one'), 5)
  await claimed.promise
  const two = unstorageStorage(slow).writeFlow(flow(7, 'two'), 5)
  await expect(one).rejects.toThrow('the connection is lost')
  expect((await unstorageStorage(store).readFlow('checkout'))?.data).toBe('one')
  go.resolve()
  expect(await two).toBe(false)
  expect((await unstorageStorage(store).readFlow('checkout'))?.data).toBe('one')
})

test('two pages write flow state under the same number / the later one is told that its write is not there', async () => {
  const store = createStorage()
  const write = (data: string) => unstorageStorage(store).writeFlow(flow(6, data), 0)
  expect(await write('one')).toBe(true)
  expect(await write('two')).toBe(false)
  expect(await write('one'), 'a write that is repeated').toBe(true)
  expect((await unstorageStorage(store).readFlow('checkout'))?.data).toBe('one')
})
