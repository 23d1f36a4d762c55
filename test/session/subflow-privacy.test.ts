import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, type Session } from '../../src/index'
import { virtualClock } from '../../src/testing'
import { Done, failure, flow, Go, profile, Question } from '../support/flows'
import { overheardTabs } from '../support/overheard'

const Card = z.object({ card: z.string().default(''), note: z.string().default('') })

/** Asks with a secret in its state: its own, or one that it was given. */
const paying = defineWorkflow({ ...flow, name: 'paying', state: Card, private: ['card'] }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    await ctx.state.append('card', ' SECRET-own')
    await ctx.state.set('note', 'kept')
    await ctx.ask(Question(1))
    await ctx.state.append('card', ' SECRET-later')
    return Done(ctx.state.get('note'))
  },
)

const shop = defineWorkflow({ ...flow, state: Card }).subflow('pay', {
  on: Go,
  workflow: paying,
  emits: [Done],
})

const sharing = defineWorkflow({ ...flow, state: Card, private: ['card'], history: 100 }).subflow('pay', {
  on: Go,
  workflow: paying,
  emits: [Done],
  capture: { state: { card: 'state.card' } },
})

const nested = defineWorkflow({ ...flow, history: 100 }).step('pay', { on: Go, emits: [Done] }, async (ctx) =>
  Done(await ctx.subflow(shop)),
)

describe('private fields of a sub-flow', () => {
  test.for([
    ['its own', shop, {}],
    ['captured from a private path', sharing, { initialState: { card: 'SECRET-parent' } }],
    ['two deep', nested, {}],
  ] as const)(
    '%s / in no batch, snapshot, export, toJSON or history; at their default after a reload',
    async ([, workflow, options]) => {
      const page = profile()
      const open = () => page.open(workflow as typeof shop, options)
      const session = await open()
      const watched: unknown[] = []
      const watch = async (): Promise<void> => {
        for await (const it of session.events({ records: true })) watched.push(it)
      }
      void watch()
      session.run().catch(() => {})
      await page.clock.advance(2000)
      const told = async (it: Session<typeof shop>) =>
        JSON.stringify([
          it.toJSON(),
          it.history(),
          await page.storage.export('flow'),
          await page.engine.export('flow'),
        ])
      expect(session.asks).toHaveLength(1)
      expect(await told(session)).not.toContain('SECRET')
      expect(await told(session)).toContain('kept')
      expect(JSON.stringify(watched)).not.toContain('SECRET')
      expect(JSON.stringify(watched)).toContain('kept')
      await page.reload()
      const again = await open()
      await page.settle()
      expect(again.asks).toHaveLength(1)
      await again.flush()
      expect(await told(again)).not.toContain('SECRET')
      await again.asks[0]?.reply(1)
      expect(await again.run()).toBe('kept')
      await again.flush()
      expect(await told(again)).not.toContain('SECRET')
    },
  )

  test('tabs / send none of them', async () => {
    const clock = virtualClock()
    const { heard, locks, channel } = overheardTabs()
    const options = { clock, storage: memoryStorage(), locks, channel }
    const one = await createEngine(options).open(shop)
    const two = await createEngine(options).open(shop)
    await clock.advance(1000)
    const result = one.run()
    await clock.advance(1000)
    expect(two.asks).toHaveLength(1)
    await two.asks[0]?.reply(1)
    await clock.advance(1000)
    expect(await result).toBe('kept')
    expect(JSON.stringify(heard)).toContain('kept')
    expect(JSON.stringify(heard)).not.toContain('SECRET')
  })

  test.each<readonly [string, object, readonly string[], boolean]>([
    ['a part of it', { state: { digits: 'state.card.digits' } }, [], true],
    [
      'a part of it, to where the child hides it',
      { state: { digits: 'state.card.digits' } },
      ['digits'],
      false,
    ],
    ['what holds it', { state: { all: 'state' } }, [], true],
    ['what holds it, where the child hides just that part', { state: { all: 'state' } }, ['all.card'], false],
    ['what holds it, where the child hides another part', { state: { all: 'state' } }, ['all.name'], true],
    [
      'it as input, of which a path is called like one that the child hides',
      { input: { card: 'state.card' } },
      ['card'],
      true,
    ],
    ['something beside it', { input: { name: 'state.name' }, state: 'state.name' }, [], false],
    [
      'what is called like it, of the event',
      { input: 'value.card', flowState: { card: 'value.card' } },
      [],
      false,
    ],
  ])('a mapping captures %s / the finding says whether it would be stored', (_, capture, hidden, leaks) => {
    const child = defineWorkflow({
      ...flow,
      name: 'child',
      private: hidden,
      skip: ['private'],
    }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const workflow = defineWorkflow({ ...flow, private: ['card'] as never }).subflow('sub', {
      on: Go,
      workflow: child,
      emits: [Done],
      capture,
    } as never)
    if (leaks)
      expect(() => workflow.validate()).toThrow(/"sub": capture\.\w+: .* is private, but would be stored/)
    else expect(() => workflow.validate()).not.toThrow()
  })

  test('a private path captured into a stored place / a finding of validate() and of ctx.subflow()', async () => {
    const open = defineWorkflow({ ...flow, name: 'open', state: Card }).step(
      'end',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    const secretive = { ...flow, state: Card, private: ['card'] } as const
    const workflow = defineWorkflow(secretive)
      .subflow('one', { on: Go, workflow: open, emits: [Done], capture: { state: 'state' } })
      .subflow('two', {
        on: Go,
        workflow: paying,
        emits: [Done],
        capture: { flowState: { c: 'state.card' } as object, state: { note: 'state.card' } },
      })
    expect(() => workflow.validate()).toThrow(/"one": capture\.state: "state" is private/)
    expect(() => workflow.validate()).toThrow(/"two": capture\.flowState: "state\.card" is private/)
    expect(() => workflow.validate()).toThrow(/"two": capture\.state: "state\.card" is private/)
    expect(() => sharing.validate()).not.toThrow()
    const calling = defineWorkflow(secretive).step('call', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.subflow(open, { capture: { state: { note: 'state.card' } } })),
    )
    const error: Error = await failure((await profile().open(calling)).run())
    expect(error.message).toContain('"state.card" is private')
  })
})
