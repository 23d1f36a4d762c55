import { describe, expect, test } from 'vitest'
import { defineWorkflow, type LoadError, type WorkflowEvent } from '../../src/index'
import { Done, failure, flow, gate, Go, Item, profile, Question } from '../support/flows'

/** Everything that an iterator shows, and whether it has ended. */
function watch(events: AsyncIterable<WorkflowEvent>) {
  const seen: unknown[] = []
  const state = { ended: false }
  void (async () => {
    for await (const { type, data } of events) seen.push([type, data])
    state.ended = true
  })()
  return { seen, state }
}

const talking = (stop = gate()) =>
  defineWorkflow({ ...flow }).step('talk', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
    ctx.stream(Item(1))
    ctx.stream(Item(2))
    const answer = await ctx.ask(Question('how?'))
    ctx.stream(Item(3))
    await stop.promise
    return Done(answer.data)
  })

describe('events()', () => {
  test('yields streamed events, asks and the end, from its attachment on; ends with the run', async () => {
    const page = profile()
    const stop = gate()
    const session = await page.open(talking(stop))
    const early = watch(session.events())
    const result = session.run()
    await page.settle()
    const late = watch(session.events())
    await session.asks[0]?.reply('fine')
    await page.settle()
    stop.open()
    await result
    await page.settle()
    expect(early.seen).toEqual([
      ['item', 1],
      ['item', 2],
      ['question', 'how?'],
      ['item', 3],
      ['done', 'fine'],
    ])
    expect(late.seen).toEqual([
      ['item', 3],
      ['done', 'fine'],
    ])
    expect(early.state.ended).toBe(true)
    expect(late.state.ended).toBe(true)
  })

  test('attached after the end / ends at once', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    await session.run()
    const late = watch(session.events())
    await page.settle()
    expect(late).toEqual({ seen: [], state: { ended: true } })
  })

  test('attached while the session is read, and its run is over / ends once that is known, unless a new run begins', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    await (await page.open(workflow)).run()
    await page.reload()
    const late = watch(page.engine.session(workflow).events())
    await page.settle()
    expect(late).toEqual({ seen: [], state: { ended: true } })
    await page.reload()
    const session = page.engine.session(workflow)
    const early = watch(session.events())
    await session.run()
    await page.settle()
    expect(early).toEqual({ seen: [['done', 1]], state: { ended: true } })
  })

  test.each([
    ['while the session is read', true],
    ['after that has failed', false],
  ])('attached %s, and retry() reads it / ends, because its run is over', async (_, early) => {
    const page = profile()
    let broken = true
    const migrate = (state: unknown): unknown => {
      if (broken) throw new Error('broken')
      return state
    }
    const work = (version: number) =>
      defineWorkflow({ ...flow, version, ...(version > 1 && { migrations: { 2: migrate } }) }).step(
        'work',
        { on: Go, emits: [Done] },
        () => Done(1),
      )
    await (await page.open(work(1))).run()
    await page.reload()
    const session = page.engine.session(work(2))
    const before = early ? watch(session.events()) : undefined
    const error: LoadError = await failure(session.ready)
    const late = before ?? watch(session.events())
    await page.settle()
    expect(late.state.ended).toBe(false)
    broken = false
    await error.retry()
    await page.settle()
    expect(late).toEqual({ seen: [], state: { ended: true } })
  })

  test('attached after the end while another follows / ends at once, and the other goes on', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, (ctx) => {
      ctx.stream(Item(1))
      return Done(1)
    })
    const session = await page.open(workflow)
    await session.run()
    const follower = watch(session.events({ follow: true }))
    watch(session.events())
    await session.run()
    await page.settle()
    expect(follower.seen).toEqual([
      ['item', 1],
      ['done', 1],
    ])
    expect(follower.state.ended).toBe(false)
  })

  test('attached before the run of an idle session / sees the whole run', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    const early = watch(session.events())
    await page.settle()
    expect(early.state.ended).toBe(false)
    await session.run()
    await page.settle()
    expect(early).toEqual({ seen: [['done', 1]], state: { ended: true } })
  })

  test('follow / goes over several runs, ends with close()', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, (ctx) => {
      ctx.stream(Item(1))
      return Done(1)
    })
    const session = await page.open(workflow)
    const { seen, state } = watch(session.events({ follow: true }))
    await session.run()
    await session.run()
    await page.settle()
    expect(seen).toEqual([
      ['item', 1],
      ['done', 1],
      ['item', 1],
      ['done', 1],
    ])
    expect(state.ended).toBe(false)
    await session.close()
    await page.settle()
    expect(state.ended).toBe(true)
  })

  test('many consumers / each gets everything; one that leaves disturbs no other', async () => {
    const page = profile()
    const stop = gate()
    const session = await page.open(talking(stop))
    const one = watch(session.events())
    const two = session.events()
    const first = await Promise.all([
      two.next(),
      session.run().then(
        () => {},
        () => {},
      ),
      leave(),
    ]).catch(() => [])
    async function leave(): Promise<void> {
      await page.settle()
      await two.return?.()
      await session.asks[0]?.reply(1)
      stop.open()
    }
    expect(first[0]).toEqual({ done: false, value: { type: 'item', data: 1 } })
    expect(await two.next()).toEqual({ done: true, value: undefined })
    await page.settle()
    expect(one.seen).toHaveLength(5)
  })

  test('a loop that breaks / ends only its own consumer', async () => {
    const page = profile()
    const stop = gate()
    const session = await page.open(talking(stop))
    void session.run()
    const rest = watch(session.events())
    const own: string[] = []
    const loop = (async () => {
      for await (const event of session.events()) {
        own.push(event.type)
        break
      }
    })()
    await page.settle()
    await session.asks[0]?.reply(1)
    stop.open()
    await loop
    await page.settle()
    expect(own).toHaveLength(1)
    expect(rest.state.ended).toBe(true)
  })

  test('a slow consumer / loses nothing, in order', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, (ctx) => {
      for (let n = 0; n < 100; n++) ctx.stream(Item(n))
      return Done('end')
    })
    const session = await page.open(workflow)
    const events = session.events()
    await session.run()
    const seen: unknown[] = []
    for await (const event of events) {
      seen.push(event.data)
      await page.settle()
    }
    expect(seen).toEqual([...Array.from({ length: 100 }, (_, n) => n), 'end'])
  })

  test.each(['failed', 'cancelled', 'stalled'] as const)(
    'a run that is %s / the last event says so, then the loop ends',
    async (status) => {
      const page = profile()
      const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async () => {
        if (status === 'failed') throw new Error('no')
        if (status === 'cancelled') await gate().promise
        return undefined
      })
      const session = await page.open(workflow)
      const { seen, state } = watch(session.events())
      const result = failure(session.run())
      await page.settle()
      if (status === 'cancelled') session.cancel('enough')
      await result
      await page.settle()
      expect(seen).toHaveLength(1)
      expect((seen[0] as [string])[0]).toBe(status)
      expect(state.ended).toBe(true)
    },
  )

  test('a run that exceeds its timeout / the last event says so, with the limit', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 100 }).step(
      'work',
      { on: Go, emits: [Done] },
      () => gate<never>().promise,
    )
    const session = await page.open(workflow)
    const { seen, state } = watch(session.events())
    session.run().catch(() => {})
    await page.clock.advance(100)
    expect(seen).toEqual([
      ['failed', { error: expect.objectContaining({ name: 'TimeoutError', code: 'TIMEOUT' }) as unknown }],
    ])
    expect(state.ended).toBe(true)
  })

  test('a failed, cancelled or stalled run / the last event has the reason', async () => {
    const page = profile()
    const failing = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => {
      throw new Error('no paper')
    })
    const session = await page.open(failing)
    const failed = watch(session.events())
    session.run().catch(() => {})
    await page.settle()
    const error = { name: 'Error', message: 'no paper', step: 'work', event: { type: 'go' }, attempts: 1 }
    expect(failed.seen[0]).toEqual(['failed', { error }])
    const other = await page.open(talking(), { id: 'other' })
    const cancelled = watch(other.events())
    other.run().catch(() => {})
    await page.settle()
    other.cancel('enough')
    await page.settle()
    expect(cancelled.seen.at(-1)).toEqual(['cancelled', { reason: 'enough' }])
  })

  test.each(['reset', 'rewound'] as const)('the run is gone: %s / the last event says so', async (how) => {
    const page = profile()
    const session = await page.open(talking())
    const { seen, state } = watch(session.events())
    const follower = watch(session.events({ follow: true }))
    session.run().catch(() => {})
    await page.settle()
    if (how === 'reset') session.reset()
    else session.rewind(1)
    await page.settle()
    expect(seen.at(-1)).toEqual(['cancelled', { reason: `the session was ${how}` }])
    expect([state.ended, follower.state.ended]).toEqual([true, false])
  })

  test.each(['reset', 'rewound'] as const)(
    'a run that was there before the page is gone: %s / the last event says so',
    async (how) => {
      const page = profile()
      const before = await page.open(talking())
      before.run().catch(() => {})
      await page.reload()
      const session = await page.open(talking())
      const { seen, state } = watch(session.events())
      await page.settle()
      if (how === 'reset') session.reset()
      else session.rewind(1)
      await page.settle()
      expect(seen.at(-1)).toEqual(['cancelled', { reason: `the session was ${how}` }])
      expect(state.ended).toBe(true)
    },
  )

  test('back() and a rewind within the run / end no loop; the ask comes again', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        await ctx.ask(Question(2))
        return Done('end')
      },
    )
    const session = await page.open(workflow)
    const { seen, state } = watch(session.events())
    void session.run()
    await session.asks[0]?.reply(1)
    await page.settle()
    session.back()
    await session.asks[0]?.reply(1)
    await page.settle()
    await session.asks[0]?.reply(2)
    await page.settle()
    expect(seen).toEqual([
      ['question', 1],
      ['question', 2],
      ['question', 1],
      ['question', 2],
      ['done', 'end'],
    ])
    expect(state.ended).toBe(true)
  })

  test('records: true / yields every record too, as in history()', async () => {
    const page = profile()
    const session = await page.open(talking())
    const all = session.events({ records: true })
    void session.run()
    session.state.set('note', 1)
    await page.settle()
    await session.close()
    const seen: WorkflowEvent[] = []
    for await (const event of all) seen.push(event)
    const records = seen.filter((it) => it.type === 'record').map((it) => it.data)
    expect(records).toEqual(session.history().slice(1))
    expect(seen.filter((it) => it.type !== 'record').map((it) => it.type)).toEqual([
      'item',
      'item',
      'question',
    ])
  })

  test('records: true, and a listener writes what follows from a write / both come in the order of history()', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('write', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.state.set('text', 'abc')
      return Done()
    })
    const session = await page.open(workflow)
    const { seen } = watch(session.events({ records: true }))
    session.state.subscribe('text', () => session.state.set('length', 3))
    await session.run()
    await page.settle()
    const records = seen.filter((it) => (it as string[])[0] === 'record').map((it) => (it as unknown[])[1])
    expect(records).toEqual(session.history().slice(1))
    expect(session.state.get()).toEqual({ text: 'abc', length: 3 })
  })

  test('a consumer that never reads / keeps the newest events, and the number of lost ones in their place; null is no limit', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, (ctx) => {
      for (let n = 0; n < 100; n++) ctx.stream(Item(n))
      return Done('end')
    })
    const session = await page.open(workflow)
    const slow = session.events({ buffer: 3 })
    const other = watch(session.events({ buffer: null as unknown as number }))
    await session.run()
    const seen: unknown[] = []
    for await (const { type, data } of slow) seen.push([type, data])
    expect(seen).toEqual([
      ['missed', { count: 98 }],
      ['item', 98],
      ['item', 99],
      ['done', 'end'],
    ])
    await page.settle()
    expect(other.seen).toHaveLength(101)
  })

  test('attached to a closed session, follow or not / ends at once', async () => {
    const page = profile()
    const session = await page.open(talking())
    await session.close()
    const both = [watch(session.events()), watch(session.events({ follow: true }))]
    await page.settle()
    expect(both.map((it) => it.state.ended)).toEqual([true, true])
  })

  test('a reload / streamed items are not stored; a re-run streams again only what lies beyond its recorded points', async () => {
    const page = profile()
    const session = await page.open(talking())
    void session.run()
    await page.settle()
    expect(JSON.stringify(session.toJSON())).not.toContain('"item"')
    await page.reload()
    const again = await page.open(talking())
    const { seen } = watch(again.events())
    await page.settle()
    // Design section 6: what is committed is silent on a re-run: the same stream item is not repeated.
    expect(seen).toEqual([])
    await again.asks[0]?.reply(1)
    await page.settle()
    expect(seen).toEqual([['item', 3]])
  })
})

describe('progress', () => {
  test('ctx.progress() / shows on the session, tells listeners, and is reset by a new run', async () => {
    const page = profile()
    const stop = gate()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      ctx.progress(0.5, 'half')
      await stop.promise
      return Done(1)
    })
    const session = await page.open(workflow)
    expect(session.progress).toBeUndefined()
    let told = 0
    session.subscribe(() => told++)
    const result = session.run()
    await page.settle()
    expect(session.progress).toEqual({ fraction: 0.5, label: 'half' })
    expect(told).toBeGreaterThan(0)
    stop.open()
    await result
  })

  test('a little more than all of it, as sums of fractions come to / all of it', async () => {
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, (ctx) => {
      ctx.progress(1.0000000000000002)
      return Done(1)
    })
    const session = await profile().open(workflow)
    await session.run()
    expect(session.progress).toEqual({ fraction: 1 })
  })
})

describe('subscribe', () => {
  test('a run ends / once it can be awaited, its listeners have been told, and only of its end', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    const seen: string[] = []
    session.subscribe(() => seen.push(session.status))
    await session.run()
    expect(seen).toEqual(['completed'])
    const failing = await page.open(
      defineWorkflow({ ...flow, name: 'failing' }).step('work', { on: Go, emits: [Done] }, () => {
        throw new Error('no')
      }),
    )
    failing.subscribe(() => seen.push(failing.status))
    await failing.run().catch(() => {})
    expect(seen).toEqual(['completed', 'failed'])
  })

  test('a listener that throws / the others are told, the session goes on, and onError hears of it once', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    let told = 0
    session.subscribe(() => {
      throw new Error('listener')
    })
    session.subscribe(() => told++)
    expect(await session.run()).toBe(1)
    await page.settle()
    expect(told).toBeGreaterThan(0)
    expect(session.persistence.status).toBe('saved')
    expect(page.errors.length).toBeGreaterThan(0)
    for (const error of page.errors) expect(error).toMatchObject({ message: 'listener' })
  })

  test('a state listener that throws / set() does not throw; onError hears of it', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.state.set('x', 1)
      return Done(1)
    })
    const session = await page.open(workflow)
    session.state.subscribe('x', () => {
      throw new Error('listener')
    })
    session.state.set('x', 0)
    expect(await session.run()).toBe(1)
    expect(session.state.get('x')).toBe(1)
    expect(page.errors).toHaveLength(2)
  })

  test('a listener that was removed / is not told; one function added twice and removed once / told once', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    let told = 0
    const listener = (): void => void told++
    const end = session.subscribe(listener)
    const other = session.subscribe(listener)
    end()
    end()
    await session.run()
    await page.settle()
    const once = told
    expect(once).toBeGreaterThan(0)
    other()
    await session.run()
    await page.settle()
    expect(told).toBe(once)
  })
})
