import { configureStore, createSlice } from '@reduxjs/toolkit'
import type { PayloadAction } from '@reduxjs/toolkit'
import { createElement } from 'react'
import { Provider, useSelector } from 'react-redux'
import type { Adapter, Cells, Fan, Leaf, Shape } from '../adapter.ts'
import { countAt, idOf, itemsState, profileState } from '../items.ts'
import type { Item, ItemsState } from '../items.ts'

function itemsStore(shape: Shape, count: number) {
  const slice = createSlice({
    name: 'items',
    initialState: itemsState(shape, count),
    reducers: {
      wrote(state, { payload }: PayloadAction<{ key: string; value: number }>) {
        const items = state.items as Record<string, { count: number }>
        items[payload.key]!.count = payload.value
      },
      wroteAll(state, { payload }: PayloadAction<number>) {
        for (const item of state.items as { count: number }[]) item.count = payload
      },
    },
  })
  const store = configureStore({ reducer: slice.reducer })
  return { store, ...slice.actions }
}

function fan(shape: Shape, count: number): Fan {
  const { store, wrote } = itemsStore(shape, count)
  const keys = Array.from({ length: count }, (_, at) => idOf(shape, at))
  return {
    write: (at, value) => void store.dispatch(wrote({ key: keys[at]!, value })),
    read: (at) => countAt(store.getState(), keys[at]!),
    // A store subscriber with a selector and a comparison, as useSelector is.
    subscribe(at, listener) {
      let before = countAt(store.getState(), keys[at]!)
      store.subscribe(() => {
        const now = countAt(store.getState(), keys[at]!)
        if (now !== before) listener((before = now))
      })
    },
  }
}

function leaf(): Leaf {
  const slice = createSlice({
    name: 'profile',
    initialState: profileState(),
    reducers: {
      aged(state, { payload }: PayloadAction<number>) {
        state.user.profile.age = payload
      },
    },
  })
  const store = configureStore({ reducer: slice.reducer })
  return {
    get: () => store.getState().user.profile.age,
    set: (value) => void store.dispatch(slice.actions.aged(value)),
  }
}

function cells(count: number): Cells {
  const { store, wrote, wroteAll } = itemsStore('list', count)
  return {
    useCell: (at) => useSelector((state: ItemsState) => (state.items as readonly Item[])[at]!.count),
    wrap: (tree) => createElement(Provider, { store, children: tree }),
    write: (at, value) => void store.dispatch(wrote({ key: String(at), value })),
    writeAll: (value) => void store.dispatch(wroteAll(value)),
  }
}

export const redux: Adapter = { fan, leaf, cells }
