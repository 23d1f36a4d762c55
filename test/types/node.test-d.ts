import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, resource, type ResultOf } from '../../src/index'

const Begin = defineEvent('begin', z.object({ text: z.string() }))
const Approved = defineEvent('approved', z.boolean())
const Approve = defineEvent('approve', z.string(), { reply: Approved })
const Sorted = defineEvent('sorted', z.object({ kind: z.string() }))
const base = defineWorkflow({
  name: 'desk',
  version: 1,
  state: z.object({ text: z.string().default(''), count: z.number().default(0) }),
  start: Begin,
  stop: Sorted,
  resources: { model: resource<{ ask(text: string): Promise<string> }>() },
})

describe('.node', () => {
  it('types flow from prepare to execute to fallback to cleanup, without annotations', () => {
    const desk = base.node(
      'classify',
      { on: Begin, emits: [Sorted], asks: [Approve], config: { size: 'small', depth: 2 } },
      {
        prepare: async (state, ctx) => {
          expectTypeOf(state.get('count')).toEqualTypeOf<number>()
          expectTypeOf(ctx.event.data.text).toEqualTypeOf<string>()
          expectTypeOf((await ctx.ask(Approve('?'))).data).toEqualTypeOf<boolean>()
          return { text: ctx.event.data.text }
        },
        execute: async (prepared, run) => {
          expectTypeOf(prepared).toEqualTypeOf<{ text: string }>()
          expectTypeOf(run.config).toEqualTypeOf<{ readonly size: 'small'; readonly depth: 2 }>()
          expectTypeOf(run.attempt).toEqualTypeOf<number>()
          expectTypeOf(run.signal).toEqualTypeOf<AbortSignal>()
          expectTypeOf(run.idempotencyKey).toEqualTypeOf<string>()
          return run.resources.model.ask(prepared.text)
        },
        fallback: (prepared, error) => {
          expectTypeOf(prepared).toEqualTypeOf<{ text: string }>()
          expectTypeOf(error).toEqualTypeOf<unknown>()
          return null
        },
        cleanup: async (state, prepared, result) => {
          expectTypeOf(prepared).toEqualTypeOf<{ text: string }>()
          expectTypeOf(result).toEqualTypeOf<string | null>()
          await state.set('text', result ?? '')
          return Sorted({ kind: result ?? 'unknown' })
        },
      },
    )
    expectTypeOf<ResultOf<typeof desk>>().toEqualTypeOf<{ kind: string }>()
    expectTypeOf<NonNullable<(typeof desk)['~types']>['steps']>().toEqualTypeOf<'classify'>()
  })

  it('without cleanup, what execute returns is emitted', () => {
    base.node(
      'classify',
      { on: Begin, emits: [Sorted] },
      { prepare: (state) => state.get('text'), execute: (kind) => Sorted({ kind }) },
    )
    base.node(
      'classify',
      { on: Begin, emits: [Sorted] },
      {
        // @ts-expect-error a text is no event
        execute: () => 'small',
      },
    )
  })

  it('refuses undeclared events', () => {
    base.node(
      'classify',
      { on: Begin, emits: [Sorted] },
      {
        execute: (_, run) => {
          // @ts-expect-error execute sees no state
          expectTypeOf(run.state).toBeAny()
          // @ts-expect-error there is no config
          return run.config.size
        },
        // @ts-expect-error an event that is not in `emits`
        cleanup: () => Approved(true),
      },
    )
    const twice = base.node('one', { on: Begin, emits: [Sorted] }, { execute: () => Sorted({ kind: '' }) })
    // @ts-expect-error the name is taken
    twice.node('one', { on: Begin, emits: [Sorted] }, { execute: () => Sorted({ kind: '' }) })
  })
})
