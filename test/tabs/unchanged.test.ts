import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, structuredCloneSerializer, type Session } from 'dogear'
import { virtualClock, virtualTabs, type VirtualTabs } from 'dogear/testing'
import { Done, flow, Go } from '../support/flows'

const Row = z.object({ id: z.number(), tags: z.array(z.string()), text: z.string().default('') })
const rows = defineWorkflow({
  ...flow,
  state: z.object({
    list: z.array(Row).default([]),
    newest: z
      .array(Row)
      .default([])
      .overwrite((all) => all.slice(-3)),
    nested: z.array(z.array(Row)).default([]),
    form: z.object({ name: z.string(), town: z.string() }).default({ name: '', town: '' }),
  }),
  flowState: z.object({ list: z.array(Row).default([]) }),
}).step('start', { on: Go, emits: [Done] }, () => Done(1))
type Tab = Session<typeof rows>
type Row = z.infer<typeof Row>

const row = (id: number): Row => ({ id, tags: [`t${id}`], text: '' })
const changed = (it: Row): Row => ({ ...it, text: 'new' })

async function tabs(hearing = (channel: VirtualTabs['channel']) => channel) {
  const clock = virtualClock()
  const browser = { clock, storage: memoryStorage(), ...virtualTabs() }
  const leader = await createEngine(browser).open(rows)
  leader.state.set('list', [1, 2, 3, 4, 5].map(row))
  const follower = await createEngine({ ...browser, channel: hearing(browser.channel) }).open(rows)
  await clock.advance(1000)
  expect([leader.role, follower.role]).toEqual(['leader', 'follower'])
  return { leader, follower, settle: () => clock.advance(1000) }
}

/** The ids of the rows that are other objects than before. */
const renewed = (before: readonly Row[], after: readonly Row[]): number[] =>
  after.filter((it) => !before.includes(it)).map((it) => it.id)

const writes: [string, (state: Tab['state']) => void, ids: number[], renewed: number[]][] = [
  [
    'one row is changed',
    (it) => it.set('list', (all) => all.map((row) => (row.id === 2 ? changed(row) : row))),
    [1, 2, 3, 4, 5],
    [2],
  ],
  [
    'rows are taken out',
    (it) => it.set('list', (all) => all.filter(({ id }) => id % 2 === 1)),
    [1, 3, 5],
    [],
  ],
  ['a row comes first', (it) => it.set('list', (all) => [row(6), ...all]), [6, 1, 2, 3, 4, 5], [6]],
  ['the rows are turned round', (it) => it.set('list', (all) => [...all].reverse()), [5, 4, 3, 2, 1], []],
  [
    'the rows are sorted in an edit',
    (it) => it.edit(({ list }) => void list.sort((a, b) => b.id - a.id)),
    [5, 4, 3, 2, 1],
    [],
  ],
  [
    'rows are taken out in an edit',
    (it) => it.edit((draft) => void (draft.list = draft.list.filter(({ id }) => id % 2 === 0))),
    [2, 4],
    [],
  ],
  [
    'the state is replaced',
    (it) => it.replace({ ...it.get(), list: [...it.get('list').map((row) => ({ ...row })), row(6)] }),
    [1, 2, 3, 4, 5, 6],
    [6],
  ],
]

describe.each(['leader', 'follower'] as const)('the %s writes a list whole', (writer) => {
  test.each(writes)(
    '%s / in the other tab what is as it was stays the same object',
    async (_, write, ids, news) => {
      const all = await tabs()
      const { state } = all[writer === 'leader' ? 'follower' : 'leader']
      const before = state.get('list')
      const form = state.get('form')
      write(all[writer].state)
      await all.settle()
      const after = state.get('list')
      expect(after.map(({ id }) => id)).toEqual(ids)
      expect(renewed(before, after)).toEqual(news)
      expect(state.get('form')).toBe(form)
      expect(state.get()).toEqual(all[writer].state.get())
    },
  )
})

test.each(['leader', 'follower'] as const)(
  'the %s takes items out and puts others in, in a list whose items have no number or text / in the other tab the rest stay the same objects',
  async (writer) => {
    const all = await tabs()
    const [{ state }, other] = [all[writer], all[writer === 'leader' ? 'follower' : 'leader'].state]
    state.set(
      'nested',
      [1, 2, 3, 4].map((it) => [row(it)]),
    )
    const changes: [(it: Tab['state']) => unknown, places: number[]][] = [
      [(it) => it.edit(({ nested }) => void nested.unshift([row(5)])), [-1, 0, 1, 2, 3]],
      [(it) => it.delete('nested.1'), [0, 2, 3, 4]],
      [(it) => (it.append('nested', [row(6)]), it.delete('nested.0')), [1, 2, 3, -1]],
    ]
    for (const [change, places] of changes) {
      await all.settle()
      const before = other.get('nested')
      change(state)
      await all.settle()
      expect(other.get('nested').map((it) => before.indexOf(it))).toEqual(places)
    }
  },
)

test('a list whose schema keeps the newest items / the items that stay are the same objects, in both tabs', async () => {
  const { leader, follower, settle } = await tabs()
  for (const { state } of [leader, follower]) {
    for (const id of [1, 2, 3]) leader.state.append('newest', row(id))
    await settle()
    const before = [leader, follower].map((it) => it.state.get('newest'))
    state.append('newest', row(4))
    await settle()
    for (const [index, it] of [leader, follower].entries()) {
      const after = it.state.get('newest')
      expect(after.map(({ id }) => id)).toEqual([2, 3, 4])
      expect(renewed(before[index] as Row[], after)).toEqual([4])
    }
    leader.state.set('newest', [])
  }
})

test('a follower writes an object: the first write of a session, or right before the leader records something / its listener is called once', async () => {
  const clock = virtualClock()
  const browser = { clock, storage: memoryStorage(), ...virtualTabs() }
  const leader = await createEngine(browser).open(rows)
  const follower = await createEngine(browser).open(rows)
  for (const town of ['Graz', 'Linz']) {
    const seen: unknown[] = []
    const end = follower.state.subscribe('form', () => seen.push(follower.state.get('form')))
    follower.state.set('form', { name: 'Ada', town })
    if (town === 'Linz') leader.pause()
    const shown = follower.state.get('form')
    await clock.advance(1000)
    expect(seen).toEqual([{ name: 'Ada', town }])
    expect(follower.state.get('form')).toBe(shown)
    expect(leader.state.get('form')).toEqual(shown)
    end()
  }
})

test('a message of the leader is lost, and the follower gets all of the session / what is as it was stays the same object', async () => {
  let lost = false
  const { leader, follower, settle } = await tabs((channel) => (name) => {
    const line = channel(name)
    return {
      set onmessage(listener: typeof line.onmessage) {
        line.onmessage = (event) => (lost ? (lost = false) : listener?.(event))
      },
      postMessage: line.postMessage,
      close: line.close,
    }
  })
  const before = follower.state.get('list')
  lost = true
  leader.pause()
  await settle()
  expect(lost).toBe(false)
  expect(follower.history()).not.toEqual(leader.history())
  leader.state.append('list', row(6))
  await settle()
  expect(follower.history()).toEqual(leader.history())
  expect(renewed(before, follower.state.get('list'))).toEqual([6])
})

test('flow state is set whole / in the other tab its rows stay the same objects', async () => {
  const { leader, follower, settle } = await tabs()
  leader.flowState.set('list', [1, 2, 3].map(row))
  await settle()
  const before = follower.flowState.get('list')
  leader.flowState.set('list', (all) => [row(4), ...all.filter(({ id }) => id !== 2)])
  await settle()
  const after = follower.flowState.get('list')
  expect([after.map(({ id }) => id), renewed(before, after)]).toEqual([[4, 1, 3], [4]])
})

test('rows with dates / stay the same objects, too; a key that is set in another place is no equal', async () => {
  const clock = virtualClock()
  const browser = { clock, storage: memoryStorage(), ...virtualTabs(), serializer: structuredCloneSerializer }
  const free = defineWorkflow({ ...flow }).step('start', { on: Go, emits: [Done] }, () => Done(1))
  const leader = await createEngine(browser).open(free)
  const follower = await createEngine(browser).open(free)
  const due = (id: number) => ({ id, at: new Date(id), big: BigInt(id) })
  leader.state.set('list', [due(1), due(2)])
  leader.state.set('form', { a: 1, b: 2 })
  await clock.advance(1000)
  const [before, form] = [follower.state.get('list') as unknown[], follower.state.get('form')]
  leader.state.set('list', [due(2), due(1), due(3)])
  leader.state.set('form', { b: 2, a: 1 })
  await clock.advance(1000)
  expect((follower.state.get('list') as unknown[]).map((it) => before.indexOf(it))).toEqual([1, 0, -1])
  expect(follower.state.get('form')).not.toBe(form)
  expect(Object.keys(follower.state.get('form') as object)).toEqual(['b', 'a'])
})
