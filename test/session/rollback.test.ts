import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, type StepContext } from '../../src/index'
import { Done, failure, flow, gate, Go, Item, Nudge, profile, Question, Worked } from '../support/flows'

type Shape = {
  state: Record<string, unknown>
  flow: unknown
  input: unknown
  result: unknown
  resources: object
}
type Ctx = Pick<StepContext<Shape, never, never, unknown>, 'state'>

/** A step that does `work`, waits for the gate, and then throws. */
async function halfway(initial: Record<string, unknown>, work: (ctx: Ctx) => Promise<unknown>) {
  const page = profile()
  const stop = gate<never>()
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
    await work(ctx)
    return stop.promise
  })
  const session = await page.open(workflow, { initialState: initial })
  const result = failure(session.run())
  await page.settle()
  return {
    page,
    session,
    fail: async () => {
      stop.fail(new Error('no'))
      await result
    },
  }
}

describe('a step that throws', () => {
  test('attempts 3 / each attempt begins with the state before the step; after the last it is as before', async () => {
    const seen: unknown[] = []
    const workflow = defineWorkflow({
      ...flow,
      state: z.object({ n: z.number().default(5), list: z.array(z.number()).default([]) }),
    }).step('work', { on: Go, emits: [Done], retry: { attempts: 3 } }, async (ctx) => {
      seen.push(ctx.state.get())
      await ctx.state.set('n', (n) => n + 1)
      await ctx.state.append('list', ctx.attempt)
      throw new Error(`no ${ctx.attempt}`)
    })
    const session = await profile().open(workflow)
    const error = await failure(session.run())
    expect(error).toMatchObject({ attempts: 3, step: 'work' })
    expect((error as Error).message).toContain('no 3')
    expect(seen).toEqual([
      { n: 5, list: [] },
      { n: 5, list: [] },
      { n: 5, list: [] },
    ])
    expect(session.state.get()).toEqual({ n: 5, list: [] })
  })

  test('listeners / see the write, and see it taken out', async () => {
    const { session, fail } = await halfway({ n: 1 }, (ctx) => ctx.state.set('n', 2))
    const seen: unknown[] = []
    session.state.subscribe('n', () => seen.push(session.state.get('n')))
    await fail()
    expect(seen).toEqual([1])
  })

  test('parents created by a write / are gone again', async () => {
    const { session, fail } = await halfway({}, (ctx) => ctx.state.set('a.b.c', 1))
    expect(session.state.get()).toEqual({ a: { b: { c: 1 } } })
    await fail()
    expect(session.state.get()).toEqual({})
  })

  test('several writes to parent and child / are all undone', async () => {
    const { session, fail } = await halfway({ a: { x: 1, y: { z: 2 } } }, async (ctx) => {
      await ctx.state.set('a.y.z', 3)
      await ctx.state.set('a', { x: 9 })
      await ctx.state.set('a.y', { z: 4 })
      await ctx.state.delete('a.x')
    })
    await fail()
    expect(session.state.get()).toEqual({ a: { x: 1, y: { z: 2 } } })
  })

  test("replace() / is undone, and the user's write on top stays", async () => {
    const { session, fail } = await halfway({ a: 1 }, async (ctx) => {
      await ctx.state.replace({ b: 2 })
    })
    session.state.set('c', 3)
    await fail()
    expect(session.state.get()).toEqual({ a: 1, c: 3 })
  })

  test('a={x:0}; the step sets a={x:1}; the user sets a.b=9 / {x:0,b:9}', async () => {
    const { session, fail } = await halfway({ a: { x: 0 } }, (ctx) => ctx.state.set('a', { x: 1 }))
    session.state.set('a.b', 9)
    await fail()
    expect(session.state.get()).toEqual({ a: { x: 0, b: 9 } })
  })

  test("two appends to one list / only the user's item stays", async () => {
    const { session, fail } = await halfway({ list: [0] }, (ctx) => ctx.state.append('list', 'step'))
    session.state.append('list', 'user')
    await fail()
    expect(session.state.get()).toEqual({ list: [0, 'user'] })
  })

  test("the user writes into an object that the step has created / the object stays with the user's value only", async () => {
    const { session, fail } = await halfway({}, (ctx) => ctx.state.set('form', { name: 'step' }))
    session.state.set('form.age', 7)
    await fail()
    expect(session.state.get()).toEqual({ form: { age: 7 } })
  })

  test.each([
    [{ to: 9 }, 'range.from', 5, { from: 0, to: 0 }, { kind: 'text', text: 'a' }],
    [{ kind: 'count', count: 1 }, 'choice.count', 2, { from: 0, to: 0 }, { kind: 'text', text: 'a' }],
  ])(
    'the user writes what is right only beside what the step has made (%o) / the state is one that can be loaded',
    async (made, path, value, range, choice) => {
      const page = profile()
      const stop = gate<never>()
      const state = z.object({
        range: z
          .object({ from: z.number(), to: z.number() })
          .refine((it) => it.from <= it.to)
          .default({ from: 0, to: 0 }),
        choice: z
          .discriminatedUnion('kind', [
            z.object({ kind: z.literal('text'), text: z.string() }),
            z.object({ kind: z.literal('count'), count: z.number() }),
          ])
          .default({ kind: 'text', text: 'a' }),
      })
      const workflow = defineWorkflow({ ...flow, state }).step(
        'work',
        { on: Go, emits: [Done] },
        async (ctx) => {
          if ('to' in made) await ctx.state.set('range.to', 9)
          else await ctx.state.set('choice', { kind: 'count', count: 1 })
          return stop.promise
        },
      )
      const session = await page.open(workflow)
      const result = failure(session.run())
      await page.settle()
      session.state.set(path as 'range.from', value)
      stop.fail(new Error('no'))
      await result
      expect(session.state.get()).toEqual({ range, choice })
      await page.reload()
      expect((await page.open(workflow)).state.get()).toEqual({ range, choice })
    },
  )

  test('the user adds again what the step has taken out of a list without doubles / each stays once, and the others stay', async () => {
    const page = profile()
    const stop = gate<never>()
    const unique = z.array(z.string()).refine((it) => new Set(it).size === it.length)
    const workflow = defineWorkflow({ ...flow, state: z.object({ tags: unique }) }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.set('tags', ['c'])
        return stop.promise
      },
    )
    const session = await page.open(workflow, { initialState: { tags: ['a', 'b', 'c'] } })
    const result = failure(session.run())
    await page.settle()
    for (const tag of ['a', 'b', 'd']) session.state.append('tags', tag)
    stop.fail(new Error('no'))
    await result
    expect(session.state.get('tags')).toEqual(['a', 'b', 'c', 'd'])
    await page.reload()
    expect((await page.open(workflow)).state.get('tags')).toEqual(['a', 'b', 'c', 'd'])
  })

  test('the user writes into an item that the step has appended / the write goes with the item', async () => {
    const { session, fail } = await halfway({ m: [{ n: 0 }] }, (ctx) => ctx.state.append('m', { n: 1 }))
    session.state.set('m.1.flag', true)
    await fail()
    expect(session.state.get()).toEqual({ m: [{ n: 0 }] })
  })

  test("step appends m[1], user appends m[2] and sets m[2].flag / the flag stays with the user's item", async () => {
    const { session, fail } = await halfway({ m: [{ n: 0 }] }, (ctx) => ctx.state.append('m', { n: 1 }))
    session.state.append('m', { n: 2 })
    session.state.set('m.2.flag', true)
    await fail()
    expect(session.state.get()).toEqual({ m: [{ n: 0 }, { n: 2, flag: true }] })
  })

  test('the user types into the first field of an item that is not there yet / the item stays', async () => {
    const { session, fail } = await halfway({ items: [] }, (ctx) => ctx.state.set('page', 1))
    session.state.set('items.0.name', 'Ada')
    session.state.append('items.1', 'x')
    await fail()
    expect(session.state.get()).toEqual({ items: [{ name: 'Ada' }, 'x'] })
  })

  test('the step deletes an item, the user edits the next / the item is back, and the edit stays with its own', async () => {
    const { session, fail } = await halfway({ m: [{ n: 0 }, { n: 1 }] }, (ctx) => ctx.state.delete('m.0'))
    session.state.set('m.0.flag', true)
    await fail()
    expect(session.state.get()).toEqual({ m: [{ n: 0 }, { n: 1, flag: true }] })
  })

  test("the step and the user append text / only the user's stays", async () => {
    const { session, fail } = await halfway({ text: 'a' }, (ctx) => ctx.state.append('text', 'STEP'))
    session.state.append('text', 'u')
    await fail()
    expect(session.state.get('text')).toBe('au')
  })

  test('the user writes the same value as the step / it stays', async () => {
    const { session, fail } = await halfway({ x: 0, o: { a: 0 } }, async (ctx) => {
      await ctx.state.set('x', 1)
      await ctx.state.set('o.a', 'same')
    })
    session.state.set('x', 1)
    session.state.set('o', { a: 'same' })
    await fail()
    expect(session.state.get()).toEqual({ x: 1, o: { a: 'same' } })
  })

  test('the user deletes what the step has deleted / it stays deleted', async () => {
    const { session, fail } = await halfway({ x: 0, y: 1 }, (ctx) => ctx.state.delete('x'))
    session.state.delete('x')
    await fail()
    expect(session.state.get()).toEqual({ y: 1 })
  })

  test('another step writes the same value and commits / it stays', async () => {
    const page = profile()
    const fails = gate<never>()
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
      .step('fails', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.state.set('x', 1)
        await ctx.sleep(10).catch(() => {})
        await ctx.state.set('y', 1)
        return fails.promise
      })
      .step('stays', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.sleep(100)
        await ctx.state.set('y', 1)
        await ctx.commit()
      })
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.clock.advance(200)
    fails.fail(new Error('no'))
    await result
    expect(session.state.get()).toEqual({ x: 1, y: 1 })
  })

  test('an edit / is undone as a whole', async () => {
    const { session, fail } = await halfway({ a: 1, list: [1, 2] }, (ctx) =>
      ctx.state.edit((draft) => {
        draft['a'] = 2
        ;(draft['list'] as number[]).splice(0, 1)
        draft['made'] = { by: 'edit' }
      }),
    )
    session.state.set('b', 3)
    await fail()
    expect(session.state.get()).toEqual({ a: 1, list: [1, 2], b: 3 })
  })

  test('an edit with an await, and the user deletes the edited object meanwhile / nothing is left that the schema refuses', async () => {
    const page = profile()
    const { promise, open } = gate()
    const state = z.object({ item: z.object({ id: z.string(), text: z.string() }).optional() })
    const workflow = defineWorkflow({ ...flow, state }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.edit(async (draft) => {
          await promise
          if (draft.item) draft.item.text = 'edit'
        })
        return Done((await ctx.ask(Question(1))).data)
      },
    )
    const session = await page.open(workflow, { initialState: { item: { id: '1', text: '' } } })
    session.run().catch(() => {})
    await page.settle()
    session.state.delete('item')
    open()
    await page.settle()
    expect(session.state.get()).toEqual({})
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    await again.asks[0]?.reply('yes')
    expect(await again.run()).toBe('yes')
  })

  test('writes before the last commit point / stay', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.state.set('one', 1)
      await ctx.once('point', () => 1)
      await ctx.state.set('two', 2)
      await ctx.commit()
      await ctx.state.set('three', 3)
      throw new Error('no')
    })
    const session = await page.open(workflow)
    await failure(session.run())
    expect(session.state.get()).toEqual({ one: 1, two: 2 })
  })

  test("a crash in the middle of the step / its writes are undone at the resume, the user's stay", async () => {
    const page = profile()
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      const before = ctx.state.get('a')
      await ctx.state.set('a', { x: 1 })
      if (stuck) await gate().promise
      return Done(before)
    })
    const session = await page.open(workflow, { initialState: { a: { x: 0 } } })
    void session.run()
    await page.settle()
    session.state.set('a.b', 9)
    await page.reload()
    stuck = false
    const again = await page.open(workflow, { autoResume: false })
    expect(again.state.get()).toEqual({ a: { x: 0, b: 9 } })
    again.resume()
    await page.settle()
    expect(again.result).toEqual({ x: 0, b: 9 })
    expect(again.state.get()).toEqual({ a: { x: 1 } })
  })
})

test('a step subscribes to the state and the flow state / it is told nothing once its attempt is over', async () => {
  const heard: string[] = []
  const workflow = defineWorkflow({ ...flow }).step(
    'work',
    { on: Go, asks: [Question], emits: [Done], retry: { attempts: 2, delay: 10 } },
    async (ctx) => {
      ctx.state.subscribe('n', () => heard.push(`state ${ctx.attempt}`))
      ctx.flowState.subscribe('n', () => heard.push(`flow state ${ctx.attempt}`))
      if (ctx.attempt === 1) throw new Error('once more')
      return Done((await ctx.ask(Question(1))).data)
    },
  )
  const page = profile()
  const session = await page.open(workflow)
  const result = session.run()
  await page.clock.advance(10)
  session.state.set('n', 1)
  session.flowState.set('n', 1)
  expect(heard).toEqual(['state 2', 'flow state 2'])
  await session.asks[0]?.reply(1)
  await result
  session.state.set('n', 2)
  session.flowState.set('n', 2)
  expect(heard).toEqual(['state 2', 'flow state 2'])
})

describe('two steps on the same path', () => {
  const Pair = defineEvent('pair', z.string())

  const both = async () => {
    const page = profile()
    const gates = { a: gate<never>(), b: gate<never>() }
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
      .step('start', { on: Go, emits: [Pair, Done] }, (ctx) => {
        ctx.send(Pair('a'))
        ctx.send(Pair('b'))
      })
      .step('work', { on: Pair, emits: [Done], catchError: 'calm' }, async (ctx, { data }) => {
        await ctx.state.set('x', data === 'a' ? 1 : 2)
        return gates[data as 'a' | 'b'].promise
      })
    return { page, gates, workflow }
  }

  test('x=0; A sets 1, B sets 2, both uncommitted; A fails, then B / 0: never a value nobody committed', async () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const { StepFailed } = await import('../../src/index')
      const { page, gates, workflow } = await both()
      const calm = workflow.step('calm', { on: StepFailed, emits: [Done] }, async (ctx, { data }) => {
        await ctx.sleep(1000)
        return (data.event as { data: string }).data === order[1] ? Done(ctx.state.get('x')) : undefined
      })
      const session = await page.open(calm, { initialState: { x: 0 } })
      const result = session.run()
      await page.settle()
      expect(session.state.get('x')).toBe(2)
      gates[order[0]].fail(new Error('no'))
      await page.settle()
      expect(session.state.get('x')).toBe(order[0] === 'a' ? 2 : 1)
      gates[order[1]].fail(new Error('no'))
      await page.settle()
      expect(session.state.get('x')).toBe(0)
      await page.clock.advance(1000)
      expect(await result).toBe(0)
    }
  })

  test('one commits, the other fails / the committed value stays, whoever wrote first', async () => {
    for (const winner of ['first', 'second'] as const) {
      const page = profile()
      const go = { first: gate(), second: gate() }
      const workflow = defineWorkflow({
        ...flow,
        catchError: 'calm',
        skip: ['deadEnd', 'unproduced', 'unreachable', 'catchError'],
      })
        .step('first', { on: Go, emits: [Worked] }, async (ctx) => {
          await ctx.state.set('x', 'first')
          await go.first.promise
          if (winner === 'first') await ctx.commit()
          else throw new Error('no')
          await ctx.sleep(100)
        })
        .step('second', { on: Go, emits: [Worked] }, async (ctx) => {
          await ctx.state.set('x', 'second')
          await go.second.promise
          if (winner === 'second') await ctx.commit()
          else throw new Error('no')
          await ctx.sleep(100)
        })
        .step('end', { on: Worked, emits: [Done] }, () => Done(1))
      const session = await page.open(workflow)
      void session.run().catch(() => {})
      await page.settle()
      go[winner].open()
      await page.settle()
      go[winner === 'first' ? 'second' : 'first'].open()
      await page.settle()
      expect(session.state.get('x')).toBe(winner)
    }
  })

  test('a hundred others commit while one waits, then it fails / theirs stay, and no old states are kept', async () => {
    const page = profile()
    const stop = gate<never>()
    const workflow = defineWorkflow({ ...flow, events: [Nudge], history: 0 })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.state.set('waits', true)
        return stop.promise
      })
      .step('more', { on: Nudge }, async (ctx, { data }) => ctx.state.append('list', data))
    const session = await page.open(workflow, { initialState: { list: [] } })
    const result = failure(session.run())
    await page.settle()
    for (let n = 0; n < 100; n++) await session.send(Nudge(n))
    const { roots } = session.toJSON() as { readonly roots: readonly unknown[] }
    expect(roots.length).toBeLessThan(5)
    stop.fail(new Error('no'))
    await result
    expect(session.state.get()).toEqual({ list: Array.from({ length: 100 }, (_, n) => n) })
  })
})

describe('events sent by a step', () => {
  const sending = (commit: boolean) => {
    const got: number[] = []
    let tries = 0
    const workflow = defineWorkflow({ ...flow })
      .step('send', { on: Go, emits: [Item, Done], retry: { attempts: 3 } }, async (ctx) => {
        ctx.send(Item(1))
        if (commit) await ctx.commit()
        ctx.send(Item(2))
        if (++tries < 3) throw new Error('no')
        await ctx.sleep(10)
        return Done(got)
      })
      .step('item', { on: Item }, (_, { data }) => void got.push(data))
    return workflow
  }

  test('an event sent, then a throw, in two attempts / delivered once, by the attempt that ended', async () => {
    const page = profile()
    const result = (await page.open(sending(false))).run()
    await page.clock.advance(10)
    expect(await result).toEqual([1, 2])
  })

  test('with commit() in between / the event before it is delivered once, at the first commit', async () => {
    const page = profile()
    const result = (await page.open(sending(true))).run()
    await page.clock.advance(10)
    expect(await result).toEqual([1, 2])
  })

  test('sent, failed for good, then retry() / delivered once, committed before or not', async () => {
    for (const commit of [false, true]) {
      const page = profile()
      const got: number[] = []
      let broken = true
      const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
        .step('send', { on: Go, emits: [Item, Done] }, async (ctx) => {
          ctx.send(Item(1))
          if (commit) await ctx.commit()
          if (broken) throw new Error('no')
          await ctx.sleep(10)
          return Done(got)
        })
        .step('item', { on: Item }, (_, { data }) => void got.push(data))
      const session = await page.open(workflow)
      await failure(session.run())
      await page.clock.advance(100)
      if (!commit) expect(got).toEqual([])
      broken = false
      const again = session.retry()
      await page.clock.advance(10)
      expect(await again).toEqual([1])
    }
  })

  test('sent, then the page dies / delivered once, after the resume', async () => {
    for (const commit of [false, true]) {
      const page = profile()
      const got: number[] = []
      let stuck = true
      const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
        .step('send', { on: Go, asks: [Question], emits: [Item, Done] }, async (ctx) => {
          ctx.send(Item(1))
          if (commit) await ctx.commit()
          if (stuck) await gate().promise
          await ctx.sleep(10)
          return Done(got)
        })
        .step('item', { on: Item }, (_, { data }) => void got.push(data))
      void (await page.open(workflow)).run()
      await page.reload()
      expect(got).toEqual(commit ? [1] : [])
      stuck = false
      const again = await page.open(workflow)
      await page.clock.advance(10)
      expect(again.result).toEqual([1])
    }
  })

  test('an attempt that fails on what it returns / its returned events are not delivered', async () => {
    const got: number[] = []
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
      .step('send', { on: Go, emits: [Item, Done] }, () => [Item(1), { type: 'ghost' } as never])
      .step('item', { on: Item }, (_, { data }) => void got.push(data))
    const session = await profile().open(workflow)
    await failure(session.run())
    expect(got).toEqual([])
    expect(JSON.stringify(session.toJSON())).not.toContain('"type":"item"')
  })
})
