import { describe, expect, test } from 'vitest'
import { defineWorkflow, memoryStorage, OvertakenError, type Session } from 'dogear'
import { crash, virtualTabs } from 'dogear/testing'
import { Done, flow, Go, Nudge, nudged } from '../support/flows'
import { browser, ears } from '../support/leaving'

/** A leader and a follower with an open ask; nothing that the follower then does can be stored. */
async function unsaved() {
  const disk = { full: false }
  const storage = memoryStorage({ failAt: () => disk.full })
  const tabs = virtualTabs()
  const errors: unknown[] = []
  const setting = browser({ ...tabs, storage, onError: (error) => errors.push(error) })
  const hanging = () => {
    const { channel, close, open } = ears(tabs)
    const tab = setting.tab({ channel })
    const hang = () => {
      close()
      tab.page.hang()
    }
    const wake = () => {
      tab.page.wake()
      open()
    }
    return { ...tab, hang, wake }
  }
  const first = hanging()
  const leader = await first.engine.open(nudged)
  const second = hanging()
  const follower = await second.engine.open(nudged)
  void leader.run().catch(() => {})
  leader.state.set('text', 'a')
  await leader.flush()
  await setting.clock.advance(10)
  disk.full = true
  const done = [follower.send(Nudge({ by: 'me' })), follower.asks[0]!.reply('yes')]
  follower.state.append('text', 'b')
  await setting.clock.advance(10)
  expect(await Promise.all(done)).toMatchObject([{}, true])
  expect([follower.persistence.status, leader.state.get()]).toMatchObject([
    'unsaved',
    { text: 'ab', more: 1 },
  ])
  return { ...setting, disk, errors, first, leader, second, follower }
}

type Unsaved = Awaited<ReturnType<typeof unsaved>>

/** A page that is opened while the leader hangs: it has heard nothing, and takes over. */
async function later({ tab, clock }: Unsaved) {
  const session = tab().engine.session(nudged)
  session.ready.catch(() => {})
  await clock.advance(1000)
  void session.takeOver()
  await clock.advance(1000)
  expect(session.role).toBe('leader')
  return session
}

const all = { status: 'completed', result: 'yes', role: 'follower' }

test('a leader that cannot save hangs, and a new tab that has heard nothing takes over / what the follower typed, replied and sent is there, once', async () => {
  const it = await unsaved()
  it.first.hang()
  const third = await later(it)
  it.follower.state.append('text', 'c')
  await it.clock.advance(1000)
  it.first.wake()
  await it.clock.advance(1000)
  for (const session of [it.leader, it.follower, third]) {
    expect(session).toMatchObject({ ...all, role: session === third ? 'leader' : 'follower' })
    expect(session.state.get()).toMatchObject({ text: 'abc', more: 1 })
  }
  it.disk.full = false
  await it.clock.advance(40_000)
  expect(it.follower.persistence.status).toBe('saved')
  expect((await it.tab().engine.open(nudged)).state.get()).toMatchObject({ text: 'abc', more: 1 })
  expect(it.errors.filter((error) => (error as Error).name === 'OvertakenError')).toEqual([])
})

test.each([
  ['left', (it: Unsaved) => it.second.leave()],
  ['closed', (it: Unsaved) => void it.follower.close().catch(() => {})],
])(
  'a leader that cannot save hangs, its follower is %s, and the leader dies / the next page has what was typed, replied and sent, once',
  async (_, go) => {
    const it = await unsaved()
    it.first.hang()
    go(it)
    await it.clock.advance(1000)
    crash(it.first.engine)
    const next = await it.tab().engine.open(nudged)
    await it.clock.advance(1000)
    expect(next).toMatchObject({ ...all, role: 'leader' })
    expect(next.state.get()).toMatchObject({ text: 'ab', more: 1 })
    it.disk.full = false
    await it.clock.advance(40_000)
    expect(next.persistence.status).toBe('saved')
    const last = await it.tab().engine.open(nudged)
    expect(last.state.get()).toMatchObject({ text: 'ab', more: 1 })
  },
)

test('a follower becomes leader and hangs, and a new tab that has heard nothing takes over / what it had typed as a follower is there', async () => {
  const it = await unsaved()
  crash(it.first.engine)
  await it.clock.advance(1000)
  expect(it.follower).toMatchObject({ ...all, role: 'leader' })
  it.follower.state.append('text', 'c')
  it.second.hang()
  const next = await later(it)
  it.second.wake()
  await it.clock.advance(1000)
  expect([next.role, it.follower.role]).toEqual(['leader', 'follower'])
  for (const session of [next, it.follower])
    expect(session.state.get()).toMatchObject({ text: 'abc', more: 1 })
})

test("an unsaved leader is overtaken by its follower, and that one by a new tab that has heard nothing / the leader's own text is there, once", async () => {
  const it = await unsaved()
  it.leader.state.append('text', 'c')
  await it.clock.advance(10)
  expect(it.follower.state.get('text')).toBe('abc')
  void it.follower.takeOver()
  await it.clock.advance(1000)
  expect([it.leader.role, it.leader.state.get('text')]).toEqual(['follower', 'abc'])
  it.second.hang()
  const third = await later(it)
  crash(it.second.engine)
  await it.clock.advance(1000)
  for (const session of [it.leader, third]) expect(session.state.get('text')).toBe('ac')
})

test('a new tab that has heard nothing takes over, and the overtaken tab closes before its answer / the loss is reported', async () => {
  const it = await unsaved()
  it.leader.state.append('text', 'c')
  await it.clock.advance(10)
  crash(it.second.engine)
  it.first.hang()
  const third = await later(it)
  void it.leader.close().catch(() => {})
  await it.clock.advance(5000)
  expect(third.state.get('text')).not.toContain('c')
  const kinds: unknown = expect.arrayContaining(['sent', 'answered', 'wrote'])
  expect(it.errors).toContainEqual(expect.objectContaining({ code: 'OVERTAKEN', lost: kinds }))
  it.disk.full = false
  await it.clock.advance(40_000)
  expect([...it.box.keys()]).toEqual([])
})

test('an unsaved leader is overtaken by its follower, and that one by a new tab that has heard nothing / both bring what they typed, once', async () => {
  const it = await unsaved()
  it.leader.state.append('text', 'c')
  await it.clock.advance(10)
  void it.follower.takeOver()
  await it.clock.advance(1000)
  it.follower.state.append('text', 'd')
  it.second.hang()
  const third = await later(it)
  it.second.wake()
  await it.clock.advance(1000)
  for (const { state } of [it.leader, it.follower, third])
    expect(String(state.get('text')).split('').sort().join('')).toBe('abcd')
})

test('an unsaved leader with more records than its history keeps is overtaken by its follower / nothing is done twice', async () => {
  const disk = { full: false }
  const { tab, clock } = browser({ storage: memoryStorage({ failAt: () => disk.full }), onError: () => {} })
  const short = defineWorkflow({ ...flow, history: 5 }).step('end', { on: Go, emits: [Done] }, () => Done(1))
  const one = await tab().engine.open(short)
  const two = await tab().engine.open(short)
  one.state.set('text', 'a')
  await one.flush()
  disk.full = true
  for (const letter of 'bcdefghijk') {
    one.state.append('text', letter)
    one.state.set('last', letter)
    await clock.advance(1500)
  }
  void two.takeOver()
  await clock.advance(2000)
  expect([one.role, two.role]).toEqual(['follower', 'leader'])
  for (const { state } of [one, two]) expect(state.get()).toEqual({ text: 'abcdefghijk', last: 'k' })
})

describe('nothing of a session could be stored', () => {
  /** A leader with text, and a follower that has heard it. */
  async function unstored(doing: (leader: Session<typeof nudged>) => void = () => {}) {
    const disk = { full: true }
    const tabs = virtualTabs()
    const errors: unknown[] = []
    const storage = memoryStorage({ failAt: () => disk.full })
    const it = browser({ ...tabs, storage, onError: (error) => errors.push(error) })
    const enter = async () => {
      const { channel, close, open } = ears(tabs)
      const tab = it.tab({ channel })
      const session = tab.engine.session(nudged)
      await it.clock.advance(1500)
      const hang = () => {
        close()
        tab.page.hang()
      }
      const wake = () => {
        tab.page.wake()
        open()
      }
      return { ...tab, session, hang, wake }
    }
    const one = await enter()
    one.session.state.append('text', 'a')
    doing(one.session)
    await it.clock.advance(1000)
    const two = await enter()
    expect(two.session.state.get('text')).toBe('a')
    /** What the next page finds. */
    const stored = async () => {
      disk.full = false
      await it.clock.advance(40_000)
      expect(one.session.persistence.status).toBe('saved')
      return (await it.tab().engine.open(nudged, { autoResume: false })).state.get()
    }
    const lost = () => errors.flatMap((error) => (error instanceof OvertakenError ? error.lost : []))
    return { ...it, ...tabs, enter, one, two, stored, lost }
  }

  /** Both hang while a new tab finds nothing and begins another session. Then the leader wakes. */
  async function begunAnew(doing?: (leader: Session<typeof nudged>) => void) {
    const it = await unstored(doing)
    it.one.hang()
    it.two.hang()
    const three = await it.enter()
    void three.session.takeOver()
    await it.clock.advance(1000)
    three.session.state.append('text', 'c')
    it.one.wake()
    await it.clock.advance(2000)
    expect([it.one.session.role, three.session.role]).toEqual(['follower', 'leader'])
    return { ...it, three }
  }

  test('a new tab begins another session / what was typed in the old leader goes on top of that, once', async () => {
    const it = await begunAnew()
    for (const { session } of [it.one, it.three]) expect(session.state.get('text')).toBe('ca')
    expect([await it.stored(), it.lost()]).toEqual([{ text: 'ca' }, []])
  })

  test('a new tab begins another session / a run and a reply of the old one are reported, not done again', async () => {
    const it = await begunAnew((leader) => {
      leader.run().catch(() => {})
      void leader.asks[0]!.reply('yes')
    })
    expect(it.three.session).toMatchObject({ status: 'idle', result: undefined })
    expect(it.lost()).toEqual(expect.arrayContaining(['started', 'answered']))
    expect(await it.stored()).toEqual({ text: 'ca' })
  })

  test('a new tab begins another session and dies, and a tab leads that has heard only the first / what was typed in both is there, once', async () => {
    const it = await begunAnew()
    crash(it.three.engine)
    void it.two.session.takeOver()
    await it.clock.advance(10)
    it.two.wake()
    await it.clock.advance(2000)
    for (const { session } of [it.one, it.two]) expect(session.state.get('text')).toBe('ca')
    expect([await it.stored(), it.lost()]).toEqual([{ text: 'ca' }, []])
  })

  test('a tab that has heard of none of three others begins another session / they do not take the lead from each other for ever', async () => {
    const it = await unstored()
    const tabs = [it.one, it.two, await it.enter()]
    const deaf = ears(it)
    deaf.close()
    const { engine } = it.tab({ channel: deaf.channel })
    const late = engine.session(nudged)
    late.ready.catch(() => {})
    await it.clock.advance(1500)
    void late.takeOver()
    await it.clock.advance(10)
    late.state.append('text', 'c')
    let changes = 0
    late.subscribe(() => {
      // Without an end of it there is no next line.
      if (++changes > 200) for (const { engine } of tabs) crash(engine)
    })
    deaf.open()
    await it.clock.advance(2000)
    expect(changes).toBeLessThan(200)
    const sessions = [...tabs.map(({ session }) => session), late]
    expect(sessions.filter(({ role }) => role === 'leader')).toHaveLength(1)
    for (const { state } of sessions) expect(state.get('text')).toMatch(/^(ac|ca)$/)
    expect([await it.stored(), it.lost()]).toEqual([late.state.get(), []])
  })

  test('the leader goes into the back/forward cache and another tab starts over / the text does not come back', async () => {
    const it = await unstored()
    it.one.page.hide(true)
    await it.clock.advance(1000)
    it.two.session.reset()
    await it.clock.advance(1000)
    it.one.page.show(true)
    await it.clock.advance(2000)
    expect([it.one.session.role, it.one.session.state.get()]).toEqual(['follower', {}])
    expect(await it.stored()).toEqual({})
  })
})

test('the disk has room again / nothing stays in the exit journal, and nothing is done again', async () => {
  const it = await unsaved()
  it.disk.full = false
  await it.clock.advance(40_000)
  expect(it.follower.persistence.status).toBe('saved')
  it.second.leave()
  expect([...it.box.keys()]).toEqual([])
  const next = await it.tab().engine.open(nudged)
  expect(next.state.get()).toMatchObject({ text: 'ab', more: 1 })
})

test('a tab with unstored text loses the lead / its status is not `saved` before that text is stored', async () => {
  const it = await unsaved()
  it.leader.state.set('text', 'not stored')
  await it.clock.advance(200)
  const told: string[] = []
  it.leader.subscribe(() => told.push(it.leader.persistence.status))
  void it.follower.takeOver()
  await it.clock.advance(1000)
  expect([it.leader.role, it.follower.state.get('text')]).toEqual(['follower', 'not stored'])
  expect(told).toContain('saving')
  expect(told).not.toContain('saved')
  it.disk.full = false
  await it.clock.advance(40_000)
  expect(it.leader.persistence.status).toBe('saved')
})

describe('a leader with unstored text is overtaken by a follower that has heard it', () => {
  async function typed() {
    const it = await unsaved()
    it.leader.state.append('text', 'c')
    await it.clock.advance(200)
    return it
  }
  async function overtaken(how: 'left' | 'closed') {
    const it = await typed()
    void it.follower.takeOver()
    await it.clock.advance(1000)
    expect([it.leader.role, it.follower.role]).toEqual(['follower', 'leader'])
    it.leader.state.append('text', 'd')
    await it.clock.advance(10)
    if (how === 'left') it.first.leave()
    else void it.leader.close().catch(() => {})
    await it.clock.advance(1000)
    return it
  }
  const lost = ({ errors }: Unsaved) =>
    errors.filter((it) => ((it as { lost?: string[] }).lost ?? []).length > 0)

  test.each(['left', 'closed'] as const)(
    'it is %s, and the new leader dies / the next page has its text from before and after the takeover',
    async (how) => {
      const it = await overtaken(how)
      crash(it.second.engine)
      const next = await it.tab().engine.open(nudged)
      await it.clock.advance(1000)
      expect(next.state.get()).toMatchObject({ text: 'abcd', more: 1 })
      it.disk.full = false
      await it.clock.advance(40_000)
      expect(next.persistence.status).toBe('saved')
      expect([...it.box.keys()]).toEqual([])
      expect(lost(it)).toEqual([])
    },
  )

  test.each(['left', 'closed'] as const)(
    'it is %s, and then the new leader is left with more text / the next page has everything',
    async (how) => {
      const it = await overtaken(how)
      it.follower.state.append('text', 'e')
      it.second.leave()
      const next = await it.tab().engine.open(nudged)
      expect(next.state.get()).toMatchObject({ text: 'abcde', more: 1 })
      expect(lost(it)).toEqual([])
    },
  )

  test('it is closed before the new leader has answered, and that one dies / the next page has the text, and no loss is reported', async () => {
    const it = await typed()
    it.second.hang()
    void it.follower.takeOver()
    await it.clock.advance(10)
    expect(it.leader.role).toBe('follower')
    void it.leader.close().catch(() => {})
    crash(it.second.engine)
    await it.clock.advance(1000)
    const next = await it.tab().engine.open(nudged)
    expect(next.state.get()).toMatchObject({ text: 'abc', more: 1 })
    expect(lost(it)).toEqual([])
  })

  test('it is left just after the new leader, which has left more / the longer exit journal is kept', async () => {
    const it = await typed()
    void it.follower.takeOver()
    await it.clock.advance(1000)
    it.follower.state.set('note', 'e')
    it.second.leave()
    it.first.leave()
    const next = await it.tab().engine.open(nudged)
    expect(next.state.get()).toMatchObject({ text: 'abc', note: 'e', more: 1 })
    expect(lost(it)).toEqual([])
  })

  test('it is left, and the new leader goes on and saves / the exit journal is empty, and no later page reports a loss', async () => {
    const it = await overtaken('left')
    it.disk.full = false
    await it.clock.advance(40_000)
    expect(it.follower.persistence.status).toBe('saved')
    expect([...it.box.keys()]).toEqual([])
    it.follower.state.append('text', 'e')
    await it.follower.flush()
    crash(it.second.engine)
    const next = await it.tab().engine.open(nudged)
    expect(next.state.get()).toMatchObject({ text: 'abcde', more: 1 })
    expect(lost(it)).toEqual([])
  })

  test('it is left, and its exit journal is found after everything was saved by others / no loss is reported', async () => {
    const it = await overtaken('left')
    const box = [...it.box]
    it.disk.full = false
    await it.clock.advance(40_000)
    crash(it.second.engine)
    const next = it.tab()
    const session = await next.engine.open(nudged)
    session.state.append('text', 'e')
    await session.flush()
    crash(next.engine)
    // As if no page had looked for it until now.
    for (const [key, value] of box) it.box.set(key, value)
    const last = await it.tab().engine.open(nudged)
    expect(last.state.get()).toMatchObject({ text: 'abcde', more: 1 })
    await last.flush()
    expect([...it.box.keys()]).toEqual([])
    expect(lost(it)).toEqual([])
  })
})
