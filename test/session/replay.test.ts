import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, type ReplayMismatchError, type StepError } from '../../src/index'
import { Done, flow, gate, Go, Item, Nudge, profile, Question, Worked, type Profile } from '../support/flows'

/** Time for a re-run that waits in vain for its turn. */
async function patience(page: Profile): Promise<void> {
  for (let round = 0; round < 5; round++) await page.settle()
}

describe('a re-run takes the same way', () => {
  test('adds 1 to a counter three times and asks, with three reloads before the reply / 3', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state: z.object({ n: z.number().default(0) }) }).step(
      'count',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        for (let time = 0; time < 3; time++) await ctx.state.set('n', ctx.state.get('n') + 1)
        await ctx.ask(Question(ctx.state.get('n')))
        return Done(ctx.state.get('n'))
      },
    )
    void (await page.open(workflow)).run()
    for (let reload = 0; reload < 3; reload++) {
      await page.reload()
      const session = await page.open(workflow)
      await page.settle()
      expect(session.state.get('n')).toBe(3)
    }
    await page.reload()
    const session = await page.open(workflow)
    await session.asks[0]?.reply(1)
    await page.settle()
    expect(session.result).toBe(3)
    expect(session.state.get('n')).toBe(3)
  })

  test('empties the draft and asks; the user types into it; a reload / the draft is what the user typed', async () => {
    const page = profile()
    const seen: unknown[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('draft', '')
        seen.push(ctx.state.get('draft'))
        await ctx.ask(Question(1))
        return Done(ctx.state.get('draft'))
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    session.state.set('draft', 'typed')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.state.get('draft')).toBe('typed')
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toBe('typed')
    // What the step saw before it asked, it sees again.
    expect(seen).toEqual(['', ''])
  })

  test('branches on state that it changes before it asks, then a reload / the same branch', async () => {
    const page = profile()
    const ways: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        if (ctx.state.get('seen')) {
          ways.push('again')
          await ctx.ask(Question('again'))
        } else {
          ways.push('first')
          await ctx.state.set('seen', true)
          await ctx.ask(Question('first'))
        }
        return Done(ways)
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    const session = await page.open(workflow)
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['first'])
    await session.asks[0]?.reply(1)
    await page.settle()
    expect(session.result).toEqual(['first', 'first'])
  })

  test('branches on what the user typed between two asks, then a reload / sees what it saw then', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question('one'))
        const typed = ctx.state.get('typed')
        await ctx.once(`for ${String(typed)}`, () => 1)
        await ctx.ask(Question('two'))
        return Done([typed, ctx.state.get('typed')])
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    session.state.set('typed', 'a')
    await session.asks[0]?.reply(1)
    await page.settle()
    session.state.set('typed', 'b')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.status).toBe('waiting')
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toEqual(['a', 'b'])
  })

  test('reads before and after the user types (raw await), then asks / both reads see the same again', async () => {
    const page = profile()
    const seen: unknown[][] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const first = ctx.state.get('typed', 'nothing')
        const waited = await ctx.once('raw', async () => {
          await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 100))
          return 1
        })
        const second = ctx.state.get('typed')
        const third = ctx.state.get('typed')
        seen.push([first, second, third, waited])
        await ctx.ask(Question(1))
        return Done(seen)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    session.state.set('typed', 'during')
    await page.clock.advance(100)
    session.state.set('typed', 'after')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toEqual([
      ['nothing', 'during', 'during', 1],
      ['nothing', 'during', 'during', 1],
    ])
  })

  test("lists an object's keys, which are then set anew; imported while it asks / the old order", async () => {
    const listed: string[] = []
    const workflow = defineWorkflow(flow).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        listed.push(Object.keys(ctx.state.get('items') as object).join())
        await ctx.ask(Question('?'))
        return Done()
      },
    )
    const page = profile()
    const session = await page.open(workflow)
    session.state.set('items', { a: 1, b: 2 })
    session.run().catch(() => {})
    await page.settle()
    session.state.delete('items.a')
    session.state.set('items.a', 1)
    const again = await page.engine.import(workflow, session.toJSON(), { id: 'copy' })
    await page.settle()
    expect(Object.keys(again.state.get('items') as object)).toEqual(['b', 'a'])
    expect(listed).toEqual(['a,b', 'a,b'])
  })

  test('reads a parent, a child and the whole while the user writes below and above / each as it was', async () => {
    const page = profile()
    const seen: unknown[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('form', { name: 'a' })
        await ctx.ask(Question(1))
        seen.push([
          ctx.state.get('form'),
          ctx.state.get('form.name'),
          ctx.state.get(),
          ctx.state.has('form.age'),
        ])
        await ctx.state.set('form.name', 'step')
        await ctx.ask(Question(2))
        seen.push([ctx.state.get('form')])
        return Done(seen)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    session.state.set('form.age', 5)
    await session.asks[0]?.reply(1)
    await page.settle()
    session.state.set('form', { name: 'user' })
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    const first = [{ name: 'a', age: 5 }, 'a', { form: { name: 'a', age: 5 } }, true]
    expect(seen).toEqual([first, first])
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toEqual([first, first, [{ name: 'user' }]])
    expect(again.state.get('form')).toEqual({ name: 'user' })
  })

  test('writes after the last point, then the page dies / those writes are made again, not doubled', async () => {
    const page = profile()
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.state.append('list', { n: 1 })
      await ctx.once('a', () => 1)
      await ctx.state.append('list', { n: 2 })
      if (stuck) await gate().promise
      await ctx.once('b', () => 1)
      await ctx.state.append('list', { n: 3 })
      return Done(ctx.state.get('list'))
    })
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    session.state.append('list', { user: true })
    await page.reload()
    stuck = false
    const again = await page.open(workflow)
    await page.settle()
    expect(again.result).toEqual([{ n: 1 }, { user: true }, { n: 2 }, { n: 3 }])
  })

  test('the same append twice / both are there after a reload, and no more', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.append('text', 'x')
        await ctx.state.append('text', 'x')
        await ctx.ask(Question(1))
        await ctx.state.append('text', 'x')
        return Done(ctx.state.get('text'))
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    await page.open(workflow)
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.state.get('text')).toBe('xx')
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toBe('xxx')
  })

  test('an edit, a replace, a delete and a function, then the user writes / the re-run repeats none of them', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.replace({ list: [1, 2, 3], gone: true, n: 1 })
        await ctx.state.edit((draft) => {
          ;(draft['list'] as number[]).splice(1, 1)
        })
        await ctx.state.edit(async (draft) => {
          await Promise.resolve()
          draft['n'] = (draft['n'] as number) + 1
        })
        await ctx.state.delete('gone')
        await ctx.state.set('n', (n: unknown) => Number(n) * 10)
        await ctx.ask(Question(1))
        return Done(ctx.state.get())
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(session.state.get()).toEqual({ list: [1, 3], n: 20 })
    session.state.set('n', 5)
    session.state.append('list', 4)
    session.state.set('gone', 'back')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.status).toBe('waiting')
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toEqual({ list: [1, 3, 4], n: 5, gone: 'back' })
  })

  test.each(['a swap', 'a sort', 'what is at another place'])(
    '%s in an edit, of which older code has recorded only the parts that differ / no mismatch',
    async (what) => {
      const Row = z.object({ n: z.number(), note: z.string().default('') })
      const state = z.object({ rows: z.array(Row), last: Row })
      type State = z.infer<typeof state>
      const edits = (recipe: (draft: State) => void) =>
        defineWorkflow({ ...flow, state }).step(
          'edit',
          { on: Go, asks: [Question], emits: [Done] },
          async (ctx) => {
            await ctx.state.edit(recipe)
            await ctx.ask(Question(1))
            return Done(ctx.state.get('rows').map((it) => it.n))
          },
        )
      const older = edits(({ rows: [one, two], last }) => {
        if (what === 'what is at another place') last.n = 3
        else {
          one!.n = 2
          two!.n = 3
        }
      })
      const newer = edits((draft) => {
        const { rows } = draft
        if (what === 'a swap') [rows[0], rows[1]] = [rows[1]!, rows[0]!]
        else if (what === 'a sort') rows.sort((a, b) => a.n - b.n)
        else draft.last = rows[0]!
      })
      const page = profile()
      const session = await page.open(older, {
        initialState: {
          rows: [
            { n: 3, note: '' },
            { n: 2, note: '' },
          ],
          last: { n: 1, note: '' },
        },
      })
      session.run().catch(() => {})
      await page.reload()
      const again = await page.open(newer)
      await page.settle()
      await again.asks[0]?.reply(1)
      await page.settle()
      expect([again.status, again.error]).toEqual(['completed', undefined])
    },
  )

  test('writes that changed nothing / no mismatch', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('a', 1)
        await ctx.state.set('a', 1)
        await ctx.state.delete('never there')
        await ctx.state.edit(() => {})
        await ctx.state.append('text', '')
        await ctx.ask(Question(1))
        return Done(ctx.state.get())
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    session.state.set('a', 2)
    session.state.set('never there', 1)
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.status).toBe('waiting')
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toEqual({ a: 2, text: '', 'never there': 1 })
  })

  test('values that the schema coerces or completes / no mismatch', async () => {
    const page = profile()
    const state = z.object({
      age: z.coerce.number().default(0),
      form: z.object({ a: z.number(), b: z.number().default(7) }).optional(),
    })
    const workflow = defineWorkflow({ ...flow, state }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('age', '30' as never)
        await ctx.state.set('form', { a: 1 } as never)
        await ctx.ask(Question(1))
        return Done(ctx.state.get())
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.status).toBe('waiting')
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.result).toEqual({ age: 30, form: { a: 1, b: 7 } })
  })

  test('two parallel branches on their own paths, crashed at every storage operation / as if never crashed', async () => {
    const workflow = (calls: Record<string, number>) =>
      defineWorkflow({ ...flow }).step('both', { on: Go, emits: [Done] }, async (ctx) => {
        const branch = async (name: string, parts: number): Promise<void> => {
          for (let part = 0; part < parts; part++) {
            await ctx.state.append(`${name}.text`, String(part))
            const value = await ctx.once(
              `${name}${part}`,
              () => (calls[`${name}${part}`] = (calls[`${name}${part}`] ?? 0) + 1),
            )
            await ctx.state.append(`${name}.list`, { part, ok: value > 0 })
          }
        }
        await Promise.all([branch('a', 3), branch('b', 4)])
        return Done(ctx.state.get())
      })
    const whole = await (await profile().open(workflow({}))).run()
    for (let write = 1; write < 40; write++) {
      const calls: Record<string, number> = {}
      const page = profile({ crashAt: write })
      void (await page.open(workflow(calls))).run()
      await page.settle()
      page.kill()
      const again = await page.open(workflow(calls))
      if (again.status === 'idle') void again.run()
      await page.settle()
      expect(again.result).toEqual(whole)
      for (const count of Object.values(calls)) expect(count).toBeLessThanOrEqual(2)
    }
  })

  test('an ask awaited late and answered, then a reload / reads see the repeated writes', async () => {
    const page = profile()
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const answer = ctx.ask(Question(1))
        await ctx.state.set('x', 1)
        const x = ctx.state.get('x', 'not there')
        await ctx.state.set('seen', x)
        if (stuck) await gate().promise
        return Done([x, ctx.state.get('seen', 'not there'), (await answer).data])
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(await session.asks[0]?.reply('yes')).toBe(true)
    await page.reload()
    stuck = false
    const again = await page.open(workflow)
    await patience(page)
    expect(again.result).toEqual([1, 1, 'yes'])
    expect(again.state.get()).toEqual({ x: 1, seen: 1 })
  })

  test("one branch's event comes right after a reload, while the other still repeats / it sees its own writes", async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'both',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const waits = async (): Promise<unknown> => {
          await ctx.waitFor(Nudge)
          await ctx.state.set('a.n', 1)
          return ctx.state.get('a.n', 'not there')
        }
        const asks = async (): Promise<unknown> => {
          const { data } = await ctx.ask(Question(1))
          for (const part of ['x', 'y', 'z']) await ctx.once(part, () => part)
          await ctx.sleep(10)
          return data
        }
        return Done(await Promise.all([waits(), asks()]))
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    await session.asks[0]?.reply('yes')
    await page.settle()
    await page.reload()
    const again = await page.open(workflow)
    expect(await again.send(Nudge(1))).toBe(true)
    await page.clock.advance(10)
    await patience(page)
    expect(again.result).toEqual([1, 'yes'])
  })

  test("a branch's repeated write waits for another step's edit / the other branch sees what it saw, also what the user typed", async () => {
    const page = profile()
    const { clock } = page
    const seen: unknown[] = []
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
      .step('edit', { on: Go }, async (ctx) => {
        await ctx.sleep(10)
        await ctx.state.edit(() => new Promise<void>((resolve) => void clock.setTimeout(resolve, 1000)))
      })
      .step('both', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
        await ctx.ask(Question('first'))
        const look = async () => {
          await ctx.ask(Question('second'))
          seen.push(ctx.state.get('typed'))
          await ctx.ask(Question('third'))
        }
        await Promise.all([ctx.state.set('left.n', 1), look()])
        return Done(ctx.state.get('typed'))
      })
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    await session.asks[0]?.reply(1)
    await page.settle()
    session.state.set('typed', 'text')
    await session.asks[0]?.reply(2)
    await clock.advance(20)
    await page.reload()
    const again = await page.open(workflow)
    await clock.advance(20)
    await again.asks[0]?.reply(3)
    await clock.advance(2000)
    expect(seen).toEqual(['text', 'text'])
    expect(again.result).toBe('text')
  })

  test("a branch's write waits for another step's edit, another branch reads, and the user types / after a reload it reads the same again", async () => {
    const page = profile()
    const { clock } = page
    const seen: unknown[] = []
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
      .step('edit', { on: Go }, async (ctx) => {
        await ctx.state.edit(() => new Promise<void>((resolve) => void clock.setTimeout(resolve, 10)))
      })
      .step('both', { on: Go, asks: [Question], emits: [Done, Nudge] }, async (ctx) => {
        await ctx.once('first', () => 1)
        const writes = async () => {
          await ctx.state.set('left.n', 1)
          await ctx.ask(Question('go on?'))
        }
        const reads = async () => {
          const typed = ctx.state.get('typed', 'nothing')
          seen.push(typed)
          ctx.send(Nudge(typed))
        }
        await Promise.all([writes(), reads()])
        return Done(ctx.state.get())
      })
      .step('hear', { on: Nudge }, () => {})
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    session.state.set('typed', 'text')
    await clock.advance(10)
    await page.reload()
    const again = await page.open(workflow)
    await clock.advance(20)
    await again.asks[0]?.reply('yes')
    await clock.advance(20)
    expect(seen).toEqual(['nothing', 'nothing'])
    expect([again.error, again.result]).toEqual([undefined, { typed: 'text', left: { n: 1 } }])
  })

  test('reads while an effect is on its way, dies when that is recorded, and reads what the user typed / reads that again', async () => {
    const page = profile()
    let pages = 0
    const workflow = defineWorkflow(flow)
      .step('copy', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
        const effect = ctx.once('effect', async () => 1)
        await ctx.commit()
        const note = ctx.state.get('note') ?? 'none'
        await effect
        if (pages === 1) await gate().promise
        await ctx.state.set('copy', note)
        await ctx.ask(Question(note))
        return Done(note)
      })
      .step('beside', { on: Go }, async (ctx) => ctx.state.set('beside', true))
    const open = async () => {
      pages++
      const session = await page.open(workflow)
      if (pages === 1) session.run().catch(() => {})
      if (pages === 2) session.state.set('note', 'typed')
      await page.settle()
      return session
    }
    for (let reload = 0; reload < 3; reload++) {
      await open()
      await page.reload()
    }
    const session = await open()
    expect(session.state.get()).toEqual({ beside: true, note: 'typed', copy: 'typed' })
    const result = session.run()
    await session.asks[0]?.reply('yes')
    expect(await result).toBe('typed')
  })

  test('streams 1,000 chunks to one path, and the page dies in the middle / rolled back and written again, no text doubled', async () => {
    for (const committed of [false, true]) {
      const page = profile()
      let dieAt = 500
      const expected = Array.from({ length: 1000 }, (_, n) => `${n} `).join('')
      const workflow = defineWorkflow({ ...flow }).step('stream', { on: Go, emits: [Done] }, async (ctx) => {
        for (let n = 0; n < 1000; n++) {
          if (n === dieAt) await gate().promise
          await ctx.state.append('message.text', `${n} `)
          if (committed && n === 299) await ctx.commit()
        }
        return Done(ctx.state.get('message.text'))
      })
      void (await page.open(workflow)).run()
      await page.reload()
      dieAt = -1
      const paused = await page.open(workflow, { autoResume: false })
      const kept = Array.from({ length: committed ? 300 : 0 }, (_, n) => `${n} `).join('')
      expect(paused.state.get('message.text', '')).toBe(kept)
      paused.resume()
      await page.settle()
      expect(paused.result).toBe(expected)
      expect(paused.state.get('message.text')).toBe(expected)
    }
  })

  test('two retries and two reloads, with an ask / one way, one ask', async () => {
    const page = profile()
    let fail = 2
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done], retry: { attempts: 5, delay: 100 } },
      async (ctx) => {
        await ctx.state.append('log', { at: 'begin' })
        const a = await ctx.once('a', () => 'a')
        await ctx.state.append('log', { at: 'after a' })
        const { data } = await ctx.ask(Question(1))
        await ctx.state.append('log', { at: 'answered' })
        if (fail-- > 0) throw new Error('no')
        return Done([a, data])
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.reload()
    const second = await page.open(workflow)
    await page.settle()
    expect(second.asks).toHaveLength(1)
    await second.asks[0]?.reply('yes')
    await page.clock.advance(50)
    await page.reload()
    const third = await page.open(workflow)
    await page.clock.advance(1000)
    expect(third.result).toEqual(['a', 'yes'])
    expect(third.state.get('log')).toEqual([{ at: 'begin' }, { at: 'after a' }, { at: 'answered' }])
  })
})

describe('changed code', () => {
  /** Runs the first version up to its ask, reloads, and opens the second. */
  async function change(
    first: Parameters<typeof flowOf>[0],
    second: Parameters<typeof flowOf>[0],
  ): Promise<{ error: StepError; state: unknown; status: string }> {
    const page = profile()
    void (await page.open(flowOf(first))).run()
    await page.reload()
    const again = await page.open(flowOf(second))
    await patience(page)
    if (again.status === 'waiting') {
      await again.asks[0]?.reply(1)
      await patience(page)
    }
    return { error: again.error as StepError, state: again.state.get(), status: again.status }
  }
  interface Way {
    readonly once?: string[]
    readonly sets?: [string, unknown][]
    readonly sends?: number[]
    readonly asks?: boolean
    readonly raw?: boolean
  }
  const flowOf = ({ once = [], sets = [], sends = [], asks = true }: Way) =>
    defineWorkflow({ ...flow, events: [Nudge], skip: ['deadEnd'] })
      .step('work', { on: Go, asks: [Question], emits: [Done, Item] }, async (ctx) => {
        for (const key of once) await ctx.once(key, () => key)
        for (const [path, value] of sets) await ctx.state.set(path, value)
        for (const n of sends) ctx.send(Item(n))
        if (asks) await ctx.ask(Question(1))
        else await ctx.sleep(1)
        return Done(1)
      })
      .step('item', { on: Item }, () => {})

  test('a recorded point is never reached / ReplayMismatchError naming step and point; state as it was', async () => {
    const { error, state, status } = await change(
      { once: ['a', 'b'], sets: [['x', 1]] },
      { once: ['a'], sets: [['x', 1]] },
    )
    expect(status).toBe('failed')
    const cause = error.cause as ReplayMismatchError
    expect(cause).toMatchObject({ code: 'REPLAY_MISMATCH', step: 'work' })
    expect(cause.message).toContain('work')
    expect(cause.message).toContain('once:b')
    expect(cause.missed.join()).toContain('once:b')
    expect(state).toEqual({ x: 1 })
  })

  test('a recorded point is never reached, under a virtual clock / failed once the clock has settled', async () => {
    const page = profile()
    void (await page.open(flowOf({ once: ['a'] }))).run()
    await page.reload()
    const again = await page.open(flowOf({}))
    await page.settle()
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(again.status).toBe('failed')
  })

  test('a recorded write is never made / an error naming its path', async () => {
    const { error, status } = await change(
      {
        sets: [
          ['x', 1],
          ['y.z', 2],
        ],
      },
      { sets: [['x', 1]] },
    )
    expect(status).toBe('failed')
    expect((error.cause as ReplayMismatchError).missed.join()).toContain('y.z')
  })

  test('the effect given to `once` writes to the state, then a reload / the error says so, and names each path once', async () => {
    const page = profile()
    const streams = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.once('complete', async () => {
          for (const token of ['one ', 'two ']) await ctx.state.append('text', token)
        })
        await ctx.ask(Question(1))
        return Done(1)
      },
    )
    void (await page.open(streams)).run()
    await page.reload()
    const again = await page.open(streams)
    await page.settle()
    await again.asks[0]?.reply(1)
    await page.settle()
    const { message } = (again.error as StepError).cause as Error
    expect(message).toContain('never reached the write to text, which it had recorded')
    expect(message).toContain('inside `ctx.once`, writes and sends outside of it')
  })

  test('a recorded write is made with another value / a mismatch, and the new value is not kept', async () => {
    const { error, state, status } = await change({ sets: [['x', 1]] }, { sets: [['x', 2]] })
    expect(status).toBe('failed')
    expect((error.cause as ReplayMismatchError).code).toBe('REPLAY_MISMATCH')
    expect(state).toEqual({ x: 1 })
  })

  test('a recorded send is never made / an error naming the event', async () => {
    const { error, status } = await change({ sends: [1, 2] }, { sends: [1] })
    expect(status).toBe('failed')
    expect((error.cause as ReplayMismatchError).missed.join()).toContain('item')
  })

  test('the recorded ask is never asked / a mismatch, and the ask is gone', async () => {
    const page = profile()
    void (await page.open(flowOf({}))).run()
    await page.reload()
    const again = await page.open(flowOf({ asks: false }))
    await page.clock.advance(1000)
    expect(again.status).toBe('failed')
    expect((again.error as StepError).cause).toMatchObject({ code: 'REPLAY_MISMATCH' })
    expect(again.asks).toEqual([])
  })

  test('effects in another order / found by their keys, the run completes', async () => {
    const { status } = await change({ once: ['a', 'b', 'c'] }, { once: ['c', 'b', 'a'] })
    expect(status).toBe('completed')
  })

  test('a mismatch / is not retried, since it would only happen again', async () => {
    const page = profile()
    let runs = 0
    let changed = false
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done], retry: { attempts: 5 } },
      async (ctx) => {
        runs++
        if (!changed) await ctx.once('a', () => 1)
        await ctx.ask(Question(1))
        return Done(1)
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    changed = true
    const again = await page.open(workflow)
    await patience(page)
    await again.asks[0]?.reply(1)
    await patience(page)
    expect(again.status).toBe('failed')
    expect(runs).toBe(2)
  })

  test('code with more points and writes than recorded / goes on with them', async () => {
    const { status, state } = await change({ once: ['a'] }, { once: ['a', 'b'], sets: [['x', 1]] })
    expect(status).toBe('completed')
    expect(state).toEqual({ x: 1 })
  })

  test.each([
    ['elsewhere, before them', { new: 1 }, [['new', 1]], []],
    ['at the same place, after them', {}, [], [['old', 2]]],
  ] as const)(
    "code with more writes than recorded, %s, while another step's edit is open / what is new waits for it",
    async (_, added, before, after) => {
      const page = profile()
      const { clock } = page
      const make = (...[first, last]: (readonly (readonly ['new' | 'old', number])[])[]) =>
        defineWorkflow({ ...flow, skip: ['deadEnd'] })
          .step('edit', { on: Go }, async (ctx) => {
            await ctx.sleep(10)
            await ctx.state.edit(() => new Promise<void>((resolve) => void clock.setTimeout(resolve, 1000)))
          })
          .step('write', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
            await ctx.ask(Question('first'))
            const writes = [...(first ?? []), ['old', 1] as const, ...(last ?? [])]
            await Promise.all(writes.map((it) => ctx.state.set(...it)))
            return Done((await ctx.ask(Question('second'))).data)
          })
      const session = await page.open(make())
      session.run().catch(() => {})
      await page.settle()
      await session.asks[0]?.reply(1)
      await clock.advance(20)
      await page.reload()
      const again = await page.open(make(before, after))
      await clock.advance(20)
      expect(again.state.get()).toEqual({ old: 1 })
      await clock.advance(2000)
      expect(again.state.get()).toEqual({ old: after[0]?.[1] ?? 1, ...added })
    },
  )

  test('a missing step / its work is an orphan: kept, listed, not done', async () => {
    const page = profile()
    const ran: string[] = []
    const old = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, () => Item(7))
      .step('old', { on: Item, asks: [Question], emits: [Done] }, async (ctx) => {
        await ctx.ask(Question(1))
        return Done(1)
      })
    const renamed = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Worked] }, () => Worked(7))
      .step('new', { on: Worked, emits: [Done] }, () => (ran.push('new'), Done(1)))
    void (await page.open(old)).run()
    await page.reload()
    const again = await page.open(renamed)
    await page.settle()
    expect(again.orphans).toEqual([{ step: 'old', event: { type: 'item', data: 7 } }])
    expect(ran).toEqual([])
    await page.reload()
    const back = await page.open(old)
    await page.settle()
    expect(back.orphans).toEqual([])
    await back.asks[0]?.reply(1)
    await page.settle()
    expect(back.result).toBe(1)
  })
})

describe('the stored queue', () => {
  test('right after send() / the stored session contains the event', async () => {
    const page = profile()
    const got: unknown[] = []
    const Late = defineEvent('late', z.number())
    const workflow = defineWorkflow({ ...flow, events: [Late], skip: ['deadEnd'] })
      .step('wait', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
        Done((await ctx.ask(Question(1))).data),
      )
      .step('late', { on: Late, workers: 1 }, async (_, { data }) => {
        got.push(data)
        if (got.length === 1) await gate().promise
      })
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    for (const n of [0, 1, 2, 3]) void session.send(Late(n))
    expect(JSON.stringify(session.toJSON())).toContain('"late"')
    await page.reload()
    await page.open(workflow)
    await page.settle()
    // 0 was interrupted, 1 to 3 were queued.
    expect(got).toEqual([0, 0, 1, 2, 3])
  })
})
