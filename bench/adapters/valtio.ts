import { proxy, useSnapshot } from 'valtio'
import { subscribeKey } from 'valtio/utils'
import type { Adapter, Cells, Fan, Leaf, Shape } from '../adapter.ts'
import { idOf, itemsState, listState, profileState } from '../items.ts'

type Counted = { count: number }

function fan(shape: Shape, count: number): Fan {
  const state = proxy(itemsState(shape, count))
  const items = state.items as unknown as Record<string, Counted>
  const keys = Array.from({ length: count }, (_, at) => idOf(shape, at))
  return {
    write(at, value) {
      items[keys[at]!]!.count = value
    },
    read: (at) => items[keys[at]!]!.count,
    subscribe: (at, listener) => void subscribeKey(items[keys[at]!]!, 'count', listener, true),
  }
}

function leaf(): Leaf {
  const state = proxy(profileState())
  return {
    get: () => state.user.profile.age,
    set(value) {
      state.user.profile.age = value
    },
  }
}

function cells(count: number): Cells {
  const items = proxy(listState(count)).items as unknown as Counted[]
  return {
    useCell: (at) => useSnapshot(items[at]!, { sync: true }).count,
    write(at, value) {
      items[at]!.count = value
    },
    writeAll(value) {
      for (const item of items) item.count = value
    },
  }
}

export const valtio: Adapter = { fan, leaf, cells }
