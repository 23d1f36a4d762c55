import { describe, expect, test } from 'vitest'
import { defineWorkflow, type AnyWorkflow, type Session } from '../../src/index'
import { Answer, Done, flow, gate, Go, Nudge, profile, Question, type Profile } from '../support/flows'

/** Replies to each open ask with its own question. */
async function replyToAll(session: Session<AnyWorkflow>): Promise<void> {
  for (const ask of session.asks) await ask.reply(`re: ${String(ask.data)}`)
}

async function patience(page: Profile): Promise<void> {
  for (let round = 0; round < 5; round++) await page.settle()
}

describe('parallel branches in one step', () => {
  test('two effects that become durable together / after a reload the branches go on in the same order, and each sees its own writes', async () => {
    const page = profile()
    const traces: string[][] = []
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step('both', { on: Go, emits: [Done] }, async (ctx) => {
      const trace: string[] = []
      traces.push(trace)
      const branch = async (name: string): Promise<void> => {
        await ctx.once(name, () => name)
        trace.push(`${name} went on`)
        await ctx.state.set(`${name}.n`, 1)
        await Promise.resolve()
        trace.push(`${name} sees ${String(ctx.state.get(`${name}.n`, 'nothing'))}`)
        await ctx.state.set(`${name}.n`, 2)
        await ctx.once(`${name} again`, () => 1)
        trace.push(`${name} has ${String(ctx.state.get(`${name}.n`))}`)
      }
      await Promise.all([branch('a'), branch('b'), branch('c')])
      if (stuck) await gate().promise
      return Done(ctx.state.get())
    })
    void (await page.open(workflow)).run()
    await page.reload()
    stuck = false
    const again = await page.open(workflow)
    await page.settle()
    expect(again.result).toEqual({ a: { n: 2 }, b: { n: 2 }, c: { n: 2 } })
    expect(traces).toHaveLength(2)
    expect(traces[1]).toEqual(traces[0])
    expect(traces[0]?.[1]).toBe('a sees 1')
  })

  test('ten edits at once, each reads, awaits and adds 1 / 10, one after the other; still 10 after the page dies', async () => {
    const page = profile()
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step('add', { on: Go, emits: [Done] }, async (ctx) => {
      const add = (): Promise<void> =>
        ctx.state.edit(async (draft) => {
          const before = Number(draft['n'] ?? 0)
          await Promise.resolve()
          draft['n'] = before + 1
        })
      await Promise.all([
        ...Array.from({ length: 10 }, add),
        ctx.state.set('after', () => ctx.state.get('n')),
      ])
      await ctx.commit()
      if (stuck) await gate().promise
      return Done(ctx.state.get())
    })
    void (await page.open(workflow)).run()
    await page.reload()
    stuck = false
    const session = await page.open(workflow)
    expect(session.state.get()).toEqual({ n: 10, after: 10 })
    expect(await session.run()).toEqual({ n: 10, after: 10 })
  })

  test('ten edits at once, of steps and from outside by turns, each reads, awaits and adds 1 / 10; typed text waits for none', async () => {
    const page = profile()
    const open = gate()
    const add = async (draft: Record<string, unknown>): Promise<void> => {
      const before = Number(draft['n'] ?? 0)
      await open.promise
      draft['n'] = before + 1
    }
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('wait', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
        await ctx.ask(Question(1))
        return Done(ctx.state.get('n'))
      })
      .step('add', { on: Nudge, workers: 5 }, (ctx) => ctx.state.edit(add))
    const session = await page.open(workflow)
    const result = session.run()
    const edits: unknown[] = []
    for (let n = 0; n < 5; n++) {
      await session.send(Nudge(n))
      await page.settle()
      edits.push(session.state.edit(add))
    }
    session.state.set('text', 'typed')
    session.state.edit((draft) => void (draft['at once'] = true))
    expect(session.state.get()).toEqual({ text: 'typed', 'at once': true })
    open.open()
    await Promise.all(edits)
    await page.settle()
    expect(session.state.get('n')).toBe(10)
    await session.asks[0]?.reply(1)
    expect(await result).toBe(10)
  })

  test('an edit inside another edit, before or after an await / NestedEditError, never a hang', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('nest', { on: Go, emits: [Done] }, async (ctx) => {
      const errors: unknown[] = []
      const nest = (raw: () => Promise<unknown>): Promise<void> =>
        ctx.state.edit(async () => {
          await raw()
          for (const call of [() => ctx.state.edit(() => {}), () => ctx.state.set('a', 1)])
            await call().catch((error: { code: string }) => errors.push(error.code))
        })
      await nest(() => Promise.resolve())
      await ctx.state
        .edit(() => void ctx.state.set('a', 1).catch((error: { code: string }) => errors.push(error.code)))
        .then(() => nest(() => new Promise((resolve) => void page.clock.setTimeout(() => resolve(0), 5))))
      return Done(errors)
    })
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(10)
    expect(await result).toEqual(Array(5).fill('NESTED_EDIT'))
  })

  test('a branch calls the context beside an open edit / NestedEditError; a branch that awaits the edit goes on', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('both', { on: Go, emits: [Done] }, async (ctx) => {
      const held = gate()
      const edit = ctx.state.edit(async (draft) => {
        await held.promise
        draft['edited'] = true
      })
      const code = (error: { code?: string }): string => String(error.code)
      const beside = async (): Promise<unknown[]> => {
        await Promise.resolve()
        const refused = [await ctx.state.set('a', 1).catch(code), await ctx.once('b', () => 1).catch(code)]
        held.open()
        await edit
        await ctx.state.set('after', ctx.state.get('edited'))
        return refused
      }
      return Done(await beside())
    })
    const session = await page.open(workflow)
    expect(await session.run()).toEqual(['NESTED_EDIT', 'NESTED_EDIT'])
    expect(session.state.get()).toEqual({ edited: true, after: true })
  })

  test('two branches ask for one type after raw waits, whose lengths differ after a reload / no answer reaches the wrong branch', async () => {
    for (const lengths of [
      [5, 1],
      [1, 5],
      [3, 3],
    ]) {
      const page = profile()
      let waits = lengths
      const workflow = defineWorkflow({ ...flow }).step(
        'both',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          const branch = async (name: string, ms = 0): Promise<unknown> => {
            await new Promise((resolve) => void page.clock.setTimeout(() => resolve(0), ms))
            const { data } = await ctx.ask(Question(name))
            return [name, data]
          }
          return Done(await Promise.all([branch('a', waits[0]), branch('b', waits[1])]))
        },
      )
      const session = await page.open(workflow)
      void session.run()
      await page.clock.advance(10)
      const ids = session.asks.map((it) => it.id)
      await page.reload()
      waits = [...lengths].reverse()
      const again = await page.open(workflow)
      await page.clock.advance(10)
      expect(again.asks.map((it) => it.id)).toEqual(ids)
      await replyToAll(again as never)
      await patience(page)
      expect(again.result).toEqual([
        ['a', 're: a'],
        ['b', 're: b'],
      ])
    }
  })

  test('two waits for one type, one timed out, opened in the other order after a reload / the first is still the one that timed out', async () => {
    const page = profile()
    let slow = false
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'both',
      { on: Go, emits: [Done] },
      async (ctx) => {
        const branch = async (name: string, turns: number, timeout?: number): Promise<unknown> => {
          for (let turn = 0; turn < turns; turn++) await Promise.resolve()
          const where = (event: { data: unknown }): boolean => event.data === name
          const wait = ctx.waitFor(Nudge, { where, ...(timeout !== undefined && { timeout }) })
          return wait.then(
            (event) => event.data,
            () => `${name} is late`,
          )
        }
        return Done(await Promise.all([branch('a', slow ? 20 : 0, 100), branch('b', slow ? 0 : 20)]))
      },
    )
    void (await page.open(workflow)).run()
    await page.clock.advance(200)
    await page.reload()
    slow = true
    const again = await page.open(workflow)
    await patience(page)
    expect(await again.send(Nudge('b'))).toBe(true)
    await page.settle()
    expect(again.result).toEqual(['a is late', 'b'])
  })

  test('two asks and two waits answered, opened in the other order after a reload / each gets its own answer', async () => {
    const page = profile()
    let waits = [1, 5]
    let stuck = true
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'both',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const later = (ms = 0): Promise<unknown> =>
          new Promise((resolve) => void page.clock.setTimeout(() => resolve(0), ms))
        const asks = async (name: string, ms = 0): Promise<unknown> => {
          await later(ms)
          return (await ctx.ask(Question(name))).data
        }
        const waitsFor = async (name: string, ms = 0): Promise<unknown> => {
          await later(ms)
          const { data } = await ctx.waitFor(Nudge, { where: (it) => String(it.data).startsWith(name) })
          return data
        }
        const all = await Promise.all([
          asks('a', waits[0]),
          asks('b', waits[1]),
          waitsFor('c', waits[0]),
          waitsFor('d', waits[1]),
        ])
        if (stuck) await gate().promise
        return Done(all)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.clock.advance(10)
    await replyToAll(session as never)
    expect(await session.send(Nudge('d1'))).toBe(true)
    expect(await session.send(Nudge('c1'))).toBe(true)
    await page.settle()
    await page.reload()
    waits = [5, 1]
    stuck = false
    const again = await page.open(workflow)
    await page.clock.advance(10)
    await patience(page)
    expect(again.result).toEqual(['re: a', 're: b', 'c1', 'd1'])
  })

  test('an ask has other data after a reload / it is known by its place, and keeps its answer', async () => {
    const page = profile()
    let lang = 'en'
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const first = await ctx.ask(Question(`${lang} 1`))
        const second = await ctx.ask(Question(`${lang} 2`))
        return Done([first.data, second.data])
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    await session.asks[0]?.reply('one')
    await page.reload()
    lang = 'nl'
    const again = await page.open(workflow)
    await page.settle()
    expect(again.asks.map((it) => it.data)).toEqual(['en 2'])
    await again.asks[0]?.reply('two')
    await page.settle()
    expect(again.result).toEqual(['one', 'two'])
  })

  test('a race is won by an ask, its sleep ends too late, and the page dies before the end / no mismatch', async () => {
    const page = profile()
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step(
      'race',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const winner = await Promise.race([
          ctx.ask(Question(1)).then((it) => it.data),
          ctx.sleep(1000).then(() => 'too late'),
        ])
        await ctx.state.set('winner', winner)
        if (stuck) await gate().promise
        return Done(winner)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    await session.asks[0]?.reply('in time')
    await page.clock.advance(5000)
    await page.reload()
    stuck = false
    const again = await page.open(workflow)
    await patience(page)
    expect(again.result).toBe('in time')
    expect(again.state.get('winner')).toBe('in time')
  })

  test('all open asks answered in one task / taken in that order, one at a time, live and after a reload', async () => {
    const page = profile()
    const orders: string[][] = []
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step(
      'all',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const order: string[] = []
        orders.push(order)
        await Promise.all(
          ['a', 'b', 'c', 'd'].map(async (name) => {
            const { data } = await ctx.ask(Question(name))
            order.push(name)
            await ctx.state.append('log', { name, data })
            for (let turn = 0; turn < 20; turn++) await Promise.resolve()
            order.push(`${name} later`)
          }),
        )
        if (stuck) await gate().promise
        return Done(order)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    for (const ask of [...session.asks].reverse()) void ask.reply(ask.data)
    await page.settle()
    const order = ['d', 'd later', 'c', 'c later', 'b', 'b later', 'a', 'a later']
    expect(orders).toEqual([order])
    await page.reload()
    stuck = false
    const again = await page.open(workflow)
    await page.settle()
    expect(again.result).toEqual(order)
    expect(again.state.get('log')).toEqual(['d', 'c', 'b', 'a'].map((name) => ({ name, data: name })))
  })

  test('the user types between two results of two branches / on the re-run each branch sees what it saw', async () => {
    const page = profile()
    const traces: unknown[][] = []
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'both',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const trace: unknown[] = []
        traces.push(trace)
        const branch = async (name: string): Promise<void> => {
          await ctx.ask(Question(name))
          trace.push([name, ctx.state.get('typed', 'nothing')])
          await ctx.state.set(name, 1)
          trace.push([name, ctx.state.get('typed', 'nothing')])
        }
        await Promise.all([branch('a'), branch('b')])
        await ctx.waitFor(Nudge)
        return Done(trace)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    const [a, b] = session.asks
    // In one task: the second answer is recorded before the first branch has gone on.
    void a?.reply(1)
    session.state.set('typed', 'one')
    void b?.reply(1)
    session.state.set('typed', 'two')
    await page.settle()
    session.state.set('typed', 'three')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(traces[1]).toEqual(traces[0])
    await again.send(Nudge(1))
    await page.settle()
    expect(again.result).toEqual(traces[0])
    expect(again.state.get()).toEqual({ typed: 'three', a: 1, b: 1 })
  })
})

test('a step appends two hundred items to a list / its ledger keeps no state for each', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow }).step(
    'stream',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      for (let n = 0; n < 200; n++) {
        await ctx.state.append('list', { n })
        if (n % 10 === 0) await ctx.commit()
      }
      await ctx.ask(Question(1))
      return Done(1)
    },
  )
  const session = await page.open(workflow)
  void session.run()
  await page.settle()
  const { roots, log } = session.toJSON() as { roots: unknown[]; log: unknown[] }
  expect(roots).toHaveLength(1)
  expect(log).toEqual([])
})

test('right after a reload, one step sends the event that another waits for with `where` / the wait gets it', async () => {
  const page = profile()
  const go = gate()
  const workflow = defineWorkflow({ ...flow, events: [Nudge], skip: ['unconsumed', 'deadEnd'] })
    .step('waits', { on: Go, emits: [Done] }, async (ctx) => {
      for (let n = 0; n < 5; n++) await ctx.once(`before ${n}`, () => n)
      const { data } = await ctx.waitFor(Answer, { where: (it) => it.data === 'mine' })
      return Done(data)
    })
    .step('sends', { on: Go, emits: [Answer] }, async (ctx) => {
      await ctx.once('wait', () => go.promise)
      ctx.send(Answer('mine'))
      await ctx.commit()
      await ctx.sleep(100_000)
    })
  void (await page.open(workflow)).run()
  await page.reload()
  go.open()
  const again = await page.open(workflow)
  await patience(page)
  expect(again.result).toBe('mine')
})
