import type { Adapter, Fan, Leaf, Shape } from '../adapter.ts'
import { countPath, itemsState, profileState } from '../items.ts'
import { profileSchema } from '../schema.ts'
import { createStore } from '../../src/state/create-store.ts'

function fan(shape: Shape, count: number): Fan {
  const store = createStore({ initial: itemsState(shape, count) })
  const paths = Array.from({ length: count }, (_, at) => countPath(shape, at))
  const read = (at: number) => store.get(paths[at]!) as number
  return {
    write: (at, value) => store.set(paths[at]!, value),
    read,
    subscribe: (at, listener) => void store.subscribe(paths[at]!, () => listener(read(at))),
  }
}

function leaf(): Leaf {
  const store = createStore({ initial: profileState() })
  return {
    get: () => store.get('user.profile.age') as number,
    set: (value) => store.set('user.profile.age', value),
  }
}

function checkedLeaf(): Leaf {
  const store = createStore({ schema: profileSchema, initial: profileState() })
  return {
    get: () => store.get('user.profile.age'),
    set: (value) => store.set('user.profile.age', value),
  }
}

/** The bare store: subscribed paths, structural sharing, checks; nothing is recorded. */
export const dogearStore: Adapter = { fan, leaf, checkedLeaf }
