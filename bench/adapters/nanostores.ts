import { useStore } from '@nanostores/react'
import { deepMap, getPath, listenKeys } from 'nanostores'
import type { Adapter, Cells, Fan, Leaf, Shape } from '../adapter.ts'
import { idOf, itemsState, listState, profileState } from '../items.ts'

/** `deepMap` wants a type with an index signature. */
type Items = { items: { count: number }[] }
type ListPath = `items[${number}].count`

/** `deepMap` with `listenKeys`: its own way to listen to one path. */
function fan(shape: Shape, count: number): Fan {
  const $state = deepMap(itemsState(shape, count) as unknown as Items)
  const paths = Array.from({ length: count }, (_, at) => {
    const id = idOf(shape, at)
    return (shape === 'list' ? `items[${id}].count` : `items.${id}.count`) as ListPath
  })
  const read = (at: number) => getPath($state.get(), paths[at]!)
  return {
    write: (at, value) => $state.setKey(paths[at]!, value),
    read,
    subscribe: (at, listener) => void listenKeys($state, [paths[at]!], () => listener(read(at))),
  }
}

function leaf(): Leaf {
  const $state = deepMap(profileState())
  return {
    get: () => $state.get().user.profile.age,
    set: (value) => $state.setKey('user.profile.age', value),
  }
}

function cells(count: number): Cells {
  const $state = deepMap(listState(count) as unknown as Items)
  return {
    useCell: (at) => useStore($state, { keys: [`items[${at}].count`] }).items[at]!.count,
    write: (at, value) => $state.setKey(`items[${at}].count`, value),
    writeAll: (value) => $state.set({ items: $state.get().items.map((it) => ({ ...it, count: value })) }),
  }
}

export const nanostores: Adapter = { fan, leaf, cells }
