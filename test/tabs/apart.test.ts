import { afterEach, expect, test, vi } from 'vitest'
import { createEngine, memoryStorage, type SessionStorage } from 'dogear'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { unstorageStorage } from 'dogear/unstorage'
import { webStorage } from 'dogear/web-storage'
import { createStorage } from 'unstorage'
import { area } from '../storage/area'
import { asking } from '../support/flows'
import { Page } from '../support/page'

/** Engines of one browser, each on a storage of its own. */
function apart(...storages: readonly (() => SessionStorage)[]) {
  const [tabs, clock, box] = [virtualTabs(), virtualClock(), new Map<string, string>()]
  const engines = storages.map((make) =>
    createEngine({ storage: make(), clock, ...tabs, page: new Page(box) }),
  )
  return { clock, box, engines }
}

const named = (name: string) => (): SessionStorage => ({ ...memoryStorage(), name })

afterEach(() => vi.unstubAllGlobals())

test.each<[string, string, string, readonly [() => SessionStorage, () => SessionStorage]]>([
  [
    'localStorage under two names',
    'cart',
    'cart',
    [() => webStorage(area(), 'ann'), () => webStorage(area(), 'bob')],
  ],
  [
    'a key-value store under two bases',
    'cart',
    'cart',
    [() => unstorageStorage(createStorage(), 'ann'), () => unstorageStorage(createStorage(), 'bob')],
  ],
  ['names and ids that join to the same text', 'ann:cart', 'cart', [named('app'), named('app:ann')]],
  ['a name that looks escaped', 'cart', 'cart', [named('app:ann'), named('app%3Aann')]],
])("two storages: %s / both tabs lead, and neither shows the other's data", async (_, one, two, storages) => {
  const { engines, clock } = apart(...storages)
  const first = await engines[0]!.open(asking, { id: one })
  first.state.set('secret', 1)
  const opening = engines[1]!.open(asking, { id: two })
  await clock.advance(2000)
  const second = await opening
  expect([first.role, second.role, second.state.get()]).toEqual(['leader', 'leader', {}])
})

test('two tabs, each with its own sessionStorage / each has its own session, also after a reload', async () => {
  const [one, two] = [area(), area()]
  const inTab = (own: typeof one) => () => {
    vi.stubGlobal('sessionStorage', own)
    const storage = webStorage(() => sessionStorage)
    return { ...storage }
  }
  const { engines, clock, box } = apart(inTab(one), inTab(two), inTab(one))
  vi.stubGlobal('sessionStorage', one)
  const first = await engines[0]!.open(asking)
  first.state.set('text', 'of the first')
  await first.flush()
  vi.stubGlobal('sessionStorage', two)
  const opening = engines[1]!.open(asking)
  await clock.advance(2000)
  const second = await opening
  expect([second.role, second.state.get()]).toEqual(['leader', {}])
  await second.close()
  vi.stubGlobal('sessionStorage', one)
  await first.close()
  const again = await engines[2]!.open(asking)
  expect([again.role, again.state.get(), box.size]).toEqual(['leader', { text: 'of the first' }, 0])
})

test('clear() on one storage / the exit journal of another storage whose name starts the same stays', async () => {
  const { engines, box } = apart(named('app'), named('app:ann'))
  box.set('dogear:memory:app%3Aann:cart', 'of the other')
  box.set('dogear:memory:app:cart', 'own')
  await engines[0]!.clear()
  expect([...box.values()]).toEqual(['of the other'])
})
