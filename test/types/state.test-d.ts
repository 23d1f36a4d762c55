import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { createPlainStore } from 'dogear'
import type { Exact, Item, Next, Path, Read, Stable, Write } from '../../src/state/path-types'
import type { Input, Output, Schema } from '../../src/state/standard-schema'

/** As of `z.any()`. */
type Loose = z.infer<z.ZodAny>

interface State {
  user: { name: string; age?: number; address?: { street: string; zip: string } }
  items: { price: number; tags: string[] }[]
  pair: [string, { n: number }]
  byId: Record<string, { done: boolean }>
  step: { kind: 'a'; a: number } | { kind: 'b'; b: string }
  maybe: { deep: number } | null
  anything: unknown
  loose: Loose
  looseItems: Loose[]
  looseById: Record<string, Loose>
  when: Date
  byMark: Record<Mark, { done: boolean }>
  marks: { [mark: `q${number}`]: number; all: string }
  levels: { 1: string; 2?: { n: number } }
  scores: { [score: number]: string }
  nothing: Record<string, never>
  byKind: { [K in Kind]?: { n: number } }
}

enum Kind {
  First = 'first',
  Second = 2,
}

type Mark = z.infer<typeof Mark>
const Mark = z.string().brand<'Mark'>()

declare function read<const P extends Path<State> | readonly (string | number)[]>(
  path: Exact<State, P>,
): Read<State, P>
declare function set<const P extends Path<State> | readonly (string | number)[]>(
  path: Exact<State, P>,
  value: Next<Read<State, P>, Write<State, P>>,
): void

describe('reading', () => {
  it('a path that is always there / its type', () => {
    expectTypeOf<Read<State, 'user.name'>>().toEqualTypeOf<string>()
    expectTypeOf<Read<State, 'pair.1.n'>>().toEqualTypeOf<number>()
    expectTypeOf<Read<State, 'pair.0'>>().toEqualTypeOf<string>()
    expectTypeOf(read(['user', 'name'])).toEqualTypeOf<string>()
    expectTypeOf(read('when')).toEqualTypeOf<Date>()
  })

  it('a path with an optional part / includes undefined', () => {
    expectTypeOf<Read<State, 'user.age'>>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Read<State, 'user.address.street'>>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Read<State, 'items.0.price'>>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Read<State, 'byId.x.done'>>().toEqualTypeOf<boolean | undefined>()
    expectTypeOf<Read<State, 'maybe.deep'>>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Read<State, 'step.a'>>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Read<State, 'step.kind'>>().toEqualTypeOf<'a' | 'b'>()
    expectTypeOf(read(['byId', 'a.b', 'done'])).toEqualTypeOf<boolean | undefined>()
  })

  it('a key with a brand / any text, maybe absent; a key with a pattern / what fits it, maybe absent', () => {
    expectTypeOf<Read<State, 'byMark.x'>>().toEqualTypeOf<{ done: boolean } | undefined>()
    expectTypeOf(read('byMark.x.done')).toEqualTypeOf<boolean | undefined>()
    expectTypeOf(read(['byMark', 'a.b', 'done'])).toEqualTypeOf<boolean | undefined>()
    const mark = {} as Mark
    expectTypeOf(read(['byMark', mark])).toEqualTypeOf<{ done: boolean } | undefined>()
    expectTypeOf(read(`byMark.${mark}.done`)).toEqualTypeOf<boolean | undefined>()
    set('byMark.x', { done: true })
    set(['byMark', mark, 'done'], true)
    expectTypeOf(read('marks.q1')).toEqualTypeOf<number | undefined>()
    expectTypeOf(read('marks.all')).toEqualTypeOf<string>()
    set('marks.q1', 1)
    // @ts-expect-error a number
    set('marks.q1', undefined)
    // @ts-expect-error it does not fit
    read('marks.x')
    // @ts-expect-error there is no such key below
    read('byMark.x.nope')
  })

  it('a key of an enum / as its text', () => {
    expectTypeOf(read('byKind.first.n')).toEqualTypeOf<number | undefined>()
    expectTypeOf(read(['byKind', Kind.First])).toEqualTypeOf<{ n: number } | undefined>()
    expectTypeOf(read(`byKind.${Kind.Second}.n`)).toEqualTypeOf<number | undefined>()
    expectTypeOf<'byKind.first.n' | 'byKind.2'>().toExtend<Path<State>>()
    set(['byKind', Kind.First, 'n'], 1)
    set('byKind.2', { n: 1 })
    // @ts-expect-error no such member
    read('byKind.third')
  })

  it('a key that is a number / as its text', () => {
    expectTypeOf(read('levels.1')).toEqualTypeOf<string>()
    expectTypeOf(read(['levels', 2, 'n'])).toEqualTypeOf<number | undefined>()
    expectTypeOf(read('scores.5')).toEqualTypeOf<string | undefined>()
    expectTypeOf(read('nothing.x')).toEqualTypeOf<undefined>()
    expectTypeOf<'levels.2.n'>().toExtend<Path<State>>()
    set('levels.2.n', 1)
    // @ts-expect-error no such number
    read('levels.3')
    // @ts-expect-error no number
    read('scores.x')
  })

  it('anything below unknown / unknown', () => {
    expectTypeOf<Read<State, 'anything.at.all'>>().toEqualTypeOf<unknown>()
    expectTypeOf<Read<Record<string, unknown>, 'a.b'>>().toEqualTypeOf<unknown>()
  })

  it('any, also in a list or a record / any, and so is everything below it', () => {
    expectTypeOf(read('loose')).toBeAny()
    expectTypeOf(read('looseItems.0')).toBeAny()
    expectTypeOf(read(['looseById', 'x'])).toBeAny()
    expectTypeOf<Read<Loose, ''>>().toBeAny()
    expectTypeOf(read('looseById.x.y')).toEqualTypeOf<unknown>()
    set('looseItems.0', { at: 'all' })
  })

  it('a path that does not exist / an error', () => {
    // @ts-expect-error no such key
    read('nope')
    // @ts-expect-error no such key below
    read('user.nope')
    // @ts-expect-error nothing is below a text
    read('user.name.length')
    // @ts-expect-error nothing is below a Date
    read('when.getTime')
    // @ts-expect-error a tuple has two items
    read('pair.2')
    // @ts-expect-error a list has indices only
    read('items.length')
    // @ts-expect-error a tuple has indices only
    read('pair.length')
    // @ts-expect-error the same as segments
    read(['user', 'nope'])
    expectTypeOf<Exact<State, 'nope'>>().toEqualTypeOf<'there is no such path in the state'>()
  })
})

describe('writing', () => {
  it('a path with an optional part / without that undefined', () => {
    expectTypeOf<Write<State, 'items.0'>>().toEqualTypeOf<{ price: number; tags: string[] }>()
    expectTypeOf<Write<State, 'byId.x'>>().toEqualTypeOf<{ done: boolean }>()
    expectTypeOf<Write<State, 'user.address.zip'>>().toEqualTypeOf<string>()
    expectTypeOf<Write<State, ['items', 0, 'tags']>>().toEqualTypeOf<string[]>()
  })

  it('accepts a value, or a function of the previous one', () => {
    expectTypeOf(set('user.name', 'Ada')).toBeVoid()
    set('user.name', (previous) => previous.toUpperCase())
    set('items.0.price', (previous) => (previous ?? 0) + 1)
    // @ts-expect-error a number is no text
    set('user.name', 1)
    // @ts-expect-error nor is it one from a function
    set('user.name', () => 1)
  })

  it("where the state is unknown or loose / a function still knows the previous value's type", () => {
    const setter: (next: Next<unknown, unknown>) => void = () => {}
    setter((previous) => Number(previous) + 1)
    const loose: (next: Next<Loose, Loose>) => void = () => {}
    loose((previous) => previous.count + 1)
    for (const next of ['text', 1, null, undefined, { a: 1 }]) setter(next)
    setter(JSON.parse('{}') as unknown)
  })

  it('append / an item to a list, text to a text, else a compile error with advice', () => {
    expectTypeOf<Item<Write<State, 'items'>>>().toEqualTypeOf<{ price: number; tags: string[] }>()
    expectTypeOf<Item<Write<State, 'user.name'>>>().toEqualTypeOf<string>()
    expectTypeOf<Item<unknown>>().toEqualTypeOf<unknown>()
    expectTypeOf<Item<number>>().toEqualTypeOf<'only a list and a text can be appended to'>()
  })

  it('append to a list of nothing, as `[]` makes one / says where its type comes from', () => {
    expectTypeOf<
      Item<never[]>
    >().toEqualTypeOf<'this list is never[]: the type of the state must say what it holds'>()
    const store = createPlainStore({ initial: { items: [], tags: [''] } })
    // @ts-expect-error a list of nothing
    store.append('items', { price: 3 })
    store.append('tags', 'new')
  })
})

describe('subscribing', () => {
  it('a path of the state, or all of it / any other path is an error', () => {
    const store = createPlainStore<State>()
    for (const path of ['', 'items', 'items.0.price', 'byId.a', 'anything.below'] as const)
      expectTypeOf(store.subscribe(path, () => {})).toEqualTypeOf<() => void>()
    store.subscribe(['user', 'name'], () => {})
    // @ts-expect-error no such key
    store.subscribe('nope', () => {})
    // @ts-expect-error no such key, as segments
    store.subscribe(['user', 'nope'], () => {})
    // @ts-expect-error no such key below a record's entry
    store.subscribe('byId.a.nope', () => {})
    // @ts-expect-error nothing is below a text
    store.subscribe('user.name.length', () => {})
  })
})

describe('completion', () => {
  it('every path of a small state, and any text where the state is open', () => {
    expectTypeOf<Path<{ a: { b: number }; c: string }>>().toEqualTypeOf<'a' | 'a.b' | 'c'>()
    expectTypeOf<'items.3.price'>().toExtend<Path<State>>()
    expectTypeOf<'anything.below'>().toExtend<Path<State>>()
    expectTypeOf<Path<unknown>>().toEqualTypeOf<string>()
  })

  it('a recursive state / paths of any depth', () => {
    interface Node {
      name: string
      children: Node[]
    }
    expectTypeOf<Read<Node, 'children.0.children.1.children.2.children.3.name'>>().toEqualTypeOf<
      string | undefined
    >()
    expectTypeOf<'children.0.children.1.children.2.children.3.name'>().toExtend<Path<Node>>()
  })
})

describe('a schema', () => {
  const classic = z.object({ age: z.coerce.number(), note: z.string().default('') })
  const small = mini.object({ age: mini.number(), note: mini.optional(mini.string()) })

  it('zod, classic and mini / counts as one, with its types', () => {
    expectTypeOf(classic).toExtend<Schema>()
    expectTypeOf(small).toExtend<Schema>()
    expectTypeOf<Output<typeof classic>>().toEqualTypeOf<{ age: number; note: string }>()
    expectTypeOf<Input<typeof classic>['note']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Output<typeof small>>().toEqualTypeOf<{ age: number; note?: string | undefined }>()
  })

  it('for a state / may have defaults and coercion, but no transform', () => {
    expectTypeOf<Stable<typeof classic>>().toEqualTypeOf<typeof classic>()
    const changed = z.string().transform((text) => text.length)
    expectTypeOf<
      Stable<typeof changed>
    >().toEqualTypeOf<'the output of a stored schema must be valid input: no transform'>()
  })
})

describe('a batch', () => {
  const store = createPlainStore({ initial: { n: 1 } })
  it('returns what its writes return', () => {
    expectTypeOf(store.batch(() => store.get('n'))).toEqualTypeOf<number>()
    expectTypeOf(store.batch(() => store.set('n', 2))).toEqualTypeOf<void>()
  })
  it('takes no async function: what that writes later would be in no batch', () => {
    // @ts-expect-error a promise
    void store.batch(async () => store.set('n', 2))
  })
})
