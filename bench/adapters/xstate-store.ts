import { createStore } from '@xstate/store'
import { createJSONStorage, persist, rehydrateStore } from '@xstate/store/persist'
import { validateSchemas } from '@xstate/store/validate'
import { get as readKey, set as writeKey } from 'idb-keyval'
import { useRef, useSyncExternalStore } from 'react'
import type { Adapter, Cells, Entry, Fan, Keeper, Leaf, Shape } from '../adapter.ts'
import {
  countAt,
  idOf,
  itemsState,
  listState,
  profileState,
  withAge,
  withAllCounts,
  withCount,
} from '../items.ts'
import { profileSchema } from '../schema.ts'

function fan(shape: Shape, count: number): Fan {
  const store = createStore({
    context: itemsState(shape, count),
    on: { wrote: (state, event: { key: string; value: number }) => withCount(state, event.key, event.value) },
  })
  const keys = Array.from({ length: count }, (_, at) => idOf(shape, at))
  return {
    write: (at, value) => store.send({ type: 'wrote', key: keys[at]!, value }),
    read: (at) => countAt(store.getSnapshot().context, keys[at]!),
    subscribe: (at, listener) => void store.select((state) => countAt(state, keys[at]!)).subscribe(listener),
  }
}

function leaf(): Leaf {
  const store = createStore({
    context: profileState(),
    on: { aged: (state, event: { age: number }) => withAge(state, event.age) },
  })
  return {
    get: () => store.getSnapshot().context.user.profile.age,
    set: (age) => store.send({ type: 'aged', age }),
  }
}

/** Its own validation checks the whole context on every event. */
function checkedLeaf(): Leaf {
  const store = createStore({
    schemas: { context: profileSchema },
    context: profileState(),
    on: { aged: (state, event: { age: number }) => withAge(state, event.age) },
  }).with(validateSchemas({ events: false, emitted: false }))
  return {
    get: () => store.getSnapshot().context.user.profile.age,
    set: (age) => store.send({ type: 'aged', age }),
  }
}

function cells(count: number): Cells {
  const store = createStore({
    context: listState(count),
    on: {
      wrote: (state, event: { at: number; value: number }) => withCount(state, String(event.at), event.value),
      wroteAll: (state, event: { value: number }) => withAllCounts(state, event.value),
    },
  })
  const subscribe = (listener: () => void) => {
    const subscription = store.subscribe(listener)
    return () => subscription.unsubscribe()
  }
  return {
    // What `useSelector` of @xstate/store-react does: the selected value under useSyncExternalStore.
    useCell(at) {
      const get = useRef(() => store.getSnapshot().context.items[at]!.count)
      return useSyncExternalStore(subscribe, get.current)
    },
    write: (at, value) => store.send({ type: 'wrote', at, value }),
    writeAll: (value) => store.send({ type: 'wroteAll', value }),
  }
}

async function keeper(entries: Entry[]): Promise<Keeper> {
  const name = 'xstate-store'
  const store = createStore({
    context: { entries },
    on: {
      noted: (state, event: { at: number; note: string }) => ({
        entries: state.entries.with(event.at, { ...state.entries[event.at]!, note: event.note }),
      }),
    },
  }).with(
    persist({
      name,
      skipHydration: true,
      storage: createJSONStorage(() => ({
        getItem: async (key) => (await readKey<string>(key)) ?? null,
        setItem: (key, value) => writeKey(key, value),
        removeItem: () => {},
      })),
    }),
  )
  await rehydrateStore(store)
  store.send({ type: 'noted', at: 0, note: entries[0]!.note })
  return {
    change: (at, note) => store.send({ type: 'noted', at, note }),
    async stored(at) {
      const text = await readKey<string>(name)
      return (JSON.parse(text!) as { context: { entries: Entry[] } }).context.entries[at]?.note
    },
  }
}

export const xstateStore: Adapter = { fan, leaf, checkedLeaf, cells, keeper }
