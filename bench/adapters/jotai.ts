import { get as readKey, set as writeKey } from 'idb-keyval'
import { Provider, atom, createStore, useAtomValue } from 'jotai'
import { atomFamily, atomWithStorage, selectAtom } from 'jotai/utils'
import { createElement } from 'react'
import type { Adapter, Cells, Entry, Fan, Keeper, Leaf, Shape } from '../adapter.ts'
import { countAt, countPath, idOf, itemsState, profileState, withAge, withCount } from '../items.ts'

/** One atom for each path: jotai at its best, for a state that is cut up in advance. */
function familyFan(shape: Shape, count: number): Fan {
  const store = createStore()
  const family = atomFamily((_path: string) => atom(0))
  const paths = Array.from({ length: count }, (_, at) => countPath(shape, at))
  return {
    write: (at, value) => store.set(family(paths[at]!), value),
    read: (at) => store.get(family(paths[at]!)),
    subscribe(at, listener) {
      const own = family(paths[at]!)
      store.sub(own, () => listener(store.get(own)))
    },
  }
}

/** One atom holds the state, derived atoms look into it, as `focusAtom` and `selectAtom` do. */
function focusFan(shape: Shape, count: number): Fan {
  const store = createStore()
  const root = atom(itemsState(shape, count))
  const keys = Array.from({ length: count }, (_, at) => idOf(shape, at))
  return {
    write: (at, value) => store.set(root, (state) => withCount(state, keys[at]!, value)),
    read: (at) => countAt(store.get(root), keys[at]!),
    subscribe(at, listener) {
      const focused = selectAtom(root, (state) => countAt(state, keys[at]!))
      store.sub(focused, () => listener(store.get(focused)))
    },
  }
}

function leaf(): Leaf {
  const store = createStore()
  const root = atom(profileState())
  return {
    get: () => store.get(root).user.profile.age,
    set: (value) => store.set(root, (state) => withAge(state, value)),
  }
}

function cells(count: number): Cells {
  const store = createStore()
  const family = atomFamily((_at: number) => atom(0))
  const all = atom(null, (_get, set, value: number) => {
    for (let at = 0; at < count; at++) set(family(at), value)
  })
  return {
    useCell: (at) => useAtomValue(family(at)),
    wrap: (tree) => createElement(Provider, { store }, tree),
    write: (at, value) => store.set(family(at), value),
    writeAll: (value) => store.set(all, value),
  }
}

const storage = {
  getItem: async (key: string, initial: Entry[]) => (await readKey<Entry[]>(key)) ?? initial,
  setItem: (key: string, value: Entry[]) => writeKey(key, value),
  removeItem: async () => {},
}

/** `atomWithStorage` over idb-keyval, the whole list in one atom. */
async function keeper(entries: Entry[]): Promise<Keeper> {
  const name = 'jotai'
  const store = createStore()
  const list = atomWithStorage<Entry[]>(name, [], storage)
  store.sub(list, () => {})
  await store.set(list, entries)
  return {
    change: (at, note) =>
      void store.set(list, (before) => {
        const change = (all: Entry[]) => all.with(at, { ...all[at]!, note })
        return before instanceof Promise ? before.then(change) : change(before)
      }),
    stored: async (at) => (await readKey<Entry[]>(name))?.[at]?.note,
  }
}

export const jotaiFamily: Adapter = { fan: familyFan, leaf, cells, keeper }
export const jotaiFocus: Adapter = { fan: focusFan }
