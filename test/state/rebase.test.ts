import { describe, expect, test, vi } from 'vitest'
import type { Op } from '../../src/state/op'
import { toPath } from '../../src/state/path'
import { rebase } from '../../src/state/rebase'
import { Tree } from '../../src/state/tree'
import { forSeeds, type Generator } from './generate'

/** Entries of a step that is rolled back (`S`) and of others (`U`). */
type Line = readonly ['S' | 'U', ...Op[]]

function rolledBack(base: unknown, ...lines: readonly Line[]): unknown {
  return rolled(base, lines).root
}

function rolled(base: unknown, lines: readonly Line[]): ReturnType<typeof rebase> {
  const entries = lines.map(([who, ...ops]) => ({ ops, dropped: who === 'S' }))
  const before = structuredClone([base, entries])
  const result = rebase(base, entries)
  expect([base, entries]).toEqual(before)
  expectReplay(base, result)
  expect(result.kept).toHaveLength(lines.filter(([who]) => who === 'U').length)
  return result
}

/** What is kept is a history of its own: replayed from the base, it makes the root. */
function expectReplay(base: unknown, { root, kept }: ReturnType<typeof rebase>): void {
  let current = base
  for (const { ops } of kept) current = replay(current, ops)
  expect(root).toEqual(current)
}

function replay(base: unknown, ops: readonly Op[]): unknown {
  const tree = new Tree(base)
  tree.apply(ops)
  return tree.read(toPath(''))
}

describe('a rollback', () => {
  test("the index of another writer's write follows its item when an append before it is undone", () => {
    const result = rolled({ list: ['a'] }, [
      ['S', ['append', 'list', 'b', 'list']],
      ['U', ['append', 'list', { c: 1 }, 'list']],
      ['U', ['set', 'list.2.flag', 1]],
    ])
    expect(result.root).toEqual({ list: ['a', { c: 1, flag: 1 }] })
    expect(result.kept.map((it) => it.ops)).toEqual([
      [['append', 'list', { c: 1 }, 'list']],
      [['set', 'list.1.flag', 1]],
    ])
  })

  test("another writer's write below an undone value lands on what was there before", () => {
    expect(rolledBack({ a: { x: 0 } }, ['S', ['set', 'a', { x: 1 }]], ['U', ['set', 'a.b', 9]])).toEqual({
      a: { x: 0, b: 9 },
    })
  })

  test("two appends to one list: only the other writer's stays", () => {
    expect(rolledBack({ l: [1] }, ['S', ['append', 'l', 2]], ['U', ['append', 'l', 3]])).toEqual({
      l: [1, 3],
    })
  })

  test('created parents are undone too', () => {
    expect(rolledBack({}, ['S', ['set', 'a.b.c', 1]])).toEqual({})
  })

  test("another writer's write whose parent has vanished creates it again", () => {
    expect(rolledBack({}, ['S', ['set', 'a', {}]], ['U', ['set', 'a.b.c', 1]])).toEqual({
      a: { b: { c: 1 } },
    })
    expect(rolledBack({ a: 1 }, ['S', ['set', 'a', {}]], ['U', ['set', 'a.b', 1]])).toEqual({ a: { b: 1 } })
  })

  test('x=0; A sets 1, B sets 2; both fail in turn: never a value that nobody committed', () => {
    const base = { x: 0 }
    const first = rolled(base, [
      ['S', ['set', 'x', 1]],
      ['U', ['set', 'x', 2]],
    ])
    expect(first.root).toEqual({ x: 2 })
    const second = rebase(base, [{ ops: first.kept[0]?.ops ?? [], dropped: true }])
    expect(second.root).toEqual(base)
  })

  test("own writes to parent and child paths mix with another writer's", () => {
    expect(
      rolledBack(
        { a: { x: 0, y: 0 } },
        ['S', ['set', 'a.x', 1], ['set', 'a', { z: 1 }], ['set', 'a.z', 2]],
        ['U', ['set', 'a.w', 1]],
        ['S', ['delete', 'a.w'], ['delete', 'a']],
      ),
    ).toEqual({ a: { x: 0, y: 0, w: 1 } })
  })

  test("another writer's write into an undone item goes with it, and leaves an entry without operations", () => {
    const result = rolled({ l: [] }, [
      ['S', ['append', 'l', { id: 's' }]],
      ['U', ['set', 'l.0.flag', 1], ['set', 'l.0', 'mine'], ['append', 'l.0.tags', 't'], ['delete', 'l.0']],
      ['U', ['append', 'l', 'u', 'list']],
    ])
    expect(result.root).toEqual({ l: ['u'] })
    expect(result.kept[0]?.ops).toEqual([])
  })

  test('undoing a removal brings the item back, and later indices move up', () => {
    expect(
      rolledBack(
        { l: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] },
        ['S', ['delete', 'l.0']],
        ['U', ['set', 'l.0.flag', 1], ['delete', 'l.1']],
        ['U', ['append', 'l', { id: 'd' }]],
        ['U', ['set', 'l.1.flag', 2]],
      ),
    ).toEqual({ l: [{ id: 'a' }, { id: 'b', flag: 1 }, { id: 'd', flag: 2 }] })
  })

  test('kept and undone inserts mix', () => {
    expect(
      rolledBack(
        { l: ['a', 'b'] },
        ['S', ['splice', 'l', 1, 0, ['s1']]],
        ['U', ['splice', 'l', 2, 0, ['u1']]],
        ['S', ['splice', 'l', 0, 0, ['s2', 's3']]],
        ['U', ['splice', 'l', 1, 0, ['u2']], ['set', 'l.5', 'U1']],
        ['U', ['set', 'l.6', 'B'], ['set', 'l.7', 'end']],
      ),
    ).toEqual({ l: ['u2', 'a', 'U1', 'B', 'end'] })
  })

  test("another writer's splice over own and other items removes only the other ones", () => {
    const result = rolled({ l: ['a', 'b', 'c', 'd'] }, [
      ['S', ['splice', 'l', 1, 1, ['s']]],
      ['U', ['splice', 'l', 0, 3, ['u']]],
    ])
    expect(result.root).toEqual({ l: ['u', 'b', 'd'] })
  })

  test('a set at the length is an insert', () => {
    expect(
      rolledBack(
        { l: ['a'] },
        ['S', ['set', 'l.1', 's']],
        ['U', ['set', 'l.2', { u: 1 }]],
        ['U', ['set', 'l.2.v', 2]],
      ),
    ).toEqual({ l: ['a', { u: 1, v: 2 }] })
  })

  test('a write into the item after the last, which begins that item, is an insert', () => {
    const line = [
      ['S', ['append', 'list', 'b', 'list']],
      ['U', ['set', 'list.2.name.first', 'Ada']],
      ['U', ['append', 'list.3.tags', 'x', 'list']],
      ['U', ['append', 'list.4', 'y', 'list']],
      ['U', ['set', 'list.2.name.last', 'L']],
    ] as const
    expect(rolledBack({ list: ['a'] }, ...line)).toEqual({
      list: ['a', { name: { first: 'Ada', last: 'L' } }, { tags: ['x'] }, ['y']],
    })
    expect(
      rolledBack({ list: [] }, ['S', ['set', 'a', 1]], ['U', ['append', 'list.0', 't', 'text']]),
    ).toEqual({
      list: ['t'],
    })
  })

  test.each([
    ['set', 'l.0.name', 'Ada'],
    ['set', 'l.0', 'Ada'],
    ['append', 'l', 'Ada', 'list'],
  ] as const)(
    'something else than a list is there again / "%s" of %s goes, and does not replace it',
    (...op) => {
      for (const l of [{ a: 1 }, 'long text', 7])
        expect(rolledBack({ l }, ['S', ['set', 'l', []]], ['U', op], ['U', ['set', 'm', 1]])).toEqual({
          l,
          m: 1,
        })
    },
  )

  test('lists inside list items have their own indices, wherever the item moves', () => {
    expect(
      rolledBack(
        { l: [{ tags: ['x'] }] },
        ['S', ['splice', 'l', 0, 0, [{ tags: [] }]], ['splice', 'l.1.tags', 0, 0, ['s']]],
        ['U', ['append', 'l.1.tags', { u: 1 }, 'list']],
        ['S', ['splice', 'l', 0, 0, [1, 2]]],
        ['U', ['set', 'l.3.tags.2.v', 2], ['set', 'l.3.tags.1', 'X']],
      ),
    ).toEqual({ l: [{ tags: ['X', { u: 1, v: 2 }] }] })
  })

  test('a list replaced as a whole: the same position counts as the same item', () => {
    expect(
      rolledBack(
        { l: [{ id: 'a' }] },
        ['S', ['set', 'l', [{ id: 'b' }, { id: 'c' }]]],
        ['U', ['set', 'l.0.flag', 1], ['set', 'l.1.flag', 1], ['append', 'l', { id: 'd' }]],
        ['U', ['set', 'l.2.flag', 2]],
      ),
    ).toEqual({
      l: [
        { id: 'a', flag: 1 },
        { id: 'd', flag: 2 },
      ],
    })
  })

  test("another writer's write of the whole list forgets every earlier shift", () => {
    expect(
      rolledBack(
        { l: ['a'] },
        ['S', ['append', 'l', 's', 'list']],
        ['U', ['set', 'l', [{}, {}]]],
        ['U', ['set', 'l.1.flag', 1]],
      ),
    ).toEqual({ l: [{}, { flag: 1 }] })
    expect(
      rolledBack(
        { l: ['a'] },
        ['S', ['append', 'l', 's']],
        ['U', ['replace', { l: [{}, {}] }]],
        ['U', ['set', 'l.1.f', 1]],
      ),
    ).toEqual({ l: [{}, { f: 1 }] })
  })

  test('an insert into an undone list begins a list', () => {
    for (const op of [
      ['append', 'l', 'u', 'list'],
      ['set', 'l.0', 'u'],
      ['splice', 'l', 0, 0, ['u']],
    ] as const) {
      expect(rolledBack({}, ['S', ['set', 'l', []]], ['U', op], ['U', ['append', 'l', 'v', 'list']])).toEqual(
        {
          l: ['u', 'v'],
        },
      )
    }
  })

  test('a list that comes back is joined by what another writer began meanwhile', () => {
    expect(
      rolledBack(
        { l: [{ id: 'a' }] },
        ['S', ['delete', 'l']],
        ['U', ['append', 'l', { id: 'u' }]],
        ['U', ['set', 'l.0.flag', 1]],
      ),
    ).toEqual({ l: [{ id: 'a' }, { id: 'u', flag: 1 }] })
  })

  test('so is a list of texts', () => {
    expect(
      rolledBack(
        { l: ['a'] },
        ['S', ['delete', 'l']],
        ['U', ['append', 'l', 'u', 'list']],
        ['U', ['set', 'l.0', 'U']],
      ),
    ).toEqual({ l: ['a', 'U'] })
  })

  test('text: what another writer appended stays', () => {
    expect(
      rolledBack(
        { t: 'a' },
        ['S', ['append', 't', 'S']],
        ['U', ['append', 't', 'u']],
        ['S', ['set', 't', '']],
      ),
    ).toEqual({ t: 'au' })
    expect(rolledBack({}, ['S', ['append', 't', 'S']], ['U', ['append', 't', 'u']])).toEqual({ t: 'u' })
  })

  test('a key set on an object is no item of the list that comes back', () => {
    expect(
      rolledBack({ l: ['a'] }, ['S', ['set', 'l', {}]], ['U', ['set', 'l.0', 'x'], ['set', 'l.k.m', 1]]),
    ).toEqual({ l: ['a'] })
  })

  test('keys with dots keep their path', () => {
    const result = rolled({ 'a.b': ['x'] }, [
      ['S', ['splice', ['a.b'], 0, 0, [0]]],
      ['U', ['set', ['a.b', '1'], 'y']],
    ])
    expect(result.root).toEqual({ 'a.b': ['y'] })
    expect(result.kept[0]?.ops).toEqual([['set', ['a.b', '0'], 'y']])
  })

  test('nothing undone: a plain replay; everything undone: the base', () => {
    const base = { l: [1] }
    const ops: Op[] = [
      ['append', 'l', 2],
      ['splice', 'l', 0, 1, ['x', 'y']],
      ['set', 'n.m', 1],
    ]
    const result = rebase(base, [{ ops, dropped: false }])
    expect(result.root).toEqual(replay(base, ops))
    expect(result.kept[0]?.ops).toEqual([['append', 'l', 2, 'list'], ...ops.slice(1)])
    expect(rebase(base, [{ ops, dropped: true }])).toEqual({ root: base, kept: [] })
    expect(rebase(base, [{ ops, dropped: true }]).root).toBe(base)
    expect(rebase(base, [])).toEqual({ root: base, kept: [] })
  })

  test('another writer appends hundreds of items: the work grows linearly', () => {
    const walked = [100, 800].map((count) => {
      let items = 0
      const { filter } = Array.prototype
      const spy = vi.spyOn(Array.prototype, 'filter').mockImplementation(function (this: unknown[], ...args) {
        items += this.length
        return filter.apply(this, args as never)
      })
      const lines = Array.from({ length: count }, (_, at): Line => [
        at === 0 ? 'S' : 'U',
        ['append', 'l', at],
      ])
      const { root } = rebase(
        { l: [] },
        lines.map(([who, ...ops]) => ({ ops, dropped: who === 'S' })),
      )
      spy.mockRestore()
      expect((root as { l: number[] }).l).toHaveLength(count - 1)
      return items
    })
    expect(walked[1]).toBeLessThanOrEqual((walked[0] ?? 0) * 8)
  })

  test('parts that are not written keep their identity', () => {
    const base = { a: { x: 0 }, b: [{}] }
    const { root } = rebase(base, [
      { ops: [['set', 'b.0.y', 1]], dropped: true },
      { ops: [['set', 'a.x', 1]], dropped: false },
    ])
    expect((root as typeof base).b).toBe(base.b)
  })

  test(
    'two writers in lists, compared with a model that tracks each item (1,500 seeds)',
    { timeout: 3_600_000 },
    () => {
      forSeeds(1500, script, (lines) => {
        const reference = new Reference()
        const base = reference.now()
        const entries = lines.map((line) => {
          const ops = line.acts.flatMap((act) => reference.act(act, line.dropped))
          return { ops, dropped: line.dropped }
        })
        expect(reference.old()).toEqual(
          replay(
            base,
            entries.flatMap((it) => it.ops),
          ),
        )
        const result = rebase(base, entries)
        expect(result.root).toEqual(reference.now())
        expectReplay(base, result)
      })
    },
  )

  test('undone in two goes or at once, the same items are left (1,500 seeds)', { timeout: 3_600_000 }, () => {
    forSeeds(1500, script, (lines) => {
      const reference = new Reference()
      const base = reference.now()
      const entries = lines.map((line) => {
        const ops = line.acts.flatMap((act) => reference.act(act, line.dropped))
        return { ops, dropped: line.dropped }
      })
      const isFirst = (it: { dropped: boolean }, i: number): boolean => it.dropped && i % 2 === 0
      const half = rebase(
        base,
        entries.map((it, i) => ({ ...it, dropped: isFirst(it, i) })),
      )
      const rest = entries.filter((it, i) => !isFirst(it, i))
      const twice = rebase(
        base,
        rest.map((it, i) => ({ ops: half.kept[i]?.ops ?? [], dropped: it.dropped })),
      )
      // Where items stand that come back between others is free, so the order is not compared.
      expect(unordered(twice.root)).toEqual(unordered(reference.now()))
    })
  })

  test('nothing undone: a plain replay (300 seeds)', { timeout: 3_600_000 }, () => {
    forSeeds(300, script, (lines) => {
      const reference = new Reference()
      const base = reference.now()
      const entries = lines.map((it) => ({
        ops: it.acts.flatMap((act) => reference.act(act, false)),
        dropped: false,
      }))
      const result = rebase(base, entries)
      expectReplay(base, result)
      expect(result.root).toEqual(reference.old())
    })
  })
})

/** One change; numbers from 0 to 1 choose among what is there when it is done. */
interface Act {
  readonly kind: 'append' | 'insert' | 'remove' | 'splice' | 'write' | 'text' | 'end' | 'field'
  readonly list: readonly number[]
  readonly at: number
  readonly count: number
  readonly value: number
}

interface Lines {
  readonly dropped: boolean
  readonly acts: readonly Act[]
}

function script(it: Generator): Lines[] {
  return Array.from({ length: 2 + it.below(10) }, () => {
    const dropped = it.chance(0.45)
    const acts = Array.from({ length: 1 + it.below(3) }, (): Act => ({
      kind: it.pick([
        'append',
        'append',
        'insert',
        'remove',
        'splice',
        'write',
        'write',
        'text',
        'end',
        'field',
      ]),
      list: it.times(2, () => it.below(100) / 100),
      at: it.below(100) / 100,
      count: it.below(4),
      value: it.below(1000),
    }))
    return { dropped, acts }
  })
}

interface Item {
  readonly id: number
  inOld: boolean
  inNow: boolean
  readonly old: Content
  readonly now: Content
  /** All items that ever were in its list, in order. */
  readonly below: Item[]
}

interface Content {
  n: number
  text: string
}

/**
 * Lists in lists whose items are known by themselves: an index is turned into its item when the change is made,
 * and never used again. Removed items stay in their place, so that an item behind them knows where it stands.
 */
class Reference {
  #ids = 0
  readonly #list: Item[] = [this.#item(true, 0), this.#item(true, 0), this.#item(true, 0)]
  readonly #oldFields: Record<string, number> = {}
  readonly #nowFields: Record<string, number> = {}

  old(): unknown {
    return { list: show(this.#list, 'old'), fields: { ...this.#oldFields } }
  }

  now(): unknown {
    return { list: show(this.#list, 'now'), fields: { ...this.#nowFields } }
  }

  act(act: Act, dropped: boolean): Op[] {
    const { list, path, lost } = this.#choose(act.list)
    const shown = list.filter((it) => it.inOld)
    const index = Math.floor(
      act.at * (shown.length + (act.kind === 'insert' || act.kind === 'splice' ? 1 : 0)),
    )
    const kept = !dropped && !lost
    const target = shown[index]
    switch (act.kind) {
      case 'append':
        return [['append', path, this.#insert(list, shown.length, kept, act.value)]]
      case 'end':
        return [['set', `${path}.${shown.length}`, this.#insert(list, shown.length, kept, act.value)]]
      case 'insert':
        return [['splice', path, index, 0, [this.#insert(list, index, kept, act.value)]]]
      case 'splice': {
        const values = [act.value, act.value + 1].slice(0, act.value % 3)
        // First in, then out: where the new ones stand has nothing to do with what is removed behind them.
        const items = values.map((value, i) => this.#insert(list, index + i, kept, value))
        const removed = shown.slice(index, index + act.count)
        for (const it of removed) remove(it, kept)
        return items.length + removed.length === 0 ? [] : [['splice', path, index, removed.length, items]]
      }
      case 'remove':
        if (target === undefined) return []
        remove(target, kept)
        return [['delete', `${path}.${index}`]]
      case 'write':
      case 'text':
        if (target === undefined) return []
        change(target.old, act)
        if (kept && target.inNow) change(target.now, act)
        return [
          act.kind === 'write'
            ? ['set', `${path}.${index}.n`, act.value]
            : ['append', `${path}.${index}.text`, String(act.value)],
        ]
      case 'field': {
        const key = `k${act.value % 3}`
        const there = key in this.#oldFields && act.value % 2 === 0
        for (const fields of dropped ? [this.#oldFields] : [this.#oldFields, this.#nowFields]) {
          if (there) delete fields[key]
          else fields[key] = act.value
        }
        return [there ? ['delete', `fields.${key}`] : ['set', `fields.${key}`, act.value]]
      }
    }
  }

  /** The list at some depth, its path as of now, and whether it is inside an item that only the dropped ones made. */
  #choose(way: readonly number[]): { list: Item[]; path: string; lost: boolean } {
    let list = this.#list
    let path = 'list'
    let lost = false
    for (const at of way) {
      const shown = list.filter((it) => it.inOld)
      const index = Math.floor(at * shown.length)
      const item = shown[index]
      if (item === undefined) break
      path += `.${index}.below`
      lost ||= !item.inNow
      list = item.below
    }
    return { list, path, lost }
  }

  #insert(list: Item[], index: number, kept: boolean, value: number): unknown {
    const shown = list.filter((it) => it.inOld)
    const item = this.#item(kept, value)
    const previous = shown[index - 1]
    const behind = previous ? list.indexOf(previous) + 1 : 0
    list.splice(index >= shown.length ? list.length : behind, 0, item)
    return show([item], 'old')[0]
  }

  #item(kept: boolean, n: number): Item {
    this.#ids++
    const content = { n, text: '' }
    return { id: this.#ids, inOld: true, inNow: kept, old: content, now: { ...content }, below: [] }
  }
}

function unordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unordered).sort((a, b) => idOf(a) - idOf(b))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, unordered(it)]))
}

function idOf(item: unknown): number {
  return (item as { readonly id: number }).id
}

function remove(item: Item, kept: boolean): void {
  item.inOld = false
  if (kept) item.inNow = false
}

function change(content: Content, act: Act): void {
  if (act.kind === 'write') content.n = act.value
  else content.text += String(act.value)
}

function show(list: readonly Item[], side: 'old' | 'now'): unknown[] {
  return list
    .filter((it) => (side === 'old' ? it.inOld : it.inNow))
    .map((it) => ({ id: it.id, ...it[side], below: show(it.below, side) }))
}
