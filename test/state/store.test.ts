import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  NestedEditError,
  PathError,
  SerializationError,
  SessionStateError,
  StateValidationError,
} from '../../src/errors'
import { createStore } from '../../src/state/create-store'
import type { StateStore } from '../../src/state/store'

/** A promise and its key, so that a test decides when an edit goes on. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

function thrown(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return expect.unreachable('it did not throw')
}

/** Refused with this error, and nothing is another value or another object than before. */
function expectRefused(
  store: { get(): unknown; subscribe(path: '', listener: () => void): () => void },
  action: () => unknown,
  kind: new (...args: never[]) => Error,
): Error {
  const before = store.get()
  const copy = structuredClone(before)
  const listener = vi.fn<() => void>()
  const leave = store.subscribe('', listener)
  const error = thrown(action)
  leave()
  expect(error).toBeInstanceOf(kind)
  expect(store.get()).toBe(before)
  expect(before).toEqual(copy)
  expect(listener).not.toHaveBeenCalled()
  return error as Error
}

describe('reading', () => {
  test('set a.b.c on an empty untyped state: get a is { b: { c: 1 } }', () => {
    const store = createStore()
    store.set('a.b.c', 1)
    expect(store.get('a')).toEqual({ b: { c: 1 } })
    expect(store.get()).toEqual({ a: { b: { c: 1 } } })
    expect(store.get('')).toBe(store.get())
  })

  test('a stored null is a value; a missing one gives the fallback, or undefined', () => {
    const store = createStore({ initial: { n: null, zero: 0, no: false, text: '' } })
    expect(store.get('n', 5)).toBe(null)
    expect(store.get('zero', 5)).toBe(0)
    expect(store.get('no', 5)).toBe(false)
    expect(store.get('text', 5)).toBe('')
    expect(store.get('missing', 5)).toBe(5)
    expect(store.get('missing')).toBe(undefined)
    expect(store.get('n.below', 5)).toBe(5)
    expect(store.get('text.length', 5)).toBe(5)
    expect(store.get('text.0', 5)).toBe(5)
  })

  test('has: true for null, false and an empty text', () => {
    const store = createStore({ initial: { n: null, no: false, text: '', list: [null] } })
    for (const path of ['n', 'no', 'text', 'list', 'list.0', '']) expect(store.has(path)).toBe(true)
    for (const path of ['x', 'list.1', 'list.length', 'text.length', 'n.x', 'list.-1', 'list.00']) {
      expect(store.has(path)).toBe(false)
    }
  })

  test('keys named items, keys, get, toString: missing when unset, never a method; readable when set', () => {
    const store = createStore({ initial: { list: [] } })
    const names = ['items', 'keys', 'get', 'toString', 'valueOf', 'hasOwnProperty', 'length', 'then']
    for (const name of names) {
      expect(store.get(name)).toBe(undefined)
      expect(store.has(name)).toBe(false)
      expect(store.get(`list.${name}`)).toBe(undefined)
    }
    for (const name of names) store.set(name, 1)
    for (const name of names) expect(store.get(name)).toBe(1)
    store.set('map.toString.valueOf', 2)
    expect(store.get('map')).toEqual({ toString: { valueOf: 2 } })
  })

  test('keys with dots and empty keys are reached by segments', () => {
    const store = createStore()
    store.set(['files', 'a.txt', 'size'], 1)
    store.set(['files', ''], 2)
    expect(store.get('files')).toEqual({ 'a.txt': { size: 1 }, '': 2 })
    expect(store.get(['files', 'a.txt', 'size'])).toBe(1)
    expect(store.has('files.a.txt')).toBe(false)
    store.set(['list', 0], 'x')
    expect(store.get(['list', 0])).toBe('x')
  })

  test('a value held from get stays as it was; siblings keep their identity', () => {
    const store = createStore({ initial: { a: { b: 1, list: [{ x: 1 }, { x: 2 }] }, other: {} } })
    const held = store.get('a') as { list: unknown[] }
    const root = store.get()
    store.set('a.b', 2)
    store.set('a.list.1.x', 3)
    store.append('a.list', {})
    expect(held).toEqual({ b: 1, list: [{ x: 1 }, { x: 2 }] })
    expect(store.get('a')).not.toBe(held)
    expect(store.get('a.list.0')).toBe(held.list[0])
    expect(store.get('other')).toBe(root['other'])
  })

  describe.each([
    ['without a schema', {}],
    [
      'with a schema',
      {
        schema: z.object({
          rows: z.array(z.object({ n: z.number(), tags: z.array(z.string()).default([]) })),
          user: z.object({ name: z.string(), home: z.object({ city: z.string() }) }),
          note: z.string().optional(),
        }),
      },
    ],
  ])('a new value that holds parts of the old one, %s', (_, options) => {
    interface Page {
      rows: { n: number; tags: string[] }[]
      user: { name: string; home: { city: string } }
      note?: string
    }
    const row = (n: number): Page['rows'][number] => ({ n, tags: ['new'] })
    const make = (): StateStore<Page> => {
      const initial = { rows: [row(1), row(2), row(3)], user: { name: 'Ada', home: { city: 'London' } } }
      return createStore({ ...options, initial } as object) as unknown as StateStore<Page>
    }
    /** How many times the listeners at these paths are called. */
    const calls = (store: StateStore<Page>, write: () => void, ...paths: string[]): number[] => {
      const listeners = paths.map((path) => {
        const listener = vi.fn<() => void>()
        store.subscribe(path as '', listener)
        return listener
      })
      write()
      return listeners.map((it) => it.mock.calls.length)
    }

    test('one row of a list is replaced / the others stay the same objects, and their listeners hear nothing', () => {
      const store = make()
      const [first, second, third] = store.get('rows')
      const write = (): void =>
        store.set('rows', (rows) => rows.map((it) => (it.n === 2 ? { ...it, n: 20 } : it)))
      expect(calls(store, write, 'rows.0', 'rows.1', 'rows.1.tags', 'rows.2', 'rows')).toEqual([
        0, 1, 0, 0, 1,
      ])
      expect(store.get('rows')).toEqual([row(1), row(20), row(3)])
      expect(store.get('rows.0')).toBe(first)
      expect(store.get('rows.1')).not.toBe(second)
      expect(store.get('rows.1.tags')).toBe(second?.tags)
      expect(store.get('rows.2')).toBe(third)
    })

    test('rows are added, removed or sorted / each stays the same object, wherever it goes', () => {
      const store = make()
      const [first, second, third] = store.get('rows')
      store.set('rows', (rows) => [row(0), ...rows])
      expect([1, 2, 3].map((at) => store.get('rows')[at])).toEqual([first, second, third])
      expect(store.get('rows.1')).toBe(first)
      store.set('rows', (rows) => rows.filter((it) => it.n !== 2).toReversed())
      expect(store.get('rows.0')).toBe(third)
      expect(store.get('rows.1')).toBe(first)
      store.edit((draft) => {
        draft.rows.splice(0, 0, row(7))
        draft.rows.splice(2, 0, row(8))
      })
      expect(store.get('rows').map((it) => it.n)).toEqual([7, 3, 8, 1, 0])
      expect(store.get('rows.1')).toBe(third)
      expect(store.get('rows.3')).toBe(first)
    })

    test.each<[string, (rows: Page['rows']) => unknown, number[]]>([
      ['sort', (rows) => rows.sort((a, b) => b.n - a.n), [3, 2, 1]],
      ['reverse', (rows) => rows.reverse(), [3, 2, 1]],
      ['a splice that moves', (rows) => rows.splice(0, 0, ...rows.splice(2, 1)), [3, 1, 2]],
      ['a swap', (rows) => void ([rows[0], rows[2]] = [rows[2]!, rows[0]!]), [3, 2, 1]],
    ])('%s in an edit / each row stays the same object, wherever it goes', (_, move, expected) => {
      const store = make()
      const rows = store.get('rows')
      store.edit((draft) => void move(draft.rows))
      expect(store.get('rows').map((it) => it.n)).toEqual(expected)
      for (const it of store.get('rows')) expect(it).toBe(rows[it.n - 1])
    })

    const Item = z.object({ n: z.number(), x: z.object({}).optional() })
    test('in an edit, keys swap their values and a row goes to another list / what moved is the same, what changed is not', () => {
      const store = createStore({
        schema: z.object({ a: Item, b: Item, todo: z.array(Item), done: z.array(Item) }),
        initial: { a: { n: 1, x: {} }, b: { n: 2, x: {} }, todo: [{ n: 3 }], done: [{ n: 4 }, { n: 5 }] },
      })
      const { a, b, todo, done } = store.get()
      store.edit((draft) => {
        ;[draft.a, draft.b] = [draft.b, draft.a]
        draft.a.n = 7
        draft.done.push(draft.todo.pop()!)
        draft.done.reverse()
      })
      const now = store.get()
      expect(now).toEqual({ a: { n: 7, x: {} }, b: a, todo: [], done: [{ n: 3 }, { n: 5 }, { n: 4 }] })
      expect([now.b, ...now.done]).toEqual([a, todo[0], done[1], done[0]])
      expect([now.b === a, now.a === b]).toEqual([true, false])
      expect(now.done.map((it) => [...todo, ...done].indexOf(it))).toEqual([0, 2, 1])
    })

    test("the caller's own object, assigned in an edit and moved / is a copy", () => {
      const store = make()
      const mine = { n: 4, tags: ['mine'] }
      store.edit((draft) => {
        draft.rows.push(mine)
        draft.rows.reverse()
      })
      mine.tags.push('changed')
      expect(store.get('rows.0.tags')).toEqual(['mine'])
    })

    test('an object or the whole state is spread / what was not written stays the same, also in a batch and in a reset', () => {
      const store = make()
      const { rows, user } = store.get()
      const spread = (): void => store.set('user', (it) => ({ ...it, name: 'Grace' }))
      expect(calls(store, spread, 'user.home', 'user', 'rows')).toEqual([0, 1, 0])
      expect(store.get('user.home')).toBe(user.home)
      const replace = (): void => store.replace({ ...store.get(), note: 'x' })
      expect(calls(store, replace, 'user', 'rows', 'rows.1', 'note')).toEqual([0, 0, 0, 1])
      const batch = (): void =>
        store.batch(() => {
          store.set('rows.0.n', 10)
          store.set('rows', (it) => [...it])
        })
      expect(calls(store, batch, 'rows.0', 'rows.1', 'rows.2', 'rows')).toEqual([1, 0, 0, 1])
      expect(calls(store, () => store.reset(), 'user.home', 'user.name', 'rows.0', 'rows.1')).toEqual([
        0, 1, 1, 0,
      ])
      expect(store.get('rows')).toEqual(rows)
    })

    test("what is the caller's own beside it / is a copy, which the caller may go on changing", () => {
      const store = make()
      const mine = { n: 4, tags: ['mine'] }
      store.set('rows', (rows) => [...rows, mine])
      mine.tags.push('changed')
      store.set('rows', (rows) => [...rows, mine])
      expect(store.get('rows.3.tags')).toEqual(['mine'])
      expect(store.get('rows.4.tags')).toEqual(['mine', 'changed'])
      expect(Object.isFrozen(mine)).toBe(false)
    })
  })

  test('what is read is frozen in development, all the way down', () => {
    const store = createStore({ initial: { a: { list: [{ x: 1 }] } } })
    store.set('a.list.0.y', { z: [] })
    store.append('a.list', { w: {} })
    const expectFrozen = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      expect(Object.isFrozen(value)).toBe(true)
      Object.values(value).forEach(expectFrozen)
    }
    expectFrozen(store.get())
    store.edit((draft) => void (draft['a'] = { list: [[{}]] }))
    expectFrozen(store.get())
  })
})

describe('writing', () => {
  test('below a scalar or null: a PathError naming the path, and nothing changes', () => {
    const store = createStore({ initial: { a: { b: { c: 1 } }, n: null, t: 'text' } })
    for (const path of ['a.b.c.d', 'n.x', 't.0', 't.length', 'a.b.c.d.e.f']) {
      for (const write of [
        () => store.set(path, 5),
        () => store.append(path, 5),
        () => store.set(path, () => 5),
      ]) {
        expect(expectRefused(store, write, PathError).message).toContain(path)
      }
    }
  })

  test('a state that is a list: an edit refuses what storage cannot keep, copies what it is given, and keeps the items', () => {
    const store = createStore<{ n: number }[]>({ initial: [{ n: 1 }] })
    const [first] = store.get()
    for (const value of [new Map(), () => 1, NaN, undefined])
      expectRefused(store, () => store.edit((draft) => void draft.push(value as never)), SerializationError)
    const mine = { n: 2 }
    store.edit((draft) => void draft.unshift(mine))
    mine.n = 3
    expect(store.get()).toEqual([{ n: 2 }, { n: 1 }])
    expect(store.get()[1]).toBe(first)
  })

  test('a state that is a list: its items are deleted and edited as those of any other', () => {
    const store = createStore()
    const listener = vi.fn<() => void>()
    store.subscribe('0', listener)
    store.replace([1, 2, 3] as never)
    store.delete('0')
    expect(store.get()).toEqual([2, 3])
    store.edit((draft) => void (draft as unknown as number[]).push(4))
    expect(store.get()).toEqual([2, 3, 4])
    expect(listener).toHaveBeenCalledTimes(2)
  })

  test('below a state that is a number: a PathError that says to use replace()', () => {
    const store = createStore()
    store.replace(5 as never)
    const error = expectRefused(store, () => store.set('o.v', 1), PathError)
    expect(error.message).toBe('path "o.v": the state is a number, which holds no "o"; replace it first')
  })

  test('list of 3: set list.1 replaces, list.3 appends; list.4, list.foo and other texts fail', () => {
    const store = createStore({ initial: { list: [1, 2, 3] } })
    store.set('list.1', 'x')
    expect(store.get('list')).toEqual([1, 'x', 3])
    store.set('list.3', 'y')
    expect(store.get('list')).toEqual([1, 'x', 3, 'y'])
    for (const key of ['5', 'foo', '-1', '01', '1.5', 'length', ' 1', '1e0', '4294967295']) {
      expectRefused(store, () => store.set(['list', key], 1), PathError)
      expectRefused(store, () => store.set(['list', key, 'x'], 1), PathError)
    }
  })

  test('set replaces, never merges', () => {
    const store = createStore({ initial: { l: [1, 2], d: { x: 1 } } })
    store.set('l', [])
    store.set('d', { y: 2 })
    expect(store.get()).toEqual({ l: [], d: { y: 2 } })
  })

  test('set with a function gets the previous value', () => {
    const store = createStore({ initial: { n: 1 } })
    store.set('n', (it: unknown) => Number(it) + 1)
    store.set('m.k', (it: unknown) => (it === undefined ? 'new' : 'old'))
    expect(store.get()).toEqual({ n: 2, m: { k: 'new' } })
    expectRefused(
      store,
      () =>
        store.set('n', () => {
          throw new RangeError('mine')
        }),
      RangeError,
    )
  })

  test('deleting 0, false, an empty text and null deletes', () => {
    const store = createStore({ initial: { a: 0, b: false, c: '', d: null, e: 1 } })
    for (const key of ['a', 'b', 'c', 'd']) store.delete(key)
    expect(store.get()).toEqual({ e: 1 })
    store.delete('not.there')
    expect(store.get()).toEqual({ e: 1 })
  })

  test('delete list.1 splices', () => {
    const store = createStore({ initial: { list: ['a', { b: 1 }, { c: 1 }] } })
    const kept = store.get('list.2')
    store.delete('list.1')
    expect(store.get('list')).toEqual(['a', { c: 1 }])
    expect(store.get('list.1')).toBe(kept)
    // The end is where the next item goes. Beyond it there is nothing, and nothing that a removal would leave.
    store.delete('list.2')
    const error = expectRefused(store, () => store.delete('list.3'), PathError)
    expect(error.message).toBe('path "list.3": "list" has 2 items; index 3 is beyond its end')
  })

  test('undefined: set deletes; a key in an object is dropped; in a list it is refused', () => {
    const store = createStore({ initial: { a: 1, list: [1] } })
    store.set('a', undefined)
    store.set('b', { x: undefined, y: 1 })
    expect(Object.keys(store.get())).toEqual(['list', 'b'])
    expect(Object.keys(store.get('b') as object)).toEqual(['y'])
    expectRefused(store, () => store.set('list', [1, undefined]), SerializationError)
    expectRefused(store, () => store.append('list', undefined), Error)
  })

  test('append: an item to a list, text to a text; on nothing, text starts a text, anything else a list', () => {
    const store = createStore({ initial: { list: [1], text: 'a', o: {}, n: 1, nil: null } })
    store.append('list', 'x')
    store.append('list', [2])
    store.append('text', 'b')
    store.append('new.text', 'c')
    store.append('new.list', 1)
    store.append('new.list', 'd')
    expect(store.get()).toMatchObject({
      list: [1, 'x', [2]],
      text: 'ab',
      new: { text: 'c', list: [1, 'd'] },
    })
    for (const path of ['o', 'n', 'nil']) expectRefused(store, () => store.append(path, 1), PathError)
    expectRefused(store, () => store.append('text', 1), PathError)
  })

  test('writes to the whole state by path: a PathError', () => {
    const store = createStore()
    for (const root of ['', []] as const) {
      expectRefused(store, () => store.set(root as string, {}), PathError)
      expectRefused(store, () => store.append(root as string, {}), PathError)
      expectRefused(store, () => store.delete(root as never), PathError)
    }
  })

  test('__proto__, prototype and constructor are refused, in texts, in segments and in written values', () => {
    const store = createStore({ initial: { a: {}, list: [{}] } })
    const evil = JSON.parse('{"__proto__":{"polluted":1}}') as object
    const name = '__proto__'
    const bad: (() => unknown)[] = [
      () => store.set('__proto__.x', 1),
      () => store.set(['__proto__', 'x'], 1),
      () => store.set(['a', '__proto__', 'polluted'], 1),
      () => store.set('a.constructor.prototype.polluted', 1),
      () => store.set('list.0.prototype', 1),
      () => store.set('a', evil),
      () => store.set('a', { deep: [evil] }),
      () => store.append('list', evil),
      () => store.replace({ a: evil }),
      () => store.delete('a.__proto__' as never),
      () => store.get('a.__proto__'),
      () => store.has('a.constructor'),
      () => store.subscribe('__proto__', () => {}),
      () => store.edit((draft) => void ((draft['a'] as Record<string, unknown>)[name] = { polluted: 1 })),
      () => store.edit((draft) => void (draft['a'] = evil)),
    ]
    for (const action of bad) expectRefused(store, action, PathError)
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('a path of 1,000 segments can be written; one more is a PathError', () => {
    const store = createStore()
    const most = Array.from({ length: 1000 }, () => 'k') as unknown as readonly ['k', 'k']
    store.set(most, 1)
    expect(store.get(most)).toBe(1)
    expectRefused(store, () => store.set([...most, 'k'], 1), PathError)
    expectRefused(store, () => store.get([...most, 'k'].join('.')), PathError)
  })

  test('a path of another type, with an empty segment or a bad index is a PathError', () => {
    const store = createStore({ initial: { a: { b: 1 } } })
    for (const path of [
      'a..b',
      '.a',
      'a.',
      '.',
      1,
      null,
      {},
      [null],
      [{}],
      [1.5],
      [-1],
      [NaN],
      [Symbol('s')],
    ]) {
      expectRefused(store, () => store.get(path as string), PathError)
      expectRefused(store, () => store.set(path as string, 1), PathError)
    }
  })

  test("the caller's objects are copied: neither frozen, nor changed, nor a way in later", () => {
    const mine = { list: [{ n: 1 }] }
    const store = createStore({ initial: mine })
    store.set('a', mine)
    store.append('all', mine)
    store.edit((draft) => void (draft['b'] = mine))
    store.set('a.list.0.n', 2)
    store.set('b.list.0.n', 3)
    expect(mine).toEqual({ list: [{ n: 1 }] })
    expect([mine, mine.list, mine.list[0]].some((it) => Object.isFrozen(it))).toBe(false)
    mine.list.push({ n: 9 })
    ;(mine.list[0] as { n: number }).n = 8
    expect(store.get()).toEqual({
      list: [{ n: 1 }],
      a: { list: [{ n: 2 }] },
      all: [{ list: [{ n: 1 }] }],
      b: { list: [{ n: 3 }] },
    })
  })

  test('a value equal by Object.is changes nothing and notifies nobody', () => {
    const store = createStore({ initial: { n: 1, user: { name: 'Ada' }, text: 'a' } })
    const before = store.get()
    const listener = vi.fn<() => void>()
    store.subscribe('', listener)
    store.set('n', 1)
    store.set('user.name', 'Ada')
    store.append('text', '')
    store.edit((draft) => void (draft['n'] = 1))
    store.batch(() => store.set('n', 1))
    store.set('user', store.get('user'))
    store.set('user', (it: unknown) => it)
    store.replace(store.get())
    store.batch(() => store.replace(store.get()))
    expect(listener).not.toHaveBeenCalled()
    expect(store.get()).toBe(before)
  })

  test('replace() takes the whole state; reset() goes back to the first one', () => {
    const store = createStore({ initial: { a: { n: 1 } } })
    store.replace({ b: 2 })
    expect(store.get()).toEqual({ b: 2 })
    store.reset()
    expect(store.get()).toEqual({ a: { n: 1 } })
    store.set('a.n', 2)
    store.reset()
    expect(store.get()).toEqual({ a: { n: 1 } })
  })

  test('reset() twice: the second one changes nothing, and nobody is called', () => {
    const initial = { a: { n: 1 }, rows: [{ n: 2 }] }
    const store = createStore<typeof initial>({ initial })
    const { rows } = store.get()
    store.set('a.n', 2)
    store.reset()
    const before = store.get()
    const listener = vi.fn<() => void>()
    for (const path of ['', 'a', 'rows'] as const) store.subscribe(path, listener)
    store.reset()
    store.batch(() => store.reset())
    expect(listener).not.toHaveBeenCalled()
    expect(store.get()).toBe(before)
    expect(before.rows).toBe(rows)
    store.set('rows.0.n', 3)
    expect(before.rows[0]?.n).toBe(2)
    store.reset()
    expect(store.get()).toEqual({ a: { n: 1 }, rows: [{ n: 2 }] })
  })

  test('its methods work when destructured', () => {
    const { get, set, has, append, edit, batch, subscribe, replace, reset } = createStore()
    const remove = createStore().delete
    const listener = vi.fn<() => void>()
    subscribe('a', listener)
    set('a', 1)
    append('l', 1)
    edit((draft) => void (draft['b'] = 2))
    batch(() => set('c', 3))
    remove('x' as never)
    expect(get()).toEqual({ a: 1, l: [1], b: 2, c: 3 })
    expect(has('a')).toBe(true)
    replace({})
    reset()
    expect(listener).toHaveBeenCalledTimes(2)
  })
})

describe('a value that storage cannot keep', () => {
  class Money {
    readonly amount = 1
  }
  const cycle: Record<string, unknown> = {}
  cycle['self'] = { again: cycle }
  const kinds: [unknown, string][] = [
    [() => {}, 'function'],
    [new Money(), 'Money'],
    [new Map(), 'Map'],
    [new Set(), 'Set'],
    [new Date(0), 'Date'],
    [new File([], 'a.txt'), 'File'],
    [Symbol('s'), 'symbol'],
    [1n, 'BigInt'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [cycle, 'cycle'],
    [Promise.resolve(), 'Promise'],
    [/x/, 'RegExp'],
    [new Uint8Array(1), 'Uint8Array'],
    [Object.assign({}, { [Symbol('s')]: 1 }), 'symbol'],
    [Array(2), 'hole'],
  ]

  test.each(kinds)(
    '%s is refused at the write, naming path and kind; other paths still work',
    (value, kind) => {
      const store = createStore({ initial: { upload: {}, list: [] } })
      const refused = [
        () => store.set('upload.file', { value }),
        () => store.append('list', { value }),
        () => store.edit((draft) => void (draft['upload'] = { value })),
        () => store.replace({ upload: value }),
      ].map((write) => expectRefused(store, write, SerializationError) as SerializationError)
      for (const error of refused) expect(error.message.toLowerCase()).toContain(kind.toLowerCase())
      expect(refused[0]?.path).toMatch(/^state\.upload\.file\.value/)
      expect(refused[1]?.path).toMatch(/^state\.list\.0\.value/)
      expect(refused[2]?.path).toMatch(/^state\.upload\.value/)
      expect(refused[3]?.path).toMatch(/^state\.upload/)
      store.set('other', 1)
      expect(store.get('other')).toBe(1)
    },
  )

  test.each([undefined, null])('%s is no state: replace() refuses it, since a load would', (none) => {
    const store = createStore({ initial: { a: 1 } })
    const error = expectRefused(store, () => store.replace(none as never), SerializationError)
    expect(error.message).toBe(`state is ${none}; write {}`)
  })

  test('a refused write in an edit undoes the whole edit', () => {
    const store = createStore({ initial: { a: 1 } })
    expectRefused(
      store,
      () =>
        store.edit((draft) => {
          draft['a'] = 2
          draft['b'] = new Map()
        }),
      SerializationError,
    )
  })

  test('a list with a hole or an undefined item in an edit is refused', () => {
    const store = createStore({ initial: { list: [1, 2, 3] } })
    for (const change of [
      (list: unknown[]) => (list[5] = 1),
      (list: unknown[]) => (list[1] = undefined),
      (list: unknown[]) => Reflect.deleteProperty(list, 0),
      (list: unknown[]) => (list.length = 9),
      (list: unknown[]) => list.push(undefined),
      (list: unknown[]) => (list[3] = undefined),
    ]) {
      expectRefused(
        store,
        () => store.edit((draft) => void change(draft['list'] as unknown[])),
        SerializationError,
      )
    }
  })
})

describe('a schema', () => {
  const schema = z.object({
    age: z.number().min(0).default(0),
    user: z.object({ name: z.string().default(''), tags: z.array(z.string()).default([]) }).prefault({}),
    items: z.array(z.strictObject({ price: z.number() })).default([]),
    note: z.string().optional(),
  })

  test('age: z.number(); set age "30": StateValidationError with path and issues, the old value stays', () => {
    const store = createStore({ schema })
    const error = expectRefused(
      store,
      () => store.set('age', '30' as unknown as number),
      StateValidationError,
    )
    expect(error).toMatchObject({ code: 'STATE_VALIDATION', path: 'age', issues: [{ path: 'age' }] })
    expect(store.get('age')).toBe(0)
    expectRefused(store, () => store.set('age', -1), StateValidationError)
    store.set('age', 30)
    expect(store.get('age')).toBe(30)
  })

  test("an edit is validated by its result: a union's variant may change key by key", () => {
    const store = createStore({
      schema: z.object({
        pay: z.discriminatedUnion('by', [
          z.object({ by: z.literal('card'), number: z.string() }),
          z.object({ by: z.literal('bank'), iban: z.string() }),
        ]),
      }),
      initial: { pay: { by: 'card', number: '4111' } },
    })
    store.edit((draft) => {
      const pay = draft.pay as Record<string, unknown>
      pay['by'] = 'bank'
      delete pay['number']
      pay['iban'] = 'NL00'
    })
    expect(store.get('pay')).toEqual({ by: 'bank', iban: 'NL00' })
    expectRefused(
      store,
      () =>
        store.edit((draft) => {
          delete (draft.pay as Record<string, unknown>)['iban']
        }),
      StateValidationError,
    )
  })

  test('begins with the defaults, and reset() goes back to them', () => {
    const store = createStore({ schema })
    const defaults = { age: 0, user: { name: '', tags: [] }, items: [] }
    expect(store.get()).toEqual(defaults)
    store.set('user.name', 'Ada')
    store.reset()
    expect(store.get()).toEqual(defaults)
    expect(() => createStore({ schema, initial: { age: 'x' as never } })).toThrow(StateValidationError)
  })

  test('items, keys of strict objects, edits and whole states are validated with their path', () => {
    const store = createStore({ schema })
    store.append('items', { price: 1 })
    const bad: [() => unknown, RegExp][] = [
      [() => store.append('items', { price: '1' } as never), /items\.1/],
      [() => store.set('items.0.price', 'x' as never), /items\.0\.price/],
      [() => store.set('items.0', { price: 1, more: 1 } as never), /items\.0/],
      [() => store.append('user.tags', 1 as never), /user\.tags/],
      [() => store.edit((draft) => void (draft.items[0] = { price: null as never })), /items\.0\.price/],
      [() => store.edit((draft) => void draft.items.push({ price: 'x' as never })), /items/],
      [() => store.edit((draft) => void delete (draft as { user?: unknown }).user), /user/],
      [() => store.delete('user' as never), /user/],
      [() => store.delete('items.0.price' as never), /items\.0\.price/],
      [() => store.replace({ age: 1 } as never), /items|user/],
    ]
    for (const [action, path] of bad.slice(0, -1)) {
      const error = expectRefused(store, action, StateValidationError) as StateValidationError
      expect(`${error.path} ${error.issues.map((it) => it.path).join(' ')}`).toMatch(path)
    }
    store.set('note', 'x')
    store.delete('note')
    expect(store.has('note')).toBe(false)
  })

  test('an edit appends an item to a list / only the item is checked and completed, as in an append', () => {
    const checked = vi.fn(() => true)
    const item = z.object({ n: z.number(), done: z.boolean().default(false) }).refine(checked)
    const store = createStore({
      schema: z.object({
        items: z.array(item),
        few: z.array(item).max(1),
        pair: z.tuple([item]).rest(z.null()),
      }),
      initial: { items: Array.from({ length: 100 }, (_, n) => ({ n })), few: [], pair: [{ n: 0 }] },
    })
    checked.mockClear()
    store.edit((draft) => void draft.items.push({ n: 100 } as never))
    expect(checked).toHaveBeenCalledTimes(1)
    expect(store.get('items.100')).toEqual({ n: 100, done: false })
    store.edit((draft) => void draft.few.push({ n: 1, done: true }))
    store.edit((draft) => void draft.pair.push(null))
    expect(store.get('few')).toEqual([{ n: 1, done: true }])
    expect(store.get('pair')).toEqual([{ n: 0, done: false }, null])
    const refused: [(draft: { [key: string]: unknown[] }) => void, string][] = [
      [(draft) => draft['items']?.push({ n: 'x' }), 'items.101.n'],
      [(draft) => draft['few']?.push({ n: 2, done: true }), 'few'],
      [(draft) => draft['few']?.splice(0, 1, { n: 'x' }), 'few.0.n'],
      [(draft) => draft['pair']?.push({ n: 1, done: true }), 'pair.2'],
      [(draft) => draft['pair']?.splice(0, 2, { n: null }), 'pair.0.n'],
    ]
    for (const [recipe, path] of refused)
      expect(expectRefused(store, () => store.edit(recipe as never), StateValidationError)).toMatchObject({
        issues: [{ path }],
      })
  })

  describe.each(['edit', 'async edit'])('%s', (kind) => {
    const Line = z.object({
      id: z.string(),
      count: z.number().default(1),
      tags: z.array(z.string()).default([]),
    })
    const lines = [{ id: 'a', count: 2, tags: ['x'] }]
    const shape = z.object({
      line: Line.default(Line.parse({ id: 'a' })),
      lines: z.array(Line).default(lines),
      by: z.record(z.string(), Line).default({ a: { id: 'a', count: 2, tags: ['x'] } }),
      note: z.string().default(''),
    })
    type Draft = Record<'line' | 'lines' | 'by' | 'note', unknown>
    const newer = { id: 'b', tags: ['y', 'z'], fromServer: true }
    const change = async (store: Pick<StateStore<object>, 'edit'>, recipe: (draft: Draft) => void) => {
      if (kind === 'edit') store.edit((draft) => recipe(draft as Draft))
      else await store.edit(async (draft) => recipe(draft as Draft))
    }

    test.each<[string, (draft: Draft) => void, object]>([
      ['an object', (it) => (it.line = newer), { line: { id: 'b', count: 1, tags: ['y', 'z'] } }],
      [
        'a list of as many',
        (it) => (it.lines = [newer]),
        { lines: [{ id: 'b', count: 1, tags: ['y', 'z'] }] },
      ],
      [
        'an item',
        (it) => ((it.lines as unknown[])[0] = newer),
        { lines: [{ id: 'b', count: 1, tags: ['y', 'z'] }] },
      ],
      [
        'an entry',
        (it) => Object.assign(it.by as object, { a: newer }),
        { by: { a: { id: 'b', count: 1, tags: ['y', 'z'] } } },
      ],
    ])(
      '%s is assigned / unknown keys are dropped and defaults filled in, as by a set',
      async (_, recipe, made) => {
        const store = createStore({ schema: shape })
        const heard = vi.fn()
        store.subscribe('', heard)
        await change(store, (it) => {
          it.note = 'kept'
          recipe(it)
        })
        expect(store.get()).toStrictEqual({ ...shape.parse({}), note: 'kept', ...made })
        expect(heard).toHaveBeenCalledTimes(1)
      },
    )

    test('an unknown key, or a value of another type, is written / refused at its own path, and nothing changes', async () => {
      const store = createStore({ schema: shape })
      const before = store.get()
      for (const [recipe, path] of [
        [(it) => Object.assign(it.line as object, { nope: 1 }), 'line.nope'],
        [(it) => (it.line = { ...newer, count: 'many' }), 'line.count'],
        [
          (it) => ((it.line = newer), Object.assign((it.lines as object[])[0] as object, { nope: 1 })),
          'lines.0.nope',
        ],
      ] satisfies [(draft: Draft) => void, string][]) {
        await expect(change(store, recipe)).rejects.toMatchObject({
          name: 'StateValidationError',
          issues: [{ path }],
        })
        expect(store.get()).toBe(before)
      }
    })
  })

  test('append to a missing path: the schema decides between a text and a list', () => {
    const store = createStore({
      schema: z.object({ words: z.array(z.string()).optional(), text: z.string().optional() }),
    })
    store.append('words', 'a')
    store.append('text', 'a')
    expect(store.get()).toEqual({ words: ['a'], text: 'a' })
  })

  test('missing parents are lists where the schema says so', () => {
    const store = createStore({
      schema: z.object({ rows: z.array(z.object({ n: z.number() })).optional() }),
    })
    store.set('rows.0.n', 1)
    expect(store.get()).toEqual({ rows: [{ n: 1 }] })
  })
})

describe('edit', () => {
  test('three changes are one notification with the final state', () => {
    const store = createStore({ initial: { a: 1, l: [1, 2], o: { x: 1 } } })
    const seen: unknown[] = []
    store.subscribe('', () => seen.push(store.get()))
    const result = store.edit((draft) => {
      draft['a'] = 2
      ;(draft['l'] as number[]).push(3)
      delete draft['o']
      expect(store.get('a')).toBe(1)
    })
    expect(result).toBe(undefined)
    expect(seen).toEqual([{ a: 2, l: [1, 2, 3] }])
  })

  test('one that throws: nothing changed, nobody called; so does one that rejects', async () => {
    const store = createStore({ initial: { a: 1 } })
    const boom = new RangeError('boom')
    expectRefused(
      store,
      () =>
        store.edit((draft) => {
          draft['a'] = 2
          throw boom
        }),
      RangeError,
    )
    const listener = vi.fn<() => void>()
    store.subscribe('', listener)
    const failing = store.edit(async (draft) => {
      draft['a'] = 3
      await Promise.resolve()
      throw boom
    })
    await expect(failing).rejects.toBe(boom)
    expect(store.get()).toEqual({ a: 1 })
    expect(listener).not.toHaveBeenCalled()
    store.edit((draft) => void (draft['a'] = 4))
    expect(store.get('a')).toBe(4)
  })

  test('ten parallel edits, each reads, awaits, writes +1: 10', async () => {
    const store = createStore({ initial: { n: 0 } })
    const increment = (): Promise<void> =>
      store.edit(async (draft) => {
        const before = draft['n'] as number
        await Promise.resolve()
        draft['n'] = before + 1
      })
    await Promise.all(Array.from({ length: 10 }, increment))
    expect(store.get('n')).toBe(10)
  })

  test('ten parallel edits whose recipe is a plain function that returns a promise: 10', async () => {
    const store = createStore({ initial: { n: 0 } })
    const increment = (): Promise<void> =>
      store.edit((draft) => {
        const before = draft['n'] as number
        return Promise.resolve().then(() => {
          draft['n'] = before + 1
        })
      })
    await Promise.all(Array.from({ length: 10 }, increment))
    expect(store.get('n')).toBe(10)
  })

  test('a failing edit does not stop those behind it', async () => {
    const store = createStore({ initial: { n: 0 } })
    const edits = [1, 2, 3, 4].map((it) =>
      store.edit(async (draft) => {
        await Promise.resolve()
        if (it % 2 === 0) throw new Error('even')
        draft['n'] = (draft['n'] as number) + it
      }),
    )
    const outcomes = await Promise.allSettled(edits)
    expect(outcomes.map((it) => it.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
    expect(store.get('n')).toBe(4)
  })

  test('a read during an open async edit gives the committed value, without waiting', async () => {
    const store = createStore({ initial: { n: 0 } })
    const { opened, open } = gate()
    const done = store.edit(async (draft) => {
      draft['n'] = 1
      await opened
    })
    await Promise.resolve()
    expect(store.get('n')).toBe(0)
    open()
    await done
    expect(store.get('n')).toBe(1)
  })

  test('plain writes go through while an async edit is open, and its changes land on top', async () => {
    const store = createStore({ initial: { text: 'a', list: ['a'], both: 0, o: {} } })
    const { opened, open } = gate()
    const done = store.edit(async (draft) => {
      await opened
      draft['text'] = `${String(draft['text'])}!`
      ;(draft['list'] as string[]).push('edit')
      draft['both'] = 'edit'
      ;(draft['o'] as Record<string, unknown>)['edit'] = 1
    })
    await Promise.resolve()
    store.append('text', 'bc')
    store.append('list', 'plain')
    store.set('both', 'plain')
    store.set('o.plain', 1)
    store.edit((draft) => void (draft['sync'] = 1))
    expect(store.get()).toEqual({
      text: 'abc',
      list: ['a', 'plain'],
      both: 'plain',
      o: { plain: 1 },
      sync: 1,
    })
    open()
    await done
    const list = store.get('list') as string[]
    expect(list.toSorted()).toEqual(['a', 'edit', 'plain'])
    expect(store.get()).toEqual({ text: 'abc!', list, both: 'edit', o: { plain: 1, edit: 1 }, sync: 1 })
  })

  test('the place of an async edit has vanished meanwhile: it is created again', async () => {
    const store = createStore({ initial: { o: { deep: { n: 1 } } } })
    const { opened, open } = gate()
    const done = store.edit(async (draft) => {
      await opened
      ;(draft['o'] as { deep: { n: number } }).deep.n = 2
    })
    store.delete('o')
    open()
    await done
    expect(store.get()).toEqual({ o: { deep: { n: 2 } } })
  })

  test('the place of an async edit has vanished, and the schema needs more than was edited: defaults fill it, or all of it is dropped', async () => {
    const schema = z.object({
      form: z.object({ text: z.string(), tags: z.array(z.string()).default([]) }).optional(),
      item: z.object({ id: z.string(), text: z.string() }).optional(),
    })
    const initial = { form: { text: '', tags: ['a'] }, item: { id: '1', text: '' } }
    const store = createStore({ schema, initial })
    let calls = 0
    store.subscribe('', () => calls++)
    const { opened, open } = gate()
    const done = store.edit(async (draft) => {
      await opened
      if (draft.form) draft.form.text = 'edit'
      if (draft.item) draft.item.text = 'edit'
    })
    store.delete('form')
    store.delete('item')
    calls = 0
    open()
    await done
    expect(store.get()).toEqual({ form: { text: 'edit', tags: [] } })
    expect(calls).toBe(1)
  })

  const Text = z.object({ title: z.string(), text: z.string() })
  test.each(['a.txt', ''])(
    'the place "%s" of an async edit has vanished, and what is left there is refused / the others stay',
    async (name) => {
      const files = { [name]: { title: 'A', text: '' }, b: { title: 'B', text: '' } }
      const store = createStore({
        schema: z.object({ files: z.record(z.string(), Text).default({}) }),
        initial: { files },
      })
      const { opened, open } = gate()
      const done = store.edit(async (draft) => {
        await opened
        const file = draft.files[name]
        if (file) file.text = 'edit'
      })
      store.delete(['files', name])
      open()
      await done
      expect(store.get()).toEqual({ files: { b: { title: 'B', text: '' } } })
    },
  )

  test('two items of a list are refused where an async edit lands / the item behind them stays', async () => {
    const schema = z.object({ list: z.array(z.union([z.string(), Text])) })
    const text = { title: '', text: '' }
    const store = createStore({ schema, initial: { list: [text, text] } })
    const { opened, open } = gate()
    const done = store.edit(async (draft) => {
      await opened
      for (const it of draft.list) if (typeof it === 'object') it.text = 'edit'
    })
    store.set('list', ['a', 'b', 'c'])
    open()
    await done
    expect(store.get('list')).toEqual(['c'])
  })

  test('two items are there already where an async edit lands, and the schema refuses doubles / only these go', async () => {
    const doubles = z.array(z.string()).superRefine((list, { addIssue }) => {
      for (const [at, it] of list.entries())
        if (list.indexOf(it) < at) addIssue({ code: 'custom', message: 'twice', path: [at] })
    })
    const store = createStore({ schema: z.object({ list: doubles.default([]) }), initial: { list: ['a'] } })
    const { opened, open } = gate()
    const done = store.edit(async (draft) => {
      await opened
      draft.list.push('b', 'c')
    })
    store.set('list', ['a', 'b', 'c'])
    open()
    await done
    expect(store.get('list')).toEqual(['a', 'b', 'c'])
  })

  test('an async edit of an item whose list has become shorter leaves no hole', async () => {
    const store = createStore({ initial: { l: [{ n: 0 }, { n: 0 }, { n: 0 }] } })
    const { opened, open } = gate()
    const done = store.edit(async (draft) => {
      await opened
      ;((draft['l'] as { n: number }[])[2] as { n: number }).n = 2
    })
    store.set('l', [])
    open()
    await done
    const list = store.get('l') as unknown[]
    expect(Object.keys(list)).toHaveLength(list.length)
    expect(JSON.parse(JSON.stringify(list))).toEqual(list)
  })

  test('a write to the store inside a recipe is a NestedEditError, and the store works on', () => {
    const store = createStore({ initial: { a: 1, l: [] } })
    const writes: (() => unknown)[] = [
      () => store.set('a', 2),
      () => store.append('l', 2),
      () => store.delete('a' as never),
      () => store.replace({}),
      () => store.reset(),
      () => store.edit(() => {}),
      () => store.batch(() => store.set('a', 2)),
    ]
    for (const write of writes) {
      expectRefused(
        store,
        () =>
          store.edit((draft) => {
            draft['a'] = 3
            write()
          }),
        NestedEditError,
      )
    }
    store.set('a', 4)
    expect(store.get('a')).toBe(4)
  })

  test('a recipe that catches a NestedEditError keeps its own changes', () => {
    const store = createStore({ initial: { a: 1 } })
    store.edit((draft) => {
      expect(() => store.set('a', 2)).toThrow(NestedEditError)
      draft['b'] = 1
    })
    expect(store.get()).toEqual({ a: 1, b: 1 })
  })

  test('another store may be written to inside a recipe', () => {
    const one = createStore({ initial: { a: 1 } })
    const other = createStore({ initial: { a: 1 } })
    one.edit((draft) => {
      other.set('a', 2)
      draft['a'] = 2
    })
    expect([one.get(), other.get()]).toEqual([{ a: 2 }, { a: 2 }])
  })

  test('keys in another order / the state shows them in that order', () => {
    const store = createStore({ initial: { items: { b: { n: 1 }, a: { n: 2 } } } })
    store.edit((draft) => {
      const { a, b } = draft['items'] as Record<string, unknown>
      draft['items'] = { a, b }
    })
    expect(JSON.stringify(store.get('items'))).toBe('{"a":{"n":2},"b":{"n":1}}')
  })

  test('a draft kept and used after its edit: an error of the library', async () => {
    const store = createStore({ initial: { a: { n: 1 } } })
    let kept: Record<string, unknown> = {}
    store.edit((draft) => void (kept = draft['a'] as Record<string, unknown>))
    expect(() => kept['n']).toThrow(SessionStateError)
    expect(() => (kept['n'] = 2)).toThrow(SessionStateError)
    await store.edit(async (draft) => {
      await Promise.resolve()
      kept = draft['a'] as Record<string, unknown>
    })
    expect(() => (kept['n'] = 2)).toThrow(SessionStateError)
    expect(() =>
      store.edit((draft) => {
        kept = draft['a'] as Record<string, unknown>
        throw new RangeError('out')
      }),
    ).toThrow(RangeError)
    expect(() => (kept['n'] = 2)).toThrow(SessionStateError)
    expect(store.get()).toEqual({ a: { n: 1 } })
  })

  test('a recipe that returns a value counts as synchronous', () => {
    const store = createStore({ initial: { l: [1] } })
    const push = (draft: Record<string, unknown>): unknown => (draft['l'] as number[]).push(2)
    expect(store.edit(push as () => void)).toBe(undefined)
    expect(store.get('l')).toEqual([1, 2])
  })
})

describe('batch', () => {
  test('the writes inside are one notification with the final state; they are read back inside', () => {
    const store = createStore({ initial: { a: 1, l: [1] } })
    const seen: unknown[] = []
    store.subscribe('', () => seen.push(store.get()))
    const result = store.batch(() => {
      store.set('a', 2)
      store.append('l', 2)
      store.edit((draft) => void (draft['b'] = draft['a']))
      expect(store.get()).toEqual({ a: 2, l: [1, 2], b: 2 })
      expect(store.has('b')).toBe(true)
      expect(seen).toEqual([])
      return 'result'
    })
    expect(result).toBe('result')
    expect(seen).toEqual([{ a: 2, l: [1, 2], b: 2 }])
  })

  test('a batch that throws: nothing changed, nobody called', () => {
    const store = createStore({ initial: { a: 1, o: { x: 1 } } })
    expectRefused(
      store,
      () =>
        store.batch(() => {
          store.set('a', 2)
          store.set('o.x', 2)
          store.set('a.b', 3)
        }),
      PathError,
    )
    store.set('o.x', 3)
    expect(store.get()).toEqual({ a: 1, o: { x: 3 } })
  })

  test('a batch in a batch belongs to the outer one', () => {
    const store = createStore()
    const listener = vi.fn<() => void>()
    store.subscribe('', listener)
    store.batch(() => {
      store.set('a', 1)
      store.batch(() => store.set('b', 1))
      expect(listener).not.toHaveBeenCalled()
    })
    expect(listener).toHaveBeenCalledTimes(1)
    expect(store.get()).toEqual({ a: 1, b: 1 })
  })

  test('an inner batch throws and the outer one goes on / only the inner writes are undone', () => {
    const store = createStore({ initial: { a: 0, list: [1] } })
    const listener = vi.fn<() => void>()
    store.subscribe('', listener)
    const failing = (): void =>
      store.batch(() => {
        store.set('a', 2)
        store.append('list', 2)
        store.edit((draft) => void (draft['b'] = store.get('a')))
        throw new Error('no')
      })
    store.batch(() => {
      store.set('a', 1)
      expect(failing).toThrow('no')
      expect(store.get()).toEqual({ a: 1, list: [1] })
      store.append('list', 3)
      expect(failing).toThrow('no')
      expect(store.get('list')).toEqual([1, 3])
    })
    expect(store.get()).toEqual({ a: 1, list: [1, 3] })
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('changes that cancel out notify nobody', () => {
    const store = createStore({ initial: { a: 0, t: 'x' } })
    const listener = vi.fn<() => void>()
    for (const path of ['a', 't', 'made', 'made.0.deep']) store.subscribe(path, listener)
    store.batch(() => {
      store.set('a', {})
      store.set('a.x', 1)
      store.set('a', 0)
      store.set('made.0.deep', 1)
      store.delete('made')
      store.set('t', 'y')
      store.set('t', 'x')
    })
    expect(listener).not.toHaveBeenCalled()
  })

  test('values read before, in and after a batch stay as they were', () => {
    const store = createStore({ initial: { o: { n: 0 } } })
    const seen = [store.get()]
    store.batch(() => {
      store.set('o.n', 1)
      seen.push(store.get())
      store.set('o.n', 2)
      seen.push(store.get())
    })
    seen.push(store.get())
    store.set('o.n', 3)
    expect(seen).toEqual([0, 1, 2, 2].map((n) => ({ o: { n } })))
  })

  test('an async edit behind another / runs once, when its turn comes', async () => {
    const store = createStore<{ n: number }>({ initial: { n: 0 } })
    const seen: number[] = []
    const add = async (draft: { n: number }): Promise<void> => {
      seen.push(draft.n)
      await Promise.resolve()
      draft.n++
    }
    await Promise.all([store.edit(add), store.edit(add), store.edit(add)])
    expect([seen, store.get('n')]).toEqual([[0, 1, 2], 3])
  })

  test('a plain function behind another edit that rejects each time it runs / its caller hears of it once, nobody else', async () => {
    const store = createStore<{ n: number }>({ initial: { n: 0 } })
    const first = store.edit(async (draft) => {
      await Promise.resolve()
      draft.n = 1
    })
    await expect(store.edit(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom')
    await first
    expect(store.get('n')).toBe(1)
  })

  test('an async edit started in a batch lands when it ends', async () => {
    const store = createStore({ initial: { n: 0 } })
    let done: Promise<void> | undefined
    store.batch(() => {
      store.set('n', 1)
      done = store.edit(async (draft) => {
        await Promise.resolve()
        draft['m'] = draft['n']
      })
    })
    await done
    expect(store.get()).toEqual({ n: 1, m: 1 })
  })
})

describe('a schema that fills in or computes something', () => {
  const Row = z.object({ n: z.number(), tags: z.array(z.string()).default([]) })
  const Page = z.object({
    rows: z.array(Row),
    other: z.object({ q: z.number() }),
    sum: z.number().default(0),
  })
  const schemas = {
    'a default': Page,
    'a computed field': Page.overwrite((it) => ({ ...it, sum: it.rows.reduce((sum, { n }) => sum + n, 0) })),
  }
  type Rows = readonly { readonly n: number }[]
  const row = (n: number) => ({ n }) as z.infer<typeof Row>
  const writes: [string, (store: StateStore<z.infer<typeof Page>>) => void][] = [
    ['set() adds a row', (store) => store.set('rows', (rows) => [...rows, row(4)])],
    ['set() adds a row in front', (store) => store.set('rows', (rows) => [row(0), ...rows])],
    ['set() changes a row', (store) => store.set('rows', (rows) => rows.map((it, at) => (at ? it : row(5))))],
    ['set() replaces a row', (store) => store.set('rows.0', row(5))],
    ['set() writes a number', (store) => store.set('rows.0.n', 5)],
    ['append()', (store) => store.append('rows', row(4))],
    ['delete()', (store) => store.delete('rows.0')],
    ['edit() adds a row', (store) => store.edit((draft) => void draft.rows.push(row(4)))],
    ['edit() adds two rows', (store) => store.edit((draft) => void draft.rows.unshift(row(0), row(4)))],
    ['edit() changes a number', (store) => store.edit((draft) => void (draft.rows[0]!.n = 5))],
    ['edit() removes a row', (store) => store.edit((draft) => void draft.rows.splice(0, 1))],
    ['replace()', (store) => store.replace({ ...store.get(), rows: [...store.get('rows'), row(4)] })],
    ['a batch', (store) => store.batch(() => (store.set('rows.0.n', 5), store.append('rows', row(4))))],
  ]

  describe.each(Object.entries(schemas))('%s', (_, schema) => {
    test.each(writes)('%s / what was not written stays the same, and is not called', (_write, write) => {
      const initial = { rows: [row(1), row(2), row(3)], other: { q: 1 } }
      const store = createStore({ schema, initial })
      const before = store.get()
      const held = structuredClone(before)
      const listener = vi.fn<() => void>()
      store.subscribe('other', listener)
      write(store)
      expect(listener).not.toHaveBeenCalled()
      expect(store.get('other')).toBe(before.other)
      const rows: Rows = store.get('rows')
      for (const it of before.rows.slice(1)) expect(rows.find(({ n }) => n === it.n)).toBe(it)
      expect(rows).toEqual(rows.map(({ n }) => ({ n, tags: [] })))
      expect(Object.isFrozen(rows.at(-1))).toBe(true)
      store.set('rows.1.n', 9)
      store.append('rows.0.tags', 'x')
      expect(before).toEqual(held)
    })
  })

  test("the caller's own objects / are copied, also those beside what is filled in", () => {
    const store = createStore({ schema: Page, initial: { rows: [], other: { q: 1 } } })
    const mine = { n: 1, tags: ['mine'] }
    store.edit((draft) => void draft.rows.push(mine, row(2)))
    store.set('rows', (rows) => [...rows, mine, row(3)])
    mine.tags.push('changed')
    expect(store.get('rows').map(({ tags }) => tags)).toEqual([['mine'], [], ['mine'], []])
    expect(Object.isFrozen(mine)).toBe(false)
  })
})

describe('a schema that computes one field from others', () => {
  const Cart = z
    .object({
      note: z.string().default(''),
      prices: z.array(z.number()).default([]),
      extra: z.string().optional(),
      said: z.number().default(0),
    })
    .overwrite(computed)

  function computed<T extends { note: string; prices: number[]; extra?: string | undefined }>(cart: T): T {
    return { ...cart, said: cart.note.length + cart.prices.length + (cart.extra === undefined ? 0 : 100) }
  }

  /** Judges whole states, as those of other vendors do. */
  const foreign = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => ({ value: Cart.parse(value) }),
    },
  }
  const deep = z.object({ cart: Cart.default(Cart.parse({})), other: z.string().default('') })

  test('a list that keeps its newest items, or each of them once / takes one more', () => {
    const store = createStore({
      schema: z.object({
        newest: z.array(z.number()).overwrite((it) => it.slice(-2)),
        once: z.array(z.number()).overwrite((it) => [...new Set(it)]),
      }),
      initial: { newest: [1, 2], once: [1, 2] },
    })
    store.append('newest', 3)
    store.append('once', 2)
    expect(store.get()).toEqual({ newest: [2, 3], once: [1, 2] })
    store.edit((draft) => {
      draft.newest.push(4)
      draft.once.push(1)
    })
    expect(store.get()).toEqual({ newest: [3, 4], once: [1, 2] })
    store.set('newest.2', 5)
    expect(store.get('newest')).toEqual([4, 5])
  })

  test('an edit adds one item / the computed field changes with it', () => {
    const store = createStore({ schema: deep })
    store.edit((draft) => void draft.cart.prices.push(5))
    store.edit((draft) => void draft.cart.prices.push(7))
    expect(store.get('cart')).toEqual({ note: '', prices: [5, 7], said: 2 })
  })

  type Carts = StateStore<{ [name: string]: unknown }>
  test.each<[string, Carts, string]>([
    ['zod', createStore({ schema: Cart }) as never, ''],
    ['another vendor', createStore({ schema: foreign }) as never, ''],
    ['deep in the state', createStore({ schema: deep }) as never, 'cart.'],
  ])('%s / every kind of write keeps what is written, and the computed field', (_, store, at) => {
    const cart = () => (at ? store.get('cart') : store.get())
    store.set(`${at}note`, 'ab')
    expect(cart()).toEqual({ note: 'ab', prices: [], said: 2 })
    store.append(`${at}note`, 'c')
    expect(cart()).toEqual({ note: 'abc', prices: [], said: 3 })
    store.append(`${at}prices`, 5)
    expect(cart()).toEqual({ note: 'abc', prices: [5], said: 4 })
    store.set(`${at}extra`, 'x')
    expect(cart()).toEqual({ note: 'abc', prices: [5], extra: 'x', said: 104 })
    store.delete(`${at}extra`)
    expect(cart()).toEqual({ note: 'abc', prices: [5], said: 4 })
    store.edit((draft) => {
      const it = (at ? draft['cart'] : draft) as z.infer<typeof Cart>
      it.note += 'de'
      it.prices.push(6, 7)
      it.extra = 'y'
    })
    expect(cart()).toEqual({ note: 'abcde', prices: [5, 6, 7], extra: 'y', said: 108 })
    store.edit((draft) => {
      const it = (at ? draft['cart'] : draft) as z.infer<typeof Cart>
      delete it.extra
    })
    store.delete(`${at}prices.0`)
    expect(cart()).toEqual({ note: 'abcde', prices: [6, 7], said: 7 })
    store.append(`${at}extra`, 'z')
    store.batch(() => {
      store.set(`${at}note`, '')
      store.set(`${at}prices`, [])
    })
    expect(cart()).toEqual({ note: '', prices: [], extra: 'z', said: 100 })
  })

  test('a subscriber of the computed field / is called', () => {
    const store = createStore({ schema: Cart })
    const said = vi.fn<() => void>()
    store.subscribe('said', said)
    store.set('note', 'ab')
    expect([said.mock.calls.length, store.get('said')]).toEqual([1, 2])
  })
})
