import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  defineEvent,
  defineWorkflow,
  OvertakenError,
  type AnyWorkflow,
  type CancelledError,
  type Engine,
  type EngineOptions,
  type Session,
} from 'dogear'
import { crash, virtualClock, virtualTabs, type VirtualTabs } from 'dogear/testing'
import { Answer, Done, failure, flow, gate, Go, Nudge, Question } from '../support/flows'
import { browser, ears } from '../support/leaving'
import { Page } from '../support/page'

const asking = defineWorkflow({ ...flow, events: [Nudge] }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => Done((await ctx.ask(Question(1))).data),
)

/** A leader that hangs on request, as in an endless loop: it hears nothing until it `wakes`. */
async function hung(workflow: AnyWorkflow = asking, options: EngineOptions = {}) {
  const tabs = virtualTabs()
  const errors: unknown[] = []
  const setting = browser({ ...tabs, onError: (error) => errors.push(error), ...options })
  const { channel, close, open } = ears(tabs)
  const first = setting.tab({ channel })
  const leader = await first.engine.open(workflow as typeof asking)
  const second = setting.tab()
  const follower = await second.engine.open(workflow as typeof asking)
  await setting.clock.advance(10)
  expect(follower.role).toBe('follower')
  return {
    ...{ ...setting, tabs, errors, first, leader, second, follower },
    hang() {
      close()
      first.page.hang()
    },
    wake() {
      first.page.wake()
      open()
    },
  }
}

type Hung = Awaited<ReturnType<typeof hung>>

/** The leader hangs, something is typed in the follower, and the follower is left. */
async function leftUnanswered(write: (state: Hung['follower']['state']) => void): Promise<Hung> {
  const it = await hung()
  await stored(it)
  it.hang()
  write(it.follower.state)
  it.second.leave()
  return it
}

/** A page that is opened while the leader hangs: nobody welcomes it. */
async function back({ tab, clock }: Hung) {
  const page = tab()
  const opening = page.engine.open(asking)
  await clock.advance(1000)
  return { page, session: await opening }
}

async function stored({ leader, clock }: Hung, path = 'more', value = 0): Promise<void> {
  leader.state.set(path, value)
  await leader.flush()
  await clock.advance(10)
}

/** "a" is stored, the leader hangs, "b" is typed in the follower, which is left; then the leader dies. */
async function left() {
  const it = await hung()
  it.leader.state.set('text', 'a')
  await it.leader.flush()
  it.hang()
  it.follower.state.append('text', 'b')
  it.second.leave()
  crash(it.first.engine)
  return it
}

describe('a follower is closed or left before the leader has answered it', () => {
  test('two at one instant, each in a process that has not heard what the other one writes / the next leader has the text of both', async () => {
    const it = await hung()
    await stored(it)
    it.hang()
    const leaving: { engine: Engine; page: Page; box: Map<string, string> }[] = []
    for (const letter of ['a', 'b']) {
      const box = new Map(it.box)
      const page = new Page(box)
      const { engine } = it.tab({ page })
      const opening = engine.open(asking)
      await it.clock.advance(1000)
      ;(await opening).state.set(letter, 1)
      leaving.push({ engine, page, box })
    }
    crash(it.second.engine)
    for (const { page } of leaving) page.hide()
    for (const { engine } of leaving) crash(engine)
    for (const { box } of leaving) for (const [key, text] of box) it.box.set(key, text)
    crash(it.first.engine)
    const next = await it.tab().engine.open(asking)
    await it.clock.advance(1000)
    expect(next.role).toBe('leader')
    expect(next.state.get()).toEqual({ more: 0, a: 1, b: 1 })
    await next.flush()
    await it.clock.advance(1000)
    expect([...it.box]).toEqual([])
  })

  test('two, where localStorage does not show its keys / the next leader has the text of both, and nothing stays there', async () => {
    class Closed extends Page {
      override get localStorage() {
        const { getItem, setItem, removeItem } = super.localStorage
        return { getItem, setItem, removeItem } as Page['localStorage']
      }
    }
    const it = await hung()
    await stored(it)
    crash(it.second.engine)
    it.hang()
    for (const letter of ['a', 'b']) {
      const page = new Closed(it.box)
      const { engine } = it.tab({ page })
      const opening = engine.open(asking)
      await it.clock.advance(1000)
      ;(await opening).state.set(letter, 1)
      page.hide()
      crash(engine)
    }
    crash(it.first.engine)
    const next = await it.tab({ page: new Closed(it.box) }).engine.open(asking)
    await it.clock.advance(1000)
    expect(next.state.get()).toEqual({ more: 0, a: 1, b: 1 })
    await next.flush()
    await it.clock.advance(1000)
    expect([...it.box]).toEqual([])
  })

  test('the leader is well, and the follower types and closes at once / the text is stored when close() resolves', async () => {
    const { leader, follower } = await hung()
    follower.state.set('text', 'typed')
    await follower.close()
    expect([leader.state.get('text'), leader.persistence.status]).toEqual(['typed', 'saved'])
  })

  test('it does not fit what the leader has stored meanwhile, and the leader is killed / the next page has what the schema takes', async () => {
    const Range = z.object({ from: z.number(), to: z.number() }).refine((it) => it.from <= it.to)
    const state = z.object({ range: Range.default({ from: 1, to: 9 }) })
    const ranged = defineWorkflow({ ...flow, state }).step('a', { on: Go, emits: [Done] }, () => Done(1))
    const it = await hung(ranged)
    await stored(it, 'range.to', 8)
    it.hang()
    it.leader.state.set('range.to', 2)
    it.follower.state.set('range.from', 5)
    it.second.leave()
    await it.leader.flush()
    crash(it.first.engine)
    const next = await it.tab().engine.open(ranged)
    expect(Range.safeParse(next.state.get('range')).success).toBe(true)
    await next.flush()
    expect((await it.tab().engine.open(ranged)).status).not.toBe('error')
  })

  test.each([
    ['left', async (it: Awaited<ReturnType<typeof hung>>) => it.second.leave()],
    ['closed', async (it: Awaited<ReturnType<typeof hung>>) => it.follower.close().catch(() => {})],
  ])(
    'the leader hangs, the follower is %s, the leader is killed / the next page has the text',
    async (_, go) => {
      const it = await hung()
      it.leader.state.set('text', 'a')
      await it.leader.flush()
      await it.clock.advance(10)
      it.hang()
      it.follower.state.append('text', 'b')
      await it.clock.advance(1000)
      it.follower.state.append('text', 'c')
      const gone = go(it)
      await it.clock.advance(10_000)
      await gone
      crash(it.first.engine)
      const next = await it.tab().engine.open(asking)
      expect(next.state.get('text')).toBe('abc')
      await it.clock.advance(1000)
      expect([...it.box.keys()]).toEqual([])
      crash(it.second.engine)
      expect((await it.tab().engine.open(asking)).state.get('text')).toBe('abc')
      expect(it.errors).toEqual([])
    },
  )

  test('the leader hangs for a while and wakes / it applies the text once, and the exit journal is empty', async () => {
    const it = await hung()
    it.hang()
    it.follower.state.append('text', 'once')
    await it.clock.advance(100)
    it.second.leave()
    expect(it.box.size).toBe(1)
    it.wake()
    await it.clock.advance(1000)
    expect([it.leader.state.get('text'), it.leader.persistence.status]).toEqual(['once', 'saved'])
    expect(it.box.size).toBe(0)
    it.first.leave()
    expect((await it.tab().engine.open(asking)).state.get('text')).toBe('once')
  })

  test("the leader is well, and the follower's last message was on its way / the text is applied once", async () => {
    const it = await hung()
    it.follower.state.append('text', 'once')
    it.second.leave()
    await it.clock.advance(1000)
    expect([it.leader.state.get('text'), it.box.size]).toEqual(['once', 0])
  })

  test('reopened while the leader hangs / shows the text, reports the silent leader, and applies the text once when it takes over', async () => {
    const it = await leftUnanswered((state) => state.append('text', 'once'))
    const { page, session } = await back(it)
    const { role, state, persistence } = session
    expect([role, state.get('text'), persistence.status]).toEqual(['follower', 'once', 'saving'])
    await it.clock.advance(4000)
    expect(session.persistence).toMatchObject({
      status: 'unsaved',
      error: { code: 'LEADER_SILENT', id: session.id },
    })
    page.leave()
    const { session: last } = await back(it)
    expect(last.state.get('text')).toBe('once')
    last.state.append('text', ', and more')
    await last.takeOver()
    await it.clock.advance(1000)
    expect([last.state.get('text'), last.persistence.status]).toEqual(['once, and more', 'saved'])
    expect(it.box.size).toBe(0)
    expect(it.errors).toEqual([])
  })

  test('reopened, types something else and takes over / the newer text wins', async () => {
    const it = await leftUnanswered((state) => state.set('text', 'older'))
    const { session } = await back(it)
    session.state.set('text', 'newer')
    await session.takeOver()
    await it.clock.advance(1000)
    expect([session.state.get('text'), it.box.size]).toEqual(['newer', 0])
  })

  test('a second follower types later and is left, and the first one takes over / the newer text wins', async () => {
    const it = await hung()
    await stored(it)
    const third = it.tab()
    const other = await third.engine.open(asking)
    await it.clock.advance(10)
    it.hang()
    it.follower.state.set('text', 'older')
    await it.clock.advance(10)
    other.state.set('text', 'newer')
    third.leave()
    await it.follower.takeOver()
    await it.clock.advance(1000)
    expect([it.follower.state.get('text'), it.box.size]).toEqual(['newer', 0])
  })

  test('two tabs open while the leader hangs, both type, and each takes over from the one before / all text is there, once', async () => {
    const it = await leftUnanswered((state) => state.append('text', 'a'))
    const [one, two] = [await back(it), await back(it)]
    one.session.state.append('text', 'b')
    two.session.state.append('text', 'c')
    await one.session.takeOver()
    await two.session.takeOver()
    one.session.state.append('text', 'd')
    await it.clock.advance(1000)
    for (const { session } of [one, two]) expect(session.state.get('text')).toBe('abcd')
    expect([one.session.persistence.status, two.session.persistence.status]).toEqual(['saved', 'saved'])
  })

  test('reopened, and the leader wakes / the text and the reply are applied once, and saved in both tabs', async () => {
    const it = await hung()
    await stored(it)
    void it.leader.run().catch(() => {})
    await it.clock.advance(10)
    it.hang()
    it.follower.state.append('text', 'once')
    void it.follower.asks[0]?.reply('yes').catch(() => {})
    it.second.leave()
    const { session } = await back(it)
    expect([session.state.get('text'), session.asks]).toEqual(['once', []])
    it.wake()
    await it.clock.advance(1000)
    for (const { state, persistence, result } of [it.leader, session])
      expect([state.get('text'), persistence.status, result]).toEqual(['once', 'saved', 'yes'])
    expect(it.box.size).toBe(0)
  })

  test('a former leader returns from the cache while the new one hangs, types, replies, and goes and returns again / both are done once, and its caller is told', async () => {
    const it = await hung()
    await stored(it)
    void it.leader.run().catch(() => {})
    await it.clock.advance(10)
    const { page } = it.second
    await it.follower.takeOver()
    await it.clock.advance(10)
    page.hide(true)
    await it.clock.advance(10)
    expect(it.leader.role).toBe('leader')
    it.hang()
    page.show(true)
    it.follower.state.append('text', 'once')
    const reply = it.follower.asks[0]?.reply('yes')
    page.hide(true)
    await it.clock.advance(10)
    page.show(true)
    await it.follower.takeOver()
    await it.clock.advance(1000)
    expect([it.follower.state.get('text'), it.follower.result, await reply]).toEqual(['once', 'yes', true])
    expect([it.box.size, it.errors]).toEqual([0, []])
  })

  test('reopened and closed / close() does not wait for the leader: the text is kept', async () => {
    const it = await leftUnanswered((state) => state.append('text', 'once'))
    const { session } = await back(it)
    const closing = session.close()
    await it.clock.advance(5000)
    await closing
    crash(it.first.engine)
    expect((await it.tab().engine.open(asking)).state.get('text')).toBe('once')
    expect(it.errors).toEqual([])
  })

  test('two followers, one with a reply, the other with a text / the next page does both', async () => {
    const it = await hung()
    void it.leader.run().catch(() => {})
    await it.clock.advance(10)
    const third = it.tab()
    const other = await third.engine.open(asking)
    await it.clock.advance(10)
    it.hang()
    it.follower.state.set('text', 'typed')
    void it.follower.asks[0]?.reply('yes').catch(() => {})
    other.state.set('more', 1)
    it.second.leave()
    third.leave()
    crash(it.first.engine)
    const next = await it.tab().engine.open(asking)
    await it.clock.advance(1000)
    expect([next.state.get(), next.result]).toEqual([{ text: 'typed', more: 1 }, 'yes'])
    expect(it.box.size).toBe(0)
  })

  test('a reply without data / the next page has it, without data', async () => {
    const Confirmed = defineEvent('confirmed')
    const Confirm = defineEvent('confirm', undefined, { reply: Confirmed })
    const confirming = defineWorkflow(flow).step(
      'ask',
      { on: Go, asks: [Confirm], emits: [Done] },
      async (ctx) => Done([typeof (await ctx.ask(Confirm())).data]),
    )
    const it = await hung(confirming)
    void it.leader.run().catch(() => {})
    await it.clock.advance(10)
    it.hang()
    void it.follower.asks[0]?.reply(undefined).catch(() => {})
    it.second.leave()
    crash(it.first.engine)
    const next = await it.tab().engine.open(confirming)
    await it.clock.advance(1000)
    expect(next.result).toEqual(['undefined'])
  })

  test.each([
    ['nothing was stored yet', '', 0, ''],
    ['nothing was stored yet', '', 0, 'typed'],
    ['nothing was stored yet', '', 6000, ''],
    ['something was stored', 'stored, ', 0, 'typed'],
    ['something was stored', 'stored, ', 6000, 'typed'],
  ])(
    '%s ("%s"), and storage answers the next page after %s ms, in which somebody types "%s" / it has all of it, the older text first',
    async (_, before, wait, typed) => {
      const it = await hung()
      it.leader.state.set('text', before)
      if (before) await it.leader.flush()
      await it.clock.advance(10)
      it.hang()
      it.follower.state.append('text', 'asked, ')
      it.second.leave()
      crash(it.first.engine)
      await it.clock.advance(10)
      const read: typeof it.storage.read = async (id) => {
        if (wait > 0) await new Promise<void>((resolve) => void it.clock.setTimeout(resolve, wait))
        return it.storage.read(id)
      }
      const next = it.tab({ storage: { ...it.storage, read } })
      const session = next.engine.session(asking)
      if (typed) session.state.append('text', typed)
      await it.clock.advance(wait + 5000)
      expect([session.state.get('text'), it.box.size]).toEqual([`${before}asked, ${typed}`, 0])
      await session.flush()
      crash(next.engine)
      expect((await it.tab().engine.open(asking)).state.get('text')).toBe(`${before}asked, ${typed}`)
    },
  )

  test("nothing was stored yet, and the follower was never welcomed / the leader wakes, and has its text and another tab's", async () => {
    const it = await hung()
    it.hang()
    const { page, session } = await back(it)
    session.state.append('text', 'a')
    page.leave()
    it.follower.state.append('text', 'b')
    await it.clock.advance(1000)
    it.wake()
    await it.clock.advance(1000)
    expect(['ab', 'ba']).toContain(it.leader.state.get('text'))
    expect([it.errors, it.box.size]).toEqual([[], 0])
  })

  test('it has heard who leads and was never welcomed, and the leader is killed / the next page has the text', async () => {
    const it = await hung()
    it.hang()
    // The new leader tells that it leads, and hears nothing of the page.
    const channel: VirtualTabs['channel'] = (name) => {
      const line = it.tabs.channel(name)
      line.postMessage = () => {}
      return line
    }
    const page = it.tab({ channel })
    const session = page.engine.session(asking)
    session.ready.catch(() => {})
    await it.clock.advance(10)
    session.state.set('text', 'typed')
    await it.follower.takeOver()
    it.follower.state.set('more', 1)
    await it.follower.flush()
    await it.clock.advance(10)
    page.leave()
    crash(it.second.engine)
    crash(it.first.engine)
    const next = await it.tab().engine.open(asking)
    expect(next.state.get()).toEqual({ text: 'typed', more: 1 })
    expect(it.errors).toEqual([])
  })

  test('the next page dies before it has stored the text / the page after it has the text, once', async () => {
    const it = await hung()
    it.hang()
    it.follower.state.append('text', 'once')
    it.second.leave()
    crash(it.first.engine)
    const next = it.tab()
    expect((await next.engine.open(asking)).state.get('text')).toBe('once')
    crash(next.engine)
    const after = await it.tab().engine.open(asking)
    expect(after.state.get('text')).toBe('once')
    await it.clock.advance(1000)
    expect(it.box.size).toBe(0)
  })

  test('the next page is closed while it claims the session / the page after it has the text, once', async () => {
    const { tab, clock, storage } = await left()
    await clock.advance(10)
    const claimed = gate()
    const claim: typeof storage.claim = (...call) => claimed.promise.then(() => storage.claim(...call))
    const next = tab({ storage: { ...storage, claim } })
    const session = next.engine.session(asking)
    session.ready.catch(() => {})
    await clock.advance(10)
    session.state.set('more', 1)
    const closing = session.close()
    claimed.open()
    await clock.advance(10)
    await closing
    expect((await tab().engine.open(asking)).state.get()).toEqual({ text: 'ab', more: 1 })
  })

  test("typed before the leader's welcome, and closed / the leader wakes, and has the text", async () => {
    const it = await hung()
    await stored(it)
    it.hang()
    const page = it.tab()
    const session = page.engine.session(asking)
    session.ready.catch(() => {})
    await it.clock.advance(10)
    expect([session.status, session.state.get()]).toEqual(['loading', { more: 0 }])
    session.state.set('text', 'a')
    const closing = session.close()
    it.wake()
    await it.clock.advance(10)
    await closing
    expect([it.leader.state.get('text'), it.follower.state.get('text')]).toEqual(['a', 'a'])
  })

  test('the session was deleted meanwhile / the text is gone with it', async () => {
    const it = await left()
    const next = it.tab()
    await next.engine.delete('flow')
    expect(it.box.size).toBe(0)
    expect((await next.engine.open(asking)).state.get()).toEqual({})
  })

  test('a new session with the same id has begun / the text is not written to it, and onError is told', async () => {
    const it = await left()
    await it.storage.delete('flow')
    const kept = new Map(it.box)
    it.box.clear()
    const next = it.tab()
    const session = await next.engine.open(asking)
    session.state.set('text', 'new')
    await session.flush()
    crash(next.engine)
    for (const [key, text] of kept) it.box.set(key, text)
    expect((await it.tab().engine.open(asking)).state.get('text')).toBe('new')
    await it.clock.advance(100)
    expect(it.errors).toContainEqual(expect.objectContaining({ code: 'OVERTAKEN', lost: ['write'] }))
    expect(it.box.size).toBe(0)
  })

  test('the code has a new version by then / the text is not written, and onError is told', async () => {
    const it = await left()
    crash(it.first.engine)
    const next = defineWorkflow({ ...flow, version: 2, migrations: { 2: (state: unknown) => state } }).step(
      'end',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    let full = true
    const claim: typeof it.storage.claim = async (...call) => {
      if (full) throw new Error('full')
      return it.storage.claim(...call)
    }
    await it.tab({ storage: { ...it.storage, claim } }).engine.open(next)
    await it.clock.advance(100)
    full = false
    await it.clock.advance(10_000)
    const lost = it.errors.filter((error) => error instanceof OvertakenError)
    expect(lost).toMatchObject([{ code: 'OVERTAKEN', lost: ['write'] }])
    expect(it.box.size).toBe(0)
  })

  test('a second one is left while the next leader stores what it had asked, and hears nothing; then that one dies / the text of both is there', async () => {
    const it = await left()
    const door = gate()
    const { channel, close } = ears(it.tabs)
    const next = it.tab({
      channel,
      storage: {
        ...it.storage,
        append: async (...call) => door.promise.then(() => it.storage.append(...call)),
        compact: async (...call) => door.promise.then(() => it.storage.compact(...call)),
      },
    })
    await next.engine.open(asking)
    await it.clock.advance(10)
    const third = it.tab()
    const follower = await third.engine.open(asking)
    close()
    next.page.hang()
    follower.state.append('text', 'c')
    third.leave()
    door.open()
    await it.clock.advance(1000)
    crash(next.engine)
    await it.clock.advance(10)
    expect((await it.tab().engine.open(asking)).state.get('text')).toBe('abc')
  })

  test.each(['follows', 'leads'])(
    'a follower sleeps with unanswered text, and its session is deleted and begun anew / back, it %s, drops the text, and onError is told',
    async (then) => {
      const it = await hung()
      await stored(it)
      it.hang()
      it.follower.state.set('text', 'of somebody else')
      it.second.page.hide(true)
      crash(it.first.engine)
      const page = it.tab()
      await page.engine.delete('flow')
      const anew = await page.engine.open(asking)
      anew.state.set('text', 'new')
      await anew.flush()
      if (then === 'leads') page.leave()
      it.second.page.show(true)
      await it.clock.advance(5000)
      expect([it.follower.role, it.follower.state.get('text')]).toEqual([
        then === 'leads' ? 'leader' : 'follower',
        'new',
      ])
      expect(it.errors).toContainEqual(expect.objectContaining({ code: 'OVERTAKEN', lost: ['write'] }))
      expect((await it.storage.read('flow'))?.head.seq).toBe(2)
    },
  )

  test('a private field / is not in the exit journal', async () => {
    const secret = defineWorkflow({ ...flow, private: ['card'] }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(1))).data),
    )
    const it = await hung(secret)
    it.hang()
    it.follower.state.set('card', '4111')
    it.follower.state.set('text', 'typed')
    it.second.leave()
    expect([...it.box.values()].join('')).not.toContain('4111')
    expect([...it.box.values()].join('')).toContain('typed')
  })
})

describe('a follower is closed in a page without an exit journal', () => {
  test('the leader hangs / close() rejects after four seconds with the reason, and the session is closed', async () => {
    const { clock, follower, hang, second } = await hung(asking, { page: null })
    hang()
    follower.state.set('text', 'typed')
    const closing = failure(follower.close())
    await clock.advance(3999)
    expect(await Promise.race([closing, Promise.resolve('waits')])).toBe('waits')
    await clock.advance(1)
    expect(await closing).toMatchObject({ code: 'LEADER_SILENT' })
    await second.engine.close()
  })

  test('closed by engine.close() / onError is told', async () => {
    const { clock, follower, hang, second, errors } = await hung(asking, { page: null })
    hang()
    follower.state.set('text', 'typed')
    const closing = second.engine.close()
    await clock.advance(4000)
    await closing
    expect(errors).toEqual([expect.objectContaining({ code: 'LEADER_SILENT' })])
  })

  test('the leader dies first / close() rejects without waiting', async () => {
    const { clock, follower, hang, first } = await hung(asking, { page: null })
    hang()
    follower.state.set('text', 'typed')
    const closing = failure(follower.close())
    crash(first.engine)
    await clock.advance(10)
    expect(await closing).toMatchObject({ code: 'LEADER_SILENT' })
  })

  test('the exit journal has room for only a part of the text / close() rejects, and the part that was kept is there', async () => {
    const it = await hung()
    await stored(it)
    it.hang()
    for (const path of ['a', 'b', 'c']) {
      it.follower.state.set(path, path.repeat(120_000))
      await it.clock.advance(10)
    }
    const closing = failure(it.follower.close())
    await it.clock.advance(4000)
    expect(await closing).toMatchObject({ code: 'LEADER_SILENT' })
    crash(it.first.engine)
    const next = await it.tab().engine.open(asking)
    expect(Object.keys(next.state.get() as object)).toEqual(['more', 'a'])
  })

  test.each([0, 10])(
    'closed %i ms after its run() / run() rejects at once, and the run goes on in the leader',
    async (later) => {
      const { leader, follower, clock } = await hung(asking, { page: null })
      const running = failure(follower.run())
      await clock.advance(later)
      await follower.close()
      expect(await running).toMatchObject({ code: 'SESSION_CLOSED' })
      await clock.advance(10)
      expect(leader.status).toBe('waiting')
    },
  )

  test('nothing was done in the follower / close() does not wait for the leader', async () => {
    const { follower, hang } = await hung(asking, { page: null })
    hang()
    await follower.close()
  })
})

test('the leader hangs, and the clock is set back by a day / its silence is still reported', async () => {
  const base = virtualClock()
  let back = 0
  const clock = { ...base, now: () => base.now() - back }
  const { follower, hang } = await hung(asking, { clock })
  hang()
  follower.state.set('text', 'a')
  await base.advance(1000)
  back = 86_400_000
  follower.state.set('text', 'ab')
  await base.advance(4000)
  expect(follower.persistence).toMatchObject({ status: 'unsaved', error: { code: 'LEADER_SILENT' } })
})

test.each([
  ['resets', (leader: Session<typeof asking>) => leader.reset(), {}],
  ['rewinds', (leader: Session<typeof asking>) => leader.rewind(2), { text: 'a' }],
] as const)(
  'a follower sleeps before it hears that its text is stored, and somebody %s the session / it is not reported as lost',
  async (_, act, state) => {
    const errors: unknown[] = []
    const { tab, clock } = browser({ onError: (error) => errors.push(error) })
    const leader = await tab().engine.open(asking)
    const second = tab()
    const follower = await second.engine.open(asking)
    leader.state.set('text', 'a')
    await clock.advance(1000)
    follower.state.append('text', 'b')
    await Promise.resolve()
    second.page.hide(true)
    await clock.advance(1000)
    expect(leader.state.get()).toEqual({ text: 'ab' })
    act(leader)
    second.page.show(true)
    await clock.advance(1000)
    for (const it of [leader, follower]) expect(it.state.get()).toEqual(state)
    expect([errors, follower.persistence.status]).toEqual([[], 'saved'])
  },
)

describe('a tab sleeps in the back/forward cache and misses what another tab does', () => {
  const Next = defineEvent('next', Answer.schema, { reply: defineEvent('nextAnswer', Answer.schema) })
  const twice = defineWorkflow({ ...flow }).step(
    'ask',
    { on: Go, asks: [Question, Next], emits: [Done] },
    async (ctx) => {
      const { data } = await ctx.ask(Question(1))
      return Done(data === 'more' ? (await ctx.ask(Next(2))).data : data)
    },
  )

  /** What the other tab does meanwhile, how the run ends for those who wait for it, and what listeners hear. */
  type Case = [string, (other: Session<typeof twice>) => unknown, unknown, string[]]
  const over = 'another tab has started over'
  const cases: Case[] = [
    ['the run completes', (other) => other.asks[0]?.reply('yes'), 'yes', ['question', 'done', 'end']],
    ['the run is cancelled', (other) => other.cancel('no'), 'no', ['question', 'cancelled', 'end']],
    ['it asks something else', (other) => other.asks[0]?.reply('more'), 'open', ['question', 'next']],
    ['it is reset', (other) => other.reset(), over, ['question', 'cancelled', 'end']],
  ]

  describe.each([
    ['the other tab is still there', 'follower'],
    ['the other tab is gone', 'leader'],
  ])('back, and %s', (_, role) => {
    test.each(cases)(
      '%s / those who wait for the run or listen to its events are told',
      async (_, act, end, told) => {
        const { leader, follower, first, second, clock } = await hung(twice)
        const heard: string[] = []
        const listen = async (): Promise<void> => {
          for await (const { type } of follower.events()) heard.push(type)
          heard.push('end')
        }
        void listen()
        let ended: unknown = 'open'
        follower.run().then(
          (result) => (ended = result),
          (error: CancelledError) => (ended = error.reason),
        )
        await clock.advance(1000)
        second.page.hide(true)
        void act(leader as unknown as Session<typeof twice>)
        await clock.advance(1000)
        if (role === 'leader') crash(first.engine)
        second.page.show(true)
        await clock.advance(1000)
        expect([follower.role, ended]).toEqual([role, end])
        expect(heard).toEqual(told)
      },
    )
  })
})
