import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  type AnySession,
  type AnyWorkflow,
} from '../../src/index'
import { virtualTabs } from '../../src/testing'
import { Done, flow, gate, Go, Item, Nudge, profile, Question, Worked } from '../support/flows'

const outside = { ...flow, events: [Nudge] } as const

describe('waitFor', () => {
  const timed = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
    const began = await ctx.once('began', () => 0)
    try {
      return Done({ got: (await ctx.waitFor(Nudge, { timeout: 200 })).data, began })
    } catch (error) {
      return Done({ scope: (error as { scope?: string }).scope })
    }
  })

  test('200 ms, closed at 100, opened an hour later / times out at once', async () => {
    const page = profile()
    void (await page.open(timed)).run()
    await page.clock.advance(100)
    await page.reload()
    await page.clock.advance(3_600_000)
    const again = await page.open(timed)
    await page.settle()
    expect(again.result).toEqual({ scope: 'wait' })
  })

  test('200 ms, closed at 100, opened at once / times out 100 ms later', async () => {
    const page = profile()
    void (await page.open(timed)).run()
    await page.clock.advance(100)
    await page.reload()
    const again = await page.open(timed)
    await page.clock.advance(99)
    expect(again.status).toBe('waiting')
    await page.clock.advance(1)
    expect(again.result).toEqual({ scope: 'wait' })
  })

  test.each(['an ask', 'a wait', 'an ask of a sub-flow', 'a wait of a sub-flow'])(
    'timers come late after sleep, and %s is past its deadline / it times out, and nobody takes what comes now',
    async (which) => {
      const page = profile()
      let asleep = 0
      const { clock } = page
      const late = profile(undefined, { clock: { ...clock, now: () => clock.now() + asleep } })
      const waiting = defineWorkflow({ ...outside, name: 'waiting' }).step(
        'ask',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          const timeout = 1000
          const asked = which.startsWith('an ask')
          const answer = asked ? ctx.ask(Question(1), { timeout }) : ctx.waitFor(Nudge, { timeout })
          return Done(await answer.catch((error: Error) => error.message))
        },
      )
      const outer = defineWorkflow(flow).subflow('sub', { on: Go, workflow: waiting, emits: [Done] })
      const workflow: AnyWorkflow = which.endsWith('sub-flow') ? outer : waiting
      const session = await late.open(workflow)
      void session.run()
      await clock.advance(999)
      const [ask] = session.asks
      asleep = 5000
      expect(await (ask?.reply('late') ?? session.send(Nudge('late')))).toBe(false)
      await clock.advance(0)
      const what = which.startsWith('an ask') ? 'the reply to "question"' : 'the wait for "nudge"'
      expect(session.result).toBe(`${what} took longer than 1000 ms`)
    },
  )

  test('timers come late after sleep, and forward() comes to an ask past its deadline / it times out, and that is no way on', async () => {
    let asleep = 0
    const { clock } = profile()
    const late = profile(undefined, { clock: { ...clock, now: () => clock.now() + asleep } })
    const workflow = defineWorkflow(flow).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const first = ctx.ask(Question(1), { timeout: 1000 }).catch((error: Error) => error.message)
        return Done([await first, (await ctx.ask(Question(2))).data])
      },
    )
    const session = await late.open(workflow)
    const result = session.run()
    await clock.advance(0)
    await session.asks[0]?.reply('in time')
    await clock.advance(0)
    expect([session.back(), session.asks[0]?.data]).toEqual([true, 1])
    await clock.advance(0)
    asleep = 5000
    expect(session.forward()).toBe(false)
    await clock.advance(0)
    await session.asks[0]?.reply('b')
    expect(await result).toEqual([expect.stringContaining('took longer than 1000 ms'), 'b'])
  })

  test.each([
    ['returns', false],
    ['sends', false],
    ['returns', true],
  ] as const)(
    'timers come late, and another step %s the event after the deadline (%o: in a sub-flow) / the wait times out',
    async (how, nested) => {
      let asleep = 0
      const { clock } = profile()
      const late = profile(undefined, { clock: { ...clock, now: () => clock.now() + asleep } })
      const held = gate()
      const waiting = defineWorkflow({ ...flow, name: 'waiting', events: [Nudge] })
        .step('wait', { on: Go, emits: [Done] }, async (ctx) =>
          Done(await ctx.waitFor(Nudge, { timeout: 1000 }).catch((error: Error) => error.message)),
        )
        .step('tell', { on: Go, emits: [Nudge] }, async (ctx) => {
          await held.promise
          if (how === 'returns') return Nudge(1)
          ctx.send(Nudge(1))
          return undefined
        })
      const outer = defineWorkflow(flow).subflow('sub', { on: Go, workflow: waiting, emits: [Done] })
      const workflow: AnyWorkflow = nested ? outer : waiting
      const session = await late.open(workflow)
      void session.run()
      await clock.advance(999)
      asleep = 5000
      held.open()
      await clock.advance(0)
      expect(session.result).toMatch('took longer than 1000 ms')
    },
  )

  test('the event comes in time / it is the answer; a later one is not taken', async () => {
    const page = profile()
    const session = await page.open(timed)
    const result = session.run()
    await page.clock.advance(199)
    expect(await session.send(Nudge('now'))).toBe(true)
    expect(await result).toEqual({ got: 'now', began: 0 })
    expect(await session.send(Nudge('late'))).toBe(false)
  })

  test('two waits for one type, in a row / get the first and the second event, also with a reload between', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const first = await ctx.waitFor(Nudge)
      const second = await ctx.waitFor(Nudge)
      return Done([first.data, second.data])
    })
    const page = profile()
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(await session.send(Nudge(1))).toBe(true)
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(await again.send(Nudge(2))).toBe(true)
    await page.settle()
    expect(again.result).toEqual([1, 2])
  })

  test('two parallel waits for one type / the oldest gets the first event', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const both = await Promise.all([ctx.waitFor(Nudge), ctx.waitFor(Nudge)])
      return Done(both.map((it) => it.data))
    })
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(await session.send(Nudge(1))).toBe(true)
    expect(await session.send(Nudge(2))).toBe(true)
    expect(await result).toEqual([1, 2])
  })

  test('two events sent together, two waits in a row / the second wait is not there yet, and the sender of the second event is told so', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const first = await ctx.waitFor(Nudge)
      const second = await ctx.waitFor(Nudge)
      return Done([first.data, second.data])
    })
    const page = profile()
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(await Promise.all([session.send(Nudge(1)), session.send(Nudge(2))])).toEqual([true, false])
    await page.settle()
    expect(session.status).toBe('waiting')
    expect(await session.send(Nudge(3))).toBe(true)
    await page.settle()
    expect(session.result).toEqual([1, 3])
  })

  test('`where` / only a matching event is taken', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const nudge = await ctx.waitFor(Nudge, { where: (it) => it.data === 'right' })
      return Done(nudge.data)
    })
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(await session.send(Nudge('wrong'))).toBe(false)
    expect(session.status).toBe('waiting')
    expect(await session.send(Nudge('right'))).toBe(true)
    expect(await result).toBe('right')
  })

  test('`where` returns no boolean / truthy counts', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'wait',
      { on: Go, emits: [Done] },
      async (ctx) => {
        const where = (it: { data: unknown }): unknown => it.data
        return Done((await ctx.waitFor(Nudge, { where: where as () => boolean })).data)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect([await session.send(Nudge(0)), await session.send(Nudge('yes'))]).toEqual([false, true])
    expect(await result).toBe('yes')
  })

  test('two waits with `where` / each event goes to the one that matches', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const both = await Promise.all([
        ctx.waitFor(Nudge, { where: (it) => Number(it.data) % 2 === 1 }),
        ctx.waitFor(Nudge, { where: (it) => Number(it.data) % 2 === 0 }),
      ])
      return Done(both.map((it) => it.data))
    })
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(await session.send(Nudge(4))).toBe(true)
    expect(await session.send(Nudge(6))).toBe(false)
    expect(await session.send(Nudge(7))).toBe(true)
    expect(await result).toEqual([7, 4])
  })

  test('`where`, after a reload / holds again', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const wanted = await ctx.once('wanted', () => 'right')
      const nudge = await ctx.waitFor(Nudge, { where: (it) => it.data === wanted })
      return Done(nudge.data)
    })
    const page = profile()
    void (await page.open(workflow)).run()
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(await again.send(Nudge('wrong'))).toBe(false)
    expect(await again.send(Nudge('right'))).toBe(true)
    await page.settle()
    expect(again.result).toBe('right')
  })

  test('`where`, and an event right after a reload, before the step is back at the wait / not lost', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const wanted = await ctx.once('wanted', () => 'right')
      const nudge = await ctx.waitFor(Nudge, { where: (it) => it.data === wanted })
      return Done(nudge.data)
    })
    const page = profile()
    void (await page.open(workflow)).run()
    await page.reload()
    const again = await page.open(workflow)
    const wrong = again.send(Nudge('wrong'))
    const right = again.send(Nudge('right'))
    await page.settle()
    expect(await wrong).toBe(false)
    expect(await right).toBe(true)
    expect(again.result).toBe('right')
  })

  test("another step's event after a reload, before the step is back at its wait / the wait with `where` gets it", async () => {
    const workflow = defineWorkflow({ ...flow, skip: ['unconsumed', 'deadEnd'] })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
        for (const part of ['a', 'b', 'c']) await ctx.once(part, () => part)
        const item = await ctx.waitFor(Item, { where: (it) => it.data === 5 })
        return Done(item.data)
      })
      .step('produce', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.sleep(1000)
        return Item(5)
      })
    const page = profile()
    void (await page.open(workflow)).run()
    await page.clock.advance(500)
    await page.reload()
    await page.clock.advance(10_000)
    const again = await page.open(workflow)
    await page.settle()
    expect(again.status).toBe('completed')
    expect(again.result).toBe(5)
  })

  /** Two events at once, for two steps that go on beside each other. */
  const beside = defineWorkflow({ ...outside, skip: ['deadEnd'] }).step(
    'both',
    { on: Go, emits: [Item, Worked] },
    (ctx) => {
      ctx.send(Worked(1))
      ctx.send(Item(1))
    },
  )

  /** How it ends when a page that runs `first` is reloaded, and the next one has `then`. */
  async function reloaded(first: AnyWorkflow, then: AnyWorkflow): Promise<unknown[]> {
    const page = profile()
    const session: AnySession = await page.open(first)
    void session.run()
    await page.settle()
    await page.reload()
    const again: AnySession = await page.open(then)
    await page.settle()
    await page.clock.advance(10)
    return [again.status, again.result]
  }

  const child = defineWorkflow({ name: 'child', version: 1, start: Worked, stop: Done }).step(
    'only',
    { on: Worked, emits: [Done] },
    () => Done(1),
  )

  test.each(['once', 'ask', 'collect', 'commit', 'sleep', 'subflow', 'end'] as const)(
    'sent before a point (%s) right after a reload, before the step is back at its wait with `where` / the wait gets it',
    async (point) => {
      const workflow = (first: boolean) =>
        beside
          .step('send', { on: Worked, emits: [Nudge], asks: [Question] }, async (ctx) => {
            if (first) await gate().promise
            ctx.send(Nudge('right'))
            if (point === 'once') await ctx.once('point', () => 1)
            if (point === 'ask') await ctx.ask(Question(1))
            if (point === 'collect') await ctx.collect(ctx.event, [Worked, Worked])
            if (point === 'commit') await ctx.commit()
            if (point === 'sleep') await ctx.sleep(5)
            if (point === 'subflow') await ctx.subflow(child)
          })
          .step('wait', { on: Item, emits: [Done] }, async (ctx) => {
            const wanted = await ctx.once('wanted', () => 'right')
            return Done((await ctx.waitFor(Nudge, { where: (it) => it.data === wanted })).data)
          })
      expect(await reloaded(workflow(true), workflow(false))).toEqual(['completed', 'right'])
    },
  )

  test.each(['the result of an effect', 'the end of `prepare`'])(
    'sent before %s, which comes right after a reload / the wait with `where` gets it',
    async (point) => {
      const workflow = (first: boolean) =>
        beside
          .step('send', { on: Worked, emits: [Nudge] }, async (ctx) => {
            if (point !== 'the result of an effect') return
            const slow = gate()
            const result = ctx.once('effect', () => slow.promise)
            if (first) await result
            ctx.send(Nudge('right'))
            slow.open()
            await result
          })
          .node(
            'node',
            { on: Worked, emits: [Nudge] },
            {
              async prepare(_, ctx) {
                if (point === 'the result of an effect') return
                if (first) await gate().promise
                ctx.send(Nudge('right'))
              },
              execute: () => {},
            },
          )
          .step('wait', { on: Item, emits: [Done] }, async (ctx) => {
            for (let n = 0; n < 40; n++) await ctx.once(`before ${n}`, () => n)
            return Done((await ctx.waitFor(Nudge, { where: (it) => it.data === 'right' })).data)
          })
      expect(await reloaded(workflow(true), workflow(false))).toEqual(['completed', 'right'])
    },
  )

  test('`where` throws / send() is false, the wait stays open, and onError hears the error', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const nudge = await ctx.waitFor(Nudge, {
        where: (it) => {
          if (it.data === 'bad') throw new Error('bad predicate')
          return true
        },
      })
      return Done(nudge.data)
    })
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(await session.send(Nudge('bad'))).toBe(false)
    expect(page.errors).toMatchObject([{ message: 'bad predicate' }])
    expect(session.status).toBe('waiting')
    expect(await session.send(Nudge('good'))).toBe(true)
    expect(await result).toBe('good')
  })

  test('`where` returns a promise / send() is false, no event is taken, and onError hears why', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) => {
      const where = async (): Promise<boolean> => false
      return Done((await ctx.waitFor(Nudge, { where: where as never })).data)
    })
    const page = profile()
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    expect(await session.send(Nudge('wrong'))).toBe(false)
    expect(session.status).toBe('waiting')
    expect(page.errors).toMatchObject([
      { code: 'ARGUMENT', message: 'waitFor(): where() takes true or false, not object' },
    ])
  })

  test('an event from another step / answers the wait', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, skip: ['unconsumed', 'deadEnd'] })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => Done((await ctx.waitFor(Item)).data))
      .step('produce', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.sleep(100)
        return Item(5)
      })
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(100)
    expect(await result).toBe(5)
  })

  test('an event that one step accepts and another waits for / goes to both', async () => {
    const page = profile()
    const got: unknown[] = []
    const workflow = defineWorkflow({ ...flow, events: [Nudge], skip: ['deadEnd'] })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
        got.push((await ctx.waitFor(Nudge)).data)
        await ctx.sleep(10)
        return Done(got)
      })
      .step('accepts', { on: Nudge }, (_, { data }) => void got.push(data))
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(await session.send(Nudge('both'))).toBe(true)
    await page.clock.advance(10)
    expect(await result).toEqual(['both', 'both'])
  })

  test('`emit` / is sent once, when the wait opens, also with a reload', async () => {
    const sent: unknown[] = []
    const workflow = defineWorkflow({ ...flow, skip: ['unconsumed', 'deadEnd'] })
      .step('wait', { on: Go, emits: [Item, Done] }, async (ctx) => {
        const worked = await ctx.waitFor(Worked, { emit: Item(3) })
        return Done(worked.data)
      })
      .step('work', { on: Item, emits: [Worked] }, async (ctx, { data }) => {
        sent.push(data)
        await ctx.sleep(1000)
        return Worked(data * 2)
      })
    const page = profile()
    void (await page.open(workflow)).run()
    await page.clock.advance(500)
    await page.reload()
    const again = await page.open(workflow)
    await page.clock.advance(500)
    expect(again.result).toBe(6)
    // Once by the event, once more because the reload cut its sleep.
    expect(sent).toEqual([3, 3])
  })

  test('`emit` answered at once by another step / the answer is not missed', async () => {
    const workflow = defineWorkflow({ ...flow, skip: ['unconsumed', 'deadEnd'] })
      .step('wait', { on: Go, emits: [Item, Done] }, async (ctx) => {
        const worked = await ctx.waitFor(Worked, { emit: Item(3) })
        return Done(worked.data)
      })
      .step('work', { on: Item, emits: [Worked] }, (_, { data }) => Worked(data * 2))
    expect(await (await profile().open(workflow)).run()).toBe(6)
  })

  test('sent while a reloaded step does not come to its wait again, whose predicate is not known / nobody takes it', async () => {
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) =>
      Done((await ctx.waitFor(Nudge, { where: () => true })).data),
    )
    const page = profile()
    void (await page.open(workflow)).run()
    await page.settle()
    await page.reload()
    const held = await page.open(workflow, { autoResume: false })
    expect(await held.send(Nudge(1))).toBe(false)
    held.resume()
    expect(await held.send(Nudge(2))).toBe(true)
    expect(await held.run()).toBe(2)
  })

  test('an event with a transforming schema / arrives transformed once', async () => {
    const Trimmed = defineEvent(
      'trimmed',
      z.string().transform((it) => `<${it}>`),
    )
    const workflow = defineWorkflow({ ...flow, events: [Trimmed] }).step(
      'wait',
      { on: Go, emits: [Done] },
      async (ctx) => {
        const first = await ctx.waitFor(Trimmed)
        const second = await ctx.waitFor(Trimmed)
        return Done([first.data, second.data])
      },
    )
    const page = profile()
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    await session.send({ type: 'trimmed', data: 'a' } as never)
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    await again.send(Trimmed('b'))
    await page.settle()
    expect(again.result).toEqual(['<a>', '<b>'])

    // So it does when another tab has sent it.
    const { clock } = page
    const browser = { storage: memoryStorage(), clock, ...virtualTabs() }
    const leader = await createEngine(browser).open(workflow)
    const follower = await createEngine(browser).open(workflow)
    void leader.run()
    await clock.advance(100)
    for (const it of [{ type: 'trimmed', data: 'a' } as never, Trimmed('b')]) {
      const sent = follower.send(it)
      await clock.advance(100)
      expect(await sent).toBe(true)
    }
    expect(follower.result).toEqual(['<a>', '<b>'])
  })
})

test('cancel() after a step has ended, while it is not clear yet which wait takes its event / nothing comes after the end', async () => {
  const workflow = (first: boolean) =>
    defineWorkflow(outside)
      .step('send', { on: Go, emits: [Nudge] }, async (ctx) => {
        if (first) await gate().promise
        await ctx.state.set('ended', true)
        return Nudge('right')
      })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
        for (let n = 0; n < 40; n++) await ctx.once(`before ${n}`, () => n)
        return Done((await ctx.waitFor(Nudge, { where: (it) => it.data === 'right' })).data)
      })
  const page = profile()
  void (await page.open(workflow(true))).run()
  await page.reload()
  const again = await page.open(workflow(false))
  while (!again.state.get('ended')) await new Promise((resolve) => setImmediate(resolve))
  again.cancel()
  await page.settle()
  expect(again.history().at(-1)?.type).toBe('finished')
})

test('two waits in a row time out, and the step has caught the first / a retry waits for the second again, and not for the first', async () => {
  const workflow = defineWorkflow({ ...flow, events: [Nudge, Worked] }).step(
    'wait',
    { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
    async (ctx) => {
      const first = await ctx.waitFor(Nudge, { timeout: 100 }).catch(() => 'nobody')
      return Done([first, (await ctx.waitFor(Worked, { timeout: 100 })).data])
    },
  )
  const page = profile()
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.clock.advance(1250)
  expect(await session.send(Nudge(1))).toBe(false)
  expect(await session.send(Worked(2))).toBe(true)
  expect(await session.run()).toEqual(['nobody', 2])
})

test('a step ends while it still waits, as the other side of a race was first / the event goes to the next who waits', async () => {
  const page = profile()
  const workflow = defineWorkflow(outside)
    .step('first', { on: Go, emits: [Item] }, async (ctx) => {
      await Promise.race([ctx.waitFor(Nudge), ctx.sleep(10)])
      return Item(1)
    })
    .step('second', { on: Item, emits: [Done] }, async (ctx) => Done((await ctx.waitFor(Nudge)).data))
  const session = await page.open(workflow)
  const result = session.run()
  await page.clock.advance(10)
  expect(await session.send(Nudge('for the second'))).toBe(true)
  expect(await result).toBe('for the second')
})

test.each([2, 3])(
  'an event right after a fork at record %i, where the step is only about to begin / it takes it',
  async (seq) => {
    const page = profile()
    const workflow = defineWorkflow(outside).step('wait', { on: Go, emits: [Done] }, async (ctx) =>
      Done((await ctx.waitFor(Nudge)).data),
    )
    const session = await page.open(workflow)
    void session.run()
    const fork = await session.fork(seq)
    expect(await fork.send(Nudge('early'))).toBe(true)
    expect(await fork.run()).toBe('early')
  },
)

describe('status while waiting', () => {
  test('one step waits, another works / running; once that one ends / waiting', async () => {
    const page = profile()
    const slow = gate()
    const workflow = defineWorkflow({ ...outside, skip: ['deadEnd'] })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => Done((await ctx.waitFor(Nudge)).data))
      .step('work', { on: Go }, () => slow.promise)
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(session.status).toBe('running')
    slow.open()
    await page.settle()
    expect(session.status).toBe('waiting')
  })
})
