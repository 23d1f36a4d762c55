import { describe, expect, test, vi } from 'vitest'
import { PathError } from '../../src/errors'
import { createStore } from '../../src/state/create-store'
import { Nodes } from '../../src/state/nodes'
import { toPath } from '../../src/state/path'
import { cellOf } from '../../src/state/store'
import { random } from '../support/random'

describe('tens of thousands of paths', () => {
  test('more paths than the store remembers: reads, writes and listeners stay right', () => {
    const store = createStore({ initial: { kept: { n: 0 }, items: {} } })
    const listener = vi.fn<() => void>()
    const above = vi.fn<() => void>()
    store.subscribe('kept.n', listener)
    store.subscribe('kept', above)
    store.set('kept.n', 1)
    for (let n = 0; n < 120_000; n++) store.get(`items.${n}`)
    expect(store.get('kept.n')).toBe(1)
    const held = store.get('kept')
    store.set('kept.n', 2)
    expect(held).toEqual({ n: 1 })
    expect(store.get()).toEqual({ kept: { n: 2 }, items: {} })
    store.set('kept', { n: 3 })
    expect([listener.mock.calls.length, above.mock.calls.length]).toEqual([3, 3])
  })

  test('a path forgotten while its value is held: the held value stays the same', () => {
    const store = createStore({ initial: { a: { b: { n: 0 } } } })
    store.set('a.b.n', 1)
    const held = store.get('a.b')
    for (let n = 0; n < 60_000; n++) store.get(['x', `.${n}`])
    store.set('a.b.n', 2)
    expect(held).toEqual({ n: 1 })
    expect(store.get('a.b')).toEqual({ n: 2 })
  })

  test('a path forgotten during a write to it: the write lands', () => {
    const store = createStore({ initial: { a: { n: 0 } } })
    store.set('a.n', (previous: unknown) => {
      for (let n = 0; n < 60_000; n++) store.get(`x.${n}`)
      return (previous as number) + 1
    })
    expect(store.get()).toEqual({ a: { n: 1 } })
  })
})

describe('segments', () => {
  test('any input / names the same place as a checked path, or throws the same error', () => {
    const pool = [...['a', '0', 0, 12, -0, 'a.b', '', '__proto__'], ...['x y', '["a"]', '01']] as const
    const odd = [-1, 1.5, Number.NaN, 1e21, null, undefined, {}, ['a'], Symbol('s'), new String('a')]
    const next = random(7)
    const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T
    const nodes = new Nodes()
    const found = (name: () => { readonly id: unknown; readonly keys: readonly string[] }): unknown => {
      try {
        const { id, keys } = name()
        return { id, keys: [...keys] }
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`
      }
    }
    for (let n = 0; n < 1_000; n++) {
      const input = Array.from({ length: Math.floor(next() * 4) }, () =>
        next() < 0.1 ? pick(odd) : pick(pool),
      ) as string[]
      const named = found(() => toPath(input))
      expect(found(() => nodes.named(input))).toEqual(named)
      // Also when it is the place that was named last.
      expect(found(() => nodes.named(input))).toEqual(named)
    }
  })

  test('an object that looks like a list / refused, also right after another path', () => {
    const nodes = new Nodes()
    nodes.named('a')
    expect(() => nodes.named({ 0: 'a', length: 1 } as never)).toThrow(PathError)
  })
})

describe('a component keeps its setter', () => {
  test('and the store forgets its path / the setter still writes there, and current listeners are told', () => {
    const store = createStore({ initial: { a: { n: 0 } } })
    const { set, show } = cellOf(store, 'a.n')
    for (let n = 0; n < 60_000; n++) store.get(`x.${n}`)
    const listener = vi.fn<() => void>()
    store.subscribe('a.n', listener)
    set(1)
    expect([store.get(), show(), listener.mock.calls.length]).toEqual([{ a: { n: 1 } }, 1, 1])
  })

  test('and its path is forgotten within a batch / all writes of the batch land, in order', () => {
    const store = createStore({ initial: { a: { n: 0 }, b: 0 } })
    const [a, b] = [cellOf(store, 'a.n'), cellOf(store, 'b')]
    const listener = vi.fn<() => void>()
    store.subscribe('a', listener)
    store.batch(() => {
      a.set(1)
      for (let n = 0; n < 120_000; n++) store.get(`x.${n}`)
      b.set(2)
      a.set((previous: unknown) => (previous as number) + 1)
      store.append('l', 1)
    })
    expect(store.get()).toEqual({ a: { n: 2 }, b: 2, l: [1] })
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('and a batch that throws is followed by another / only the second lands', () => {
    const store = createStore({ initial: { a: 0, b: 0 } })
    const [a, b] = [cellOf(store, 'a'), cellOf(store, 'b')]
    const failing = (): void =>
      store.batch(() => {
        a.set(1)
        throw new Error('no')
      })
    expect(failing).toThrow('no')
    store.batch(() => b.set(2))
    expect(store.get()).toEqual({ a: 0, b: 2 })
  })
})

describe('many places below one', () => {
  const spread = [0, 1, 7, 150, 5_000, 3_000_000_000, 4_294_967_295, 999_999_999_999_999, 2 ** 53 - 1]
  const keys = [...spread, 'a', '01', '-1', '1.5', 'length', 'constructors', ''].map((it) => [it])

  test.each([
    ['in this order', keys],
    ['the other way round', keys.toReversed()],
  ])(
    'indices near and far, and texts, named %s / each is told of its own writes, and of all at once',
    (_, order) => {
      const store = createStore({ initial: {} })
      const told: unknown[] = []
      for (const path of order) store.subscribe(path, () => told.push(path))
      for (const path of keys) store.set(path, 1)
      expect(told).toEqual(keys)
      told.length = 0
      store.replace(Object.fromEntries(keys.map(([key]) => [key, 2])))
      expect(new Set(told)).toEqual(new Set(keys))
      expect(told).toHaveLength(keys.length)
      expect(keys.map((path) => store.get(path.map(String)))).toEqual(keys.map(() => 2))
    },
  )

  test('and tens of thousands of other paths / those that are listened to are kept, the others made again', () => {
    const store = createStore({ initial: {} })
    const told: unknown[] = []
    for (const path of keys) store.subscribe(path, () => told.push(path))
    for (let n = 0; n < 60_000; n++) store.get(`x.${n}`)
    for (const path of keys) store.set(path, 1)
    store.set('x.59999', 1)
    expect(told).toEqual(keys)
    expect(store.get('x')).toEqual({ 59_999: 1 })
  })
})

describe('names that look alike', () => {
  test('a text that equals the internal name of a path is no path', () => {
    const store = createStore()
    store.set(['a.b', 'c'], 1)
    expect(() => store.get('.["a.b","c"]')).toThrow('empty segment')
    expect(store.get(['a.b', 'c'])).toBe(1)
  })

  test('a text with an empty key is no path, also where segments have led', () => {
    const store = createStore()
    for (const keys of [
      ['', 'a'],
      ['a', ''],
      ['a', '', 'b'],
    ]) {
      store.set(keys, 1)
      expect(store.get(keys)).toBe(1)
      expect(() => store.get(keys.join('.'))).toThrow('empty segment')
      store.delete(keys.slice(0, 1))
    }
  })

  test('an index of a list and the same text as a key of an object are told apart', () => {
    const store = createStore({ initial: { list: ['x'], map: { 0: 'y', '00': 'z' } } })
    expect([store.get('list.0'), store.get('map.0'), store.get('map.00'), store.get('list.00')]).toEqual([
      'x',
      'y',
      'z',
      undefined,
    ])
    store.set('map.0', 1)
    store.set('map.00', 2)
    store.set('map.1', 3)
    expect(store.get('map')).toEqual({ 0: 1, '00': 2, 1: 3 })
    store.delete('map.0')
    expect(store.has('map.0')).toBe(false)
  })

  test.each(['toString', 'hasOwnProperty', 'length'])('nothing inherited is read at %s', (key) => {
    const store = createStore({ initial: { o: {}, l: [1] } })
    expect([store.get(`o.${key}`), store.get(`l.${key}`), store.has(`l.${key}`)]).toEqual([
      undefined,
      undefined,
      false,
    ])
    store.set(`o.${key}`, 1)
    expect(store.get(`o.${key}`)).toBe(1)
  })
})

describe('held values, and lists whose items move', () => {
  test('an item is written, then moved by a removal before it: it keeps its identity', () => {
    const store = createStore({ initial: { l: [{ n: 0 }, { n: 1 }, { n: 2 }] } })
    store.set('l.1.n', 10)
    store.set('l.2.n', 20)
    const [one, two] = [store.get('l.1'), store.get('l.2')]
    store.delete('l.0')
    expect([store.get('l.0'), store.get('l.1'), store.get('l.2')]).toEqual([one, two, undefined])
    expect(store.get('l.0')).toBe(one)
    store.set('l.0.n', 11)
    expect(one).toEqual({ n: 10 })
    expect(store.get('l')).toEqual([{ n: 11 }, { n: 20 }])
  })

  test('an item is deleted and appended again: reads and listeners are right', () => {
    const store = createStore({ initial: { l: [{ n: 0 }] } })
    const listener = vi.fn<() => void>()
    store.subscribe('l.0.n', listener)
    store.set('l.0.n', 1)
    store.delete('l.0')
    expect(store.get('l.0.n')).toBe(undefined)
    store.append('l', { n: 2 })
    store.set('l.0.n', 3)
    expect(store.get()).toEqual({ l: [{ n: 3 }] })
    expect(listener).toHaveBeenCalledTimes(4)
  })
})

describe('a batch', () => {
  test('sees its own writes at, above and below the path, also after tens of thousands of other paths', () => {
    const store = createStore({ initial: { a: { n: 0, m: 0 }, l: [] as unknown[] } })
    store.batch(() => {
      store.set('a.n', 1)
      for (let n = 0; n < 60_000; n++) store.get(`x.${n}`)
      expect(store.get('a.m')).toBe(0)
      expect(store.get('a.n')).toBe(1)
      expect(store.get('a')).toEqual({ n: 1, m: 0 })
      store.append('l', { n: 1 })
      store.set('l.0.n', 2)
      store.set('a', { b: { c: 1 } })
      expect([store.get('l'), store.has('a.n'), store.get('a.b.c')]).toEqual([[{ n: 2 }], false, 1])
    })
    expect(store.get()).toEqual({ a: { b: { c: 1 } }, l: [{ n: 2 }] })
  })

  test('that deletes an item finds and writes the others at their new places', () => {
    const store = createStore({ initial: { l: [1, 2, 3], m: { a: 1, b: 2 } } })
    store.batch(() => {
      store.delete('l.0')
      store.set('l.1', 2)
      expect([store.get('l.0'), store.get('l.1'), store.get('l.2')]).toEqual([2, 2, undefined])
      store.delete('m.a')
      expect([store.has('m.a'), store.get('m.b')]).toEqual([false, 2])
    })
    expect(store.get()).toEqual({ l: [2, 2], m: { b: 2 } })
  })

  test('that creates a parent finds it at the next write', () => {
    const store = createStore()
    store.batch(() => {
      store.set('a.b', 1)
      store.set('a.c', 2)
      expect(() => store.set('a.b.x', 3)).toThrow('holds no "x"')
    })
    expect(store.get()).toEqual({ a: { b: 1, c: 2 } })
  })

  test('leaves values held from before and from within as they were', () => {
    const store = createStore({ initial: { a: { n: 0 } } })
    store.set('a.n', 1)
    const before = store.get('a')
    let inside: unknown
    store.batch(() => {
      store.set('a.n', 2)
      inside = store.get('a')
      store.set('a.n', 3)
    })
    expect([before, inside, store.get('a')]).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })

  test('that throws after it has read its writes leaves every object as it was', () => {
    const store = createStore({ initial: { a: { n: 0 } } })
    store.set('a.n', 1)
    const before = store.get()
    expect(() =>
      store.batch(() => {
        store.set('a.n', 2)
        store.get('a')
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(store.get()).toBe(before)
  })
})

describe('many paths named in the same order, again and again', () => {
  const names = Array.from({ length: 50 }, (_, n) => `items.${n}.n`)

  test('and values that change in between / each path reads its own value', () => {
    const store = createStore({ initial: { items: names.map(() => ({ n: 0 })) } })
    for (let pass = 1; pass <= 4; pass++) {
      for (const [n, name] of names.entries()) store.set(name, pass * 100 + n)
      expect(names.map((name) => store.get(name))).toEqual(names.map((_, n) => pass * 100 + n))
      // Once in another order, so that what came next before does not come next now.
      expect(names.toReversed().map((name) => store.get(name))).toEqual(
        names.map((_, n) => pass * 100 + n).toReversed(),
      )
    }
  })

  test('and all of them forgotten in between / listeners added later are told', () => {
    const store = createStore({ initial: { items: names.map(() => ({ n: 0 })) } })
    for (let pass = 0; pass < 3; pass++) for (const name of names) store.get(name)
    for (let n = 0; n < 60_000; n++) store.get(`x.${n}`)
    for (const name of names) store.get(name)
    const told: string[] = []
    for (const name of names) store.subscribe(name, () => told.push(name))
    for (const name of names) store.set(name, 1)
    expect(told).toEqual(names)
  })
})
