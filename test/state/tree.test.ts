import { describe, expect, test, vi } from 'vitest'
import type { Op } from '../../src/state/op'
import { toPath } from '../../src/state/path'
import { Tree } from '../../src/state/tree'

function applied(root: unknown, ...ops: Op[]): unknown {
  const tree = new Tree(root)
  tree.apply(ops)
  return tree.root()
}

describe('operations that fit the state', () => {
  test.each<[unknown, Op[], unknown]>([
    [{}, [['set', 'a.b.c', 1]], { a: { b: { c: 1 } } }],
    [{ l: [1, 2] }, [['set', 'l.0', 3]], { l: [3, 2] }],
    [{ l: [1] }, [['set', 'l.1', 3]], { l: [1, 3] }],
    [{ l: [1] }, [['append', 'l', 2, 'list']], { l: [1, 2] }],
    [{ l: [] }, [['append', 'l', 'text']], { l: ['text'] }],
    [{ t: 'a' }, [['append', 't', 'b', 'text']], { t: 'ab' }],
    [{}, [['append', 't', 'b']], { t: 'b' }],
    [{}, [['append', 'l', 'b', 'list']], { l: ['b'] }],
    [{}, [['append', 'a.l', 1]], { a: { l: [1] } }],
    [{ a: 1, b: 2 }, [['delete', 'a']], { b: 2 }],
    [{ l: [1, 2, 3] }, [['delete', 'l.1']], { l: [1, 3] }],
    [{ l: [1, 2, 3] }, [['splice', 'l', 1, 1, ['a', 'b']]], { l: [1, 'a', 'b', 3] }],
    [{ a: 1 }, [['replace', [1]]], [1]],
    [{}, [['set', ['a.b', ''], 1]], { 'a.b': { '': 1 } }],
    [[{ n: 1 }], [['set', '0.n', 2]], [{ n: 2 }]],
    [{ l: [[1]] }, [['append', 'l.0', 2]], { l: [[1, 2]] }],
  ])('%j %j', (root, ops, after) => {
    const before = structuredClone(root)
    expect(applied(root, ...ops)).toEqual(after)
    expect(root).toEqual(before)
  })
})

describe('operations made for another state', () => {
  test.each<[unknown, Op[], unknown]>([
    [{ a: 1 }, [['set', 'a.b', 1]], { a: { b: 1 } }],
    [{ a: null }, [['set', 'a.b.c', 1]], { a: { b: { c: 1 } } }],
    [{ a: 'text' }, [['append', 'a.l', 1]], { a: { l: [1] } }],
    [{}, [['set', 'l.0.n', 1]], { l: { 0: { n: 1 } } }],
    [{ l: [1] }, [['set', 'l.9', 2]], { l: [1, 2] }],
    [{ l: [1] }, [['set', 'l.9.n', 2]], { l: [1, { n: 2 }] }],
    [{ l: [1] }, [['splice', 'l', 9, 9, [2]]], { l: [1, 2] }],
    [{ l: [1] }, [['delete', 'l.9']], { l: [1] }],
    [{}, [['delete', 'a.b.c']], {}],
    [{ a: 1 }, [['delete', 'a.b.c']], { a: 1 }],
    [{ a: { x: 1 } }, [['append', 'a', 1]], { a: [1] }],
    [{ a: 1 }, [['append', 'a', 't']], { a: 't' }],
    [{ a: null }, [['append', 'a', 't', 'list']], { a: ['t'] }],
    [{ a: 1 }, [['splice', 'a', 0, 1, []]], { a: 1 }],
    [null, [['set', 'a', 1]], { a: 1 }],
    [undefined, [['append', 'a', 't']], { a: 't' }],
  ])('%j %j', (root, ops, after) => {
    expect(applied(root, ...ops)).toEqual(after)
  })
})

describe('identity', () => {
  test('values handed out never change; what nobody has seen may be changed in place', () => {
    const tree = new Tree({ a: { n: 0 }, l: [{}] })
    const seen: [unknown, unknown][] = []
    for (let n = 1; n <= 20; n++) {
      tree.apply([
        ['set', 'a.n', n],
        ['append', 'l', { n }],
        ['set', `l.${n}.m`, n],
      ])
      if (n % 3 === 0) seen.push([tree.root(), structuredClone(tree.root())])
      if (n % 4 === 0) seen.push([tree.read(toPath('l')), structuredClone(tree.read(toPath('l')))])
      if (n % 5 === 0) seen.push([tree.read(toPath(`l.${n}`)), structuredClone(tree.read(toPath(`l.${n}`)))])
    }
    for (const [value, copy] of seen) expect(value).toEqual(copy)
    expect((tree.root() as { l: unknown[] }).l).toHaveLength(21)
  })

  test.each([3, 199, 200, 1_000])('a map of %i keys that somebody holds / a write copies it', (count) => {
    const keys = ['12', ...Array.from({ length: count - 2 }, (_, n) => `key ${n}`), 'toString']
    const map = Object.freeze(Object.fromEntries(keys.map((key) => [key, { key }])))
    const tree = new Tree({ map })
    tree.apply([['set', ['map', 'key 0'], 1]])
    const after = tree.read(toPath('map')) as Record<string, unknown>
    expect(after).toEqual({ ...map, 'key 0': 1 })
    expect(Object.keys(after)).toEqual(Object.keys(map))
    expect(Object.getPrototypeOf(after)).toBe(Object.prototype)
    expect([map['key 0'], after['toString']]).toEqual([{ key: 'key 0' }, map['toString']])
    expect(tree.read(toPath('map.hasOwnProperty'))).toBeUndefined()
  })

  test('operations and their values stay as they were, also when applied twice', () => {
    const ops: Op[] = [
      ['set', 'a', { n: [] }],
      ['append', 'a.n', { x: 1 }],
      ['set', 'a.n.0.x', 2],
      ['append', 'l', { y: 1 }],
      ['set', 'l.0.y', 2],
      ['splice', 'l', 0, 0, [{ z: 1 }]],
      ['set', 'l.0.z', 2],
      ['replace', { r: { s: 1 } }],
      ['set', 'r.s', 2],
    ]
    const copy = structuredClone(ops)
    const [one, other] = [new Tree({}), new Tree({})]
    one.apply(ops)
    other.apply(ops)
    expect(ops).toEqual(copy)
    expect(one.root()).toEqual({ r: { s: 2 } })
    expect(other.root()).toEqual(one.root())
  })

  test('a write of the same value changes no identity', () => {
    const tree = new Tree({ a: { n: 1, t: 'x' } })
    const root = tree.root()
    tree.apply([
      ['set', 'a.n', 1],
      ['delete', 'a.gone'],
      ['append', 'a.t', ''],
    ])
    expect(tree.root()).toBe(root)
  })

  test('identity changes exactly along the written path', () => {
    const tree = new Tree({ a: { b: { c: 1 }, d: {} }, e: [{}] })
    const before = tree.root() as { a: { b: object; d: object }; e: object[] }
    tree.apply([['set', 'a.b.c', 2]])
    const after = tree.root() as typeof before
    expect(after).not.toBe(before)
    expect(after.a).not.toBe(before.a)
    expect(after.a.b).not.toBe(before.a.b)
    expect(after.a.d).toBe(before.a.d)
    expect(after.e).toBe(before.e)
  })
})

describe('subscribers of a tree', () => {
  test('are told by flush, once for all operations before it', () => {
    const tree = new Tree({ a: 0, b: 0 })
    const listener = vi.fn<() => void>()
    const leave = tree.subscribe(toPath('a'), listener)
    tree.apply([['set', 'b', 1]])
    expect(tree.pending).toBe(false)
    tree.apply([['set', 'a', 1]])
    tree.apply([['set', 'a', 2]])
    expect(tree.pending).toBe(true)
    expect(listener).not.toHaveBeenCalled()
    tree.flush()
    tree.flush()
    expect(listener).toHaveBeenCalledTimes(1)
    expect(tree.pending).toBe(false)
    leave()
    tree.apply([['set', 'a', 3]])
    expect(tree.pending).toBe(false)
  })

  test('a place past the end of a list / the item comes at its end, and who listens there is told', () => {
    const tree = new Tree({ a: { l: [1, 2] } })
    const calls: string[] = []
    for (const path of ['a.l', 'a.l.2', 'a.l.5', '2']) tree.subscribe(toPath(path), () => calls.push(path))
    tree.apply([['set', 'a.l.5', 3]])
    tree.flush()
    expect(tree.root()).toEqual({ a: { l: [1, 2, 3] } })
    expect(calls).toEqual(['a.l', 'a.l.2'])
  })

  test('restore tells exactly those whose value differs', () => {
    const tree = new Tree({ a: { x: 1 }, b: { y: 1 }, l: [1, 2] })
    const old = tree.root()
    const calls: string[] = []
    for (const path of ['', 'a', 'a.x', 'b', 'b.y', 'l.0', 'l.1'])
      tree.subscribe(toPath(path), () => calls.push(path))
    tree.apply([
      ['set', 'a.x', 2],
      ['set', 'l.1', 3],
    ])
    tree.flush()
    calls.length = 0
    tree.restore(old)
    tree.flush()
    expect(calls.toSorted()).toEqual(['', 'a', 'a.x', 'l.1'])
    expect(tree.root()).toBe(old)
  })

  test('after a restore, writes do not change what was restored', () => {
    const tree = new Tree({ a: { x: 1 } })
    const old = tree.root()
    tree.apply([['set', 'a.x', 2]])
    tree.restore(old)
    tree.apply([['set', 'a.x', 3]])
    expect(old).toEqual({ a: { x: 1 } })
    expect(tree.root()).toEqual({ a: { x: 3 } })
  })
})
