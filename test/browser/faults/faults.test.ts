import { cdp } from 'vitest/browser'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  createEngine,
  defineWorkflow,
  indexedDBStorage,
  type Engine,
  type LoadError,
  type Persistence,
  type Session,
} from 'dogear'
import {
  block,
  contents,
  damage,
  disconnect,
  empty,
  occupy,
  remove,
  replace,
} from '../../../stories/faults/database'
import { Done, flow, Go, Question } from '../../support/flows'

/** The promise: whatever happens to the storage, within this time the page says so. */
const PROMISE = 5000

const effects: string[] = []
const asking = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    const { data } = await ctx.ask(Question(1))
    await ctx.once('effect', () => effects.push(String(data)))
    await ctx.state.set('answered', data)
    return Done(data)
  },
)

let name = ''
let errors: { readonly code?: string }[] = []
let unhandled: unknown[] = []
let engines: Engine[] = []

/** A page: its own connection, the browser's own locks and channels. */
function page(timeout = 1000): Engine {
  const engine = createEngine({
    storage: indexedDBStorage(name),
    timeout,
    onError: (error) => errors.push(error as { code?: string }),
  })
  engines.push(engine)
  return engine
}

/** A page that is gone and a new one: what was stored is all there is. */
async function reopened(): Promise<Session<typeof asking>> {
  await Promise.all(engines.map((it) => it.close()))
  return page().open(asking)
}

async function says(session: Session<typeof asking>, ...statuses: Persistence['status'][]): Promise<void> {
  await vi.waitFor(() => expect(statuses).toContain(session.persistence.status), { timeout: PROMISE })
}

/** The app goes on, whatever the storage does. */
async function goesOn(session: Session<typeof asking>): Promise<void> {
  session.state.set('typed', 'on')
  expect(session.state.get('typed')).toBe('on')
  const result = session.run()
  await expect.poll(() => session.asks).toHaveLength(1)
  expect(await session.asks[0]?.reply('yes')).toBe(true)
  expect(await result).toBe('yes')
  expect(effects).toEqual(['yes'])
  expect(session.state.get()).toMatchObject({ typed: 'on', answered: 'yes' })
}

/** Changes the newest value of a kind. Answers with what puts it back. */
async function spoil(kind: string, change: (value: never) => unknown): Promise<() => Promise<void>> {
  const key = Object.keys(await contents(name)).findLast((it) => it.startsWith(`["${kind}"`))
  if (key === undefined) throw new Error(`nothing of kind ${kind} is stored`)
  return replace(name, JSON.parse(key) as string[], change)
}

async function stored(): Promise<Session<typeof asking>> {
  const session = await page().open(asking)
  session.state.set('old', 1)
  await session.flush()
  return session
}

beforeEach(() => {
  name = `faults-${crypto.randomUUID()}`
  ;[errors, unhandled, engines] = [[], [], []]
  effects.length = 0
  const hear = (event: PromiseRejectionEvent | ErrorEvent): void => {
    unhandled.push('reason' in event ? event.reason : event.error)
    event.preventDefault()
  }
  addEventListener('unhandledrejection', hear)
  addEventListener('error', hear)
  onTestFinished(() => {
    removeEventListener('unhandledrejection', hear)
    removeEventListener('error', hear)
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  // A page that is blocked cannot be closed: it has nothing to lose any more.
  await Promise.race([
    Promise.all(engines.map((it) => it.close())),
    new Promise((resolve) => setTimeout(resolve, 3000)),
  ])
  for (const suffix of ['', '-2', '-3']) await remove(name + suffix)
  if (unhandled.length > 0) throw new Error('nobody has handled these', { cause: unhandled })
})

describe('the database cannot be opened', () => {
  test('opening hangs / degraded, the app goes on in memory; once it opens, everything is stored', async () => {
    const letGo = await block(name)
    const session = await page().open(asking)
    await says(session, 'degraded')
    expect(session.persistence.error).toMatchObject({ code: 'TIMEOUT' })
    await goesOn(session)
    letGo()
    await says(session, 'saved')
    expect((await reopened()).state.get()).toMatchObject({ typed: 'on', answered: 'yes' })
  })

  test('all its names belong to somebody else / memory-only, and those databases are untouched', async () => {
    await Promise.all([name, `${name}-2`, `${name}-3`].map(occupy))
    const session = await page().open(asking)
    await says(session, 'memory-only')
    await goesOn(session)
    for (const suffix of ['', '-2', '-3']) {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name + suffix)
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error ?? new Error('refused'))
      })
      expect([...db.objectStoreNames]).toEqual(['somebody else'])
      db.close()
    }
  })

  test.each(['SecurityError', 'UnknownError', 'QuotaExceededError', 'AbortError'])(
    'every open fails with %s / memory-only, and the app goes on',
    async (kind) => {
      vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
        throw new DOMException('The browser refuses.', kind)
      })
      const session = await page().open(asking)
      await says(session, 'memory-only')
      expect(session.persistence.error).toMatchObject({ code: 'STORAGE' })
      await goesOn(session)
    },
  )
})

describe('the connection', () => {
  test('closed by the browser without an event / opened again, and all is saved', async () => {
    const session = await stored()
    disconnect(name)
    session.state.set('new', 2)
    await session.flush()
    await says(session, 'saved')
    expect(errors).toEqual([])
    expect((await reopened()).state.get()).toEqual({ old: 1, new: 2 })
  })

  test('somebody opens the database with a newer version / the connection gives way, and all is saved', async () => {
    const session = await stored()
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(name, 9)
      request.onsuccess = () => resolve(request.result.close())
      request.onblocked = () => reject(new Error('blocked'))
    })
    session.state.set('new', 2)
    await session.flush()
    await says(session, 'saved')
    expect(errors).toEqual([])
    expect((await reopened()).state.get()).toEqual({ old: 1, new: 2 })
  })

  test('the IndexedDB server is lost, so every call fails / unsaved, the app goes on, no storm of tries; later all is saved', async () => {
    const session = await stored()
    const lost = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(() => {
      throw new DOMException(
        'Connection to Indexed Database server lost. Refresh the page to try again.',
        'UnknownError',
      )
    })
    await goesOn(session)
    await says(session, 'unsaved')
    expect(session.persistence.error).toMatchObject({ code: 'STORAGE' })
    expect(errors).toHaveLength(1)
    expect(lost.mock.calls.length).toBeLessThan(20)
    lost.mockRestore()
    await says(session, 'saved')
    expect((await reopened()).state.get()).toMatchObject({ old: 1, answered: 'yes' })
  })
})

describe('storage is emptied under the page', () => {
  const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['another tab deletes the database', () => remove(name)],
    [
      'the user clears the site’s data',
      () =>
        (cdp() as unknown as { send(method: string, params: object): Promise<unknown> }).send(
          'Storage.clearDataForOrigin',
          { origin: location.origin, storageTypes: 'indexeddb' },
        ),
    ],
  ]

  const unheard = ['everything in it is removed', () => empty(name)] as const

  test.each([...ways, unheard])(
    '%s, and something is typed / everything is stored again, and onError hears of it once',
    async (_, empty) => {
      const session = await stored()
      await empty()
      await goesOn(session)
      await session.flush()
      await says(session, 'saved')
      expect(errors).toMatchObject([{ code: 'STORAGE' }])
      expect((await reopened()).state.get()).toEqual({ old: 1, typed: 'on', answered: 'yes' })
      expect(effects).toEqual(['yes'])
    },
  )

  test.each(ways)('%s, and nothing is typed / everything is stored again', async (_, empty) => {
    const session = await stored()
    await empty()
    await vi.waitFor(() => expect(errors).toHaveLength(1), { timeout: PROMISE })
    await says(session, 'saved')
    expect((await reopened()).state.get()).toEqual({ old: 1 })
  })

  test('with two pages / the leader stores it again, and the other still follows', async () => {
    const one = await stored()
    const two = await page().open(asking)
    expect([one.role, two.role]).toEqual(['leader', 'follower'])
    await remove(name)
    two.state.set('from two', 2)
    await two.flush()
    expect([one.role, two.role]).toEqual(['leader', 'follower'])
    expect((await reopened()).state.get()).toEqual({ old: 1, 'from two': 2 })
  })
})

describe('a write fails', () => {
  /** Whatever is put aborts its transaction. */
  const refusing = (refuse: (tx: IDBTransaction) => void): void => {
    const put = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...call: Parameters<IDBObjectStore['put']>
    ) {
      const request = put.apply(this, call)
      refuse(this.transaction)
      return request
    })
  }

  test.each<[string, (tx: IDBTransaction) => void]>([
    ['an abort without a reason', (tx) => tx.abort()],
    [
      'a QuotaExceededError',
      () => {
        throw new DOMException('The disk is full.', 'QuotaExceededError')
      },
    ],
    [
      'a DataError',
      () => {
        throw new DOMException('The disk is full.', 'DataError')
      },
    ],
  ])('with %s / unsaved, reported once, the app goes on; saved when writes work again', async (_, refuse) => {
    const session = await stored()
    const before = await contents(name)
    refusing(refuse)
    await goesOn(session)
    await says(session, 'unsaved')
    expect(errors).toMatchObject([{ code: 'STORAGE' }])
    expect(await contents(name)).toEqual(before)
    vi.restoreAllMocks()
    await says(session, 'saved')
    expect((await reopened()).state.get()).toEqual({ old: 1, typed: 'on', answered: 'yes' })
    expect(effects).toEqual(['yes'])
  })

  test('and never ends / unsaved within the time limit, the app goes on', async () => {
    const session = await stored()
    const holder = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name)
      request.onsuccess = () => resolve(request.result)
    })
    const tx = holder.transaction('sessions', 'readwrite')
    let held = true
    const hold = (): void => {
      if (held) tx.objectStore('sessions').get('nothing').onsuccess = hold
    }
    hold()
    session.state.set('typed', 'on')
    expect(session.state.get('typed')).toBe('on')
    await says(session, 'unsaved')
    expect(session.persistence.error).toMatchObject({ code: 'TIMEOUT' })
    held = false
    await says(session, 'saved')
    holder.close()
    expect((await reopened()).state.get()).toEqual({ old: 1, typed: 'on' })
  })
})

describe('stored data cannot be used', () => {
  test.each<[string, string, (value: never) => unknown]>([
    ['damaged head', 'UNREADABLE_RECORD', () => 'garbage'],
    ['head of another workflow', 'WRONG_WORKFLOW', (head: object) => ({ ...head, workflow: 'news' })],
    ['head of a newer layout', 'NEWER_FORMAT', (head: object) => ({ ...head, format: 99 })],
    ['head of newer code', 'NEWER_VERSION', (head: object) => ({ ...head, version: 99 })],
    ['head that counts too far', 'UNREADABLE_RECORD', (head: { seq: number }) => ({ ...head, seq: 99 })],
  ])('%s / %s: error, no byte changes until reset(), which starts over', async (_, code, change) => {
    await (await stored()).close()
    await spoil('h', change)
    const before = await contents(name)
    const session = page().session(asking)
    await says(session, code.startsWith('NEWER') ? 'outdated' : 'error')
    expect(session.status).toBe('error')
    const error = session.persistence.error as LoadError
    expect(error).toMatchObject({ code })
    const after = await contents(name)
    expect(after).toMatchObject(before)
    expect(Object.keys(after).filter((it) => !(it in before))).toHaveLength(code.startsWith('NEWER') ? 0 : 1)
    await error.reset()
    await says(session, 'saved')
    await goesOn(session)
  })

  test.each<[string, (batch: unknown[]) => unknown]>([
    ['a batch cut off', (batch) => batch.with(4, '[{"seq":')],
    ['a batch with changed text', (batch) => batch.with(4, String(batch[4]).replace('old', 'odd'))],
    ['a batch that is a number', () => 42],
  ])('%s / error; repaired by hand, then retry() / the session is there', async (_, change) => {
    await (await stored()).close()
    const mend = await spoil('j', change)
    const session = page().session(asking)
    await says(session, 'error')
    const error = session.persistence.error as LoadError
    expect(error).toMatchObject({ code: 'UNREADABLE_RECORD' })
    await mend()
    await error.retry()
    expect(session.state.get()).toEqual({ old: 1 })
    await goesOn(session)
  })

  test('changed while the page is open / the page goes on; the next page refuses it', async () => {
    const session = await stored()
    await damage(name, session.id)
    session.state.set('new', 2)
    expect(session.state.get('new')).toBe(2)
    await says(session, 'outdated', 'unsaved')
    const next = await reopened().catch((error: unknown) => error as { code: string })
    expect(next).toMatchObject({ code: 'UNREADABLE_RECORD' })
  })
})
