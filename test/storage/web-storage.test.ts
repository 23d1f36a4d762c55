import { describe, expect, it, vi } from 'vitest'
import { createEngine, LoadError, StaleEpochError, StorageError } from 'dogear'
import { storageConformance, virtualClock } from 'dogear/testing'
import { webStorage, type TextArea } from 'dogear/web-storage'
import { batch, begin, shape, snapshot, strict, written } from '../../src/testing/conformance/sample'
import { hello } from '../support/hello'
import { area } from './area'

/** Somebody else does this right after the next read. */
function afterNextRead(texts: TextArea, act: () => void): TextArea {
  let next: (() => void) | undefined = act
  return {
    get length() {
      return texts.length
    },
    key: (index) => texts.key(index),
    setItem: (key, text) => texts.setItem(key, text),
    removeItem: (key) => texts.removeItem(key),
    getItem(key) {
      const text = texts.getItem(key)
      next?.()
      next = undefined
      return text
    },
  }
}

describe('webStorage does what every storage must', () => {
  const cases = storageConformance(
    () => {
      const texts = area()
      return () => webStorage(texts)
    },
    { values: 'json' },
  )
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('the area', () => {
  it('holds one item for each session, and one for all of them', async () => {
    const texts = area()
    const storage = webStorage(texts, 'shop')
    const epoch = await written(storage, 'cart', 3)
    await storage.compact('cart', epoch, snapshot(2))
    await storage.quarantine('cart')
    await written(storage, '', 1)
    expect([...texts.texts.keys()].sort()).toEqual(['shop', 'shop/', 'shop/cart'])
  })

  it('items of others stay as they are', async () => {
    const texts = area()
    texts.setItem('theme', 'dark')
    texts.setItem('dogear-2/cart', 'mine')
    const storage = webStorage(texts)
    await written(storage, 'cart', 1)
    await storage.clear()
    expect(await storage.list()).toEqual([])
    expect(texts.texts.get('theme')).toBe('dark')
    expect(texts.texts.get('dogear-2/cart')).toBe('mine')
  })

  it('is asked for at the first call, so that a server may import it; a forbidden one rejects and says why', async () => {
    const forbidden = webStorage(() => {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    })
    for (const call of [forbidden.read('a'), forbidden.list(), begin(forbidden, 'a'), forbidden.clear()]) {
      await expect(call).rejects.toThrow(
        new StorageError('storage failed: SecurityError: The operation is insecure.'),
      )
    }
  })
})

it.each<[string, () => never]>([
  [
    'forbidden',
    () => {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    },
  ],
  ['not there', () => undefined as never],
])(
  'an area that is %s / the session goes on in memory and says so; what is typed is stored once it is there',
  async (_, none) => {
    const texts = area()
    let there = false
    const clock = virtualClock()
    const errors: unknown[] = []
    const storage = webStorage(() => (there ? texts : none()))
    const session = await createEngine({ storage, clock, onError: (it) => errors.push(it) }).open(hello)
    expect(session.persistence).toMatchObject({ status: 'memory-only', error: { code: 'STORAGE' } })
    session.state.set('note', 'ring twice')
    expect(session.state.get('note')).toBe('ring twice')
    expect(errors).toContain(session.persistence.error)
    there = true
    await clock.advance(40_000)
    expect(session.persistence.status).toBe('saved')
    expect(texts.length).toBeGreaterThan(0)
  },
)

describe('a session that never expires', () => {
  it('expireAfter: Infinity / stored, and never swept', async () => {
    const storage = webStorage(area())
    const clock = virtualClock()
    const engine = createEngine({ storage, clock })
    const session = await engine.open(hello, { expireAfter: Infinity })
    session.state.set('note', 'ring twice')
    await session.flush()
    await clock.advance(1e11)
    expect(await engine.sweep()).toEqual([])
    expect(await engine.list()).toMatchObject([{ id: 'hello' }])
  })
})

describe('the area is full', () => {
  it('an append without room is refused whole, and works once there is room', async () => {
    const texts = area(2000)
    const storage = webStorage(texts)
    const epoch = await written(storage, 'a', 2)
    const before = new Map(texts.texts)
    const large = { ...batch(3), data: 'x'.repeat(3000) }
    await expect(storage.append('a', epoch, large, strict)).rejects.toMatchObject({
      code: 'STORAGE',
      cause: { name: 'QuotaExceededError' },
    })
    expect(texts.texts).toEqual(before)
    await storage.append('a', epoch, batch(3), strict)
    expect((await storage.read('a'))?.head.seq).toBe(3)
  })

  it('a claim without room leaves nothing behind, however much room is missing', async () => {
    const enough = area()
    await begin(webStorage(enough), 'a')
    const whole = [...enough.texts].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
    let begun = 0
    for (let room = 0; room < whole; room++) {
      const texts = area(room)
      const { setItem } = texts
      texts.setItem = (key, text) => {
        setItem(key, text)
        begun++
      }
      await expect(begin(webStorage(texts), 'a')).rejects.toBeInstanceOf(StorageError)
      expect([...texts.texts]).toEqual([])
    }
    expect(begun).toBeGreaterThan(0)
  })

  it('a session goes on in memory, and is saved once there is room', async () => {
    const clock = virtualClock()
    const texts = area(1500)
    const errors: unknown[] = []
    const engine = createEngine({ storage: webStorage(texts), clock, onError: (error) => errors.push(error) })
    const session = await engine.open(hello, { id: 'a' })
    session.state.set('note', 'short')
    await session.flush()
    texts.setItem('others', 'x'.repeat(1200 - [...texts.texts].join('').length))
    session.state.set('note', 'n'.repeat(600))
    await clock.advance(5000)
    expect(session.persistence.status).toBe('unsaved')
    expect(errors).toHaveLength(1)
    expect(session.state.get('note')).toHaveLength(600)

    texts.removeItem('others')
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
    const again = await createEngine({ storage: webStorage(texts), clock }).open(hello, { id: 'a' })
    expect(again.state.get('note')).toHaveLength(600)
  })
})

describe('two tabs', () => {
  it('another tab claims between the read and the write of an append / the append is refused', async () => {
    const texts = area()
    const epoch = await written(webStorage(texts), 'a', 1)
    const other = area()
    for (const [key, text] of texts.texts) other.setItem(key, text)
    await webStorage(other).claim('a', shape, 1)
    const stale = webStorage(
      afterNextRead(texts, () => other.texts.forEach((text, key) => texts.setItem(key, text))),
    )
    await expect(stale.append('a', epoch, batch(2), strict)).rejects.toBeInstanceOf(StaleEpochError)
    expect(texts.texts).toEqual(other.texts)
  })

  it('another session is written meanwhile / both are there', async () => {
    const texts = area()
    const epoch = await written(webStorage(texts), 'a', 1)
    const others = webStorage(texts)
    let theirs: Promise<unknown> = Promise.resolve()
    const mine = webStorage(afterNextRead(texts, () => (theirs = written(others, 'b', 3))))
    await mine.append('a', epoch, batch(2), strict)
    await theirs
    expect((await mine.list()).map((it) => it.id).sort()).toEqual(['a', 'b'])
    expect((await mine.read('a'))?.head.seq).toBe(2)
  })

  it('somebody writes all the time / an error, no endless loop', async () => {
    const texts = area()
    await written(webStorage(texts), 'a', 1)
    let n = 0
    const busy: TextArea = {
      ...texts,
      getItem: (key) => (key.endsWith('/a') ? `h0 {"n":${n++}}` : texts.getItem(key)),
    }
    await expect(webStorage(busy).discard('a')).rejects.toThrow('another tab writes all the time')
  })

  it('the area is cleared under an open tab / the old writer is fenced, and no epoch repeats', async () => {
    const texts = area()
    const tab = webStorage(texts)
    const old = await written(tab, 'a', 2)
    texts.texts.clear()
    await expect(tab.append('a', old, batch(3), strict)).rejects.toBeInstanceOf(StaleEpochError)
    expect(await begin(webStorage(texts), 'a')).not.toBe(old)
  })
})

describe('damaged', () => {
  it.each([
    ['text that is not ours', () => 'garbage'],
    ['text that is JSON', () => 'null'],
    ['a text cut off in its head', (text: string) => text.slice(0, 20)],
    ['an empty head alone', () => 'h0 {}'],
    ['a text cut off', (text: string) => text.slice(0, -20)],
    ['a missing line', (text: string) => text.split('\n').toSpliced(1, 1).join('\n')],
    ['a changed letter', (text: string) => text.replace('begin', 'bogus').replace('"go', '"og')],
    ['a head that is a list', (text: string) => text.replace(/^h0 .*/, 'h0 [1]')],
  ])('%s / refused and set aside; a reset begins anew', async (_, spoil) => {
    const clock = virtualClock()
    const texts = area()
    const first = createEngine({ storage: webStorage(texts), clock })
    const session = await first.open(hello, { id: 'a' })
    void session.run().catch(() => {})
    session.state.set('note', 'kept')
    await session.close()
    const spoilt = spoil(texts.getItem('dogear/a') ?? '')
    expect(spoilt).not.toBe(texts.getItem('dogear/a'))
    texts.setItem('dogear/a', spoilt)

    const engine = createEngine({ storage: webStorage(texts), clock })
    const error = await engine.open(hello, { id: 'a' }).then(
      () => undefined,
      (it: unknown) => it as LoadError,
    )
    expect(error).toBeInstanceOf(LoadError)
    expect(error?.code).toBe('UNREADABLE_RECORD')
    expect(JSON.stringify(await error?.export())).toContain('quarantine')
    await error?.reset()
    const fresh = await createEngine({ storage: webStorage(texts), clock }).open(hello, { id: 'a' })
    expect(fresh.state.get('note')).toBe('')
  })
})

it('a flow state that is set aside / stays in the area, beside what is written next', async () => {
  const texts = area()
  const storage = webStorage(texts)
  // Damaged, it may have no number.
  for (const seq of [0, 7]) {
    await storage.writeFlow({ ...snapshot(seq), data: `"damaged ${seq}"`, applied: [] }, 0)
    await storage.quarantineFlow('checkout', true)
  }
  await storage.writeFlow({ ...snapshot(1), data: '"fresh"', applied: [] }, 0)
  const text = texts.getItem('dogear/checkout')
  for (const it of ['damaged 0', 'damaged 7', 'fresh']) expect(text).toContain(it)
  expect((await storage.readFlow('checkout'))?.data).toBe('"fresh"')
})

it('a flow with an open ask goes on in the next page', async () => {
  const texts = area()
  const page = () => createEngine({ storage: webStorage(texts), clock: virtualClock() })
  const before = await page().open(hello, { id: 'a' })
  void before.run().catch(() => {})
  before.state.set('note', 'line\n\u2028 \ud83d\udc15 "quoted"')
  await before.flush()
  const after = await page().open(hello, { id: 'a' })
  expect(after.status).toBe('waiting')
  expect(after.state.get('note')).toBe('line\n\u2028 \ud83d\udc15 "quoted"')
  const result = after.run()
  await after.asks[0]?.reply('Ada')
  expect(await result).toBe('hello Ada')
})

it('in a sessionStorage, tabs do not find each other / each has a name of its own, which its next page keeps', () => {
  const names: string[] = []
  for (let tab = 0; tab < 2; tab++) {
    vi.stubGlobal('sessionStorage', area())
    for (let page = 0; page < 2; page++) names.push(`${webStorage(() => sessionStorage).name}`)
  }
  vi.unstubAllGlobals()
  expect(names[0]).toBe(names[1])
  expect(names[2]).toBe(names[3])
  expect(names[0]).not.toBe(names[2])
})
