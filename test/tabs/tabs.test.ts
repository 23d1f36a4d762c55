import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  resource,
  type Engine,
  type EngineOptions,
  type Session,
  type SessionStorage,
} from 'dogear'
import { crash, virtualClock, virtualTabs, type VirtualTabs } from 'dogear/testing'
import { ears } from '../support/leaving'
import { Page } from '../support/page'
import { Done, failure, flow, gate, type Gate, Go, Item, Nudge, Question, sorted } from '../support/flows'

/** A browser: its tabs share storage, locks and channels. */
const browser = (storage: SessionStorage = memoryStorage(), more: Partial<VirtualTabs> = {}) => {
  const clock = virtualClock()
  const tabs = { ...virtualTabs(), ...more }
  const errors: unknown[] = []
  let ids = 0
  const tab = (its: EngineOptions = {}): Engine =>
    createEngine({
      storage,
      clock,
      ids: () => `id-${++ids}`,
      onError: (error) => errors.push(error),
      ...{ ...tabs, ...its },
    })
  return { clock, storage, tab, tabs, errors }
}

const effects: string[] = []
const asking = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    const { data } = await ctx.ask(Question(1))
    await ctx.once('effect', () => effects.push(String(data)))
    return Done(data)
  },
)

/** A leader and a follower; an engine that knows of no tabs then deletes their session. */
const deletedElsewhere = async ({ tab, clock, storage }: ReturnType<typeof browser>) => {
  const one = await tab().open(asking)
  one.state.set('text', 'old')
  await one.flush()
  const two = await tab().open(asking)
  await createEngine({ storage, clock, locks: null, channel: null }).delete('flow')
  return [one, two] as const
}

describe('two tabs on one session', () => {
  test('the first leads, the second follows and says so', async () => {
    const { tab } = browser()
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    expect([one.role, two.role]).toEqual(['leader', 'follower'])
    expect(two.resumed).toEqual({ found: false })
  })

  test("virtual tabs without structuredClone, as in Jest's jsdom / hear of each other", async () => {
    vi.stubGlobal('structuredClone', undefined)
    const { tab, clock, errors } = browser()
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    two.state.set('typed', 'there')
    const result = two.run()
    await clock.advance(0)
    await one.asks[0]?.reply('yes')
    await clock.advance(0)
    expect([one.state.get('typed'), await result, errors]).toEqual(['there', 'yes', []])
    vi.unstubAllGlobals()
  })

  test("without queueMicrotask, or with Jest's fake timers, which hold it up / the tabs hear of each other", async () => {
    vi.stubGlobal('queueMicrotask', () => {})
    const { tab, clock, errors } = browser()
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    two.state.set('typed', 'there')
    const result = two.run()
    await clock.advance(1000)
    await one.asks[0]?.reply('yes')
    await one.flush()
    await clock.advance(1000)
    expect([one.state.get('typed'), await result, errors]).toEqual(['there', 'yes', []])
    vi.unstubAllGlobals()
  })

  test('the leader has unstored text / the second tab sees it when it opens', async () => {
    const { tab } = browser()
    const one = await tab().open(asking)
    one.state.set('typed', 'just now')
    const two = await tab().open(asking)
    expect(two.state.get('typed')).toBe('just now')
    expect(two.resumed).toMatchObject({ found: true, reason: 'other-tab' })
  })

  test('storage hangs when the second tab opens / it shows what the first has, and nothing in between', async () => {
    const memory = memoryStorage()
    const disk = { hangs: false }
    const slow = <T>(call: () => Promise<T>): Promise<T> => (disk.hangs ? new Promise(() => {}) : call())
    const { tab, clock } = browser({
      ...memory,
      read: (id) => slow(() => memory.read(id)),
      append: (...call) => slow(() => memory.append(...call)),
    })
    const one = await tab().open(asking)
    void one.run()
    one.state.set('typed', 'here')
    await one.flush()
    disk.hangs = true
    const two = tab().session(asking)
    const shown: unknown[] = []
    const ready = two.ready.then(() => shown.push(two.status, two.state.get(), two.role))
    await clock.advance(4100)
    await ready
    expect(shown).toEqual(['waiting', { typed: 'here' }, 'follower'])
    two.state.set('more', 'there')
    await clock.advance(10)
    expect(one.state.get()).toEqual({ typed: 'here', more: 'there' })
  })

  test('storage hangs when the second tab opens, and the first hangs too / what was typed in the second is shown once', async () => {
    const memory = memoryStorage()
    const { tab, clock } = browser({ ...memory, read: () => gate<never>().promise })
    tab({ channel: () => ({ onmessage: null, postMessage() {}, close() {} }) }).session(asking)
    const session = tab().session(asking)
    session.state.append('text', 'typed')
    await clock.advance(10_000)
    expect([session.role, session.state.get('text')]).toEqual(['follower', 'typed'])
  })

  test('the first hangs when the second tab opens / whoever listens in the second is told of what is shown', async () => {
    const { tab, clock, tabs } = browser()
    const deaf = ears(tabs)
    const one = await tab({ channel: deaf.channel }).open(asking)
    one.state.set('typed', 'here')
    await one.flush()
    deaf.close()
    const two = tab().session(asking)
    const told: unknown[] = []
    two.state.subscribe('typed', () => told.push(two.state.get('typed')))
    await clock.advance(2000)
    expect([two.role, two.state.get('typed'), told]).toEqual(['follower', 'here', ['here']])
    deaf.open()
    await clock.advance(2000)
    expect(told).toEqual(['here'])
  })

  test('one executes; the other sees status, asks, state and result', async () => {
    const { tab, clock } = browser()
    effects.length = 0
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    const result = one.run()
    await clock.advance(0)
    expect(two.status).toBe('waiting')
    expect(two.asks).toMatchObject([{ id: one.asks[0]?.id, type: 'question' }])
    one.state.set('note', 'hello')
    await clock.advance(0)
    expect(two.state.get('note')).toBe('hello')
    expect(await one.asks[0]?.reply('yes')).toBe(true)
    await result
    await clock.advance(1000)
    expect([two.status, two.result, two.persistence.status]).toEqual(['completed', 'yes', 'saved'])
    expect(effects).toEqual(['yes'])
  })

  test('the follower types / its text is shown at once, and reaches the leader', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    two.state.set('text', 'a')
    expect(two.state.get('text')).toBe('a')
    expect(two.persistence.status).toBe('saving')
    two.state.append('text', 'b')
    await clock.advance(0)
    expect(one.state.get('text')).toBe('ab')
    expect(two.state.get('text')).toBe('ab')
    await clock.advance(1000)
    expect(two.persistence.status).toBe('saved')
  })

  test.each(['leader', 'follower'])(
    'the %s writes into a session that has no record yet / in the follower what was not written keeps its identity',
    async (writer) => {
      const { tab, clock } = browser()
      const open = { initialState: { user: { name: 'Ada' }, list: [{ id: 1 }] } }
      const tabs = [await tab().open(asking, open), await tab().open(asking, open)] as const
      const { state } = tabs[1]
      const before = [state.get('user'), state.get('list'), state.get('list.0')]
      const heard: string[] = []
      for (const path of ['user', 'list', 'text']) state.subscribe(path, () => heard.push(path))
      tabs[writer === 'leader' ? 0 : 1].state.set('text', 'a')
      await clock.advance(50)
      expect(state.get()).toEqual({ ...open.initialState, text: 'a' })
      expect(heard).toEqual(['text'])
      ;[state.get('user'), state.get('list'), state.get('list.0')].forEach((it, at) =>
        expect(it).toBe(before[at]),
      )
    },
  )

  test('two tabs type into different fields / both tabs have both', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    for (let i = 0; i < 10; i++) {
      one.state.append('left', `${i}`)
      two.state.append('right', `${i}`)
      await clock.advance(i % 3)
    }
    await clock.advance(1000)
    const all = { left: '0123456789', right: '0123456789' }
    expect(one.state.get()).toEqual(all)
    expect(two.state.get()).toEqual(all)
  })

  test('the follower runs and replies / the leader executes, the follower has the result', async () => {
    const { tab, clock } = browser()
    effects.length = 0
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    const result = two.run()
    await clock.advance(100)
    expect(one.status).toBe('waiting')
    const reply = two.asks[0]?.reply('from two')
    expect(two.asks).toEqual([])
    expect(two.status).toBe('running')
    expect(await reply).toBe(true)
    expect(await result).toBe('from two')
    expect(one.result).toBe('from two')
    expect(effects).toEqual(['from two'])
  })

  test('the follower goes back, forward, and to an earlier record / the leader does it, and both tabs show it', async () => {
    const { tab, clock } = browser()
    const workflow = defineWorkflow({ ...flow, history: 100 }).step(
      'pages',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const first = await ctx.ask(Question('first'))
        return Done([first.data, (await ctx.ask(Question('second'))).data])
      },
    )
    const one = await tab().open(workflow)
    const two = await tab().open(workflow)
    one.run().catch(() => {})
    await clock.advance(10)
    const asked = (): unknown[] => [one, two].map((it) => it.asks.map(({ data }) => data))
    await two.asks[0]?.reply('a')
    await clock.advance(10)
    expect([two.forward(), two.back()]).toEqual([false, true])
    await clock.advance(10)
    expect(asked()).toEqual([['first'], ['first']])
    expect([two.back(), two.forward()]).toEqual([false, true])
    await clock.advance(10)
    expect(asked()).toEqual([['second'], ['second']])
    two.rewind(one.history().find((it) => it.type === 'opened')?.seq ?? NaN)
    await clock.advance(10)
    expect([one.status, two.status]).toEqual(['paused', 'paused'])
    expect(asked()).toEqual([['first'], ['first']])
    expect([one.role, two.role]).toEqual(['leader', 'follower'])
  })

  /** A workflow that asks for one page after the other. */
  const wizard = (pages: readonly string[]) =>
    defineWorkflow(flow).step('pages', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      for (const page of pages) await ctx.ask(Question(page))
      return Done('all')
    })

  test('a follower goes back in a loop, as to a page of its choice / back() says false where there is no page left', async () => {
    const { tab, clock } = browser()
    const workflow = wizard(['first', 'second', 'third'])
    const one = await tab().open(workflow)
    const two = await tab().open(workflow)
    one.run().catch(() => {})
    await clock.advance(10)
    for (const answer of ['a', 'b']) {
      await two.asks[0]?.reply(answer)
      await clock.advance(10)
    }
    // The leader hears of it a moment later, and the page that is shown is the same until then.
    expect([two.back(), two.back(), two.back()]).toEqual([true, true, false])
    await clock.advance(10)
    expect([one, two].map((it) => it.asks[0]?.data)).toEqual(['first', 'first'])
    expect(two.back()).toBe(false)
    // As in the tab that leads, the next page is not there yet.
    expect([two.forward(), two.forward()]).toEqual([true, false])
    await clock.advance(10)
    expect(two.asks[0]?.data).toBe('second')
    expect([two.back(), two.back()]).toEqual([true, false])
    await clock.advance(10)
    expect([one, two].map((it) => it.asks[0]?.data)).toEqual(['first', 'first'])
  })

  test('two tabs go back from one page at once / they go back one page; a reply and back() behind it take back that reply', async () => {
    const { tab, clock } = browser()
    const workflow = wizard(['first', 'second', 'third', 'fourth'])
    const tabs = [await tab().open(workflow), await tab().open(workflow), await tab().open(workflow)]
    const [one, two, three] = tabs as [(typeof tabs)[0], (typeof tabs)[0], (typeof tabs)[0]]
    one.run().catch(() => {})
    await clock.advance(10)
    for (const answer of ['a', 'b', 'c']) {
      await two.asks[0]?.reply(answer)
      await clock.advance(10)
    }
    expect([two.back(), three.back()]).toEqual([true, true])
    await clock.advance(10)
    expect(tabs.map((it) => it.asks[0]?.data)).toEqual(['third', 'third', 'third'])
    expect([three.back(), one.back()]).toEqual([true, true])
    await clock.advance(10)
    expect(tabs.map((it) => it.asks[0]?.data)).toEqual(['second', 'second', 'second'])
    void two.asks[0]?.reply('anew')
    expect(two.back()).toBe(true)
    await clock.advance(10)
    expect(tabs.map((it) => it.asks[0]?.data)).toEqual(['second', 'second', 'second'])
  })

  test('the follower steps by hand, and retries a failed step / the leader does it, and the follower gets the answer', async () => {
    const { tab, clock } = browser()
    let broken = true
    const workflow = defineWorkflow(flow)
      .step('first', { on: Go, emits: [Item] }, () => Item(1))
      .step('second', { on: Item, emits: [Done] }, () => {
        if (broken) throw new Error('broken')
        return Done('mended')
      })
    const one = await tab().open(workflow)
    const two = await tab().open(workflow)
    one.pause()
    const failed = failure(one.run())
    for (const more of [true, false]) {
      const step = two.step()
      await clock.advance(10)
      expect(await step).toBe(more)
    }
    expect(await failed).toMatchObject({ step: 'second' })
    broken = false
    two.resume()
    const [mended, again] = [two.retry(), two.retry()]
    await clock.advance(10)
    expect([await mended, await again]).toEqual(['mended', 'mended'])
    expect([one.status, two.status]).toEqual(['completed', 'completed'])
    expect(await failure(two.retry())).toMatchObject({ code: 'SESSION_STATE' })
  })

  test('three tabs retry a step at once, which fails again / it is tried again once, and all hear how; a later retry counts', async () => {
    const { tab, clock } = browser()
    let tries = 0
    const workflow = defineWorkflow(flow).step('pay', { on: Go, emits: [Done] }, () => {
      throw new Error(`failed ${++tries}`)
    })
    const tabs = [await tab().open(workflow), await tab().open(workflow), await tab().open(workflow)]
    const retried = async (of: readonly Session<typeof workflow>[]): Promise<unknown[]> => {
      const all = of.map((it) => failure(it.retry()))
      await clock.advance(10)
      return (await Promise.all(all)).map((it) => (it as Error).message)
    }
    const failed = failure((tabs[0] as Session<typeof workflow>).run())
    await clock.advance(10)
    expect(await failed).toMatchObject({ message: expect.stringContaining('failed 1') })
    const again = expect.stringContaining('failed 2')
    expect(await retried([...tabs, ...tabs.slice(1)])).toEqual(Array.from({ length: 5 }, () => again))
    expect(await retried(tabs.slice(2))).toEqual([expect.stringContaining('failed 3')])
    expect(tries).toBe(3)
  })

  test('the follower joins a run that ends before the leader hears of that / it gets the result, and no other run begins', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    const result = one.run()
    await clock.advance(10)
    const joined = two.run()
    await one.asks[0]?.reply('yes')
    await clock.advance(10)
    expect([one.status, two.status]).toEqual(['completed', 'completed'])
    expect([await result, await joined]).toEqual(['yes', 'yes'])
    void two.run()
    await clock.advance(10)
    expect([one.status, two.status]).toEqual(['waiting', 'waiting'])
  })

  test('the follower cancels a run that ends before the leader hears of that / the run that has begun since goes on', async () => {
    const { tab, tabs, clock } = browser()
    const { channel, ...hearing } = ears(tabs)
    const one = await tab().open(asking)
    const two = await tab({ channel }).open(asking)
    one.run().catch(() => {})
    await clock.advance(10)
    hearing.close()
    await one.asks[0]?.reply('yes')
    await clock.advance(10)
    one.run().catch(() => {})
    await clock.advance(10)
    two.state.set('text', 'typed before')
    two.cancel()
    await clock.advance(10)
    hearing.open()
    await clock.advance(10)
    expect([one.status, two.status]).toEqual(['waiting', 'waiting'])
    two.reset()
    two.run().catch(() => {})
    two.cancel()
    await clock.advance(10)
    expect([one.status, two.status]).toEqual(['cancelled', 'cancelled'])
  })

  test('the follower sends an event to a wait whose timer is late, and hears no more of the leader / nobody has taken it', async () => {
    let asleep = 0
    const tabs = virtualTabs()
    const deaf = ears(tabs)
    const { tab, clock } = browser()
    const late = { clock: { ...clock, now: () => clock.now() + asleep } }
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'wait',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.waitFor(Nudge, { timeout: 1000 }).catch(() => {})
        return Done((await ctx.ask(Question(1))).data)
      },
    )
    const one = await tab({ ...tabs, ...late }).open(workflow)
    const two = await tab({ ...tabs, ...late, channel: deaf.channel }).open(workflow)
    void one.run()
    await clock.advance(999)
    asleep = 5000
    const sent = two.send(Nudge(1))
    deaf.close()
    await clock.advance(10)
    expect(one.asks).toHaveLength(1)
    await two.takeOver()
    await clock.advance(10)
    expect([two.role, two.asks.length, await sent]).toEqual(['leader', 1, false])
  })

  test('a message of the leader is lost / the follower notices at the next one, and catches up', async () => {
    const tabs = virtualTabs()
    let lost = 0
    const deaf: VirtualTabs['channel'] = (name) => {
      const line = tabs.channel(name)
      return {
        set onmessage(listener: typeof line.onmessage) {
          line.onmessage = (event) => {
            const { message } = event.data as { readonly message: { readonly kind: string } }
            if (message.kind !== 'news' || lost-- <= 0) listener?.(event)
          }
        },
        postMessage: line.postMessage,
        close: line.close,
      }
    }
    const { tab, clock } = browser(memoryStorage(), tabs)
    const one = await tab().open(asking)
    const two = await tab({ channel: deaf }).open(asking)
    one.state.set('first', 1)
    await clock.advance(10)
    lost = 1
    void one.run()
    await clock.advance(10)
    one.state.set('second', 2)
    await clock.advance(10)
    expect(two.state.get()).toEqual({ first: 1, second: 2 })
    expect(two.history()).toEqual(one.history())
    expect([two.status, two.asks.length]).toEqual(['waiting', 1])
    expect(lost).toBeLessThan(0)
  })

  test('the follower types, slowly and then faster than the answers come / subscribers at and above the path hear each write once', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(asking)
    one.state.set('form', { name: '', town: 'Graz' })
    const two = await tab().open(asking)
    const seen: unknown[] = []
    for (const path of ['', 'form', 'form.name'])
      two.state.subscribe(path, () => seen.push(`${path}: ${String(two.state.get('form.name'))}`))
    const told = (name: string): string[] => ['', 'form', 'form.name'].map((path) => `${path}: ${name}`)
    for (const name of ['A', 'Ad']) {
      two.state.set('form.name', name)
      const shown = two.state.get('form')
      await clock.advance(0)
      expect(one.state.get('form.name')).toBe(name)
      expect(two.state.get('form')).toBe(shown)
    }
    for (const name of ['Ada', 'Ada ', 'Ada L', 'Ada Lo']) {
      two.state.set('form.name', name)
      await Promise.resolve()
    }
    await clock.advance(0)
    expect(one.state.get('form.name')).toBe('Ada Lo')
    expect(sorted(seen as string[])).toEqual(
      sorted(['A', 'Ad', 'Ada', 'Ada ', 'Ada L', 'Ada Lo'].flatMap(told)),
    )
    // Another tab's writes around the path are told as before.
    one.state.set('form.town', 'Linz')
    await clock.advance(0)
    expect(seen.slice(18)).toEqual([': Ada Lo', 'form: Ada Lo'])
  })

  const Range = z.object({ from: z.number(), to: z.number() }).refine((it) => it.from <= it.to)
  const ranged = defineWorkflow({
    ...flow,
    state: z.object({ note: z.string().default(''), range: Range.default({ from: 1, to: 1 }) }),
    events: [Nudge],
  }).step('start', { on: Go, emits: [Done] }, () => Done(1))

  type Tab = Session<typeof ranged>
  test.each<[string, (leader: Tab, follower: Tab, later: () => Promise<void>) => unknown]>([
    [
      'the leader',
      (leader, follower) => {
        leader.state.set('range.to', 2)
        follower.state.set('note', 'typed')
        follower.pause()
        follower.state.set('range.from', 5)
      },
    ],
    [
      'the leader, twice',
      (leader, follower) => {
        leader.state.set('range.to', 2)
        follower.state.set('note', 'typed')
        follower.state.append('note', ' on')
        queueMicrotask(() => follower.state.set('range.from', 5))
      },
    ],
    [
      'its own reset',
      (_, follower) => {
        follower.reset()
        follower.state.set('range.from', 5)
      },
    ],
    [
      'what the leader has added to a record',
      async (leader, follower, later) => {
        leader.state.set('note', 'typed')
        await later()
        expect(follower.state.get('note')).toBe('typed')
        leader.state.set('range.to', 2)
        follower.state.set('range.from', 5)
      },
    ],
    [
      'a rewind',
      (leader, follower) => {
        leader.rewind(1)
        follower.state.set('range.from', 5)
      },
    ],
  ])('a follower writes, unaware of %s / all tabs show and keep what the schema takes', async (_, write) => {
    const { tab, clock } = browser()
    const one = await tab().open(ranged)
    const two = await tab().open(ranged)
    one.state.set('range', { from: 1, to: 9 })
    await clock.advance(1000)
    await write(one, two, () => clock.advance(50))
    await clock.advance(1000)
    for (const it of [one, two]) expect(Range.safeParse(it.state.get('range')).success).toBe(true)
    expect(two.state.get()).toEqual(one.state.get())
    await Promise.all([one.close(), two.close()])
    const again = await tab().open(ranged)
    expect(again.status).not.toBe('error')
  })

  test('a follower writes, unaware of the last write of a leader that closes / it keeps what the schema takes', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(ranged)
    const two = await tab().open(ranged)
    one.state.set('range', { from: 1, to: 9 })
    await clock.advance(1000)
    one.state.set('range.to', 2)
    two.state.set('range.from', 5)
    await one.close()
    await clock.advance(1000)
    expect(two.role).toBe('leader')
    expect(Range.safeParse(two.state.get('range')).success).toBe(true)
  })

  test('a second tab types as it opens what does not fit what the leader has unstored / it follows all the same', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(ranged)
    one.state.set('range', { from: 1, to: 9 })
    await one.flush()
    one.state.set('range', { from: -9, to: -1 })
    const two = tab().session(ranged)
    two.state.set('range.from', 0)
    await two.ready
    expect([one.role, two.role]).toEqual(['leader', 'follower'])
    await clock.advance(1000)
    for (const it of [one, two]) expect(Range.safeParse(it.state.get('range')).success).toBe(true)
    expect(two.state.get()).toEqual(one.state.get())
  })

  test.each([0, 500])(
    'a follower types with `history: %i` / only what it writes is checked',
    async (history) => {
      const checked: string[] = []
      const text = (name: string) =>
        z
          .string()
          .default('')
          .refine(() => checked.push(name))
      const workflow = defineWorkflow({
        ...flow,
        history,
        state: z.object({ note: text('note'), big: text('big') }),
      }).step('start', { on: Go, emits: [Done] }, () => Done(1))
      const { tab, clock } = browser()
      const one = await tab().open(workflow)
      const two = await tab().open(workflow)
      const type = async (note: string): Promise<string[]> => {
        checked.length = 0
        two.state.set('note', note)
        await clock.advance(1000)
        expect(one.state.get('note')).toBe(note)
        return [...new Set(checked)].sort()
      }
      await type('a')
      expect([await type('ab'), await type('abc')]).toEqual([['note'], ['note']])
      // Somebody else has written meanwhile, and the tab may not know of it.
      two.state.set('note', 'abcd')
      one.state.set('big', 'b')
      expect(await type('abcde')).toEqual(['big', 'note'])
      expect(await type('abcdef')).toEqual(['note'])
    },
  )

  test('forty tabs type at once / every tab has everything, once', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(asking)
    const others = await Promise.all(Array.from({ length: 40 }, () => tab().open(asking)))
    for (const [index, it] of others.entries()) it.state.append('list', index)
    await clock.advance(1000)
    const list = others.map((_, index) => index)
    for (const it of [one, ...others]) expect(sorted(it.state.get('list') as number[])).toEqual(sorted(list))
  })

  test('storage is away when the leader dies / the follower shows what it has, and leads when storage is back', async () => {
    const memory = memoryStorage()
    const disk = { away: false }
    const { tab, clock } = browser({
      ...memory,
      read: (id) => (disk.away ? Promise.reject(new Error('disk')) : memory.read(id)),
      claim: (...call) => (disk.away ? Promise.reject(new Error('disk')) : memory.claim(...call)),
    })
    const first = tab()
    const one = await first.open(asking)
    void one.run().catch(() => {})
    one.state.set('typed', 'before')
    await one.flush()
    const two = await tab().open(asking)
    disk.away = true
    crash(first)
    await clock.advance(2000)
    two.state.set('more', 'meanwhile')
    await clock.advance(20_000)
    expect([two.status, two.role]).toEqual(['waiting', 'follower'])
    expect(two.state.get()).toEqual({ typed: 'before', more: 'meanwhile' })
    disk.away = false
    await clock.advance(2000)
    expect([two.status, two.role, two.persistence.status]).toEqual(['waiting', 'leader', 'saved'])
    expect(await two.asks[0]?.reply('yes')).toBe(true)
    await clock.advance(10)
    expect([two.result, two.state.get('more')]).toEqual(['yes', 'meanwhile'])
  })

  test('a reply from two tabs / exactly one is taken, the other is told so', async () => {
    const { tab, clock } = browser()
    effects.length = 0
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    const three = await tab().open(asking)
    one.run().catch(() => {})
    await clock.advance(100)
    const replies = [two, three].map((it) => it.asks[0]?.reply(it === two ? 'two' : 'three'))
    await clock.advance(1000)
    expect(sorted([await replies[0], await replies[1]])).toEqual([false, true])
    expect(effects).toHaveLength(1)
    expect([one.result, two.result, three.result]).toEqual([effects[0], effects[0], effects[0]])
  })

  test('a bad call in a follower / throws at the call; a call that the leader refuses rejects', async () => {
    const { tab } = browser()
    await tab().open(asking)
    const two = await tab().open(asking)
    expect(() => two.send({ type: 'nothing', data: 1 } as never)).toThrow(/nothing/)
    expect(await failure(two.retry())).toMatchObject({ code: 'SESSION_STATE' })
    expect(await two.reply('no such ask', 1)).toBe(false)
  })

  test("the leader cannot save / the follower's flush() rejects with the reason, and resolves once saving works", async () => {
    let full = false
    const { tab, clock } = browser(memoryStorage({ failAt: () => full }))
    await tab().open(asking)
    const two = await tab().open(asking)
    full = true
    two.state.set('text', 'kept')
    const flushed = failure(two.flush())
    await clock.advance(1000)
    expect(await flushed).toMatchObject({ code: 'STORAGE' })
    full = false
    await clock.advance(60_000)
    await expect(two.flush()).resolves.toBeUndefined()
  })

  test('streamed events and progress / reach the follower', async () => {
    const { tab, clock } = browser()
    const streaming = defineWorkflow({ ...flow, skip: ['unconsumed'] }).step(
      'work',
      { on: Go, emits: [Done, Item] },
      async (ctx) => {
        ctx.stream(Item(1))
        ctx.progress(0.5, 'half')
        await ctx.sleep(1000)
        return Done(1)
      },
    )
    const one = await tab().open(streaming)
    const two = await tab().open(streaming)
    const seen: string[] = []
    const all = (async () => {
      for await (const event of two.events()) seen.push(event.type)
    })()
    one.run().catch(() => {})
    await clock.advance(10)
    expect(two.progress).toEqual({ fraction: 0.5, label: 'half' })
    await clock.advance(2000)
    await all
    expect(seen).toEqual(['item', 'done'])
  })

  test('a step streams, asks, and streams again / the follower hears all three in that order', async () => {
    const { tab, clock } = browser()
    const streaming = defineWorkflow({ ...flow, skip: ['unconsumed'] }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done, Item] },
      async (ctx) => {
        ctx.stream(Item(1))
        const asked = ctx.ask(Question(2))
        ctx.stream(Item(3))
        await asked
        return Done(4)
      },
    )
    const heard = [await tab().open(streaming), await tab().open(streaming)].map((session) => {
      const seen: unknown[] = []
      const all = (async () => {
        for await (const { type, data } of session.events()) seen.push([type, data])
      })()
      return { session, seen, all }
    })
    heard[0]?.session.run().catch(() => {})
    await clock.advance(10)
    await heard[1]?.session.asks[0]?.reply('yes')
    await clock.advance(10)
    await Promise.all(heard.map((it) => it.all))
    expect(heard[0]?.seen).toEqual([
      ['item', 1],
      ['question', 2],
      ['item', 3],
      ['done', 4],
    ])
    expect(heard[1]?.seen).toEqual(heard[0]?.seen)
  })

  test('a tab opens in the middle of a run, which the leader then resets / events() of the follower ends, too', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(asking)
    one.run().catch(() => {})
    await clock.advance(10)
    const two = await tab().open(asking)
    const seen: string[] = []
    const all = (async () => {
      for await (const event of two.events()) seen.push(event.type)
    })()
    one.reset()
    await clock.advance(10)
    await all
    expect(seen).toEqual(['cancelled'])
  })

  test('a follower leads that has not heard everything / records: true yields what it had missed as well', async () => {
    const { tab, clock, tabs } = browser()
    const one = await tab().open(asking)
    const deaf = ears(tabs)
    const two = await tab({ channel: deaf.channel }).open(asking)
    const seen: unknown[] = []
    void (async () => {
      for await (const { type, data } of two.events({ follow: true, records: true }))
        if (type === 'record') seen.push(data)
    })()
    deaf.close()
    one.run().catch(() => {})
    await one.flush()
    await two.takeOver()
    deaf.open()
    await clock.advance(10)
    expect(seen).toEqual(two.history())
  })

  /** With the next step by hand, a step that never ends makes its writes again. Something in the session is private. */
  const stepwise = async (...letters: string[]) => {
    const { tab, clock } = browser()
    const list = z.array(z.string()).max(letters.length).catch([])
    const state = z.object({ list, card: z.string().optional() })
    const steps = defineWorkflow({ ...flow, state, private: ['card'] }).step(
      'write',
      { on: Go, emits: [Done] },
      async (ctx) => {
        for (const it of letters) await ctx.state.append('list', it)
        return new Promise<never>(() => {})
      },
    )
    const one = await tab().open(steps)
    void one.run().catch(() => {})
    await clock.advance(0)
    const two = await tab().open(steps)
    two.rewind(two.history().find((it) => it.type === 'taken')!.seq)
    await clock.advance(0)
    expect(two.state.get('list')).toEqual([])
    return { tabs: [one, two], two, clock }
  }

  test('a step that a follower runs by hand writes at once, beside something private / the follower shows all of it', async () => {
    const { tabs, two, clock } = await stepwise('a', 'b')
    void two.step()
    await clock.advance(0)
    for (const { state } of tabs) expect(state.get()).toEqual({ list: ['a', 'b'] })
  })

  test('a follower types before it sees what the step has written that it runs by hand / the schema mends the result', async () => {
    const { tabs, two, clock } = await stepwise('a')
    void two.step()
    two.state.append('list', 'mine')
    await clock.advance(0)
    for (const { state } of tabs) expect(state.get()).toEqual({ list: [] })
  })

  test('the leader closes / the follower leads, and the run goes on', async () => {
    const { tab, clock } = browser()
    effects.length = 0
    const first = tab()
    const one = await first.open(asking)
    const two = await tab().open(asking)
    const result = two.run()
    await clock.advance(100)
    await first.close()
    await clock.advance(100)
    expect(two.role).toBe('leader')
    expect(one.status).toBe('waiting')
    expect(await two.asks[0]?.reply('after')).toBe(true)
    expect(await result).toBe('after')
    expect(effects).toEqual(['after'])
  })

  test('the leader is killed with unsaved text / the follower, which has heard it, keeps it', async () => {
    const { tab, clock, storage } = browser()
    const first = tab()
    const one = await first.open(asking)
    const two = await tab().open(asking)
    one.state.set('text', 'not stored')
    await clock.advance(0)
    crash(first)
    await clock.advance(5000)
    expect(two.role).toBe('leader')
    expect(two.state.get('text')).toBe('not stored')
    await two.flush()
    await two.close()
    const again = await createEngine({ storage, clock }).open(asking)
    expect(again.state.get('text')).toBe('not stored')
  })

  test("nobody takes a follower's event, and the answer is lost / asked once more, the leader says so again", async () => {
    const { tab, tabs, clock } = browser()
    const page = new Page(new Map())
    let lost = 0
    const channel: typeof tabs.channel = (name) => {
      const inner = tabs.channel(name)
      return {
        set onmessage(listener: typeof inner.onmessage) {
          inner.onmessage = (event) => {
            const { message } = event.data as { message: { kind: string } }
            if (message.kind === 'answer' && lost++ === 0) return
            listener?.(event)
          }
        },
        postMessage: inner.postMessage,
        close: inner.close,
      }
    }
    const nudged = defineWorkflow({ ...flow, events: [Nudge] }).step('end', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    await tab().open(nudged)
    const two = await tab({ channel, page }).open(nudged)
    const sent = two.send(Nudge('x'))
    await clock.advance(10)
    expect([two.role, lost]).toEqual(['follower', 1])
    page.hide(true)
    page.show(true)
    await clock.advance(10)
    expect(await sent).toBe(false)
  })

  test('a tab asks for what the leader cannot do / it is told, and the leader goes on', async () => {
    const { tab, tabs, clock } = browser()
    const names: string[] = []
    const channel = (name: string) => {
      names.push(name)
      return tabs.channel(name)
    }
    const one = await tab().open(asking)
    const two = await tab({ channel }).open(asking)
    const heard: { readonly kind: string; readonly epoch: number }[] = []
    const other = tabs.channel(names.at(-1) ?? '')
    other.onmessage = ({ data }) => void heard.push((data as { message: (typeof heard)[0] }).message)
    one.state.set('text', 'a')
    await clock.advance(10)
    const of = heard.find((it) => it.kind === 'news')?.epoch
    const message = { kind: 'ask', of, by: 'other', n: 1, seen: 0, call: 'toString', args: [] }
    const say = other.postMessage.bind(other)
    say({ message, version: 1 })
    one.state.append('text', 'b')
    await clock.advance(10)
    const [answer] = heard.filter((it) => it.kind === 'answer')
    expect(answer).toMatchObject({ to: 'other', n: 1, error: { name: 'TypeError' } })
    expect(two.state.get('text')).toBe('ab')
  })

  test('without a history, a tab that claims the session is killed before it stores or says anything / the next one keeps what it has heard of the leader before', async () => {
    const disk = { full: false }
    const storage = memoryStorage({ failAt: (_, { kind }) => disk.full && kind === 'append' })
    const { tab, tabs, clock } = browser(storage)
    const deaf = { deaf: false }
    const channel: typeof tabs.channel = (name) => {
      const inner = tabs.channel(name)
      return {
        set onmessage(listener: typeof inner.onmessage) {
          inner.onmessage = (event) => deaf.deaf || listener?.(event)
        },
        postMessage: inner.postMessage,
        close: inner.close,
      }
    }
    const brief = defineWorkflow({ ...flow, history: 0 }).step('end', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const [first, third] = [tab(), tab()]
    const one = await first.open(brief)
    one.state.set('text', 'a')
    await one.flush()
    const two = await tab({ channel }).open(brief)
    const three = await third.open(brief)
    disk.full = true
    one.state.append('text', 'b')
    await clock.advance(1000)
    expect(two.state.get('text')).toBe('ab')
    deaf.deaf = true
    await three.takeOver()
    crash(third)
    crash(first)
    deaf.deaf = false
    disk.full = false
    await clock.advance(10_000)
    expect([two.role, two.state.get('text')]).toEqual(['leader', 'ab'])
  })

  test('the follower types and replies while the leader dies / nothing is lost or doubled', async () => {
    const { tab, clock } = browser()
    effects.length = 0
    const first = tab()
    await first.open(asking)
    const two = await tab().open(asking)
    const three = await tab().open(asking)
    const result = three.run()
    await clock.advance(100)
    two.state.append('text', 'x')
    const reply = three.asks[0]?.reply('three')
    crash(first)
    await clock.advance(5000)
    expect([two.role, three.role].sort()).toEqual(['follower', 'leader'])
    expect(await reply).toBe(true)
    expect(await result).toBe('three')
    for (const it of [two, three]) expect([it.state.get(), it.status]).toEqual([{ text: 'x' }, 'completed'])
    expect(effects).toEqual(['three'])
  })

  test.each(['delete', 'clear'] as const)(
    '%s in one tab while another leads, then opened anew / nothing old is shown or stored, and the old session is outdated',
    async (how) => {
      const memory = memoryStorage()
      const all = browser({
        ...memory,
        // As long as a disk takes: the old tab must not answer before it has been refused.
        compact: async (...call) => {
          await new Promise<void>((resolve) => all.clock.setTimeout(resolve, 20))
          return memory.compact(...call)
        },
      })
      const { tab, clock, storage } = all
      const [first, second] = [tab(), tab()]
      const one = await first.open(asking)
      one.state.set('text', 'of somebody else')
      await one.flush()
      await (how === 'delete' ? second.delete('flow') : second.clear())
      const two = second.session(asking)
      const shown = new Set<unknown>()
      two.state.subscribe('text', () => shown.add(two.state.get('text')))
      const ready = two.ready
      await clock.advance(5000)
      await ready
      expect([two.role, two.state.get(), [...shown]]).toEqual(['leader', {}, []])
      expect([one.role, one.persistence.status]).toEqual(['reader', 'outdated'])
      expect(one.state.get('text')).toBe('of somebody else')
      two.state.set('text', 'new')
      await two.flush()
      expect(JSON.stringify(await storage.read('flow'))).not.toContain('somebody else')
    },
  )

  test('a follower types before it knows that its session was deleted / the new session does not get the text; onError is told', async () => {
    const all = browser()
    const { clock, storage, errors } = all
    const [one, two] = await deletedElsewhere(all)
    two.state.set('typed', 'into the old one')
    await clock.advance(10_000)
    expect([one.persistence.status, two.role, two.state.get()]).toEqual(['outdated', 'leader', {}])
    expect(errors).toContainEqual(expect.objectContaining({ code: 'OVERTAKEN', lost: ['write'] }))
    await two.flush()
    expect(JSON.stringify(await storage.read('flow')) ?? '').not.toContain('into the old one')
  })

  test('a session is deleted elsewhere / its leader is outdated at the next write, and the follower begins anew', async () => {
    const all = browser()
    const { tab, clock } = all
    const [one, two] = await deletedElsewhere(all)
    one.state.set('text', 'refused')
    await clock.advance(5000)
    expect([one.persistence.status, two.role, two.state.get()]).toEqual(['outdated', 'leader', {}])
    two.state.set('text', 'new')
    await two.flush()
    expect((await tab().open(asking)).state.get()).toEqual({ text: 'new' })
  })

  test.each([
    ['delete()', 'leader', async (it: Engine) => it.delete('flow')],
    ['clear()', 'reader', async (it: Engine) => it.clear()],
    ['clear() with a prefix', 'leader', async (it: Engine) => it.clear({ prefix: 'fl' })],
  ])(
    '%s in another tab while the leader writes nothing / the leader is outdated at once, and the follower begins anew',
    async (_, left, remove) => {
      const { tab, clock, errors } = browser()
      const one = await tab().open(asking)
      one.state.set('text', 'of somebody else')
      await one.flush()
      const two = await tab().open(asking)
      const other = tab()
      const bystander = await other.open(asking, { id: 'other' })
      bystander.state.set('text', 'mine')
      await bystander.flush()
      await remove(tab())
      await clock.advance(100)
      expect(one.persistence).toMatchObject({ status: 'outdated', error: { code: 'STALE_EPOCH' } })
      expect([two.role, two.state.get()]).toEqual(['leader', {}])
      expect(errors).toContainEqual(expect.objectContaining({ code: 'STALE_EPOCH' }))
      expect(bystander.role).toBe(left)
    },
  )

  test('a follower deletes the session and opens it again at once / both tabs see that it is a new one', async () => {
    const { tab, clock } = browser()
    const one = await tab().open(asking)
    one.state.set('text', 'old')
    await one.flush()
    const second = tab()
    await second.open(asking)
    const [, again] = await Promise.all([
      second.delete('flow'),
      clock.advance(1).then(() => second.open(asking)),
    ])
    await clock.advance(2000)
    expect([one.persistence.status, again.role, again.state.get()]).toEqual(['outdated', 'leader', {}])
  })

  test("imported under the id of an empty session in another tab / that tab shows the import at once, and both tabs' writes are saved", async () => {
    const { tab, clock, storage, errors } = browser()
    const here = tab()
    const one = await here.open(asking)
    one.state.set('text', 'old')
    const json = one.toJSON()
    const blank = await tab().open(asking, { id: 'copy' })
    const copy = await here.import(asking, json, { id: 'copy' })
    await clock.advance(100)
    expect([blank.state.get(), sorted([blank.role, copy.role])]).toEqual([
      { text: 'old' },
      ['follower', 'leader'],
    ])
    copy.state.set('here', 1)
    blank.state.set('there', 2)
    await clock.advance(1000)
    expect([copy.state.get(), copy.persistence.status]).toEqual([{ text: 'old', here: 1, there: 2 }, 'saved'])
    expect([blank.state.get(), errors]).toEqual([copy.state.get(), []])
    expect(await storage.list({ prefix: 'copy' })).toHaveLength(1)
  })

  test.each([
    ['imported under the id of an empty session that this tab leads', async () => {}],
    ['deleted here, and imported at once', async (it: Engine) => it.delete('flow')],
  ])('%s while another tab follows / both tabs show the import and can write', async (_, before) => {
    const { tab, clock, errors } = browser()
    const here = tab()
    const json = { ...((await here.open(asking)).toJSON() as object), state: { text: 'imported' } }
    const two = await tab().open(asking)
    await before(here)
    const imported = here.import(asking, json)
    await clock.advance(5000)
    const one = await imported
    expect([one.role, two.role].sort()).toEqual(['follower', 'leader'])
    one.state.set('one', 'typed')
    two.state.set('two', 'typed')
    await clock.advance(1000)
    const all = { text: 'imported', one: 'typed', two: 'typed' }
    for (const it of [one, two]) expect([it.persistence.status, it.state.get()]).toEqual(['saved', all])
    expect(errors).toEqual([])
  })

  test('deleted and imported in a row while another tab leads and writes nothing / that tab shows the import', async () => {
    const { tab, clock, storage } = browser()
    const one = await tab().open(asking)
    one.state.set('text', 'old')
    const json = { ...(one.toJSON() as object), state: { text: 'imported' } }
    await one.flush()
    // This engine tells no tabs, as if the other tab looked only after both.
    await createEngine({ storage, clock }).delete('flow')
    await (await tab().import(asking, json)).close()
    await clock.advance(100)
    expect([one.role, one.state.get()]).toEqual(['leader', { text: 'imported' }])
    one.state.set('text', 'typed')
    await one.flush()
    expect(one.persistence.status).toBe('saved')
  })

  test.each([
    ['delete()', async (it: Engine) => it.delete('flow')],
    ['clear()', async (it: Engine) => it.clear()],
  ])(
    '%s in another tab while this one shows an empty session / what is typed next is stored',
    async (_, remove) => {
      const { tab, errors, storage } = browser()
      const one = await tab().open(asking)
      await remove(tab())
      one.state.set('text', 'typed')
      await one.flush()
      expect([one.role, one.persistence.status, errors]).toEqual(['leader', 'saved', []])
      expect(JSON.stringify(await storage.read('flow'))).toContain('typed')
    },
  )

  test.each([{}, { prefix: '' }])(
    'clear(%j) in a tab that leads several sessions / the tabs that followed them begin anew',
    async (which) => {
      const { tab, clock, errors } = browser()
      const [here, other] = [tab(), tab()]
      const followers = []
      for (const id of ['one', 'two', 'three']) {
        const session = await here.open(asking, { id })
        session.state.set('text', 'of somebody else')
        await session.flush()
        followers.push(await other.open(asking, { id }))
      }
      await here.clear(which)
      await clock.advance(5000)
      for (const it of followers)
        expect([it.role, it.persistence.status, it.state.get()]).toEqual(['leader', 'saved', {}])
      expect(errors).toEqual([])
    },
  )

  test('a tab is told of a deletion that did not happen / nothing changes', async () => {
    const { tab, clock, storage } = browser()
    const one = await tab().open(asking)
    one.state.set('text', 'kept')
    await one.flush()
    const spared: SessionStorage = { ...storage, delete: async () => {} }
    await createEngine({ storage: spared, clock, ...virtualTabs() }).delete('flow')
    await clock.advance(100)
    expect([one.persistence.status, one.state.get('text')]).toEqual(['saved', 'kept'])
  })

  test('flush() of a closed session / what was typed is stored, in a leader and in a follower', async () => {
    for (const role of ['leader', 'follower']) {
      const { tab, clock, storage } = browser()
      const [one, two] = [await tab().open(asking), await tab().open(asking)]
      const session = role === 'leader' ? one : two
      session.state.set('typed', 'just now')
      const closed = session.close()
      let flushed = 0
      const flush = (): void => void session.flush().then(() => flushed++)
      flush()
      await clock.advance(150)
      await closed
      flush()
      await clock.advance(0)
      expect([role, flushed]).toEqual([role, 2])
      expect((await createEngine({ storage, clock }).open(asking)).state.get('typed')).toBe('just now')
    }
  })

  test("the leader's close() takes a while / what other tabs do meanwhile is done by the next leader", async () => {
    const storage = memoryStorage()
    let door: Gate<void> | undefined
    const slow: SessionStorage = {
      ...storage,
      append: async (...call) => {
        await door?.promise
        return storage.append(...call)
      },
    }
    const { tab, clock } = browser(slow)
    effects.length = 0
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    const result = two.run()
    await clock.advance(100)
    one.state.set('text', 'a')
    door = gate()
    const closing = one.close()
    await clock.advance(0)
    two.state.append('text', 'b')
    const reply = two.asks[0]?.reply('two')
    await clock.advance(0)
    expect(two.state.get('text')).toBe('ab')
    door.open()
    await closing
    await clock.advance(1000)
    expect([two.role, two.state.get('text')]).toEqual(['leader', 'ab'])
    expect([await reply, await result]).toEqual([true, 'two'])
    expect(effects).toEqual(['two'])
  })

  test('the next leader has heard the second of two unanswered operations, not the first / both are done', async () => {
    const { clock, tab, tabs } = browser()
    const [one, two] = [ears(tabs), ears(tabs)]
    const engine = tab({ channel: one.channel })
    const leader = await engine.open(asking)
    leader.run().catch(() => {})
    const next = await tab({ channel: two.channel }).open(asking)
    const other = await tab().open(asking)
    await clock.advance(10)
    one.close()
    const reply = other.asks[0]?.reply('yes')
    await clock.advance(10)
    two.close()
    other.state.set('text', 'typed')
    await clock.advance(10)
    crash(engine)
    await clock.advance(10)
    expect(next.role).toBe('leader')
    two.open()
    await clock.advance(1000)
    expect([await reply, next.result, next.state.get('text')]).toEqual([true, 'yes', 'typed'])
  })

  test('the leader is killed during an effect / the next leader runs it again with the same key', async () => {
    const { tab, clock } = browser()
    const keys: string[] = []
    const door = gate<string>()
    const paying = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) =>
      Done(
        await ctx.once('charge', (key) => {
          keys.push(key)
          return keys.length === 1 ? door.promise : 'paid'
        }),
      ),
    )
    const first = tab()
    const one = await first.open(paying)
    const two = await tab().open(paying)
    one.run().catch(() => {})
    await clock.advance(100)
    expect(keys).toHaveLength(1)
    crash(first)
    await clock.advance(1000)
    expect(two.result).toBe('paid')
    expect(new Set(keys).size).toBe(1)
  })

  test('the follower is given resources while the leader runs an effect / the follower runs nothing', async () => {
    const { tab, clock } = browser()
    const called: string[] = []
    const paying = (where: string) =>
      defineWorkflow({ ...flow, resources: { bank: resource<object>() } }).step(
        'pay',
        { on: Go, emits: [Done] },
        async (ctx) => {
          await ctx.once('charge', () => (called.push(where), gate().promise))
          return Done(1)
        },
      )
    const one = await tab().open(paying('one'), { resources: { bank: {} } })
    void one.run()
    await clock.advance(0)
    const two = await tab().open(paying('two'))
    two.setResources({ bank: {} })
    await clock.advance(0)
    expect([called, two.status]).toEqual([['one'], 'running'])
    await two.takeOver()
    await clock.advance(0)
    expect(called).toEqual(['one', 'two'])
  })

  test('a tab leads again, and the effect that it had begun before ends / a retry joins the one begun since', async () => {
    const { tab, clock } = browser()
    const doors: Gate<string>[] = []
    const options = { on: Go, emits: [Done], timeout: 1000, retry: { attempts: 2, delay: 0 } } as const
    const paying = defineWorkflow({ ...flow }).step('pay', options, async (ctx) =>
      Done(
        await ctx.once('charge', () => {
          const door = gate<string>()
          doors.push(door)
          return door.promise
        }),
      ),
    )
    const one = await tab().open(paying)
    const two = await tab().open(paying)
    void one.run()
    await clock.advance(0)
    for (const it of [two, one]) {
      await it.takeOver()
      await clock.advance(0)
    }
    expect(doors).toHaveLength(3)
    doors[0]?.open('first')
    await clock.advance(1500)
    expect([doors.length, one.status]).toEqual([3, 'running'])
    doors[2]?.open('third')
    await clock.advance(0)
    expect([one.result, two.result]).toEqual(['third', 'third'])
  })

  test('takeOver() / this tab leads, the other follows, and the run goes on here', async () => {
    const { tab, clock } = browser()
    effects.length = 0
    const one = await tab().open(asking)
    const two = await tab().open(asking)
    const result = one.run()
    await clock.advance(100)
    one.state.set('text', 'typed by one')
    await two.takeOver()
    expect(two.role).toBe('leader')
    await clock.advance(100)
    expect(one.role).toBe('follower')
    expect(two.state.get('text')).toBe('typed by one')
    expect(await one.asks[0]?.reply('from one')).toBe(true)
    expect(await result).toBe('from one')
    expect(effects).toEqual(['from one'])
    expect([one.status, two.status]).toEqual(['completed', 'completed'])
  })

  test('takeOver() of a session that was deleted elsewhere / it begins anew, and its effects have other keys', async () => {
    const { tab, clock } = browser()
    const keys: string[] = []
    const keyed = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.once('pay', (key) => keys.push(key))),
    )
    const one = await tab().open(keyed)
    await one.run()
    await one.flush()
    await tab().delete('flow')
    await clock.advance(100)
    await one.takeOver()
    await one.run()
    expect([keys.length, new Set(keys).size]).toEqual([2, 2])
  })

  test('takeOver() of a session that was deleted elsewhere, in silent storage / what begins in memory is stored, and opens again', async () => {
    const memory = memoryStorage()
    let answering: Promise<unknown> | undefined
    const read: SessionStorage['read'] = async (id) => {
      await answering
      return memory.read(id)
    }
    const all = browser({ ...memory, read })
    const { clock, tab } = all
    const [one] = await deletedElsewhere(all)
    one.state.set('text', 'lost')
    await one.flush().catch(() => {})
    expect(one.persistence.status).toBe('outdated')
    const door = gate()
    answering = door.promise
    void one.takeOver()
    await clock.advance(6000)
    one.state.set('text', 'new')
    door.open()
    await clock.advance(6000)
    await one.flush()
    expect(one.history().map((it) => it.type)).toEqual(['created', 'wrote'])
    await one.close()
    const again = await tab().open(asking)
    expect(again.state.get()).toEqual({ text: 'new' })
  })

  test('takeOver() of a closed session / rejects; the next session opened leads', async () => {
    const { tab, clock } = browser()
    const engine = tab()
    const closed = await engine.open(asking)
    await closed.close()
    expect(await failure(closed.takeOver())).toMatchObject({ code: 'SESSION_CLOSED' })
    const next = engine.open(asking)
    await clock.advance(2000)
    expect((await next).role).toBe('leader')
  })

  test('a lock request is never granted, as after some freezes / the tab requests again, and leads', async () => {
    const { tab, tabs, clock } = browser()
    let asked = 0
    const locks: VirtualTabs['locks'] = {
      request: (name, how, done) =>
        how.ifAvailable || asked++ > 0 ? tabs.locks.request(name, how, done) : new Promise(() => {}),
    }
    const one = await tab().open(asking)
    const two = await tab({ locks }).open(asking)
    await one.close()
    await clock.advance(1000)
    expect(two.role).toBe('follower')
    await clock.advance(2000)
    expect(two.role).toBe('leader')
  })

  test('sessions and engines are closed / no lock request, channel, listener, watch or timer is left', async () => {
    const { clock, tabs } = browser()
    const open = new Set<unknown>()
    const begun = <T>(what: T): T => (open.add(what), what)
    const over = (what: unknown): void => void open.delete(what)
    const channel: VirtualTabs['channel'] = (name) => {
      const line = tabs.channel(name)
      const { close } = line
      return begun(Object.assign(line, { close: () => (over(line), close()) }))
    }
    const locks: VirtualTabs['locks'] = {
      request: (...call) => {
        const request = begun(tabs.locks.request(...call))
        return request.finally(() => over(request))
      },
    }
    const page = {
      addEventListener: (_: string, listener: object) => void begun(listener),
      removeEventListener: (_: string, listener: object) => over(listener),
    }
    const watch = (look: () => void) => (begun(look), () => over(look))
    const inner = memoryStorage()
    let isBroken = true
    const read: SessionStorage['read'] = (id) =>
      isBroken ? Promise.reject(new Error('busy')) : inner.read(id)
    const storage = { ...inner, watch, read }
    const engine = (): Engine => createEngine({ storage, clock, channel, locks, page })
    const [first, second] = [engine(), engine()]
    await failure(first.open(asking))
    isBroken = false
    await first.open(asking)
    await clock.advance(5000)
    const { size } = open
    await second.open(asking)
    await clock.advance(5000)
    expect(open.size).toBeGreaterThan(size)
    await second.close()
    await clock.advance(0)
    expect(open.size).toBe(size)
    await first.close()
    await clock.advance(0)
    expect([open.size, clock.pending]).toEqual([0, 0])
  })

  test('closed while its lock is being requested / the lock is given back: the next tab leads', async () => {
    const { tab, tabs, clock } = browser()
    const door = gate()
    const locks: VirtualTabs['locks'] = {
      request: (...call) => door.promise.then(() => tabs.locks.request(...call)),
    }
    const engine = tab({ locks })
    engine.session(asking).ready.catch(() => {})
    await clock.advance(10)
    await engine.close()
    door.open()
    await clock.advance(10)
    const next = tab().open(asking)
    await clock.advance(2000)
    expect((await next).role).toBe('leader')
  })

  test('a channel that delivers synchronously / a takeover during an effect works the same', async () => {
    const open = new Set<ReturnType<VirtualTabs['channel']>>()
    const channel: VirtualTabs['channel'] = () => {
      const own: ReturnType<VirtualTabs['channel']> = {
        onmessage: null,
        postMessage: (data) => open.forEach((it) => it !== own && it.onmessage?.({ data })),
        close: () => void open.delete(own),
      }
      open.add(own)
      return own
    }
    const { tab, clock } = browser(memoryStorage(), { channel })
    const doors = [gate<number>(), gate<number>()]
    let calls = 0
    const working = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      const n = await ctx.once('n', () => doors[calls++]?.promise)
      await ctx.state.set('n', n)
      return Done(n)
    })
    const one = await tab().open(working)
    const two = await tab().open(working)
    const result = one.run()
    await clock.advance(0)
    await two.takeOver()
    await clock.advance(0)
    doors[0]?.open(1)
    await clock.advance(0)
    doors[1]?.open(2)
    await clock.advance(1000)
    expect([one.role, two.role]).toEqual(['follower', 'leader'])
    expect([one.state.get(), two.state.get(), await result]).toEqual([{ n: 2 }, { n: 2 }, 2])
  })
})
