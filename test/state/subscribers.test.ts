import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createStore } from '../../src/state/create-store'

/** What the page would report, instead of an error that nobody catches. */
function reported(): unknown[] {
  const errors: unknown[] = []
  vi.stubGlobal('reportError', (error: unknown) => errors.push(error))
  onTestFinished(() => void vi.unstubAllGlobals())
  return errors
}

describe('who is called', () => {
  test('a subscriber on user when user.name is written: once, synchronously', () => {
    const store = createStore({ initial: { user: { name: 'Ada' } } })
    const listener = vi.fn<() => void>()
    store.subscribe('user', listener)
    store.set('user.name', 'Eve')
    expect(listener).toHaveBeenCalledTimes(1)
    expect(listener).toHaveBeenCalledWith()
  })

  test('a subscriber on user.name when user is replaced: only if the name changed', () => {
    const store = createStore({ initial: { user: { name: 'Ada' } } })
    const listener = vi.fn<() => void>()
    store.subscribe('user.name', listener)
    store.set('user', { name: 'Ada', age: 1 })
    store.replace({ user: { name: 'Ada' } })
    expect(listener).toHaveBeenCalledTimes(0)
    store.set('user', { name: 'Eve' })
    expect(listener).toHaveBeenCalledTimes(1)
    store.replace({})
    expect(listener).toHaveBeenCalledTimes(2)
    store.set('user.name', 'Eve')
    expect(listener).toHaveBeenCalledTimes(3)
    store.delete('user' as never)
    expect(listener).toHaveBeenCalledTimes(4)
  })

  test('a container replaced by an equal one: its subscriber is called, those of its values are not', () => {
    const store = createStore({ initial: { a: { b: { c: 1 } } } })
    const [outer, inner] = [vi.fn<() => void>(), vi.fn<() => void>()]
    store.subscribe('a.b', outer)
    store.subscribe('a.b.c', inner)
    store.set('a', { b: { c: 1 } })
    expect(outer).toHaveBeenCalledTimes(1)
    expect(inner).toHaveBeenCalledTimes(0)
  })

  test('siblings, and paths beside the written one, are not called', () => {
    const store = createStore({ initial: { user: { name: 'Ada', age: 1 }, users: 1 } })
    const listener = vi.fn<() => void>()
    for (const path of ['user.age', 'users', 'user.name.first', 'user.names', 'use'])
      store.subscribe(path, listener)
    store.set('user.name', 'Eve')
    expect(listener).not.toHaveBeenCalled()
  })

  test('list items: after a removal, every subscriber whose value changed', () => {
    const store = createStore({ initial: { l: ['a', 'b', 'b', 'c'] } })
    const calls: string[] = []
    for (const i of [0, 1, 2, 3, 4])
      store.subscribe(`l.${i}`, () => calls.push(`${i}:${String(store.get(`l.${i}`))}`))
    store.delete('l.1')
    expect(calls.toSorted()).toEqual(['2:c', '3:undefined'])
  })

  test('a path with a dot in a key is not the dotted path', () => {
    const store = createStore()
    const [dotted, keyed] = [vi.fn<() => void>(), vi.fn<() => void>()]
    store.subscribe('a.b', dotted)
    store.subscribe(['a.b'], keyed)
    store.set(['a.b'], 1)
    expect([dotted.mock.calls.length, keyed.mock.calls.length]).toEqual([0, 1])
    store.set('a.b', 1)
    expect([dotted.mock.calls.length, keyed.mock.calls.length]).toEqual([1, 1])
  })

  test('a listener sees the final state, and reads of other paths agree with it', () => {
    const store = createStore({ initial: { a: 1, b: 1 } })
    const seen: unknown[] = []
    store.subscribe('a', () => seen.push([store.get('a'), store.get('b'), store.get()]))
    store.edit((draft) => {
      draft['a'] = 2
      draft['b'] = 2
    })
    expect(seen).toEqual([[2, 2, { a: 2, b: 2 }]])
  })

  test('the same function twice is called twice; each unsubscribes only itself', () => {
    const store = createStore()
    const listener = vi.fn<() => void>()
    const leaveFirst = store.subscribe('a', listener)
    const leaveSecond = store.subscribe('a', listener)
    store.set('a', 1)
    expect(listener).toHaveBeenCalledTimes(2)
    leaveFirst()
    leaveFirst()
    store.set('a', 2)
    expect(listener).toHaveBeenCalledTimes(3)
    leaveSecond()
    store.set('a', 3)
    expect(listener).toHaveBeenCalledTimes(3)
  })

  test('unsubscribing twice does not remove a later subscriber of the same path', () => {
    const store = createStore()
    const listener = vi.fn<() => void>()
    const leave = store.subscribe('a.b.c', () => {})
    leave()
    store.subscribe('a.b.c', listener)
    leave()
    store.set('a.b.c', 1)
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('several on one path: called in the order in which they came, whoever has left', () => {
    const store = createStore({ initial: { n: 0 } })
    const calls: string[] = []
    const listen = (name: string) => store.subscribe('n', () => calls.push(name))
    const [a, b] = [listen('a'), listen('b'), listen('c')]
    a()
    listen('d')
    store.set('n', 1)
    b()
    b()
    listen('e')
    store.set('n', 2)
    expect(calls.join('')).toBe('bcdcde')
  })

  test('unsubscribing keeps those above and below', () => {
    const store = createStore({ initial: { a: { b: { c: 0 } } } })
    const listener = vi.fn<() => void>()
    store.subscribe('a', listener)
    const leave = store.subscribe('a.b', () => {})
    store.subscribe('a.b.c', listener)
    leave()
    store.set('a.b.c', 1)
    expect(listener).toHaveBeenCalledTimes(2)
  })

  test('10,000 subscribers on 10,000 paths: one write, one call', () => {
    const items = Array.from({ length: 10_000 }, (_, id) => ({ id, n: 0 }))
    const store = createStore({ initial: { items } })
    const calls: number[] = []
    for (const { id } of items) store.subscribe(`items.${id}.n`, () => calls.push(id))
    store.set('items.5000.n', 1)
    expect(calls).toEqual([5000])
    store.append('items', { id: 10_000, n: 0 })
    expect(calls).toEqual([5000])
  })
})

describe('a listener that misbehaves', () => {
  test('one throws: the others still run, the error surfaces once, and the write has happened', () => {
    const errors = reported()
    const store = createStore()
    const boom = new Error('boom')
    const calls: string[] = []
    store.subscribe('a', () => calls.push('first'))
    store.subscribe('a', () => {
      throw boom
    })
    store.subscribe('a', () => calls.push('last'))
    store.subscribe('', () => calls.push('root'))
    expect(() => store.set('a', 1)).not.toThrow()
    expect(calls.toSorted()).toEqual(['first', 'last', 'root'])
    expect(errors).toEqual([boom])
    expect(store.get('a')).toBe(1)
    store.set('a', 2)
    expect(calls).toHaveLength(6)
    expect(errors).toHaveLength(2)
  })

  test('one throws where the platform reports nothing, as in Node: its error is thrown after the write, for nobody to catch', () => {
    vi.stubGlobal('reportError', undefined)
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {})
    onTestFinished(() => {
      vi.unstubAllGlobals()
      later.mockRestore()
    })
    const store = createStore()
    store.subscribe('a', () => {
      throw new Error('boom')
    })
    store.set('a', 1)
    expect(later).toHaveBeenCalledTimes(1)
    expect(later.mock.calls[0]?.[0]).toThrow('boom')
  })

  test('all of them throw: each error surfaces once, and never from a write, edit or batch', () => {
    const errors = reported()
    const store = createStore()
    for (const n of [1, 2, 3]) {
      store.subscribe('a', () => {
        throw n
      })
    }
    store.edit((draft) => void (draft['a'] = 1))
    store.batch(() => store.set('a', 2))
    expect(errors).toEqual([1, 2, 3, 1, 2, 3])
  })

  test('one unsubscribes another during the notification: that one is not called', () => {
    const store = createStore()
    const later = vi.fn<() => void>()
    const leave: (() => void)[] = []
    store.subscribe('a', () => leave.forEach((it) => it()))
    leave.push(store.subscribe('a', later), store.subscribe('', later), store.subscribe('a.b', later))
    const rootCalls = later.mock.calls.length
    store.set('a', { b: 1 })
    // Whoever stands before the one that unsubscribes has been called already.
    expect(later.mock.calls.length - rootCalls).toBeLessThanOrEqual(1)
    store.set('a', { b: 2 })
    expect(later.mock.calls.length - rootCalls).toBeLessThanOrEqual(1)
  })

  test('one unsubscribes the next on the same path: that one is not called', () => {
    const store = createStore()
    const later = vi.fn<() => void>()
    let leave = (): void => {}
    store.subscribe('a', () => leave())
    leave = store.subscribe('a', later)
    store.set('a', 1)
    expect(later).not.toHaveBeenCalled()
  })

  test('one unsubscribes itself: the others are called', () => {
    const store = createStore()
    const calls: string[] = []
    const leave = store.subscribe('a', () => {
      calls.push('once')
      leave()
    })
    store.subscribe('a', () => calls.push('always'))
    store.set('a', 1)
    store.set('a', 2)
    expect(calls).toEqual(['once', 'always', 'always'])
  })

  test('one that subscribes another: the new one hears of the next write', () => {
    const store = createStore()
    const late = vi.fn<() => void>()
    let subscribed = false
    store.subscribe('a', () => {
      if (!subscribed) store.subscribe('a', late)
      subscribed = true
    })
    store.set('a', 1)
    expect(late).toHaveBeenCalledTimes(0)
    store.set('a', 2)
    expect(late).toHaveBeenCalledTimes(1)
  })

  test('the second of two that subscribes another: the new one hears of the next write', () => {
    const store = createStore()
    const late = vi.fn<() => void>()
    let subscribe = (): unknown => store.subscribe('a', late)
    store.subscribe('a', () => {})
    store.subscribe('a', () => {
      subscribe()
      subscribe = () => {}
    })
    store.set('a', 1)
    expect(late).toHaveBeenCalledTimes(0)
    store.set('a', 2)
    expect(late).toHaveBeenCalledTimes(1)
  })

  test('one that writes: the write is seen at once, its notification comes afterwards, and it ends', () => {
    const store = createStore({ initial: { n: 0, doubled: 0 } })
    const log: string[] = []
    store.subscribe('n', () => {
      log.push(`first n=${String(store.get('n'))}`)
      store.set('doubled', Number(store.get('n')) * 2)
      expect(store.get('doubled')).toBe(Number(store.get('n')) * 2)
    })
    store.subscribe('n', () => log.push(`second n=${String(store.get('n'))}`))
    store.subscribe('doubled', () => log.push(`doubled=${String(store.get('doubled'))}`))
    store.set('n', 1)
    expect(log).toEqual(['first n=1', 'second n=1', 'doubled=2'])
  })

  test('one that writes its own path several times: it is called each time, in order', () => {
    const store = createStore({ initial: { n: 0 } })
    const seen: unknown[] = []
    store.subscribe('n', () => {
      const n = Number(store.get('n'))
      seen.push(n)
      if (n < 5) store.set('n', n + 1)
    })
    store.set('n', 1)
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  test('two that write each other’s path end when the values are equal', () => {
    const store = createStore({ initial: { a: 0, b: 0 } })
    store.subscribe('a', () => store.set('b', store.get('a')))
    store.subscribe('b', () => store.set('a', store.get('b')))
    store.set('a', 7)
    expect(store.get()).toEqual({ a: 7, b: 7 })
  })

  test('one that writes and then throws: the write stays and is notified', () => {
    const errors = reported()
    const store = createStore()
    const told = vi.fn<() => void>()
    store.subscribe('a', () => {
      store.set('b', 1)
      throw new Error('boom')
    })
    store.subscribe('b', told)
    store.set('a', 1)
    expect(told).toHaveBeenCalledTimes(1)
    expect(errors).toHaveLength(1)
  })

  test('one that starts an edit or a batch: its changes land', () => {
    const store = createStore()
    const told = vi.fn<() => void>()
    store.subscribe('a', () => {
      store.edit((draft) => void (draft['b'] = 1))
      store.batch(() => {
        store.set('c', 1)
        store.set('d', 1)
      })
    })
    store.subscribe('d', told)
    store.set('a', 1)
    expect(store.get()).toEqual({ a: 1, b: 1, c: 1, d: 1 })
    expect(told).toHaveBeenCalledTimes(1)
  })

  test('a recipe or batch that throws: nobody is called, also not by the next write', () => {
    const store = createStore({ initial: { a: 0, b: 0 } })
    const [onA, onB] = [vi.fn<() => void>(), vi.fn<() => void>()]
    store.subscribe('a', onA)
    store.subscribe('b', onB)
    expect(() =>
      store.batch(() => {
        store.set('a', 1)
        throw new Error('boom')
      }),
    ).toThrow('boom')
    store.set('b', 1)
    expect(onA).toHaveBeenCalledTimes(0)
    expect(onB).toHaveBeenCalledTimes(1)
  })
})
