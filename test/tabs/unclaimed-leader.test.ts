import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  LeaderSilentError,
  memoryStorage,
  OvertakenError,
  StorageError,
  type Session,
  type SessionStorage,
} from 'dogear'
import { crash, virtualTabs, type VirtualClock } from 'dogear/testing'
import { webStorage } from 'dogear/web-storage'
import { absence } from '../../src/storage/storage-error'
import { area } from '../storage/area'
import { Done, flow, gate, Go, Nudge, nudged } from '../support/flows'
import { browser, ears } from '../support/leaving'

/** A browser whose disk has no room for anything when it is full, not even for a claim. */
function fullDisk() {
  const memory = memoryStorage()
  const disk = { full: false }
  const unless = <A extends unknown[], R>(write: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> =>
      disk.full ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : write(...args)
  }
  const { claim, append, compact } = memory
  const own = { claim: unless(claim), append: unless(append), compact: unless(compact) }
  const storage: SessionStorage = { ...memory, ...own }
  const tabs = virtualTabs()
  const errors: unknown[] = []
  const setting = browser({ ...tabs, storage, onError: (error) => errors.push(error) })
  return { ...setting, storage, disk, tabs, errors, memory }
}

type Setting = ReturnType<typeof fullDisk>

/** Three tabs on one session with an open ask; then the disk is full, and "b" is typed in the second tab. */
async function three() {
  const it = fullDisk()
  const first = it.tab()
  const leader = await first.engine.open(nudged)
  const hearing = ears(it.tabs)
  const second = it.tab({ channel: hearing.channel })
  const two = await second.engine.open(nudged)
  const last = it.tab()
  const three = await last.engine.open(nudged)
  void leader.run().catch(() => {})
  leader.state.set('text', 'a')
  await leader.flush()
  it.disk.full = true
  two.state.append('text', 'b')
  await it.clock.advance(1000)
  expect([leader.role, two.role, three.role]).toEqual(['leader', 'follower', 'follower'])
  return { ...it, first, leader, second, hearing, two, last, three }
}

/** The same, and the leader has been killed. */
async function orphaned() {
  const it = await three()
  crash(it.first.engine)
  await it.clock.advance(100)
  return it
}

/** When there is room again, all of it is stored, once. */
async function saved(
  { disk, clock, tab }: Setting,
  open: { persistence: { status: string } }[],
  state: object,
) {
  disk.full = false
  await clock.advance(40_000)
  expect(open.map((it) => it.persistence.status)).toEqual(open.map(() => 'saved'))
  const next = await tab().engine.open(nudged)
  expect(next.state.get()).toEqual(state)
}

/** The second tab leads, and does what the third asks of it; nothing of that can be stored. */
async function goesOn(
  clock: VirtualClock,
  two: Session<typeof nudged>,
  third: Session<typeof nudged>,
): Promise<void> {
  expect([two.role, third.role]).toEqual(['leader', 'follower'])
  const sent = third.send(Nudge({ by: 'me' }))
  third.state.append('text', 'c')
  await clock.advance(100)
  expect(await third.asks[0]!.reply('yes')).toBe(true)
  await sent
  await clock.advance(100)
  for (const session of [two, third]) {
    expect(session).toMatchObject({
      status: 'completed',
      result: 'yes',
      persistence: { status: 'unsaved' },
    })
    expect(session.state.get()).toEqual({ text: 'abc', more: 1 })
  }
}

test.each([
  ['closed', (it: Awaited<ReturnType<typeof three>>) => void it.leader.close().catch(() => {})],
  ['left', (it: Awaited<ReturnType<typeof three>>) => it.first.leave()],
  ['killed', (it: Awaited<ReturnType<typeof three>>) => crash(it.first.engine)],
])(
  'the disk has no room for a claim, and the leader is %s / another tab leads at once and serves the third; all is saved when there is room',
  async (_, end) => {
    const it = await three()
    const { clock, two, three: third } = it
    end(it)
    await clock.advance(100)
    await goesOn(clock, two, third)
    await saved(it, [two, third], { text: 'abc', more: 1 })
  },
)

test('the disk has no room for a claim, and a tab takes over a hung leader / it executes; the other wakes and follows, nothing is lost', async () => {
  const it = await orphaned()
  it.hearing.close()
  it.second.page.hang()
  it.three.state.append('text', 'c')
  await it.three.takeOver()
  await it.clock.advance(100)
  expect([it.three.role, await it.three.asks[0]!.reply('yes')]).toEqual(['leader', true])
  it.second.page.wake()
  it.hearing.open()
  await it.clock.advance(1000)
  for (const session of [it.two, it.three]) {
    expect(session).toMatchObject({ result: 'yes', role: session === it.three ? 'leader' : 'follower' })
    expect(session.state.get()).toEqual({ text: 'abc' })
  }
  await saved(it, [it.two, it.three], { text: 'abc' })
})

test.each([true, false])(
  'a tab takes over a hung leader while the disk is full (%s) / the text typed in it never disappears',
  async (full) => {
    const it = await orphaned()
    it.disk.full = full
    await it.clock.advance(40_000)
    it.hearing.close()
    it.second.page.hang()
    it.three.state.append('text', 'c')
    const { state } = it.three
    const shown = new Set<unknown>()
    // Like a component, which renders after the task in which it was told.
    state.subscribe('text', () => queueMicrotask(() => shown.add(state.get('text'))))
    await it.three.takeOver()
    await it.clock.advance(100)
    expect([it.three.role, state.get('text'), [...shown]]).toEqual(['leader', 'abc', ['abc']])
  },
)

test('the disk has no room for a claim, and one leader after the other dies / the last one has the text of all', async () => {
  const it = await orphaned()
  it.two.state.append('text', 'c')
  await it.clock.advance(10)
  crash(it.second.engine)
  await it.clock.advance(100)
  expect([it.three.role, it.three.state.get('text')]).toEqual(['leader', 'abc'])
  const late = await it.tab().engine.open(nudged)
  late.state.append('text', 'd')
  await it.clock.advance(10)
  crash(it.last.engine)
  await it.clock.advance(100)
  expect([late.role, late.state.get('text')]).toEqual(['leader', 'abcd'])
  await saved(it, [late], { text: 'abcd' })
})

test('the disk has no room for a claim, the leader starts over and dies / the next tab goes on from there, with what was typed since', async () => {
  const it = await orphaned()
  it.two.reset()
  await it.clock.advance(100)
  it.two.state.append('text', 'new')
  await it.clock.advance(1000)
  expect(it.three.state.get()).toEqual({ text: 'new' })
  crash(it.second.engine)
  await it.clock.advance(1000)
  expect([it.three.role, it.three.status, it.three.state.get()]).toEqual(['leader', 'idle', { text: 'new' }])
  await saved(it, [it.three], { text: 'new' })
})

test('the disk is full from the start / the second tab shows what the first has, and works with it', async () => {
  const it = fullDisk()
  it.disk.full = true
  const one = await it.tab().engine.open(nudged)
  one.state.set('text', 'a')
  void one.run().catch(() => {})
  const two = await it.tab().engine.open(nudged)
  two.state.append('text', 'b')
  await it.clock.advance(10)
  expect([two.role, await two.asks[0]!.reply('yes')]).toEqual(['follower', true])
  await it.clock.advance(10)
  for (const { state, result } of [one, two]) expect([state.get(), result]).toEqual([{ text: 'ab' }, 'yes'])
  await saved(it, [one, two], { text: 'ab' })
})

test.each(['full', 'room for claims only'])(
  'nothing could be stored (%s), the leader hangs and dies, and the next one has not heard of anybody / a tab that has goes on with its run and text, with what was typed in all',
  async (room) => {
    const it = fullDisk()
    const hearing = ears(it.tabs)
    const claims = room === 'full' ? {} : { storage: { ...it.storage, claim: it.memory.claim } }
    const first = it.tab({ ...claims, channel: hearing.channel })
    const one = await first.engine.open(nudged)
    const two = await it.tab(claims).engine.open(nudged)
    it.disk.full = true
    void one.run().catch(() => {})
    one.state.append('text', 'a')
    await it.clock.advance(1000)
    hearing.close()
    first.page.hang()
    two.state.append('text', 'b')
    const opening = it.tab(claims).engine.open(nudged)
    // Whoever waits for the lock asks again every 2 s, and is last in the queue then.
    await it.clock.advance(1500)
    const three = await opening
    three.state.append('text', 'c')
    crash(first.engine)
    await it.clock.advance(100)
    expect([three.role, two.role]).toEqual(['follower', 'leader'])
    three.state.append('text', 'd')
    await it.clock.advance(100)
    for (const session of [two, three]) {
      expect(session.status).toBe('waiting')
      expect(session.state.get()).toEqual({ text: 'abcd' })
    }
    await saved(it, [two, three], { text: 'abcd' })
    expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
  },
)

test('nothing could be stored, the leader hangs and dies, and the next one has not heard of anybody and has begun a run / that goes on', async () => {
  const it = fullDisk()
  const hearing = ears(it.tabs)
  const first = it.tab({ channel: hearing.channel })
  const one = await first.engine.open(nudged)
  const two = await it.tab().engine.open(nudged)
  it.disk.full = true
  one.state.append('text', 'a')
  await it.clock.advance(1000)
  hearing.close()
  first.page.hang()
  two.state.append('text', 'b')
  const opening = it.tab().engine.open(nudged)
  await it.clock.advance(1500)
  const three = await opening
  void three.run().catch(() => {})
  crash(first.engine)
  await it.clock.advance(100)
  for (const session of [two, three]) {
    expect(session.status).toBe('waiting')
    expect(session.state.get()).toEqual({ text: 'b' })
  }
  await saved(it, [two, three], { text: 'b' })
})

test.each(['left for the cache and back', 'a follower first', 'there all the time'])(
  'typed on a full disk by a page that is %s, stored, deleted by another tab / a takeover brings nothing of it back',
  async (how) => {
    const it = fullDisk()
    const before = how === 'a follower first' ? it.tab().engine : undefined
    await before?.open(nudged)
    const { page, engine } = it.tab()
    const one = await engine.open(nudged)
    it.disk.full = true
    one.state.append('text', 'a')
    await it.clock.advance(200)
    if (before) crash(before)
    else if (how !== 'there all the time') {
      page.hide()
      page.show(true)
    }
    await it.clock.advance(3000)
    expect([one.role, one.persistence.status]).toEqual(['leader', 'unsaved'])
    await saved(it, [one], { text: 'a' })
    const other = it.tab().engine
    await other.delete('flow')
    const two = await other.open(nudged)
    two.state.append('text', 'b')
    await it.clock.advance(1000)
    expect(one.persistence.status).toBe('outdated')
    await one.takeOver()
    await it.clock.advance(1000)
    for (const session of [one, two]) expect(session.state.get()).toEqual({ text: 'b' })
    expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
  },
)

test("the leader's claims land, and storage does not say so / a tab that opens then shows and does all that the leader has", async () => {
  const memory = memoryStorage()
  let mute = false
  const lands = async <T>(landed: Promise<T>): Promise<T> => {
    const answer = await landed
    if (mute) throw new StorageError('no answer')
    return answer
  }
  const storage: SessionStorage = {
    ...memory,
    claim: (...call) => lands(memory.claim(...call)),
    append: (...call) => (mute ? Promise.reject(new StorageError('no')) : memory.append(...call)),
  }
  const { clock, tab } = browser({ storage, onError: () => {} })
  const before = tab().engine
  const session = await before.open(nudged)
  session.state.set('text', 'a')
  await session.flush()
  crash(before)
  mute = true
  const leader = await tab().engine.open(nudged)
  leader.state.append('text', 'b')
  await clock.advance(20_000)
  const other = tab().engine.session(nudged)
  await clock.advance(2000)
  other.state.append('text', 'c')
  await clock.advance(100)
  expect([leader.role, leader.persistence.status]).toEqual(['leader', 'unsaved'])
  expect([leader.state.get('text'), other.state.get('text')]).toEqual(['abc', 'abc'])
  mute = false
  await clock.advance(40_000)
  expect([leader, other].map((it) => [it.persistence.status, it.state.get('text')])).toEqual([
    ['saved', 'abc'],
    ['saved', 'abc'],
  ])
})

test('another engine writes the session while it cannot be claimed / its state stays, and what was typed here goes on top', async () => {
  const it = await orphaned()
  it.three.state.append('text', 'c')
  await it.clock.advance(100)
  const alone = { storage: it.memory, locks: null, channel: null }
  const other = await it.tab(alone).engine.open(nudged, { autoResume: false })
  other.state.set('note', 'theirs')
  await other.close()
  it.disk.full = false
  await it.clock.advance(40_000)
  for (const { state, persistence } of [it.two, it.three]) {
    expect(persistence.status).toBe('saved')
    expect(state.get()).toEqual({ text: 'abc', note: 'theirs' })
  }
})

/** A session with text "x" in a storage that no longer answers until the door is opened; then one tab, and a second. */
async function silent(gone?: Error) {
  const memory = memoryStorage()
  const before = createEngine({ storage: memory, locks: null, channel: null })
  const stored = await before.open(nudged)
  stored.state.set('text', 'x')
  await before.close()
  const door = gate()
  const read: typeof memory.read = (id) =>
    gone ? Promise.reject(gone) : door.promise.then(() => memory.read(id))
  const errors: unknown[] = []
  const it = browser({ storage: { ...memory, read }, onError: (error) => errors.push(error) })
  const tabs = []
  const first = it.tab()
  for (const [tab, text] of [
    [first, 'a'],
    [it.tab(), 'b'],
  ] as const) {
    const opened = tab.engine.open(nudged)
    await it.clock.advance(5000)
    tabs.push(await opened)
    tabs.at(-1)!.state.append('text', text)
  }
  void tabs[0]!.run().catch(() => {})
  await it.clock.advance(100)
  return { ...it, door, errors, first, tabs }
}

test.each([
  ['does not answer', undefined, 'degraded'],
  ['is not there', absence(new StorageError('there is none')), 'memory-only'],
])('storage %s / what is done in two tabs is in both, in memory', async (_, gone, status) => {
  const { tabs, clock } = await silent(gone)
  const [one, two] = tabs as [(typeof tabs)[0], (typeof tabs)[0]]
  const sent = two.send(Nudge({ by: 'me' }))
  expect(await two.asks[0]!.reply('yes')).toBe(true)
  await sent
  await clock.advance(100)
  for (const { result, persistence, state } of tabs) {
    expect([result, persistence.status]).toEqual(['yes', status])
    expect(state.get()).toEqual({ text: 'ab', more: 1 })
  }
  expect([one.role, two.role]).toEqual(['leader', 'follower'])
})

test('storage answers late / what was typed in two tabs meanwhile goes on top of what was stored, once, and is saved', async () => {
  const it = await silent()
  it.door.open()
  await it.clock.advance(40_000)
  for (const { persistence, state } of it.tabs) {
    expect(persistence.status).toBe('saved')
    expect(state.get()).toEqual({ text: 'xab' })
  }
  const [, two] = it.tabs
  expect(await two!.asks[0]!.reply('yes')).toBe(true)
  const next = await it.tab().engine.open(nudged)
  expect([next.state.get('text'), next.result]).toEqual(['xab', 'yes'])
})

type Silent = Awaited<ReturnType<typeof silent>>

test.each([
  ['closed', true, (it: Silent) => void it.tabs[0]!.close()],
  ['left', true, (it: Silent) => it.first.leave()],
  ['killed', true, (it: Silent) => crash(it.first.engine)],
  ['killed as it answers', false, (it: Silent) => crash(it.first.engine)],
])(
  'storage answers late, and the leader was %s / what was typed in the other tab goes on top of what was stored; its reply is reported',
  async (_, before, end) => {
    const it = await silent()
    const two = it.tabs[1]!
    expect(await two.asks[0]!.reply('yes')).toBe(true)
    end(it)
    await it.clock.advance(before ? 10_000 : 0)
    two.state.append('text', 'c')
    it.door.open()
    await it.clock.advance(40_000)
    expect(two).toMatchObject({ role: 'leader', status: 'idle', persistence: { status: 'saved' } })
    expect((await it.tab().engine.open(nudged)).state.get()).toEqual({ text: 'xbc' })
    const lost = it.errors.flatMap((error) => (error instanceof OvertakenError ? error.lost : []))
    expect(lost).toEqual(['reply'])
  },
)

test('storage does not answer, a tab opens beside one that dies before it shows anything, and storage answers late / what was typed last is what the text says', async () => {
  const memory = memoryStorage()
  const door = gate()
  const read: typeof memory.read = (id) => door.promise.then(() => memory.read(id))
  const { clock, tab } = browser({ storage: { ...memory, read }, onError: () => {} })
  const before = await createEngine({ storage: memory, locks: null, channel: null }).open(nudged)
  before.state.set('text', 'x')
  await before.close()
  const first = tab()
  first.engine.session(nudged)
  await clock.advance(1000)
  const two = tab().engine.session(nudged)
  await clock.advance(100)
  two.state.set('text', 'a')
  crash(first.engine)
  await clock.advance(20_000)
  expect([two.role, two.persistence.status]).toEqual(['leader', 'degraded'])
  two.state.set('text', 'ab')
  await clock.advance(100)
  door.open()
  await clock.advance(10_000)
  expect([two.persistence.status, two.state.get('text')]).toEqual(['saved', 'ab'])
})

/**
 * A browser whose storage does not answer while it is silent: reads from that time answer later, and writes land later if
 * `lands` says so.
 */
function mute(lands: boolean, memory: SessionStorage = memoryStorage()) {
  const door = gate()
  const disk = { silent: false, wake: () => ((disk.silent = false), door.open()), onPart: () => {} }
  const keepPart: typeof memory.keepPart = async (...part) => {
    await memory.keepPart!(...part)
    disk.onPart()
  }
  const storage: Record<string, unknown> = memory.keepPart ? { ...memory, keepPart } : { ...memory }
  for (const name of ['read', 'claim', 'append', 'compact'] as const) {
    const call = memory[name] as (...args: unknown[]) => Promise<unknown>
    storage[name] = async (...args: unknown[]) => {
      const { silent } = disk
      if (silent) await door.promise
      return silent && !lands && name !== 'read' ? new Promise(() => {}) : call(...args)
    }
  }
  const tabs = virtualTabs()
  const errors: unknown[] = []
  const setting = browser({
    ...tabs,
    storage: storage as object as SessionStorage,
    onError: (error) => errors.push(error),
  })
  return { ...setting, storage, disk, tabs, errors, memory }
}

/** Three tabs on one session with an open ask; then storage falls silent, and "b" is typed in the second tab. */
async function muted(lands = false, list?: string[]) {
  const it = mute(lands)
  const first = it.tab()
  const leader = await first.engine.open(nudged)
  const hearing = ears(it.tabs)
  const second = it.tab({ channel: hearing.channel })
  const two = await second.engine.open(nudged)
  const last = it.tab()
  const three = await last.engine.open(nudged)
  void leader.run().catch(() => {})
  if (list) leader.state.set('list', list)
  leader.state.set('text', 'a')
  await leader.flush()
  await it.clock.advance(1000)
  it.disk.silent = true
  two.state.append('text', 'b')
  await it.clock.advance(1000)
  expect([leader.role, two.role, three.role]).toEqual(['leader', 'follower', 'follower'])
  return { ...it, first, leader, second, hearing, two, last, three }
}

type Muted = Awaited<ReturnType<typeof muted>>

test.each([
  ['closed', false, (it: Muted) => void it.leader.close().catch(() => {})],
  ['left', false, (it: Muted) => it.first.leave()],
  ['killed', false, (it: Muted) => crash(it.first.engine)],
  ['killed, and its last write lands later', true, (it: Muted) => crash(it.first.engine)],
])(
  'storage is silent, and the leader is %s / another tab leads in memory and serves the third; all is saved when storage answers',
  async (_, lands, end) => {
    const it = await muted(lands)
    const { clock, two, three: third } = it
    end(it)
    await clock.advance(10_000)
    await goesOn(clock, two, third)
    it.disk.wake()
    await clock.advance(40_000)
    expect([two, third].map((session) => session.persistence.status)).toEqual(['saved', 'saved'])
    expect([...it.box.keys()]).toEqual([])
    const next = await it.tab().engine.open(nudged)
    expect([next.state.get(), next.result]).toEqual([{ text: 'abc', more: 1 }, 'yes'])
    await next.close()
    for (const tab of [two, third]) await tab.close()
    const late = await it.tab().engine.open(nudged)
    expect([late.role, late.state.get(), late.result]).toEqual(['leader', { text: 'abc', more: 1 }, 'yes'])
  },
)

test('storage is silent, and a tab takes over a hung leader / it executes in memory; the other wakes and follows, nothing is lost', async () => {
  const it = await muted()
  crash(it.first.engine)
  await it.clock.advance(10_000)
  expect(it.two.role).toBe('leader')
  it.hearing.close()
  it.second.page.hang()
  it.three.state.append('text', 'c')
  const taken = it.three.takeOver()
  await it.clock.advance(10_000)
  await taken
  expect([it.three.role, await it.three.asks[0]!.reply('yes')]).toEqual(['leader', true])
  it.second.page.wake()
  it.hearing.open()
  await it.clock.advance(1000)
  for (const session of [it.two, it.three]) {
    expect(session).toMatchObject({ result: 'yes', role: session === it.three ? 'leader' : 'follower' })
    expect(session.state.get()).toEqual({ text: 'abc' })
  }
  it.disk.wake()
  await it.clock.advance(40_000)
  for (const session of [it.two, it.three]) expect(session.persistence.status).toBe('saved')
  const next = await it.tab().engine.open(nudged)
  expect([next.state.get(), next.result]).toEqual([{ text: 'abc' }, 'yes'])
})

test('storage is silent, a tab takes over, a second takes over from it and dies / the first executes, and all is saved when storage answers', async () => {
  const it = await muted()
  it.two.takeOver().catch(() => {})
  await it.clock.advance(100)
  it.three.takeOver().catch(() => {})
  await it.clock.advance(10_000)
  crash(it.first.engine)
  crash(it.last.engine)
  await it.clock.advance(20_000)
  expect(it.two.role).toBe('leader')
  it.disk.wake()
  await it.clock.advance(40_000)
  expect([it.two.persistence.status, it.two.state.get()]).toEqual(['saved', { text: 'ab' }])
})

/** A storage whose epochs begin at that number. */
function counting(first: number): SessionStorage {
  const memory = memoryStorage()
  return {
    ...memory,
    async claim(...call) {
      const { epoch, seq } = await memory.claim(...call)
      return { epoch: epoch && epoch + first, seq }
    },
    async read(id) {
      const found = await memory.read(id)
      return found && { ...found, head: { ...found.head, epoch: found.head.epoch + first } }
    },
    append: (id, epoch, ...more) => memory.append(id, epoch - first, ...more),
    compact: (id, epoch, snapshot) => memory.compact(id, epoch - first, snapshot),
  }
}

test.each([
  ['that counts epochs from 1', () => counting(0)],
  ['of a browser', () => webStorage(area())],
  ['with very large epochs', () => counting(2 ** 50)],
])(
  'a storage %s is silent, and tabs without locks take over in turns / only one executes at a time, nothing is lost',
  async (_, storage) => {
    const it = mute(false, storage())
    const enter = async () => {
      const opened = it.tab({ locks: null }).engine.open(nudged)
      await it.clock.advance(1000)
      return opened
    }
    const [one, two] = [await enter(), await enter()]
    one.state.set('text', 'a')
    await it.clock.advance(1000)
    it.disk.silent = true
    one.state.append('text', 'b')
    await it.clock.advance(100)
    for (const [next, letter] of [
      [two, 'c'],
      [one, 'd'],
      [two, 'e'],
    ] as const) {
      const taken = next.takeOver()
      await it.clock.advance(10_000)
      await taken
      next.state.append('text', letter)
      await it.clock.advance(100)
      expect([one.role, two.role].sort()).toEqual(['leader', 'reader'])
      expect(next.role).toBe('leader')
    }
    expect([one.state.get(), two.state.get()]).toEqual([{ text: 'abcde' }, { text: 'abcde' }])
    it.disk.wake()
    await it.clock.advance(40_000)
    expect(two.persistence.status).toBe('saved')
  },
)

/** A browser whose claims land at once, and are answered so many milliseconds later; a session was closed in it. */
async function lateClaims() {
  const memory = memoryStorage()
  const claims = { late: 0 }
  const { clock, tab } = browser({
    ...virtualTabs(),
    storage: {
      ...memory,
      async claim(...call) {
        const claimed = await memory.claim(...call)
        await new Promise<void>((resolve) => clock.setTimeout(resolve, claims.late))
        return claimed
      },
    },
    onError: () => {},
  })
  const enter = async () => {
    const session = tab().engine.session(nudged)
    await clock.advance(100)
    return session
  }
  const closing = await enter()
  closing.state.set('text', 'a')
  await closing.close()
  return { clock, claims, enter }
}

test('claims land and their answers come late, and a tab opens in between / it follows the leader under the epoch that the leader hears of then, and all is saved', async () => {
  const { clock, claims, enter } = await lateClaims()
  await clock.advance(100)
  // Too late for the first claim, in time for the next one.
  claims.late = 8000
  const leader = await enter()
  await clock.advance(5000)
  claims.late = 3000
  await clock.advance(5000)
  const follower = await enter()
  await clock.advance(10_000)
  expect([leader.role, follower.role]).toEqual(['leader', 'follower'])
  follower.state.append('text', 'b')
  leader.state.append('note', 'c')
  await clock.advance(10_000)
  for (const session of [leader, follower])
    expect([session.persistence.status, session.state.get()]).toEqual(['saved', { text: 'ab', note: 'c' }])
})

test('a tab is next, its claim lands and the answer comes late, and another tab opens in between / that one leads; the first shows what is stored, follows, and all is saved', async () => {
  const { clock, claims, enter } = await lateClaims()
  // It waits for the lock.
  claims.late = 8000
  const first = await enter()
  await clock.advance(4500)
  expect([first.role, first.state.get('text')]).toEqual(['follower', 'a'])
  first.state.append('text', 'b')
  const second = await enter()
  claims.late = 0
  await clock.advance(10_000)
  expect([first.role, second.role]).toEqual(['follower', 'leader'])
  for (const session of [first, second])
    expect([session.persistence.status, session.state.get()]).toEqual(['saved', { text: 'ab' }])
})

test('storage is silent, and one leader after the other is left / the next page has the text of all', async () => {
  const it = await muted()
  it.first.leave()
  await it.clock.advance(10_000)
  it.two.state.append('text', 'c')
  await it.clock.advance(10)
  it.second.leave()
  await it.clock.advance(10_000)
  expect([it.three.role, it.three.state.get('text')]).toEqual(['leader', 'abc'])
  it.three.state.append('text', 'd')
  it.last.leave()
  it.disk.wake()
  await it.clock.advance(10_000)
  const next = await it.tab().engine.open(nudged)
  expect([next.state.get('text'), next.asks.length]).toEqual(['abcd', 1])
  expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
})

test('storage is silent, and the next leader has not heard all that the last one left / it waits for storage, and then has all', async () => {
  const it = await muted()
  await it.three.close()
  it.hearing.close()
  it.leader.state.append('text', 'z')
  it.first.leave()
  await it.clock.advance(10_000)
  expect([it.two.role, it.two.state.get('text')]).toEqual(['follower', 'ab'])
  it.disk.wake()
  await it.clock.advance(10_000)
  expect([it.two.role, it.two.state.get('text')]).toEqual(['leader', 'abz'])
})

test('storage is silent from the beginning, and the only page comes back from the cache / it executes in memory as before', async () => {
  const it = mute(false)
  it.disk.silent = true
  const { engine, page } = it.tab()
  const session = engine.session(nudged)
  await it.clock.advance(5000)
  void session.run().catch(() => {})
  session.state.set('text', 'a')
  page.hide(true)
  page.show(true)
  await it.clock.advance(10_000)
  expect(await session.asks[0]!.reply('yes')).toBe(true)
  await it.clock.advance(100)
  expect([session.role, session.state.get('text'), session.result]).toEqual(['leader', 'a', 'yes'])
})

test('storage is silent from the beginning, and the only page is in the cache while another tab opens / what was typed there is shown again at once, and comes before what is typed since', async () => {
  const it = mute(false)
  it.disk.silent = true
  const first = it.tab()
  const one = first.engine.session(nudged)
  await it.clock.advance(5000)
  one.state.append('text', 'a')
  first.page.hide(true)
  const two = it.tab().engine.session(nudged)
  await it.clock.advance(10_000)
  expect([two.role, two.state.get('text')]).toEqual(['leader', undefined])
  first.page.show(true)
  await it.clock.advance(100)
  one.state.append('text', 'b')
  await it.clock.advance(100)
  for (const { state } of [one, two]) expect(state.get('text')).toBe('ab')
  it.disk.wake()
  await it.clock.advance(40_000)
  for (const { state, persistence } of [one, two])
    expect([state.get('text'), persistence.status]).toEqual(['ab', 'saved'])
})

test('storage is silent, and a page that is to lead, and shows nothing yet, goes into the cache while another one gets the lock, and is back / only the other one executes', async () => {
  const it = mute(false)
  const { clock, disk } = it
  const first = it.tab()
  await first.engine.open(nudged)
  disk.silent = true
  const second = it.tab()
  const two = second.engine.session(nudged)
  await clock.advance(1000)
  const three = it.tab().engine.session(nudged)
  two.state.append('text', 'a')
  crash(first.engine)
  await clock.advance(3500)
  second.page.hide(true)
  await clock.advance(1000)
  second.page.show(true)
  await clock.advance(3000)
  expect([two.status, two.role, three.status]).toEqual(['loading', 'reader', 'loading'])
  await clock.advance(5000)
  expect([two.role, three.role]).toEqual(['follower', 'leader'])
  three.state.append('text', 'b')
  disk.wake()
  await clock.advance(40_000)
  for (const { state, persistence } of [two, three])
    expect([state.get('text'), persistence.status]).toEqual(['ab', 'saved'])
})

test('storage falls silent after a tab has read the session, whose leader dies without a word / the tab shows what it has read, and executes when storage answers', async () => {
  const it = mute(false)
  const { clock, disk, errors } = it
  const hearing = ears(it.tabs)
  const first = it.tab({ channel: hearing.channel })
  const one = await first.engine.open(nudged)
  one.state.set('text', 'a')
  await one.flush()
  hearing.close()
  const two = it.tab().engine.session(nudged)
  await clock.advance(100)
  disk.silent = true
  crash(first.engine)
  await clock.advance(10_000)
  expect([two.role, two.status, two.resumed.found]).toEqual(['follower', 'idle', true])
  expect(two.state.get('text')).toBe('a')
  two.state.append('text', 'b')
  void two.run().catch(() => {})
  disk.wake()
  await clock.advance(10_000)
  expect([two.role, two.status, two.persistence.status]).toEqual(['leader', 'waiting', 'saved'])
  expect([two.state.get('text'), errors]).toEqual(['ab', []])
})

test('storage falls silent as a tab takes over because what the leader shows lacks a default / it goes on in memory, and all is saved when storage answers', async () => {
  const it = mute(false)
  const { clock, disk } = it
  const one = await it.tab().engine.open(nudged)
  one.state.set('text', 'a')
  await one.flush()
  const hearing = ears(it.tabs)
  const text = z.string().default('')
  const state = z.object({ text, note: text })
  const newer = defineWorkflow({ ...flow, state }).step('ask', { on: Go, emits: [Done] }, () => Done(1))
  hearing.close()
  const two = it.tab({ channel: hearing.channel }).engine.session(newer)
  await clock.advance(100)
  disk.silent = true
  hearing.open()
  await clock.advance(10_000)
  expect([two.role, two.persistence.status]).toEqual(['leader', 'degraded'])
  two.state.set('note', 'b')
  disk.wake()
  await clock.advance(40_000)
  expect([two.role, two.persistence.status]).toEqual(['leader', 'saved'])
  expect(two.state.get()).toEqual({ text: 'a', note: 'b' })
})

test('storage is silent, a leader with unsaved text is overtaken and asks for more, and the next leader has heard of neither / both are there, in order', async () => {
  const it = mute(false)
  const { clock, disk } = it
  const one = await it.tab().engine.open(nudged)
  const second = it.tab()
  const two = await second.engine.open(nudged)
  const hearing = ears(it.tabs)
  const three = await it.tab({ channel: hearing.channel }).engine.open(nudged)
  one.state.set('text', 'a')
  await one.flush()
  await clock.advance(1000)
  hearing.close()
  disk.silent = true
  one.state.append('text', 'b')
  await clock.advance(100)
  two.takeOver().catch(() => {})
  await clock.advance(10_000)
  expect([one.role, two.role, two.state.get('text')]).toEqual(['follower', 'leader', 'ab'])
  one.state.append('text', 'c')
  await clock.advance(1000)
  expect(two.state.get('text')).toBe('abc')
  crash(second.engine)
  disk.wake()
  await three.takeOver()
  hearing.open()
  await clock.advance(10_000)
  for (const { state, persistence } of [one, three])
    expect([state.get('text'), persistence.status]).toEqual(['abc', 'saved'])
  expect([one.role, three.role]).toEqual(['follower', 'leader'])
  expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
})

test('storage is silent, a page comes back from the cache to a tab that has begun anew, and is left; another tab opens, and storage answers / what it had left at first is there once, and onError is told of the rest', async () => {
  const it = mute(false)
  const { clock, disk } = it
  const first = it.tab()
  const one = await first.engine.open(nudged)
  disk.silent = true
  one.state.append('text', 'a')
  await clock.advance(100)
  const two = it.tab().engine.session(nudged)
  first.page.hide(true)
  await clock.advance(100)
  first.page.show(true)
  one.state.append('text', 'b')
  await clock.advance(10_000)
  expect([one.role, two.role, two.state.get('text')]).toEqual(['follower', 'leader', 'ab'])
  first.leave()
  const three = it.tab().engine.session(nudged)
  await clock.advance(1000)
  disk.wake()
  await clock.advance(40_000)
  for (const { state, persistence } of [two, three])
    expect([state.get('text'), persistence.status]).toEqual(['a', 'saved'])
  expect(it.errors).toContainEqual(expect.objectContaining({ code: 'OVERTAKEN', lost: ['write'] }))
})

test.each(['the leader', 'a follower'])(
  'storage is silent, and %s of a stored session comes back from the cache to a tab that has begun anew / it goes on showing its own, and nothing is lost when storage answers',
  async (role) => {
    const it = mute(false)
    const { clock, disk, errors } = it
    const leads = role === 'the leader'
    const other = leads ? undefined : it.tab()
    await other?.engine.open(nudged)
    const first = it.tab()
    const one = await first.engine.open(nudged)
    one.state.append('text', 'a')
    await one.flush()
    disk.silent = true
    one.state.append('text', 'b')
    await clock.advance(100)
    first.page.hide(true)
    if (other) crash(other.engine)
    const two = it.tab().engine.session(nudged)
    await clock.advance(20_000)
    first.page.show(true)
    one.state.append('text', 'c')
    await clock.advance(20_000)
    expect([two.role, two.persistence.status, two.state.get('text')]).toEqual([
      'leader',
      'degraded',
      undefined,
    ])
    expect([one.state.get('text'), one.persistence.error]).toEqual(['abc', expect.any(LeaderSilentError)])
    disk.wake()
    await clock.advance(40_000)
    for (const { state, persistence } of [one, two])
      expect([state.get('text'), persistence.status]).toEqual(['abc', 'saved'])
    expect(errors.filter((error) => error instanceof OvertakenError)).toEqual([])
  },
)

test.each([
  ['is left before storage answers', true],
  ['stays until storage answers', false],
])(
  'storage is silent, and a page comes back from the cache that has missed what another tab has stored; it %s / what is typed there comes on top, and no step runs before',
  async (_, isLeft) => {
    const it = mute(false)
    const first = it.tab()
    const one = await first.engine.open(nudged)
    void one.run().catch(() => {})
    one.state.set('text', 'a')
    await one.flush()
    first.page.hide(true)
    const second = it.tab()
    const two = await second.engine.open(nudged)
    two.state.append('text', 'b')
    await two.flush()
    it.disk.silent = true
    crash(second.engine)
    first.page.show(true)
    await it.clock.advance(10_000)
    one.state.append('text', 'c')
    one.send(Nudge(1)).catch(() => {})
    await it.clock.advance(1000)
    expect([one.role, one.state.get()]).toEqual(['follower', { text: 'ac' }])
    if (isLeft) first.leave()
    it.disk.wake()
    await it.clock.advance(10_000)
    const shown = isLeft ? await it.tab().engine.open(nudged) : one
    await it.clock.advance(1000)
    expect([shown.role, shown.state.get()]).toEqual(['leader', { text: 'abc', more: 1 }])
    expect(shown.persistence.status).toBe('saved')
    expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
  },
)

test('storage is silent, and a tab that had found nothing leads a session of its own, which a leader follows whose first write lands later; both are left / the next page has what that one wrote, once, and onError is told of the rest', async () => {
  const it = mute(true)
  const first = it.tab()
  const one = await first.engine.open(nudged)
  it.disk.silent = true
  const second = it.tab()
  const two = second.engine.session(nudged)
  one.state.append('text', 'a')
  await it.clock.advance(30)
  first.page.hide(true)
  two.state.append('text', 'b')
  await it.clock.advance(6000)
  two.run().catch(() => {})
  await it.clock.advance(6000)
  first.page.show(true)
  await it.clock.advance(6000)
  expect([two.role, one.role, one.state.get('text')]).toEqual(['leader', 'follower', 'ba'])
  second.page.hide(true)
  second.page.show(true)
  two.close().catch(() => {})
  crash(second.engine)
  crash(first.engine)
  it.disk.wake()
  await it.clock.advance(10_000)
  const next = await it.tab().engine.open(nudged)
  expect([next.status, next.state.get('text')]).toEqual(['idle', 'a'])
  expect(it.errors).toContainEqual(
    expect.objectContaining({ code: 'OVERTAKEN', lost: expect.arrayContaining(['wrote']) as string[] }),
  )
})

test("storage is silent, and the new leader is closed without a claim; the old leader's last write lands later / the next page has all", async () => {
  const it = await muted(true)
  await it.three.close()
  crash(it.first.engine)
  await it.clock.advance(10_000)
  it.two.state.append('text', 'c')
  it.two.close().catch(() => {})
  it.disk.wake()
  await it.clock.advance(10_000)
  const next = await it.tab().engine.open(nudged)
  expect([next.state.get('text'), next.asks.length]).toEqual(['abc', 1])
  expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
})

test('storage is silent, a leader with unsaved text is closed, and its page opens the session again, goes into the cache and is closed / the next page has the text; what was typed in memory is reported', async () => {
  const it = await muted()
  for (const { engine } of [it.second, it.last]) crash(engine)
  it.leader.state.append('text', 'c')
  it.leader.close().catch(() => {})
  await it.clock.advance(10_000)
  const again = it.first.engine.session(nudged)
  await it.clock.advance(10_000)
  expect(again.persistence.status).toBe('degraded')
  again.state.append('note', 'd')
  it.first.page.hide(true)
  it.first.page.show(true)
  again.state.append('note', 'e')
  await it.clock.advance(1000)
  again.close().catch(() => {})
  await it.clock.advance(10_000)
  it.disk.wake()
  await it.clock.advance(10_000)
  const next = await it.tab().engine.open(nudged)
  expect([next.state.get(), next.asks.length]).toEqual([{ text: 'abc' }, 1])
  const told = it.errors.filter((error) => error instanceof OvertakenError)
  expect(told).toMatchObject([{ lost: ['wrote'] }, { lost: ['write'] }])
})

test('storage is silent, and a tab takes over from a closing leader and is closed too / the next page has the text of both', async () => {
  const it = await muted()
  await it.three.close()
  it.leader.state.append('text', 'c')
  it.leader.close().catch(() => {})
  it.two.takeOver().catch(() => {})
  await it.clock.advance(10)
  it.two.state.append('text', 'd')
  it.two.close().catch(() => {})
  await it.clock.advance(10)
  it.disk.wake()
  await it.clock.advance(10_000)
  const next = await it.tab().engine.open(nudged)
  expect([next.state.get('text'), next.asks.length]).toEqual(['abcd', 1])
  expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
})

test("storage is silent, a tab takes over, another one hangs, and the old leader's last write lands / the tab leads on and saves", async () => {
  const it = await muted(true)
  const taken = it.three.takeOver()
  await it.clock.advance(10_000)
  await taken
  crash(it.first.engine)
  it.hearing.close()
  it.second.page.hang()
  it.three.state.append('text', 'c')
  it.disk.wake()
  await it.clock.advance(1000)
  expect(it.three).toMatchObject({ role: 'leader', persistence: { status: 'saved' } })
  expect(it.three.state.get('text')).toBe('abc')
  expect((await it.tab().engine.open(nudged)).state.get('text')).toBe('abc')
})

test("storage is silent, a tab takes over without the leader's last text, and that lands after all / it is there once", async () => {
  const it = mute(true)
  const one = await it.tab().engine.open(nudged)
  const hearing = ears(it.tabs)
  const two = await it.tab({ channel: hearing.channel }).engine.open(nudged)
  one.state.set('text', 'a')
  await one.flush()
  await it.clock.advance(1000)
  it.disk.silent = true
  hearing.close()
  one.state.append('text', 'b')
  await it.clock.advance(1000)
  const taken = two.takeOver()
  await it.clock.advance(10_000)
  await taken
  hearing.open()
  await it.clock.advance(1000)
  expect([two.role, two.state.get('text')]).toEqual(['leader', 'ab'])
  it.disk.wake()
  await it.clock.advance(40_000)
  for (const { state, persistence } of [one, two])
    expect([state.get(), persistence.status]).toEqual([{ text: 'ab' }, 'saved'])
  expect((await it.tab().engine.open(nudged)).state.get('text')).toBe('ab')
})

test("storage is silent, the new leader cancels, and the old leader's last write lands when storage answers / the cancel stands", async () => {
  const it = await muted(true)
  crash(it.first.engine)
  await it.clock.advance(10_000)
  it.two.cancel('enough')
  await it.clock.advance(100)
  it.disk.wake()
  await it.clock.advance(40_000)
  for (const { status, persistence, state } of [it.two, it.three])
    expect([status, persistence.status, state.get()]).toEqual(['cancelled', 'saved', { text: 'ab' }])
  expect(it.errors.filter((error) => error instanceof OvertakenError)).toEqual([])
})

test('storage is silent, and the new leader dies while it stores a large session / what was stored before is whole', async () => {
  const large = (letter: string) => Array.from({ length: 120 }, () => letter.repeat(10_000))
  const it = await muted(false, large('a'))
  expect((await it.memory.read('flow'))?.parts?.length).toBeGreaterThan(0)
  it.leader.state.set('list', large('b'))
  await it.clock.advance(10)
  crash(it.first.engine)
  await it.clock.advance(10_000)
  crash(it.last.engine)
  it.disk.onPart = () => crash(it.second.engine)
  it.disk.wake()
  await it.clock.advance(40_000)
  const next = await it.tab().engine.open(nudged)
  expect(next.state.get('list')).toEqual(large('a'))
})

test('another engine writes the session before silent storage answers this one / its state stays', async () => {
  const it = await muted()
  crash(it.first.engine)
  await it.clock.advance(10_000)
  it.three.state.append('text', 'c')
  await it.clock.advance(100)
  const alone = { storage: it.memory, locks: null, channel: null }
  const other = await it.tab(alone).engine.open(nudged, { autoResume: false })
  other.state.set('note', 'theirs')
  await other.close()
  it.disk.wake()
  await it.clock.advance(40_000)
  for (const { state, persistence } of [it.two, it.three]) {
    expect(persistence.status).toBe('saved')
    expect(state.get()).toMatchObject({ note: 'theirs' })
  }
})
