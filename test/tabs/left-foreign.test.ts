import { expect, test } from 'vitest'
import { defineWorkflow } from 'dogear'
import { crash } from 'dogear/testing'
import { checksum } from '../../src/storage/checksum'
import { Done, flow, Go, Question } from '../support/flows'
import { browser } from '../support/leaving'

const asking = (step = 'ask', more: { readonly renamedSteps?: Record<string, string> } = {}) =>
  defineWorkflow({ ...flow, ...more }).step(step, { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
    Done((await ctx.ask(Question(1))).data),
  )

/** An exit journal as other code might leave it: other content in the same format, with a right checksum. */
function left(records: readonly object[]): string {
  const data = JSON.stringify(records)
  const about = { format: 1, version: 1, epoch: 1, base: 0, lineage: 'l', at: 5, from: 1 }
  return JSON.stringify({ ...about, sum: checksum(data), data })
}

/** A page opens with this in `localStorage`, something is typed, it dies, and the next one opens. */
async function opened(key: string, text: string) {
  const errors: unknown[] = []
  const { tab, box, clock } = browser({ onError: (error) => errors.push(error) })
  box.set(key, text)
  const first = tab()
  const session = await first.engine.open(asking())
  await clock.advance(10)
  session.state.set('text', 'typed')
  await session.flush()
  crash(first.engine)
  const again = await tab().engine.open(asking())
  return { errors, state: again.state.get() }
}

const set = (...path: readonly string[]) => ({ seq: 1, at: 5, kind: 'wrote', ops: [['set', path, 1]] })

test.each([
  ['a record without its time', [set('a'), { seq: 2, kind: 'paused' }]],
  ['a record of an unknown kind', [set('a'), { seq: 2, at: 5, kind: 'toString' }]],
  ['a write to a prototype', [set('__proto__', 'a')]],
  ['records that do not fit together', [{ seq: 1, at: 5, kind: 'taken', exec: 1, step: 'ask', events: [7] }]],
])(
  'the exit journal holds %s / it is dropped, not stored, and onError is told; the next page opens',
  async (_, records) => {
    const { errors, state } = await opened('dogear:memory::flow', left(records))
    expect(errors).toMatchObject([{ code: 'OVERTAKEN' }])
    expect(state).toEqual({ text: 'typed' })
  },
)

test.each([
  ['a write to a prototype', { call: 'write', args: [[['set', ['__proto__', 'a'], 1]]] }],
  ['a write of an unknown kind', { call: 'write', args: [[['merge', ['a'], 1]]] }],
  ['a write without operations', { call: 'write', args: [] }],
  ['a method that followers may not call', { call: 'reset', args: [] }],
  ['an operation name that is no number', { call: 'write', n: 'first', args: [[['set', ['a'], 1]]] }],
])("a follower's exit journal holds %s / it is not done; the next page opens", async (_, asked) => {
  const list = JSON.stringify([left([{ by: 'tab', n: 1, seen: 0, seq: 1, ...asked }])])
  const { errors, state } = await opened('dogear-asked:memory::flow', list)
  expect([errors, state]).toEqual([[], { text: 'typed' }])
})

test('a step was renamed / the exit journal of the page before goes on under the new name', async () => {
  const { tab, clock } = browser()
  const first = tab()
  const session = await first.engine.open(asking('old'))
  session.run().catch(() => {})
  await Promise.resolve()
  session.state.set('text', 'typed')
  first.leave()
  const again = await tab().engine.open(asking('new', { renamedSteps: { old: 'new' } }))
  await clock.advance(10)
  expect([again.asks.map((it) => it.step), again.orphans]).toEqual([['new'], []])
})
