import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createEngine, memoryStorage, ReadOnlyError, type EngineOptions } from 'dogear'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { asking, failure, thrown } from '../support/flows'
import { Page } from '../support/page'

const browser = (without: EngineOptions = { locks: null }) => {
  const clock = virtualClock()
  const storage = memoryStorage()
  const tabs = virtualTabs()
  let ids = 0
  const engine = (own: EngineOptions = {}) =>
    createEngine({ storage, clock, ids: () => `id-${++ids}`, ...tabs, ...without, ...own })
  const open = async (on = engine()) => {
    const opening = on.open(asking)
    await clock.advance(400)
    return opening
  }
  return { clock, engine, open }
}

describe('no Web Locks, as on a page served by plain http', () => {
  test('nobody else is there / it leads', async () => {
    const { open } = browser()
    const one = await open()
    one.state.set('text', 'a')
    await one.flush()
    expect([one.role, one.persistence.status]).toEqual(['leader', 'saved'])
  })

  test('a second tab / reads everything, takes no input, and says so', async () => {
    const { open, clock } = browser()
    const one = await open()
    const two = await open()
    expect(two.role).toBe('reader')
    expect(two.persistence).toMatchObject({ status: 'outdated', error: { code: 'READ_ONLY', id: one.id } })
    expect(two.error).toBeInstanceOf(ReadOnlyError)
    one.state.set('text', 'a')
    one.run().catch(() => {})
    await clock.advance(100)
    expect(two.state.get('text')).toBe('a')
    expect(two.status).toBe('waiting')
    expect(thrown(() => two.state.set('text', 'b'))).toMatchObject({ code: 'READ_ONLY' })
    expect(await failure(two.run())).toMatchObject({ code: 'READ_ONLY' })
    expect(await failure(two.asks[0]!.reply(1))).toMatchObject({ code: 'READ_ONLY' })
    expect(two.state.get('text')).toBe('a')
    await one.flush()
    expect(one.persistence.status).toBe('saved')
  })

  test('takeOver() / this tab leads with what the other had, and the other reads', async () => {
    const { open, clock } = browser()
    const one = await open()
    const two = await open()
    one.run().catch(() => {})
    one.state.set('text', 'a')
    await clock.advance(10)
    await two.takeOver()
    await clock.advance(100)
    expect([one.role, two.role]).toEqual(['reader', 'leader'])
    expect([two.state.get('text'), two.persistence.error]).toEqual(['a', undefined])
    expect(two.error).toBeUndefined()
    two.state.append('text', 'b')
    await clock.advance(100)
    expect(one.state.get('text')).toBe('ab')
    const result = two.run()
    expect(await two.asks[0]!.reply('done')).toBe(true)
    expect(await result).toBe('done')
    await clock.advance(0)
    expect(one.status).toBe('completed')
  })

  test('the first tab is killed / the second goes on reading until it takes over', async () => {
    const { open, engine, clock } = browser()
    const first = engine()
    const one = await open(first)
    one.state.set('text', 'a')
    await one.flush()
    const two = await open()
    crash(first)
    await clock.advance(10_000)
    expect([two.role, two.state.get('text')]).toEqual(['reader', 'a'])
    await two.takeOver()
    two.state.append('text', 'b')
    await two.flush()
    expect(two.role).toBe('leader')
  })
})

describe('neither locks nor a channel, as on a server', () => {
  test('fenced by a newer engine / takeOver() returns with what the newer one has stored', async () => {
    const { open, clock } = browser({ locks: null, channel: null })
    const older = await open()
    older.state.set('text', 'a')
    await older.flush()
    const newer = await open()
    newer.state.append('text', 'b')
    await newer.flush()
    older.state.set('text', 'too late')
    await failure(older.flush())
    expect([older.role, older.persistence.status]).toEqual(['reader', 'outdated'])
    await older.takeOver()
    expect([older.role, older.state.get('text'), older.persistence.status]).toEqual(['leader', 'ab', 'saved'])
    older.state.append('text', 'c')
    await older.flush()
    const result = older.run()
    await clock.advance(10)
    expect(await older.asks[0]!.reply('yes')).toBe(true)
    expect(await result).toBe('yes')
  })
})

test('locks that refuse every request, as in a sandbox / as without locks', async () => {
  const locks = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) }
  const { open } = browser({ locks })
  const one = await open()
  const two = await open()
  one.state.set('text', 'a')
  await one.flush()
  expect([one.role, one.persistence.status, two.role]).toEqual(['leader', 'saved', 'reader'])
  expect(two.error).toBeInstanceOf(ReadOnlyError)
})

test.each([
  ['nobody has led meanwhile / it leads again', false],
  ['another tab has opened meanwhile / that one leads, and this one reads', true],
])('without Web Locks, a page comes back from the back/forward cache and %s', async (_, opened) => {
  const page = new Page(new Map())
  const { open, engine, clock } = browser({ locks: null, page })
  const one = await open(engine())
  one.state.set('text', 'a')
  await one.flush()
  page.hide(true)
  const two = opened ? await open(engine({ page: null })) : undefined
  two?.state.append('text', 'b')
  await two?.flush()
  page.show(true)
  await clock.advance(1000)
  expect([one.role, one.state.get('text')]).toEqual(opened ? ['reader', 'ab'] : ['leader', 'a'])
  if (opened) return
  one.state.append('text', 'c')
  await one.flush()
  expect(one.persistence.status).toBe('saved')
})

test('a browser that refuses channels, as one where a site may store nothing / the session opens, and leads', async () => {
  onTestFinished(() => void vi.unstubAllGlobals())
  vi.stubGlobal('document', { visibilityState: 'visible' })
  vi.stubGlobal('window', new Page(new Map()))
  vi.stubGlobal('BroadcastChannel', function refused() {
    throw new DOMException('The operation is insecure.', 'SecurityError')
  })
  const engine = createEngine({ storage: { ...memoryStorage(), kind: 'own' }, clock: virtualClock() })
  const session = await engine.open(asking)
  session.state.set('text', 'a')
  await session.flush()
  expect([session.role, session.persistence.status]).toEqual(['leader', 'saved'])
})

test('a channel that cannot carry what is said, as a value that no message takes / it is reported, and the session goes on', async () => {
  const errors: unknown[] = []
  const wrong = new DOMException('it could not be cloned', 'DataCloneError')
  const refuse = (): never => {
    throw wrong
  }
  const channel = () => ({ onmessage: null, postMessage: refuse, close: () => {} })
  const tabs = { ...virtualTabs(), channel, onError: (error: unknown) => void errors.push(error) }
  const engine = createEngine({ storage: memoryStorage(), clock: virtualClock(), ...tabs })
  const session = await engine.open(asking)
  session.state.set('text', 'a')
  await session.flush()
  expect([session.role, session.persistence.status]).toEqual(['leader', 'saved'])
  await engine.delete('flow')
  expect(await engine.list()).toEqual([])
  expect(new Set(errors)).toEqual(new Set([wrong]))
})

test('a channel cannot be opened when a session is deleted / it is deleted, and that is reported', async () => {
  const storage = memoryStorage()
  const clock = virtualClock()
  const session = await createEngine({ storage, clock }).open(asking)
  session.state.set('text', 'a')
  await session.close()
  const errors: unknown[] = []
  const channel = (): never => {
    throw new Error('no channel')
  }
  const engine = createEngine({ storage, clock, channel, onError: (error) => void errors.push(error) })
  await engine.delete('flow')
  expect(await engine.list()).toEqual([])
  expect(errors).toMatchObject([{ message: 'no channel' }])
})

describe('a silent leader', () => {
  test('no answer for four seconds / `unsaved`, and the error says what to do; `saved` after an answer', async () => {
    const { engine, clock } = browser({})
    const tabs = virtualTabs()
    let deaf = false
    const channel = (name: string) => {
      const inner = tabs.channel(name)
      return {
        set onmessage(listener: (event: { readonly data: unknown }) => void) {
          inner.onmessage = (event) => deaf || listener(event)
        },
        postMessage: inner.postMessage,
        close: inner.close,
      }
    }
    const storage = memoryStorage()
    const deafEngine = createEngine({ clock, storage, ...tabs, channel })
    const one = await deafEngine.open(asking)
    const two = await createEngine({ clock, storage, ...tabs }).open(asking)
    deaf = true
    two.state.set('text', 'a')
    const flushing = failure(two.flush())
    await clock.advance(3999)
    expect(two.persistence.status).toBe('saving')
    await clock.advance(1)
    expect(two.persistence).toMatchObject({ status: 'unsaved', error: { code: 'LEADER_SILENT' } })
    expect(await flushing).toMatchObject({ code: 'LEADER_SILENT' })
    expect(two.state.get('text')).toBe('a')
    expect(await failure(two.flush())).toMatchObject({ code: 'LEADER_SILENT' })
    await two.takeOver()
    await two.flush()
    expect([two.role, two.persistence.status]).toEqual(['leader', 'saved'])
    deaf = false
    two.state.append('text', 'b')
    await clock.advance(1000)
    expect([one.role, one.state.get('text')]).toEqual(['follower', 'ab'])
    void engine
  })
})
