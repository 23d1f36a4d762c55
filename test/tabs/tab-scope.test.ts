import { expect, test } from 'vitest'
import { virtualTabs } from 'dogear/testing'
import { TabScope, type TabPage } from '../../src/engine/tab-scope'

/** One browser; a tab is its `sessionStorage`, which its pages share one after another. */
const browser = () => {
  const { locks } = virtualTabs()
  return { locks, tab: (copy: Map<string, string> = new Map()) => new Map(copy) }
}

class Window extends EventTarget implements TabPage {
  readonly #shelf: Map<string, string> | undefined
  constructor(shelf: Map<string, string> | undefined) {
    super()
    this.#shelf = shelf
  }
  get sessionStorage() {
    const shelf = this.#shelf
    if (!shelf) throw new DOMException('no', 'SecurityError')
    return {
      getItem: (key: string) => shelf.get(key) ?? null,
      setItem: (key: string, value: string) => void shelf.set(key, value),
    }
  }
}

const enter = async (
  shelf: Map<string, string> | undefined,
  locks?: ReturnType<typeof virtualTabs>['locks'],
) => {
  const page = new Window(shelf)
  const scope = new TabScope(page, locks)
  const name = await new Promise<string>((resolve) => scope.subscribe(() => resolve(scope.name as string)))
  return { name, page, leave: () => page.dispatchEvent(new Event('pagehide')) }
}

test('a reload / the same name', async () => {
  const { locks, tab } = browser()
  const shelf = tab()
  const one = await enter(shelf, locks)
  one.leave()
  expect((await enter(shelf, locks)).name).toBe(one.name)
})

test('another tab / another name', async () => {
  const { locks, tab } = browser()
  expect((await enter(tab(), locks)).name).not.toBe((await enter(tab(), locks)).name)
})

test('a duplicated tab / another name, which it keeps; the first keeps its own', async () => {
  const { locks, tab } = browser()
  const shelf = tab()
  const one = await enter(shelf, locks)
  const copy = tab(shelf)
  const two = await enter(copy, locks)
  expect(two.name).not.toBe(one.name)
  two.leave()
  expect((await enter(copy, locks)).name).toBe(two.name)
  one.leave()
  expect((await enter(shelf, locks)).name).toBe(one.name)
})

test('duplicated after a reload / the duplicate has another name', async () => {
  const { locks, tab } = browser()
  const shelf = tab()
  ;(await enter(shelf, locks)).leave()
  const again = await enter(shelf, locks)
  await new Promise((resolve) => setImmediate(resolve))
  expect((await enter(tab(shelf), locks)).name).not.toBe(again.name)
})

test("a crash / the tab's next page has the same name: nobody holds its lock", async () => {
  const { tab } = browser()
  const shelf = tab()
  const one = await enter(shelf, virtualTabs().locks)
  expect((await enter(shelf, virtualTabs().locks)).name).toBe(one.name)
})

test('back from the cache, then duplicated / the duplicate has another name', async () => {
  const { locks, tab } = browser()
  const shelf = tab()
  const one = await enter(shelf, locks)
  one.leave()
  one.page.dispatchEvent(new Event('pageshow'))
  expect((await enter(tab(shelf), locks)).name).not.toBe(one.name)
})

test('no locks / a reload keeps the name, a duplicate has another', async () => {
  const { tab } = browser()
  const shelf = tab()
  const one = await enter(shelf)
  expect((await enter(tab(shelf))).name).not.toBe(one.name)
  one.leave()
  expect((await enter(shelf)).name).toBe(one.name)
})

test('storage is forbidden / each page has a name of its own', async () => {
  const { locks } = browser()
  const one = await enter(undefined, locks)
  one.leave()
  expect((await enter(undefined, locks)).name).not.toBe(one.name)
})
