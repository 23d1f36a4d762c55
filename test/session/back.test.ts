import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, gather, memoryStorage, type Session } from '../../src/index'
import { Done, failure, flow, gate, Go, profile, Question } from '../support/flows'

const Text = defineEvent('text', z.object({ text: z.string() }))
const Ask = defineEvent('ask', z.object({ page: z.string() }), { reply: Text })
const Branch = defineEvent('branch', z.number())
const Branched = defineEvent('branched', z.unknown())
const ToHome = defineEvent('toHome')
const ToShop = defineEvent('toShop')
const ToEnd = defineEvent('toEnd')

/** Four pages, one of them on one branch only; each answer is a part of the state. */
const wizard = defineWorkflow({ ...flow, name: 'wizard' })
  .step('name', { on: Go, asks: [Ask], emits: [ToHome, ToShop] }, async (ctx) => {
    const name = await ctx.ask(Ask({ page: 'name' }))
    await ctx.state.set('answers.name', name.data.text)
    const how = await ctx.ask(Ask({ page: 'how' }))
    await ctx.state.set('answers.how', how.data.text)
    return how.data.text === 'shop' ? ToShop() : ToHome()
  })
  .step('home', { on: ToHome, asks: [Ask], emits: [ToEnd] }, async (ctx) => {
    await ctx.state.set('answers.street', (await ctx.ask(Ask({ page: 'street' }))).data.text)
    return ToEnd()
  })
  .step('shop', { on: ToShop, asks: [Ask], emits: [ToEnd] }, async (ctx) => {
    await ctx.state.set('answers.shop', (await ctx.ask(Ask({ page: 'shop' }))).data.text)
    return ToEnd()
  })
  .step('end', { on: ToEnd, asks: [Ask], emits: [Done] }, async (ctx) => {
    await ctx.ask(Ask({ page: 'sure' }))
    return Done(ctx.state.get('answers'))
  })

type Wizard = Session<typeof wizard>

const shown = (session: Wizard) => session.asks.map((it) => it.data.page).join()

async function begun() {
  const page = profile()
  const session = await page.open(wizard)
  const result = session.run()
  result.catch(() => {})
  await page.settle()
  const answer = async (...texts: string[]) => {
    for (const text of texts) {
      await session.asks[0]?.reply({ text })
      await page.settle()
    }
  }
  return { page, session, result, answer }
}

describe('back()', () => {
  test("at the second page / the first is open again, its step's writes are gone, and what was typed stays", async () => {
    const { session, answer } = await begun()
    session.state.set('draft', 'Ad')
    await answer('Ada')
    session.state.set('draft', 'Ada, on foot')
    expect(session.back()).toBe(true)
    expect(shown(session)).toBe('name')
    expect(session.status).toBe('waiting')
    expect(session.state.get()).toEqual({ draft: 'Ada, on foot' })
  })

  test('at the first page, before the run, after cancel and after the end / false, and nothing changes', async () => {
    const { page, session, result, answer } = await begun()
    const still = () => {
      const before = JSON.stringify(session.toJSON())
      expect(session.back()).toBe(false)
      expect(session.forward()).toBe(false)
      expect(JSON.stringify(session.toJSON())).toBe(before)
    }
    still()
    await answer('Ada', 'home', 'Damrak 1', 'yes')
    await result
    still()
    const again = session.run()
    still()
    await answer('Ada')
    session.cancel()
    await failure(again)
    still()
    expect((await page.open(wizard, { id: 'fresh' })).back()).toBe(false)
  })

  test('page by page to the first / each is open again; then false', async () => {
    const { session, answer } = await begun()
    await answer('Ada', 'home', 'Damrak 1')
    const seen = [shown(session)]
    while (session.back()) seen.push(shown(session))
    expect(seen).toEqual(['sure', 'street', 'how', 'name'])
    expect(session.state.get()).toEqual({})
  })

  test('at a page whose reply was refused by its schema / back() goes back all the same', async () => {
    const { session, answer } = await begun()
    await answer('Ada')
    expect(() => session.asks[0]?.reply({ text: 5 } as never)).toThrow('text')
    expect(session.back()).toBe(true)
  })

  test('what was typed into an object that a step has created / stays, and the rest of the object is at its default', async () => {
    const page = profile()
    const state = z.object({
      form: z.object({ text: z.string().default(''), tags: z.array(z.string()).default([]) }).optional(),
    })
    const workflow = defineWorkflow({ ...flow, state }).step(
      'form',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        await ctx.state.set('form', { text: 'made', tags: ['made'] })
        return Done((await ctx.ask(Question(2))).data)
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    await session.asks[0]?.reply(1)
    await page.settle()
    session.state.set('form.text', 'typed')
    expect(session.back()).toBe(true)
    expect(session.state.get()).toEqual({ form: { text: 'typed', tags: [] } })
  })

  test('another branch is taken / the answers of the branch that was left are not in the result', async () => {
    const { session, result, answer } = await begun()
    await answer('Ada', 'home', 'Damrak 1')
    session.back()
    session.back()
    expect(shown(session)).toBe('how')
    await answer('shop', 'Station Square', 'yes')
    expect(await result).toEqual({ name: 'Ada', how: 'shop', shop: 'Station Square' })
  })

  test('the old branch is taken again / its answers can be given again, and are in the result', async () => {
    const { page, session, result, answer } = await begun()
    await answer('Ada', 'home', 'Damrak 1')
    session.back()
    session.back()
    await answer('shop')
    session.back()
    await answer('home')
    expect(shown(session)).toBe('street')
    expect(session.forward()).toBe(true)
    await page.settle()
    expect(shown(session)).toBe('sure')
    await answer('yes')
    expect(await result).toEqual({ name: 'Ada', how: 'home', street: 'Damrak 1' })
  })

  test('a late reply on a page that was left / resolves with false', async () => {
    const { session, answer } = await begun()
    const first = session.asks[0]
    await answer('Ada')
    const second = session.asks[0]
    session.back()
    expect(await second?.reply({ text: 'late' })).toBe(false)
    expect(await first?.reply({ text: 'late' })).toBe(false)
    expect(shown(session)).toBe('name')
  })

  test('back() called twice in a row / goes back two pages', async () => {
    const { session, answer } = await begun()
    await answer('Ada', 'home')
    expect([session.back(), session.back(), session.back()]).toEqual([true, true, false])
    expect(shown(session)).toBe('name')
  })

  test('from a failed run / the page before the failure is open again', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const { data } = await ctx.ask(Question('card?'))
        if (data === 'expired') throw new Error('the card has expired')
        return Done(data)
      },
    )
    const session = await page.open(workflow)
    const failed = failure(session.run())
    await session.asks[0]?.reply('expired')
    await failed
    expect(session.back()).toBe(true)
    expect(session.error).toBeUndefined()
    const again = session.run()
    await session.asks[0]?.reply('good')
    expect(await again).toBe('good')
  })

  test('from a failed run to an ask with a timeout / the ask has the time that it had left when it was answered', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question('card?'), { timeout: 1000 })
        throw new Error('the card has expired')
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.clock.advance(400)
    await session.asks[0]?.reply('expired')
    await page.settle()
    expect(session.back()).toBe(true)
    await page.clock.advance(599)
    expect(session.status).toBe('waiting')
    await page.clock.advance(1)
    expect([session.status, session.error?.cause]).toMatchObject(['failed', { name: 'TimeoutError' }])
  })

  test('while a step is at work / the step is stopped, and the result of its effect is dropped', async () => {
    const page = profile()
    const slow = gate()
    const signals: AbortSignal[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const { data } = await ctx.ask(Question(1))
        signals.push(ctx.signal)
        await ctx.state.set('working', data)
        const value = await ctx.once('slow', () => slow.promise.then(() => data))
        return Done(value)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await session.asks[0]?.reply('old')
    await page.settle()
    expect(session.back()).toBe(true)
    expect(signals[0]?.aborted).toBe(true)
    slow.open()
    await page.settle()
    expect(session.state.get()).toEqual({})
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply('new')
    expect(await result).toBe('new')
  })

  test('an effect whose intent is not stored yet / never begins, not even under the key of the next answer', async () => {
    const disk = gate()
    const storage = memoryStorage()
    const append: typeof storage.append = (...call) => disk.promise.then(() => storage.append(...call))
    const page = profile({}, { storage: { ...storage, append } })
    const paid: unknown[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const { data } = await ctx.ask(Question(1))
        return Done(await ctx.once('pay', () => void paid.push(data)))
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    void session.asks[0]?.reply('old')
    await page.settle()
    expect(session.back()).toBe(true)
    disk.open()
    await page.settle()
    expect([session.status, paid]).toEqual(['waiting', []])
    await session.asks[0]?.reply('new')
    await page.settle()
    expect(paid).toEqual(['new'])
  })

  test('two open asks, one answered / that one is open again, beside the other', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const answers = await Promise.all([ctx.ask(Question('a')), ctx.ask(Question('b'))])
        return Done(answers.map((it) => it.data))
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    await session.asks[1]?.reply('B')
    expect(session.asks.map((it) => it.data)).toEqual(['a'])
    expect(session.back()).toBe(true)
    expect(session.asks.map((it) => it.data)).toEqual(['a', 'b'])
    await page.settle()
    await session.asks[0]?.reply('A')
    await session.asks[0]?.reply('B2')
    expect(await result).toEqual(['A', 'B2'])
  })

  test('a page whose ask has timed out / is skipped', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1), { timeout: 10 }).catch(() => {})
        return Done((await ctx.ask(Question(2))).data)
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.clock.advance(10)
    expect(session.back()).toBe(false)
  })

  test('an ask with a timeout, opened again an hour later / has the time that it had left when it was answered', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1), { timeout: 1000 })
        return Done((await ctx.ask(Question(2))).data)
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.clock.advance(400)
    await session.asks[0]?.reply(1)
    await page.clock.advance(3_600_000)
    expect(session.back()).toBe(true)
    expect(session.asks[0]?.deadline).toBe(page.clock.now() + 600)
    await page.clock.advance(599)
    expect(session.status).toBe('waiting')
  })

  test('an answer given by session.send() / counts as a page', async () => {
    const { page, session } = await begun()
    await session.send(Text({ text: 'Ada' }))
    await page.settle()
    expect(shown(session)).toBe('how')
    expect(session.back()).toBe(true)
    expect(shown(session)).toBe('name')
  })

  test('a paused session / stays paused', async () => {
    const { session, answer } = await begun()
    await answer('Ada')
    session.pause()
    expect(session.back()).toBe(true)
    expect(session.status).toBe('paused')
    expect(shown(session)).toBe('name')
  })

  test('typed on a later page before back(), then a new answer and a reload / the step has read what was typed', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'pages',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question('first'))
        const seen = ctx.state.get('typed')
        await ctx.ask(Question('second'))
        return Done(seen)
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    await session.asks[0]?.reply('a')
    await page.settle()
    session.state.set('typed', 'later')
    session.back()
    await page.settle()
    await session.asks[0]?.reply('b')
    await page.settle()
    session.state.set('typed', 'later still')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    await again.asks[0]?.reply('c')
    expect(await again.run()).toBe('later')
  })

  test('in a closed session / back() and forward() are false, and nothing changes', async () => {
    const { session, answer } = await begun()
    await answer('Ada', 'home')
    session.back()
    const before = session.history()
    await session.close()
    expect([session.back(), session.forward()]).toEqual([false, false])
    expect(session.history()).toEqual(before)
  })

  test('after a reload, and after a snapshot has replaced the records / works as before', async () => {
    const { page, session, answer } = await begun()
    await answer('Ada', 'home', 'Damrak 1')
    session.state.set('draft', 'x'.repeat(300_000))
    await session.flush()
    await page.clock.advance(5000)
    await page.reload()
    const again = await page.open(wizard)
    expect(again.back()).toBe(true)
    expect(shown(again)).toBe('street')
    await page.reload()
    const third = await page.open(wizard)
    expect(shown(third)).toBe('street')
    expect(third.forward()).toBe(true)
    await page.settle()
    expect(shown(third)).toBe('sure')
    expect(third.back() && third.back()).toBe(true)
    expect(shown(third)).toBe('how')
  })
})

describe('forward()', () => {
  test.each([
    ['ask the same', () => 'same'],
    ['ask something else each', (at: number) => `page ${at}`],
  ])(
    'parallel branches that %s / each gets its own answer again; one given by hand replaces its own',
    async (_, name) => {
      const page = profile()
      const several = defineWorkflow({ ...flow })
        .step('split', { on: Go, emits: [Branch] }, () => [Branch(0), Branch(1), Branch(2)])
        .step('branch', { on: Branch, asks: [Ask], emits: [Branched] }, async (ctx, { data }) =>
          Branched([data, (await ctx.ask(Ask({ page: name(data) }))).data.text]),
        )
        .step('join', { on: gather(Branched), emits: [Done] }, (_ctx, all) => Done(all.map((it) => it.data)))
      let session = await page.open(several)
      session.run().catch(() => {})
      await page.settle()
      await session.asks[0]?.reply({ text: 'zero' })
      await session.asks[0]?.reply({ text: 'one' })
      await page.settle()
      expect([session.back(), session.back(), session.asks.length]).toEqual([true, true, 3])
      await page.reload()
      session = await page.open(several)
      await page.settle()
      await session.asks[1]?.reply({ text: 'by hand' })
      await page.settle()
      expect([session.forward(), session.forward()]).toEqual([true, false])
      await session.asks[0]?.reply({ text: 'two' })
      await page.settle()
      expect(session.result).toEqual([
        [0, 'zero'],
        [1, 'by hand'],
        [2, 'two'],
      ])
    },
  )

  test('after two steps back / gives both answers again, then false; a new answer drops the kept ones', async () => {
    const { page, session, answer } = await begun()
    await answer('Ada', 'home', 'Damrak 1')
    session.back()
    session.back()
    expect(session.forward()).toBe(true)
    await page.settle()
    expect(shown(session)).toBe('street')
    expect(session.forward()).toBe(true)
    await page.settle()
    expect(shown(session)).toBe('sure')
    expect(session.forward()).toBe(false)
    expect(session.state.get('answers')).toEqual({ name: 'Ada', how: 'home', street: 'Damrak 1' })
    session.back()
    await answer('Mill Lane 7')
    expect(session.forward()).toBe(false)
    expect(session.state.get('answers.street')).toBe('Mill Lane 7')
  })

  test('an earlier answer was changed / the later one is still kept', async () => {
    const { page, session, answer } = await begun()
    await answer('Ada', 'home', 'Damrak 1')
    session.back()
    session.back()
    session.back()
    await answer('Grace')
    expect(shown(session)).toBe('how')
    expect(session.forward()).toBe(true)
    await page.settle()
    expect(session.forward()).toBe(true)
    await page.settle()
    expect(session.state.get('answers')).toEqual({ name: 'Grace', how: 'home', street: 'Damrak 1' })
  })

  test('one step asks another page in the same place, and that is answered / the first is still kept for its branch', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'pages',
      { on: Go, asks: [Ask], emits: [Done] },
      async (ctx) => {
        const how = await ctx.ask(Ask({ page: 'how' }))
        const where = await ctx.ask(Ask({ page: how.data.text }))
        await ctx.ask(Ask({ page: 'sure' }))
        return Done(where.data.text)
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    const answer = async (text: string) => {
      await session.asks[0]?.reply({ text })
      await page.settle()
    }
    for (const [how, where] of [
      ['home', 'Damrak 1'],
      ['shop', 'at nine'],
    ] as const) {
      await answer(how)
      await answer(where)
      session.back()
      session.back()
    }
    for (const [how, where] of [
      ['shop', 'at nine'],
      ['home', 'Damrak 1'],
    ] as const) {
      await answer(how)
      expect(session.forward()).toBe(true)
      await page.settle()
      expect(session.history().findLast((it) => it.type === 'answered')).toMatchObject({
        value: { text: where },
      })
      session.back()
      session.back()
    }
  })

  test('the ask has other data now / the old answer is not given to it', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const { data: price } = await ctx.ask(Question('how many?'))
        await ctx.ask(Question(`pay ${String(price)}?`))
        await ctx.ask(Question('really?'))
        return Done(1)
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    for (const data of [10, 'yes']) {
      await session.asks[0]?.reply(data)
      await page.settle()
    }
    session.back()
    session.back()
    await session.asks[0]?.reply(99)
    await page.settle()
    expect(session.asks[0]?.data).toBe('pay 99?')
    expect(session.forward()).toBe(false)
    session.back()
    await session.asks[0]?.reply(10)
    await page.settle()
    expect(session.forward()).toBe(true)
  })

  test('answers 0, "", false, null and objects / are kept and given as they are', async () => {
    for (const value of [0, '', false, null, { deep: [{}] }]) {
      const page = profile()
      const workflow = defineWorkflow({ ...flow }).step(
        'ask',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          const { data } = await ctx.ask(Question(1))
          await ctx.ask(Question(2))
          return Done(data)
        },
      )
      const session = await page.open(workflow)
      const result = session.run()
      await session.asks[0]?.reply(value)
      await page.settle()
      session.back()
      await page.reload()
      result.catch(() => {})
      const again = await page.open(workflow)
      const end = again.run()
      expect(again.forward()).toBe(true)
      await page.settle()
      await again.asks[0]?.reply(1)
      expect(await end).toEqual(value)
    }
  })

  test('another run / no answers are kept for it', async () => {
    const { session, answer } = await begun()
    await answer('Ada')
    session.back()
    session.cancel()
    session.run().catch(() => {})
    expect(shown(session)).toBe('name')
    expect(session.forward()).toBe(false)
  })

  test("to work that never ends / the run's timeout counts again", async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 1000 }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        return new Promise(() => {})
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await session.asks[0]?.reply(1)
    await page.settle()
    session.back()
    await page.clock.advance(5000)
    expect(session.forward()).toBe(true)
    await page.clock.advance(999)
    expect(session.status).toBe('running')
    await page.clock.advance(1)
    expect(session.status).toBe('failed')
  })
})
