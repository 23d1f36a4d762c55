import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  type EngineOptions,
  type LoadError,
  type Session,
} from 'dogear'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { Done, failure, flow, gate, Go, Question } from '../support/flows'
import { overheardTabs } from '../support/overheard'
import { Page } from '../support/page'

const browser = (more: EngineOptions = {}) => {
  const clock = virtualClock()
  const { heard, locks, channel } = overheardTabs()
  const options = { clock, storage: memoryStorage(), locks, channel, ...more }
  return { clock, heard, engine: (own: EngineOptions = {}) => createEngine({ ...options, ...own }) }
}

const end = { on: Go, emits: [Done] }
const first = defineWorkflow({ ...flow }).step('end', end, () => Done(1))
const second = defineWorkflow({
  ...{ ...flow, version: 2 },
  migrations: { 2: async (state: unknown) => ({ body: (state as { text: string }).text }) },
}).step('end', end, () => Done(1))

test('newer code opens what older code executes / it takes over and migrates; the older tab is outdated and asks for a reload', async () => {
  const { clock, engine } = browser()
  const old = defineWorkflow({ ...flow }).step('end', { on: Go, emits: [Done] }, () => Done(1))
  const next = defineWorkflow({
    ...{ ...flow, version: 2 },
    migrations: { 2: (state: unknown) => ({ ...(state as object), migrated: true }) },
  }).step('end', { on: Go, emits: [Done] }, () => Done(1))
  const one = await engine().open(old)
  one.state.set('text', 'a')
  await one.flush()
  const two = await engine().open(next)
  await clock.advance(1000)
  expect([two.role, two.state.get()]).toEqual(['leader', { text: 'a', migrated: true }])
  expect([one.role, one.persistence.status, one.state.get('text')]).toEqual(['reader', 'outdated', 'a'])
  // A badge shows it to people: what only a developer reads is in the error's fields.
  expect(one.persistence.error?.message).toMatch(
    /^session ".*" is written by another tab or engine now; reload$/,
  )
  expect(one.error?.message).toContain('reload')
  two.state.set('text', 'b')
  await two.flush()
  expect(one.state.get('text')).toBe('a')
})

test('two tabs open with newer code, whose migration draws numbers / both show what the one that executes has drawn', async () => {
  let drawn = 0
  const clock = virtualClock()
  const migrate = async (): Promise<object> => {
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10))
    return { number: ++drawn }
  }
  const next = defineWorkflow({ ...flow, version: 2, migrations: { 2: migrate } }).step('end', end, () =>
    Done(1),
  )
  const { engine } = browser({ clock })
  const old = engine()
  const session = await old.open(first)
  session.state.set('text', 'a')
  await session.flush()
  crash(old)
  const one = engine().session(next)
  await clock.advance(5)
  const two = engine().session(next)
  await clock.advance(2000)
  expect([one.role, two.role]).toEqual(['leader', 'follower'])
  expect(one.state.get()).toEqual({ number: expect.any(Number) as number })
  expect(two.state.get()).toEqual(one.state.get())
  expect(two.history()).toEqual(one.history())
})

test.each(['leads', 'follows'])(
  'newer code takes over before text typed in a tab that %s is stored / that tab reports the loss, and no call hangs',
  async (role) => {
    const errors: unknown[] = []
    const { clock, engine } = browser({ onError: (error) => errors.push(error) })
    const leader = await engine().open(asks(1))
    leader.run().catch(() => {})
    await leader.flush()
    const tab = role === 'leads' ? leader : await engine().open(asks(1))
    tab.state.set('text', 'typed')
    const opening = engine().open(asks(2))
    const [ask] = tab.asks
    if (!ask) throw new Error('nothing is asked')
    const waiting: Promise<unknown>[] = role === 'leads' ? [] : [ask.reply('x'), tab.flush()]
    const settled = Promise.allSettled(waiting)
    await clock.advance(1000)
    const next = await opening
    expect([next.status, next.state.get()]).toEqual(['waiting', {}])
    const error = { code: 'STALE_EPOCH', lost: role === 'leads' ? ['wrote'] : ['write', 'reply'] }
    expect(errors).toMatchObject([error])
    expect(tab.error).toBe(errors[0])
    for (const it of await settled) expect(it).toMatchObject({ status: 'rejected', reason: error })
  },
)

test('newer code opens without locks, and cannot migrate / the older tab goes on', async () => {
  const { clock, engine } = browser({ locks: null })
  const tab = engine().session(asks(1))
  await clock.advance(1000)
  tab.state.set('text', 'a')
  await clock.advance(1000)
  const newer = defineWorkflow({ ...flow, version: 2 }).step('end', end, () => Done(1))
  const refused = failure(engine().open(newer))
  await clock.advance(1000)
  expect(await refused).toMatchObject({ code: 'MIGRATION_MISSING' })
  tab.state.append('text', 'b')
  await clock.advance(1000)
  expect([tab.role, tab.persistence.status, tab.state.get('text')]).toEqual(['leader', 'saved', 'ab'])
})

test('a follower comes back from the cache, and newer code leads / the follower is outdated', async () => {
  const { clock, engine } = browser()
  const leader = await engine().open(asks(1))
  leader.state.set('text', 'a')
  await leader.flush()
  const page = new Page(new Map())
  const tab = engine({ page }).session(asks(1))
  await clock.advance(1000)
  page.hide(true)
  const next = engine().session(asks(2))
  await clock.advance(1000)
  expect([tab.role, next.role]).toEqual(['follower', 'leader'])
  page.show(true)
  await clock.advance(0)
  expect([tab.role, tab.persistence.status]).toEqual(['reader', 'outdated'])
  expect(tab.error).toMatchObject({ code: 'STALE_EPOCH' })
})

test.each(['shown', 'closed'])(
  'newer code takes over a session with text refused by a full disk, in a tab that is being %s / that tab reports the loss',
  async (how) => {
    const errors: unknown[] = []
    const disk = { full: false, answer: gate() }
    const memory = memoryStorage()
    const write = (name: 'append' | 'compact') => {
      const call = memory[name] as (...args: unknown[]) => Promise<void>
      return async (...args: unknown[]): Promise<void> => {
        if (!disk.full) return call(...args)
        await disk.answer.promise
        throw new Error('full')
      }
    }
    const { clock, engine } = browser({ storage: memory, onError: (error) => errors.push(error) })
    const storage = { ...memory, append: write('append'), compact: write('compact') }
    const tab = await engine({ storage }).open(asks(1))
    tab.state.set('text', 'a')
    await tab.flush()
    disk.full = true
    tab.state.append('text', 'b')
    if (how === 'shown') disk.answer.open(undefined)
    await clock.advance(2000)
    const closed = how === 'closed' ? tab.close().catch(() => {}) : undefined
    errors.length = 0
    const next = engine().session(asks(2))
    await clock.advance(100)
    disk.answer.open(undefined)
    await clock.advance(2000)
    await closed
    expect(next.state.get()).toEqual({ text: 'a' })
    const [told] = errors.filter((it) => (it as { lost?: object }).lost)
    expect(told).toMatchObject({ code: how === 'closed' ? 'OVERTAKEN' : 'STALE_EPOCH', lost: ['wrote'] })
  },
)

test.each(['leads', 'follows'])(
  'newer code opens a session with nothing stored while a tab with older code %s / the newer executes; the older is outdated',
  async (role) => {
    const { clock, engine } = browser()
    const leader = await engine().open(asks(1))
    const old = role === 'leads' ? leader : await engine().open(asks(1))
    const next = engine().session(asks(2))
    next.state.set('text', 'typed')
    next.run().catch(() => {})
    await clock.advance(2000)
    expect([next.role, next.status, next.persistence.status]).toEqual(['leader', 'waiting', 'saved'])
    expect([old.role, old.persistence.status]).toEqual(['reader', 'outdated'])
    expect(old.error).toMatchObject({ code: 'STALE_EPOCH' })
    expect(old.error?.message).not.toContain('deleted')
  },
)

test('older code opens a session with nothing stored that newer code shows / it opens, and is outdated', async () => {
  const { clock, engine } = browser()
  await engine().open(asks(2))
  const opening = engine().open(asks(1))
  await clock.advance(2000)
  expect((await opening).persistence.status).toBe('outdated')
})

test('newer code opens what older code executes while storage is silent / it takes over when storage answers, with what was typed', async () => {
  const memory = memoryStorage()
  let door = gate()
  door.open()
  const read: typeof memory.read = (id) => door.promise.then(() => memory.read(id))
  const { clock, engine } = browser({ storage: { ...memory, read } })
  const one = await engine().open(asks(1))
  one.state.set('text', 'a')
  await one.flush()
  door = gate()
  const two = engine().session(asks(2))
  await clock.advance(6000)
  two.state.append('more', 'b')
  door.open()
  await clock.advance(1000)
  expect([one.persistence.status, two.role, two.persistence.status]).toEqual(['outdated', 'leader', 'saved'])
  expect(two.state.get()).toEqual({ text: 'a', more: 'b' })
})

test.each([
  [2, 'nobody has it open'],
  [2, 'older code executes it'],
  [3, 'older code executes it'],
])(
  '%i tabs with newer code open a session at once, and %s / one of them migrates and executes, the others follow',
  async (count, who) => {
    for (let apart = 0; apart < 12; apart++) {
      const { clock, engine } = browser()
      const older = await engine().open(first)
      older.state.set('text', 'a')
      await older.flush()
      if (who === 'nobody has it open') await older.close()
      const opening: Promise<Session<typeof second>>[] = []
      for (let i = 0; i < count; i++) {
        opening.push(engine().open(second))
        for (let turn = 0; turn < apart; turn++) await Promise.resolve()
      }
      await clock.advance(100)
      const all = await Promise.all(opening)
      const roles = all.map((it) => it.role).sort()
      expect(roles).toEqual([...Array<string>(count - 1).fill('follower'), 'leader'])
      for (const it of all) it.state.append('body', 'b')
      await Promise.all(all.map((it) => it.flush()))
      await clock.advance(100)
      for (const it of all) expect(it.state.get()).toEqual({ body: 'a' + 'b'.repeat(count) })
    }
  },
)

test('newer code of the same version, with one more default, opens what older code executes / it takes over; both go on, with what was typed', async () => {
  const { clock, engine } = browser()
  const of = (state: z.ZodObject) =>
    defineWorkflow({ ...flow, state }).step('end', { on: Go, emits: [Done] }, () => Done(1))
  const note = z.string().default('')
  const old = of(z.object({ note }))
  const next = of(z.object({ note, tags: z.array(z.string()).default(['new']) }))
  const one = await engine().open(old)
  one.state.set('note', 'a')
  await one.flush()
  one.state.append('note', 'b')
  const two = await engine().open(next)
  one.state.append('note', 'c')
  await clock.advance(2000)
  expect([one.role, two.role]).toEqual(['follower', 'leader'])
  two.state.append('tags', 'own')
  one.state.append('note', 'd')
  await clock.advance(2000)
  const all = { note: 'abcd', tags: ['new', 'own'] }
  expect([one.state.get(), two.state.get()]).toEqual([all, all])
  expect((await engine().open(next)).state.get()).toEqual(all)
})

test('one more default in the code, and storage that takes nothing / one tab executes; more tabs with the same code follow it', async () => {
  const clock = virtualClock()
  const { locks, channel } = overheardTabs()
  let full = false
  const options = { clock, storage: memoryStorage({ failAt: () => full }), locks, channel }
  let runs = 0
  const of = (state: z.ZodObject) =>
    defineWorkflow({ ...flow, state }).step('end', { on: Go, emits: [Done] }, (ctx) => {
      runs++
      return ctx.sleep(60_000).then(() => Done(1))
    })
  const note = z.string().default('')
  const first = createEngine(options)
  const old = await first.open(of(z.object({ note })))
  old.run(undefined).catch(() => {})
  await old.flush()
  await first.close()
  const next = of(z.object({ note, tags: z.array(z.string()).default(['new']) }))
  full = true
  const open = () => createEngine({ ...options, onError: () => {} }).open(next)
  const tabs = [await open(), await open(), await open()]
  await clock.advance(2000)
  expect([runs, ...tabs.map((it) => it.role)]).toEqual([2, 'leader', 'follower', 'follower'])
  tabs[2]!.state.append('tags', 'own')
  await clock.advance(1000)
  for (const it of tabs) expect(it.state.get('tags')).toEqual(['new', 'own'])
})

const paying = defineWorkflow({
  ...flow,
  state: z.object({ card: z.string().default(''), note: z.string().default('') }),
  private: ['card'],
}).step('end', { on: Go, emits: [Done] }, () => Done(1))

test('private fields / are in no message, and each tab keeps its own', async () => {
  const { clock, engine, heard } = browser()
  const one = await engine().open(paying)
  one.state.set('card', 'secret of one')
  const two = await engine().open(paying)
  two.state.set('card', 'secret of two')
  two.state.set('note', 'hello')
  await clock.advance(1000)
  one.state.append('note', '!')
  await clock.advance(1000)
  expect(one.state.get()).toEqual({ card: 'secret of one', note: 'hello!' })
  expect(two.state.get()).toEqual({ card: 'secret of two', note: 'hello!' })
  expect(heard.length).toBeGreaterThan(3)
  expect(JSON.stringify(heard)).not.toContain('secret')
})

const signing = defineWorkflow({
  ...flow,
  state: z.object({ login: z.object({ user: z.string(), pin: z.string().default('') }).optional() }),
  private: ['login.pin'],
}).step('end', { on: Go, emits: [Done] }, () => Done(1))

test('a follower replaces the object around a private field / the leader keeps its own value there, or the default', async () => {
  const { clock, engine } = browser()
  const one = await engine().open(signing)
  const two = await engine().open(signing)
  two.state.set('login', { user: 'a', pin: 'of two' })
  await clock.advance(1000)
  expect(one.state.get('login')).toEqual({ user: 'a', pin: '' })
  one.state.set('login.pin', 'of one')
  two.state.set('login', { user: 'ab', pin: 'of two' })
  await clock.advance(1000)
  expect(one.state.get('login')).toEqual({ user: 'ab', pin: 'of one' })
  expect(two.state.get('login')).toEqual({ user: 'ab', pin: 'of two' })
})

test('the leader creates an object with a private field / the follower has the default there', async () => {
  const { clock, engine } = browser()
  const one = await engine().open(signing)
  const two = await engine().open(signing)
  one.state.set('login', { user: 'a', pin: 'of one' })
  await clock.advance(1000)
  expect(two.state.get('login')).toEqual({ user: 'a', pin: '' })
})

test.each(['the leader', 'a follower'])(
  'private fields, and %s resets the session / they begin anew in all tabs',
  async (who) => {
    const { clock, engine } = browser()
    const one = await engine().open(paying)
    const two = await engine().open(paying)
    one.state.set('card', 'secret of one')
    two.state.set('card', 'secret of two')
    await clock.advance(1000)
    ;(who === 'the leader' ? one : two).reset()
    await clock.advance(1000)
    expect([one.state.get('card'), two.state.get('card')]).toEqual(['', ''])
  },
)

test.each(['killed', 'closed', 'left'])(
  'the leader is %s / the follower leads, and keeps its own private field',
  async (way) => {
    const { clock, engine } = browser()
    const first = engine()
    const one = await first.open(paying)
    one.state.set('card', 'secret of one')
    one.state.set('note', 'a')
    const two = await engine().open(paying)
    two.state.set('card', 'secret of two')
    two.state.append('note', 'b')
    await clock.advance(2000)
    // After a write that is not answered yet.
    two.state.append('note', 'c')
    two.state.append('card', '!')
    const seen: unknown[] = []
    two.state.subscribe('card', () => seen.push(two.state.get('card')))
    if (way === 'killed') crash(first)
    else if (way === 'closed') await one.close()
    else await two.takeOver()
    await clock.advance(2000)
    expect([two.role, two.state.get()]).toEqual(['leader', { card: 'secret of two!', note: 'abc' }])
    expect(seen).toEqual([])
    await two.flush()
    if (way === 'left') expect([one.role, one.state.get('card')]).toEqual(['follower', 'secret of one'])
  },
)

test("the session is deleted and the leader is gone / the follower's private field is gone too", async () => {
  const { clock, engine } = browser()
  const first = engine()
  const one = await first.open(paying)
  one.state.set('note', 'a')
  await one.flush()
  const two = await engine().open(paying)
  two.state.set('card', 'secret of two')
  await clock.advance(2000)
  await first.delete('flow')
  await clock.advance(2000)
  expect(two.state.get('card')).toBe('')
})

test.each<[string, (it: Session<typeof paying>) => unknown]>([
  ['writes something else', (it) => it.state.set('note', 'a')],
  ['runs it', (it) => it.run()],
])(
  'the leader of a session with nothing stored dies, and the follower %s / it keeps its own private field, and tells nobody',
  async (_, act) => {
    const storage = memoryStorage()
    const { clock, engine, heard } = browser({ storage })
    const first = engine()
    await first.open(paying)
    const two = await engine().open(paying)
    two.state.set('card', 'secret of two')
    await clock.advance(2000)
    crash(first)
    await clock.advance(2000)
    expect([two.role, two.state.get('card')]).toEqual(['leader', 'secret of two'])
    act(two)
    await clock.advance(2000)
    expect(two.state.get('card')).toBe('secret of two')
    expect((await engine().open(paying)).state.get('card')).toBe('')
    expect(JSON.stringify([heard, await storage.read('flow'), two.toJSON()])).not.toContain('secret')
  },
)

const ask = { on: Go, asks: [Question], emits: [Done] }
const asks = (version: number) =>
  defineWorkflow({ ...{ ...flow, version }, migrations: { 2: (state: unknown) => state } }).step(
    'ask',
    ask,
    async (ctx) => Done((await ctx.ask(Question(1))).data),
  )

/** A session that newer code has stored, and that waits for an answer. */
const storedByNewer = async () => {
  const { clock, engine } = browser()
  const newer = engine()
  const session = await newer.open(asks(2))
  session.state.set('text', 'a')
  session.run().catch(() => {})
  await session.flush()
  const settled = async <T>(it: Promise<T>): Promise<T> => {
    it.catch(() => {})
    await clock.advance(2000)
    return it
  }
  return { clock, engine, newer, session, settled }
}

test('a tab with older code shows that it cannot read a session / a tab with newer code executes it', async () => {
  const { engine, newer, settled } = await storedByNewer()
  await newer.close()
  const old = engine().session(asks(1))
  const refused: LoadError = await failure(settled(old.ready))
  expect(refused.code).toBe('NEWER_VERSION')
  const session = await settled(engine().open(asks(2)))
  expect([session.role, session.status]).toEqual(['leader', 'waiting'])
  expect(await settled(session.asks[0]?.reply('yes') ?? failure(old.ready))).toBe(true)
  expect([session.status, session.result]).toEqual(['completed', 'yes'])
  expect([old.status, old.role]).toEqual(['error', 'reader'])
})

test.each([0, 1])(
  'two tabs cannot read a session, and tab %i resets it / that tab executes, the other follows without a reload',
  async (which) => {
    const { engine, newer, settled } = await storedByNewer()
    await newer.close()
    const all = [engine().session(asks(1)), engine().session(asks(1))] as const
    const errors: LoadError[] = []
    for (const it of all) errors.push(await failure(settled(it.ready)))
    const [mine, other] = which === 0 ? all : [all[1], all[0]]
    await settled(errors[which]?.reset() ?? failure(mine.ready))
    expect([mine.role, other.role]).toEqual(['leader', 'follower'])
    other.state.set('text', 'from the other')
    await settled(other.flush())
    expect(mine.state.get('text')).toBe('from the other')
    const run = mine.run()
    await settled(Promise.resolve())
    expect(await other.asks[0]?.reply('yes')).toBe(true)
    expect(await run).toBe('yes')
  },
)

test('newer code executes, and a tab with older code resets the session / the older executes at once; the newer says that it was deleted', async () => {
  const { engine, session, settled } = await storedByNewer()
  const old = engine().session(asks(1))
  const refused: LoadError = await failure(settled(old.ready))
  expect(refused.code).toBe('NEWER_VERSION')
  expect(session.role).toBe('leader')
  await settled(refused.reset())
  expect([old.role, old.status, old.state.get()]).toEqual(['leader', 'idle', {}])
  expect([session.role, session.state.get('text')]).toEqual(['reader', 'a'])
  expect(session.error?.message).toContain('was deleted by another tab')
})

/** A follower whose leader has closed after the stored session was damaged, and the error that the follower got. */
async function damaged() {
  const clock = virtualClock()
  const memory = memoryStorage()
  let broken = false
  const read: typeof memory.read = async (id) => {
    const found = await memory.read(id)
    return broken ? found && { ...found, batches: [] } : found
  }
  const options = { storage: { ...memory, read }, clock, ...virtualTabs(), onError: () => {} }
  const first = createEngine(options)
  const leader = await first.open(asks(1))
  leader.state.set('text', 'a')
  await leader.flush()
  const opened = createEngine(options).open(asks(1))
  await clock.advance(2000)
  const session = await opened
  expect(session.role).toBe('follower')
  broken = true
  await first.close()
  await clock.advance(2000)
  const repair = () => void (broken = false)
  return { clock, options, session, repair, error: session.error as LoadError }
}

test('a follower is to lead, and what is stored is damaged / it says so, and leads once that is repaired', async () => {
  const { clock, session, error, repair } = await damaged()
  expect([session.status, session.role, session.persistence.status]).toEqual(['error', 'reader', 'error'])
  expect([error.code, await failure(session.ready)]).toEqual(['UNREADABLE_RECORD', error])
  expect(await failure(error.retry())).toMatchObject({ code: 'UNREADABLE_RECORD' })
  repair()
  await Promise.all([error.retry(), clock.advance(2000)])
  expect([session.role, session.state.get('text')]).toEqual(['leader', 'a'])
  session.state.set('text', 'b')
  await session.flush()
  expect(session.persistence.status).toBe('saved')
})

test('a follower is to lead, and what is stored is damaged / it follows another tab that resets the session', async () => {
  const { clock, options, session } = await damaged()
  const other = createEngine(options).session(asks(1))
  const refused: LoadError = await failure(other.ready)
  await Promise.all([refused.reset(), clock.advance(2000)])
  await clock.advance(2000)
  expect([other.role, session.role, session.status]).toEqual(['leader', 'follower', 'idle'])
  session.state.set('text', 'new')
  await clock.advance(1000)
  expect([other.state.get(), session.state.get()]).toEqual([{ text: 'new' }, { text: 'new' }])
})
