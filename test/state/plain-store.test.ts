import { describe, expect, test, vi } from 'vitest'
import { createPlainStore, PathError, SerializationError } from 'dogear'

describe('a plain store', () => {
  test('reads, writes, appends, deletes, replaces and resets by path, like createStore', () => {
    const initial: { user: { name: string }; items: number[]; note?: string } = {
      user: { name: 'Ada' },
      items: [1],
      note: 'a',
    }
    const store = createPlainStore({ initial })
    store.set('user.name', (it) => `${it} L.`)
    store.append('items', 2)
    store.append('note', 'b')
    expect(store.get()).toEqual({ user: { name: 'Ada L.' }, items: [1, 2], note: 'ab' })
    store.delete('note')
    expect([store.has('note'), store.get('note', 'none')]).toEqual([false, 'none'])
    store.reset()
    expect(store.get()).toEqual({ user: { name: 'Ada' }, items: [1], note: 'a' })
    store.replace({ user: { name: 'Eve' }, items: [] })
    expect(store.get('user.name')).toBe('Eve')
  })

  test('a batch is one notification, or nothing when it throws', () => {
    const store = createPlainStore({ initial: { a: 0, b: 0 } })
    const listener = vi.fn<() => void>()
    store.subscribe('', listener)
    store.batch(() => {
      store.set('a', 1)
      store.set('b', 1)
    })
    expect(() =>
      store.batch(() => {
        store.set('a', 2)
        throw new Error('no')
      }),
    ).toThrow('no')
    expect([store.get(), listener.mock.calls.length]).toEqual([{ a: 1, b: 1 }, 1])
  })

  test('refuses values that are no JSON, and bad paths, like every store', () => {
    const store = createPlainStore()
    expect(() => store.set('when', new Date())).toThrow(SerializationError)
    expect(() => store.set('__proto__.x', 1)).toThrow(PathError)
    expect(() => createPlainStore({ initial: { f: () => 1 } })).toThrow('state.f is a function')
    expect(store.get()).toEqual({})
  })

  test('has no drafts', () => {
    expect(createPlainStore()).not.toHaveProperty('edit')
  })
})
