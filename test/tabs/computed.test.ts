import { expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, type Session } from 'dogear'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { Done, flow, gate, Go } from '../support/flows'

const Person = z
  .object({
    first: z.string().default(''),
    last: z.string().default(''),
    tags: z.array(z.string()).default([]),
  })
  .extend({ full: z.string().default('') })
  .overwrite((it) => ({ ...it, full: [it.first, it.last, ...it.tags].join(' ') }))

const blank = { first: '', last: '', tags: [], full: '' }
const state = z
  .object({
    person: Person.prefault({}),
    guests: z.array(Person).default([
      { ...blank, first: 'Ada', full: 'Ada ' },
      { ...blank, first: 'Eve', full: 'Eve ' },
    ]),
    newest: z
      .array(z.number())
      .default([1, 2, 3])
      .overwrite((all) => all.slice(-3)),
    note: z.string().default(''),
    deep: z.object({ text: z.string().default(''), length: z.number().default(0) }).prefault({}),
  })
  .overwrite((it) => ({ ...it, deep: { ...it.deep, length: it.note.length } }))

const call = gate()
const people = defineWorkflow({ ...flow, state }).step('start', { on: Go, emits: [Done] }, async (ctx) => {
  await ctx.state.set('person.first', 'Step')
  await call.promise
  throw new Error('the call failed')
})
type State = Session<typeof people>['state']

const both: [string, (state: State) => void, (state: State) => void, (state: State) => unknown, unknown][] = [
  [
    'two fields of an object',
    (it) => it.set('person.first', 'Ada'),
    (it) => it.set('person.last', 'Lo'),
    (it) => it.get('person'),
    { first: 'Ada', last: 'Lo', tags: [], full: 'Ada Lo' },
  ],
  [
    'two fields, in edits',
    (it) => it.edit(({ person }) => void (person.first = 'Ada')),
    (it) => it.edit(({ person }) => void (person.last = 'Lo')),
    (it) => it.get('person'),
    { first: 'Ada', last: 'Lo', tags: [], full: 'Ada Lo' },
  ],
  [
    'a list in the object grows',
    (it) => it.append('person.tags', 'a'),
    (it) => it.append('person.tags', 'b'),
    ({ get }) => [[...get('person.tags')].sort(), get('person.full') === `  ${get('person.tags').join(' ')}`],
    [['a', 'b'], true],
  ],
  [
    'a text in the object grows',
    (it) => it.append('person.first', 'a'),
    (it) => it.append('person.first', 'b'),
    ({ get }) => [get('person.first').length, get('person.full') === `${get('person.first')} `],
    [2, true],
  ],
  [
    'a list that keeps the newest items grows',
    (it) => it.append('newest', 4),
    (it) => it.append('newest', 5),
    (it) => [...it.get('newest')].sort((a, b) => a - b),
    [3, 4, 5],
  ],
  [
    'a field, and one beside it in an object in which another one is computed',
    (it) => it.set('deep.text', 'typed'),
    (it) => it.set('note', 'abc'),
    (it) => [it.get('note'), it.get('deep')],
    ['abc', { text: 'typed', length: 3 }],
  ],
  [
    'an item is taken out, and a field above the list written',
    (it) => it.delete('guests.0'),
    (it) => it.set('note', 'abc'),
    (it) => [it.get('guests').map(({ full }) => full), it.get('deep.length')],
    [['Eve '], 3],
  ],
  [
    'an item is changed, and another one added in an edit',
    (it) => it.set('guests.1.last', 'Lo'),
    (it) => it.edit(({ guests }) => void guests.push({ ...blank, first: 'Max' })),
    (it) => it.get('guests').map(({ full }) => full),
    ['Ada ', 'Eve Lo', 'Max '],
  ],
]

test.each(both)(
  '%s, in two tabs at one moment / both writes stay, and the computed field is of both',
  async (_, one, other, shown, wanted) => {
    for (const isLeaderFirst of [true, false]) {
      const clock = virtualClock()
      const browser = { clock, storage: memoryStorage(), ...virtualTabs() }
      const leader = await createEngine(browser).open(people)
      const follower = await createEngine(browser).open(people)
      await clock.advance(1000)
      expect([leader.role, follower.role]).toEqual(['leader', 'follower'])
      one((isLeaderFirst ? leader : follower).state)
      other((isLeaderFirst ? follower : leader).state)
      await clock.advance(1000)
      for (const { state } of [leader, follower]) expect(shown(state)).toEqual(wanted)
    }
  },
)

test('a step writes one field of an object and fails, while somebody types another / what was typed stays, and the computed field is of that', async () => {
  const clock = virtualClock()
  const session = await createEngine({ clock, storage: memoryStorage() }).open(people)
  session.run().catch(() => {})
  await clock.advance(0)
  expect(session.state.get('person.full')).toBe('Step ')
  session.state.set('person.last', 'Lo')
  session.state.append('newest', 4)
  call.open()
  await clock.advance(1000)
  expect(session.status).toBe('failed')
  expect(session.state.get('person')).toEqual({ first: '', last: 'Lo', tags: [], full: ' Lo' })
  expect(session.state.get('newest')).toEqual([2, 3, 4])
})
