import { describe, expect, test } from 'vitest'
import { PathError } from '../../src/errors'
import { draftOf } from '../../src/state/draft'
import { forSeeds, Generator } from './generate'
import { mutate, type Json, type Mutation } from './model'

interface Item {
  id: string
  done?: boolean
}
interface State {
  user: { name: string; age?: number }
  items: Item[]
  other: Item[]
  [more: string]: unknown
}

function start(): State {
  return freeze({
    user: { name: 'Ada', age: 36 },
    items: [{ id: 'a' }, { id: 'b' }, { id: 'c' }],
    other: [{ id: 'z' }],
  })
}

function edited(root: State, recipe: (draft: State) => void): State {
  const { draft, finish } = draftOf(root)
  recipe(draft as State)
  return finish() as State
}

describe('a draft', () => {
  test('nothing changed: the same root', () => {
    const root = start()
    expect(edited(root, () => {})).toBe(root)
    expect(edited(root, (it) => void JSON.stringify(it))).toBe(root)
    expect(edited(root, (it) => void (it.user.name = 'Ada'))).toBe(root)
  })

  test('keys are sorted, and their values are the same: their new order is kept', () => {
    const root = { ages: { Eve: 1, Bob: 2, Ada: 3 } }
    const after = edited(root as unknown as State, (it) => {
      const ages = it['ages'] as Record<string, number>
      for (const name of Object.keys(ages).sort()) {
        const age = ages[name] as number
        delete ages[name]
        ages[name] = age
      }
    })
    expect(JSON.stringify(after)).toBe('{"ages":{"Ada":3,"Bob":2,"Eve":1}}')
  })

  test('changed and changed back: the same root', () => {
    const root = start()
    const after = edited(root, (it) => {
      it.user.name = 'Eve'
      it.items.push({ id: 'd' })
      delete it.user.age
      it.items.pop()
      it.user.age = 36
      it.user.name = 'Ada'
    })
    expect(after).toBe(root)
  })

  test('a change copies its way up and shares the rest; the old value stays', () => {
    const root = start()
    const after = edited(root, (it) => void ((it.items[1] as Item).done = true))
    expect(after.items[1]).toEqual({ id: 'b', done: true })
    expect(after.user).toBe(root.user)
    expect(after.other).toBe(root.other)
    expect(after.items[0]).toBe(root.items[0])
    expect(after.items[2]).toBe(root.items[2])
    expect(root).toEqual(start())
  })

  test('what is written is read back; the same node is the same proxy', () => {
    edited(start(), (it) => {
      it.user.name = 'Eve'
      it.extra = { list: [1] }
      expect(it.user.name).toBe('Eve')
      expect(it.user).toBe(it.user)
      expect(it.extra).toBe(it.extra)
      ;(it.extra as { list: number[] }).list.push(2)
      expect(it.extra).toEqual({ list: [1, 2] })
      const second = it.items[1] as Item
      expect(it.items.indexOf(second)).toBe(1)
      expect(it.items.includes(second)).toBe(true)
    })
  })

  test('looks like plain data', () => {
    edited(start(), (it) => {
      expect(Array.isArray(it.items)).toBe(true)
      expect('age' in it.user).toBe(true)
      delete it.user.age
      expect('age' in it.user).toBe(false)
      expect(Object.keys(it)).toEqual(['user', 'items', 'other'])
      expect(Object.keys(it.items)).toEqual(['0', '1', '2'])
      expect(Object.entries(it.user)).toEqual([['name', 'Ada']])
      expect({ ...it.user }).toEqual({ name: 'Ada' })
      expect([...it.items].map((item) => item.id)).toEqual(['a', 'b', 'c'])
      expect(JSON.stringify(it)).toBe(
        '{"user":{"name":"Ada"},"items":[{"id":"a"},{"id":"b"},{"id":"c"}],"other":[{"id":"z"}]}',
      )
      expect(Object.getPrototypeOf(it)).toBe(Object.prototype)
      expect(it.items.concat(it.other)).toHaveLength(4)
      expect(it.items.map((item) => item.id).join()).toBe('a,b,c')
      expect(it.user.hasOwnProperty('name')).toBe(true)
    })
  })

  test('a property descriptor gives a draft too, not the old value', () => {
    const root = structuredClone(start())
    edited(root, (it) => {
      const descriptor = Object.getOwnPropertyDescriptor(it, 'user')
      const user = descriptor?.value as State['user']
      user.name = 'Eve'
    })
    expect(root.user.name).toBe('Ada')
  })

  test('items move between lists and keep their identity when nothing else changed', () => {
    const root = start()
    const after = edited(root, (it) => {
      const [moved] = it.items.splice(1, 1)
      it.other.unshift(moved as Item)
    })
    expect(after.items.map((it) => it.id)).toEqual(['a', 'c'])
    expect(after.other.map((it) => it.id)).toEqual(['b', 'z'])
    expect(after.other[0]).toBe(root.items[1])
  })

  test('a draft assigned to another place, directly or inside new data, is one value, and plain at the end', () => {
    const root = start()
    const after = edited(root, (it) => {
      it.copy = it.user
      it.deep = { list: [it.user, { again: it.items[0] }] }
      it.user.name = 'Eve'
    })
    expect(after.copy).toEqual({ name: 'Eve', age: 36 })
    expect(after.deep).toEqual({ list: [{ name: 'Eve', age: 36 }, { again: { id: 'a' } }] })
    expectPlain(after)
  })

  test('a value in two places of the old state becomes two values', () => {
    const shared = Object.freeze({ n: 0 })
    const root: State = { ...start(), x: shared, y: shared }
    const after = edited(root, (it) => void ((it.x as { n: number }).n = 1))
    expect(after.x).toEqual({ n: 1 })
    expect(after.y).toBe(shared)
  })

  test('a part of the old state assigned to another place is a separate value', () => {
    for (const readFirst of [true, false]) {
      const root = start()
      const after = edited(root, (it) => {
        if (readFirst) void it.user.name
        it.copy = root.user
        ;(it.copy as State['user']).name = 'Eve'
        expect(it.user.name).toBe('Ada')
        it.user.age = 1
      })
      expect(after).toMatchObject({ user: { name: 'Ada', age: 1 }, copy: { name: 'Eve', age: 36 } })
    }
  })

  test("the caller's objects are never changed, frozen or not", () => {
    const mine = { n: 0, list: [{ k: 1 }] }
    const frozen = freeze({ n: 0, list: [{ k: 1 }] })
    const after = edited(start(), (it) => {
      it.mine = mine
      it.frozen = frozen
      for (const name of ['mine', 'frozen']) {
        const value = it[name] as typeof mine
        value.n = 1
        ;(value.list[0] as { k: number }).k = 2
      }
    })
    expect(mine).toEqual({ n: 0, list: [{ k: 1 }] })
    expect(frozen).toEqual({ n: 0, list: [{ k: 1 }] })
    expect(after.mine).toEqual({ n: 1, list: [{ k: 2 }] })
    expect(after.frozen).toEqual({ n: 1, list: [{ k: 2 }] })
  })

  test('all ways to change a list', () => {
    const after = edited({ ...start(), l: freeze([5, 3, 9, 1]) }, (it) => {
      const list = it.l as number[]
      list.sort((a, b) => a - b)
      list.reverse()
      list.copyWithin(0, 2)
      list.fill(7, 3)
      list.unshift(0)
      list.push(8, 8)
      list.splice(1, 2, 4, 4, 4)
      list.length = 5
      list[5] = 6
    })
    const plain = [5, 3, 9, 1]
    plain.sort((a, b) => a - b)
    plain.reverse()
    plain.copyWithin(0, 2)
    plain.fill(7, 3)
    plain.unshift(0)
    plain.push(8, 8)
    plain.splice(1, 2, 4, 4, 4)
    plain.length = 5
    plain[5] = 6
    expect(after.l).toEqual(plain)
  })

  test('a shortened list keeps the items that are left', () => {
    const root = start()
    const after = edited(root, (it) => void (it.items.length = 2))
    expect(after.items).toHaveLength(2)
    expect(after.items[0]).toBe(root.items[0])
  })

  test('a list that came in and grew by empty places: they are kept, for the write to refuse', () => {
    const after = edited(start(), (it) => {
      it.extra = [1]
      ;(it.extra as number[]).length = 3
    })
    expect(after.extra).toHaveLength(3)
  })

  test('an object that a list inherits is read, and never becomes its own', () => {
    const root = start()
    const after = edited(root, (it) => {
      expect(it.items[Symbol.unscopables as never]).toBe(Array.prototype[Symbol.unscopables])
    })
    expect(after).toBe(root)
  })

  test('deleting a key counts as a change, even beside a new key set to undefined', () => {
    const after = edited(start(), (it) => {
      delete it.user.age
      it.user['nick' as 'name'] = undefined as unknown as string
    })
    expect('age' in after.user).toBe(false)
  })

  test('used after its end: an error of the library that says so, and nothing changes', () => {
    const root = start()
    const { draft, finish } = draftOf(root)
    const it = draft as State
    const { items, user } = it
    user.name = 'Eve'
    const after = finish() as State
    const late: (() => unknown)[] = [
      () => it.user,
      () => (user.name = 'Bob'),
      () => items.push({ id: 'd' }),
      () => 'name' in user,
      () => Object.keys(user),
      () => delete user.age,
      () => ({ ...user }),
      () => JSON.stringify(it),
      () => [...items],
    ]
    for (const use of late)
      expect(use).toThrow(
        expect.objectContaining({
          code: 'SESSION_STATE',
          message: expect.stringMatching(/ended.*edit it again/),
        }),
      )
    expect(after).toEqual({ ...start(), user: { name: 'Eve', age: 36 } })
  })

  test('an ended draft is refused as a value in another draft', () => {
    const first = draftOf(start())
    const old = (first.draft as State).user
    first.finish()
    expect(() => edited(start(), (it) => void (it.user = old))).toThrow(/has ended/)
  })

  test('prototype keys are refused, and the prototypes stay clean', () => {
    const name = '__proto__' as string
    const bad: ((it: Record<string, unknown>) => unknown)[] = [
      (it) => (it[name] = { polluted: 1 }),
      (it) => (it['constructor'] = 1),
      (it) => (it['prototype'] = 1),
      (it) => ((it['items'] as Record<string, unknown>)[name] = {}),
      (it) => ((it['items'] as Record<string, unknown>)['foo'] = {}),
      (it) => ((it as Record<symbol, unknown>)[Symbol('s')] = 1),
    ]
    for (const change of bad) {
      expect(() => edited(start(), (it) => void change(it))).toThrow(PathError)
    }
    for (const key of [name, 'constructor']) {
      const reach = (it: State): unknown => ((it[key] as Record<string, unknown>)['polluted'] = 1)
      expect(() => edited(start(), (it) => void reach(it))).toThrow(TypeError)
      expect(() => edited(start(), (it) => void reach(it.items as unknown as State))).toThrow(TypeError)
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect((Object as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('setting a prototype or defining a property on a draft leaves the old value alone', () => {
    const root = start()
    const odd = draftOf(root)
    Object.setPrototypeOf(odd.draft, { polluted: 1 })
    Object.defineProperty(odd.draft, 'x', { value: 1, enumerable: true })
    expect(Object.getPrototypeOf(root)).toBe(Object.prototype)
    expect(odd.finish()).toMatchObject({ ...root, x: 1 })
    expect('x' in root).toBe(false)
  })

  test('a value that contains itself becomes a cycle, for the write to refuse', () => {
    const mine: Record<string, unknown> = {}
    mine['self'] = mine
    const after = edited(start(), (it) => {
      it.mine = mine
      it.user = it as unknown as State['user']
    })
    const copy = after.mine as Record<string, unknown>
    expect(copy['self']).toBe(copy)
    expect(after.user).toBe(after)
  })

  test('values that are no plain data pass through unchanged', () => {
    const date = new Date(0)
    const map = new Map([[1, 2]])
    const after = edited({ ...start(), date }, (it) => {
      it.map = map
      expect(it.date).toBe(date)
      expect(it.map).toBe(map)
    })
    expect(after.map).toBe(map)
    expect(after.date).toBe(date)
  })

  test('a root that is no object is its own draft', () => {
    for (const root of [null, undefined, 1, 'text']) {
      const { draft, finish } = draftOf(root)
      expect(draft).toBe(root)
      expect(finish()).toBe(root)
    }
  })

  test('random changes to a draft give the same as to a clone (1,000 seeds)', () => {
    forSeeds(
      1000,
      (it) => Array.from({ length: 1 + it.below(20) }, () => it.mutation()),
      (script: readonly Mutation[], seed) => {
        const root = freeze(new Generator(seed + 5000).root())
        const before = JSON.stringify(root)
        const plain = structuredClone(root)
        const { draft, finish } = draftOf(root)
        for (const mutation of script) {
          mutate(draft, mutation)
          mutate(plain, mutation)
          expect(JSON.stringify(draft)).toBe(JSON.stringify(plain))
        }
        const after = finish() as Json
        expect(JSON.stringify(root)).toBe(before)
        expectPlain(after)
        expect(JSON.parse(JSON.stringify(after))).toEqual(JSON.parse(JSON.stringify(plain)))
        expectShared(root, after)
      },
    )
  }, 3_600_000)
})

/** Whatever says the same at the same place is the same object. */
function expectShared(before: unknown, after: unknown): void {
  if (typeof before !== 'object' || before === null || typeof after !== 'object' || after === null) return
  const keys = Object.keys(before)
  for (const key of keys) expectShared(Reflect.get(before, key), Reflect.get(after, key))
  const same =
    Array.isArray(before) === Array.isArray(after) &&
    keys.length === Object.keys(after).length &&
    keys.every(
      (key) => Object.hasOwn(after, key) && Object.is(Reflect.get(before, key), Reflect.get(after, key)),
    )
  // A new value that was assigned and happens to say the same may stay new.
  if (same && Object.isFrozen(after)) expect(after).toBe(before)
}

/** No proxy of an ended draft is left anywhere: reading one would throw. */
function expectPlain(value: unknown): void {
  expect(() => structuredClone(value)).not.toThrow()
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value)
    for (const child of Object.values(value)) freeze(child)
  }
  return value
}
