import { get as readKey, set as writeKey } from 'idb-keyval'
import { useStore } from 'zustand'
import { createJSONStorage, persist, subscribeWithSelector } from 'zustand/middleware'
import { createStore } from 'zustand/vanilla'
import type { Adapter, Cells, Chat, Entry, Fan, Keeper, Leaf, Return, Shape, Talk } from '../adapter.ts'
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
import type { ItemsState, ListState, ProfileState } from '../items.ts'
import { profileSchema } from '../schema.ts'

function fan(shape: Shape, count: number): Fan {
  const store = createStore<ItemsState>()(subscribeWithSelector(() => itemsState(shape, count)))
  const keys = Array.from({ length: count }, (_, at) => idOf(shape, at))
  return {
    write: (at, value) => store.setState((state) => withCount(state, keys[at]!, value)),
    read: (at) => countAt(store.getState(), keys[at]!),
    subscribe: (at, listener) => void store.subscribe((state) => countAt(state, keys[at]!), listener),
  }
}

function leaf(check?: (state: ProfileState) => ProfileState): Leaf {
  const store = createStore<ProfileState>()(() => profileState())
  return {
    get: () => store.getState().user.profile.age,
    set: (value) => store.setState((state) => (check ? check(withAge(state, value)) : withAge(state, value))),
  }
}

function cells(count: number): Cells {
  const store = createStore<ListState>()(() => listState(count))
  return {
    useCell: (at) => useStore(store, (state) => state.items[at]!.count),
    write: (at, value) => store.setState((state) => withCount(state, String(at), value)),
    writeAll: (value) => store.setState((state) => withAllCounts(state, value)),
  }
}

/** The storage of zustand's own documentation: `persist` over idb-keyval. */
function persisted<T extends object>(name: string, initial: T) {
  return createStore<T>()(
    persist(() => initial, {
      name,
      storage: createJSONStorage(() => ({
        getItem: async (key) => (await readKey<string>(key)) ?? null,
        setItem: (key, value) => writeKey(key, value),
        removeItem: () => {},
      })),
    }),
  )
}

async function inStorage<T>(name: string): Promise<T> {
  return (JSON.parse((await readKey<string>(name))!) as { state: T }).state
}

const stored = { entries: [] as Entry[] }

async function keeper(entries: Entry[]): Promise<Keeper> {
  const store = persisted('zustand', stored)
  await store.persist.rehydrate()
  store.setState({ entries })
  return {
    change: (at, note) =>
      store.setState((state) => ({ entries: state.entries.with(at, { ...state.entries[at]!, note }) })),
    stored: async (at) => (await inStorage<typeof stored>('zustand')).entries[at]?.note,
  }
}

/** The store hydrates by itself; until then the component has nothing to show. */
function comeBack(): Return {
  const store = persisted('zustand', stored)
  return { Note: ({ at }) => useStore(store, (state) => state.entries[at]?.note) ?? null }
}

interface Messages {
  readonly messages: string[]
}

const longer =
  (last: number, text: string) =>
  ({ messages }: Messages): Messages => ({ messages: messages.with(last, messages[last] + text) })

/** The same store without `persist`. */
function talk(messages: string[]): Talk {
  const store = createStore<Messages>()(() => ({ messages }))
  const last = messages.length - 1
  return {
    token: (text) => store.setState(longer(last, text)),
    text: () => store.getState().messages[last],
  }
}

async function chat(messages: string[]): Promise<Chat> {
  const store = persisted('chat', { messages: [] as string[] })
  await store.persist.rehydrate()
  store.setState({ messages })
  const last = messages.length - 1
  return {
    token: (text) => store.setState(longer(last, text)),
    stored: async () => (await inStorage<{ messages: string[] }>('chat')).messages[last],
  }
}

export const zustand: Adapter = {
  fan,
  leaf: () => leaf(),
  checkedLeaf: () => leaf((state) => profileSchema.parse(state)),
  cells,
  keeper,
  comeBack,
  chat,
  talk,
}
