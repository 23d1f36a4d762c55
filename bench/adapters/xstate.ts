import { get as readKey, set as writeKey } from 'idb-keyval'
import { useRef, useSyncExternalStore } from 'react'
import { assign, createActor, enqueueActions, fromPromise, setup, toPromise } from 'xstate'
import type { Adapter, Cells, Chain, Crowd, Entry, Fan, Keeper, Leaf, Shape } from '../adapter.ts'
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

function itemsActor(initial: ItemsState) {
  const machine = setup({
    types: {
      context: {} as { state: ItemsState },
      events: {} as { type: 'wrote'; key: string; value: number } | { type: 'wroteAll'; value: number },
    },
  }).createMachine({
    context: { state: initial },
    on: {
      wrote: {
        actions: assign({ state: ({ context, event }) => withCount(context.state, event.key, event.value) }),
      },
      wroteAll: {
        actions: assign({
          state: ({ context, event }) => withAllCounts(context.state as ListState, event.value),
        }),
      },
    },
  })
  return createActor(machine).start()
}

function fan(shape: Shape, count: number): Fan {
  const actor = itemsActor(itemsState(shape, count))
  const keys = Array.from({ length: count }, (_, at) => idOf(shape, at))
  return {
    write: (at, value) => actor.send({ type: 'wrote', key: keys[at]!, value }),
    read: (at) => countAt(actor.getSnapshot().context.state, keys[at]!),
    subscribe: (at, listener) =>
      void actor.select((snapshot) => countAt(snapshot.context.state, keys[at]!)).subscribe(listener),
  }
}

function leaf(): Leaf {
  const machine = setup({
    types: { context: {} as { state: ProfileState }, events: {} as { type: 'aged'; age: number } },
  }).createMachine({
    context: { state: profileState() },
    on: { aged: { actions: assign({ state: ({ context, event }) => withAge(context.state, event.age) }) } },
  })
  const actor = createActor(machine).start()
  return {
    get: () => actor.getSnapshot().context.state.user.profile.age,
    set: (age) => actor.send({ type: 'aged', age }),
  }
}

function cells(count: number): Cells {
  const actor = itemsActor(listState(count))
  const subscribe = (listener: () => void) => {
    const subscription = actor.subscribe(listener)
    return () => subscription.unsubscribe()
  }
  return {
    // What `useSelector` of @xstate/react does: the selected value under useSyncExternalStore.
    useCell(at) {
      const get = useRef(() => (actor.getSnapshot().context.state as ListState).items[at]!.count)
      return useSyncExternalStore(subscribe, get.current)
    },
    write: (at, value) => actor.send({ type: 'wrote', key: String(at), value }),
    writeAll: (value) => actor.send({ type: 'wroteAll', value }),
  }
}

/** Asynchronous work after asynchronous work: a promise actor is invoked for each link of the chain. */
function promiseChain(): Chain {
  const machine = setup({
    types: { context: {} as { n: number; length: number }, input: {} as { length: number } },
    actors: { link: fromPromise<number, number>(async ({ input }) => input + 1) },
  }).createMachine({
    context: ({ input }) => ({ n: 0, length: input.length }),
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'link',
          input: ({ context }) => context.n,
          onDone: [
            {
              guard: ({ context, event }) => event.output < context.length,
              target: 'working',
              reenter: true,
              actions: assign({ n: ({ event }) => event.output }),
            },
            { target: 'done', actions: assign({ n: ({ event }) => event.output }) },
          ],
        },
      },
      done: { type: 'final' },
    },
  })
  return {
    run: (length) =>
      new Promise((resolve, reject) => {
        const actor = createActor(machine, { input: { length } })
        actor.subscribe({
          complete: () => resolve({ reached: actor.getSnapshot().context.n }),
          error: reject,
        })
        actor.start()
      }),
  }
}

/** A promise actor for each item, spawned when a worker is free, and one machine with one promise for each tiny run. */
function crowd(): Crowd {
  const work = fromPromise<number, number>(async ({ input }) => input)
  const fanning = setup({
    types: {
      context: {} as { next: number; came: number; sum: number; count: number },
      input: {} as { count: number; workers: number },
      events: {} as { type: `xstate.done.actor.${string}`; output: number },
      output: {} as number,
    },
    actors: { work },
  }).createMachine({
    context: ({ input, spawn }) => {
      const first = Math.min(input.workers, input.count)
      for (let n = 0; n < first; n++) spawn('work', { id: `work${n}`, input: n })
      return { next: first, came: 0, sum: 0, count: input.count }
    },
    initial: 'working',
    output: ({ context }) => context.sum,
    states: {
      working: {
        on: {
          'xstate.done.actor.*': {
            actions: enqueueActions(({ context, event, enqueue }) => {
              const { output } = event
              const { next, came, sum, count } = context
              if (next < count) enqueue.spawnChild('work', { id: `work${next}`, input: next })
              enqueue.assign({ next: Math.min(next + 1, count), came: came + 1, sum: sum + output })
            }),
          },
        },
        always: { guard: ({ context }) => context.came === context.count, target: 'done' },
      },
      done: { type: 'final' },
    },
  })
  const tiny = setup({ actors: { work } }).createMachine({
    initial: 'working',
    states: { working: { invoke: { src: 'work', input: 1, onDone: 'done' } }, done: { type: 'final' } },
  })
  return {
    fan: (count, workers) => toPromise(createActor(fanning, { input: { count, workers } }).start()),
    async tiny(count) {
      let ended = 0
      for (let n = 0; n < count; n++) {
        const actor = createActor(tiny).start()
        await toPromise(actor)
        if (actor.getSnapshot().status === 'done') ended++
      }
      return ended
    },
  }
}

/** The machine raises its next event itself: synchronous transitions, nothing asynchronous can happen in between. */
function transitionChain(): Chain {
  const machine = setup({
    types: { context: {} as { n: number }, events: {} as { type: 'link' } },
  }).createMachine({
    context: { n: 0 },
    on: { link: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  })
  return {
    async run(length) {
      const actor = createActor(machine).start()
      for (let n = 0; n < length; n++) actor.send({ type: 'link' })
      return { reached: actor.getSnapshot().context.n }
    },
  }
}

/** The documented way to persist: the actor's snapshot after every transition. */
async function keeper(entries: Entry[]): Promise<Keeper> {
  const name = 'xstate'
  const machine = setup({
    types: { context: {} as { entries: Entry[] }, events: {} as { type: 'noted'; at: number; note: string } },
  }).createMachine({
    context: { entries },
    on: {
      noted: {
        actions: assign({
          entries: ({ context, event }) =>
            context.entries.with(event.at, { ...context.entries[event.at]!, note: event.note }),
        }),
      },
    },
  })
  const actor = createActor(machine).start()
  actor.subscribe(() => void writeKey(name, actor.getPersistedSnapshot()))
  actor.send({ type: 'noted', at: 0, note: entries[0]!.note })
  return {
    change: (at, note) => actor.send({ type: 'noted', at, note }),
    stored: async (at) => (await readKey<{ context: { entries: Entry[] } }>(name))?.context.entries[at]?.note,
  }
}

export const xstate: Adapter = { fan, leaf, cells, chain: promiseChain, crowd, keeper }
export const xstateTransitions: Adapter = { chain: transitionChain }
