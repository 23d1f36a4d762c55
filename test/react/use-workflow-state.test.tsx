import { act, cleanup, render } from '@testing-library/react'
import { memo, StrictMode, useLayoutEffect, useState, type ReactElement } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createEngine, createStore, memoryStorage, type StateStore } from 'dogear'
import { useWorkflowState } from 'dogear/react'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { cellOf, type Show } from '../../src/state/store'
import { Boundary, checkout, hooks, quietly, shop, stage, text, thrownBy, type Stage } from './stage'

afterEach(cleanup)

/** A session that is open, with its page mounted. */
async function open(page: ReactElement, { engine, settle }: Stage = stage()) {
  const view = render(
    <hooks.WorkflowProvider engine={engine} resources={{ shop }}>
      {page}
    </hooks.WorkflowProvider>,
  )
  await settle()
  const session = engine.session(checkout)
  return { session, state: session.state, settle, ...view }
}

/** Counts who listens to a path, from before its first use on. */
function countListeners(store: object, path: string): () => number {
  let listening = 0
  const cell = cellOf(store as StateStore<unknown>, path) as { show: Show }
  const { show } = cell
  cell.show = ((listener) => {
    if (!listener) return show()
    listening++
    const end = show(listener)
    return () => {
      listening--
      end()
    }
  }) as Show
  return () => listening
}

test('like useState / shows the value, sets it, and sets it by a function', async () => {
  let setNote: (next: string | ((previous: string) => string)) => void = () => {}
  function Note() {
    const [note, set] = hooks.useWorkflowState('note')
    setNote = set
    return <p>[{note}]</p>
  }
  const { state } = await open(<Note />)
  expect(text()).toBe('[]')
  act(() => setNote('ring'))
  expect(text()).toBe('[ring]')
  act(() => setNote((before) => `${before} twice`))
  expect(text()).toBe('[ring twice]')
  expect(state.get('note')).toBe('ring twice')
})

test('an input bound to it / shows what is typed at once, in the same event', async () => {
  function Note() {
    const [note, setNote] = hooks.useWorkflowState('note')
    return <input aria-label="note" value={note} onChange={(event) => setNote(event.target.value)} />
  }
  const { getByLabelText } = await open(<Note />)
  const input = getByLabelText('note') as HTMLInputElement
  const type = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set
  act(() => {
    type?.call(input, 'r')
    input.dispatchEvent(new Event('input', { bubbles: true }))
  })
  expect(input.value).toBe('r')
})

test('N components on N paths, one write / exactly one renders', async () => {
  const store = createStore({ initial: { items: Array.from({ length: 50 }, () => ({ price: 0 })) } })
  const renders: number[] = []
  function Item({ at }: { readonly at: number }) {
    renders.push(at)
    return <i>{String(useWorkflowState(store, `items.${at}.price`)[0])}</i>
  }
  render(
    <>
      {Array.from({ length: 50 }, (_, at) => (
        <Item key={at} at={at} />
      ))}
    </>,
  )
  expect(renders).toHaveLength(50)
  act(() => store.set('items.7.price', 7))
  expect(renders.slice(50)).toEqual([7])
  const writeAll = (): void => {
    for (let at = 0; at < 50; at++) store.set(`items.${at}.price`, 1)
  }
  act(() => store.batch(writeAll))
  expect(renders).toHaveLength(101)
})

test('ten writes in one handler / one commit', async () => {
  let commits = 0
  function Note() {
    const [note, setNote] = hooks.useWorkflowState('note')
    const [count] = hooks.useWorkflowState('count')
    useLayoutEffect(() => {
      commits++
    })
    const { state } = hooks.useWorkflow().session
    const write = (): void => {
      for (let n = 1; n <= 5; n++) {
        setNote(`note ${n}`)
        state.set('count', n)
      }
    }
    return (
      <button onClick={write}>
        {note} {count}
      </button>
    )
  }
  const { getByRole } = await open(<Note />)
  const before = commits
  act(() => getByRole('button').click())
  expect(text()).toBe('note 5 5')
  expect(commits - before).toBe(1)
})

test('unrelated writes / no render', async () => {
  let renders = 0
  function Name() {
    renders++
    return <p>{hooks.useWorkflowState('user.name')[0]}</p>
  }
  const { state, settle } = await open(<Name />)
  const before = renders
  act(() => {
    state.set('note', 'x')
    state.set('user.age', 37)
    state.set('user', { name: 'Ada', age: 38 })
  })
  await settle(5000)
  expect(renders).toBe(before)
  act(() => state.set('user', { name: 'Bob', age: 38 }))
  expect(renders).toBe(before + 1)
  expect(text()).toBe('Bob')
})

test('writes above and below the path / shown; an equal value / no render', async () => {
  let renders = 0
  function User() {
    renders++
    const [user] = hooks.useWorkflowState('user')
    return <p>{`${user.name} ${user.age}`}</p>
  }
  const { state } = await open(<User />)
  act(() => state.set('user.age', 40))
  expect(text()).toBe('Ada 40')
  act(() => state.reset())
  expect(text()).toBe('Ada 36')
  const before = renders
  act(() => state.set('user.age', 36))
  expect(renders).toBe(before)
})

test('a list is set with one item changed / only that row renders', async () => {
  const rendered: number[] = []
  function Row({ at }: { at: number }): null {
    hooks.useWorkflowState(`items.${at}`)
    rendered.push(at)
    return null
  }
  const { state } = await open(
    <>
      {[0, 1, 2].map((at) => (
        <Row key={at} at={at} />
      ))}
    </>,
  )
  act(() => state.set('items', [{ price: 1 }, { price: 2 }, { price: 3 }]))
  rendered.length = 0
  act(() => state.set('items', (items) => items.map((it) => (it.price === 2 ? { ...it, price: 5 } : it))))
  expect(rendered).toEqual([1])
  act(() => state.replace({ ...state.get(), note: 'x' }))
  expect(rendered).toEqual([1])
})

test('a list is set with rows changed, moved and gone in the tab that leads / in a follower only those rows render that are new', async () => {
  const clock = virtualClock()
  const browser = { clock, storage: memoryStorage(), ...virtualTabs() }
  const leader = await createEngine(browser).open(checkout, { resources: { shop } })
  leader.state.set(
    'items',
    Array.from({ length: 50 }, (_, price) => ({ price })),
  )
  await clock.advance(1000)
  const rendered: number[] = []
  const Row = memo(function Row({ price }: { readonly price: { readonly price: number } }): null {
    rendered.push(price.price)
    return null
  })
  function Rows() {
    const [items] = hooks.useWorkflowState('items')
    return items.map((item) => <Row key={item.price} price={item} />)
  }
  const settle = (ms = 1000): Promise<void> => act(() => clock.advance(ms))
  await open(<Rows />, { clock, settle, engine: createEngine(browser) })
  await settle()
  expect(rendered).toHaveLength(50)
  rendered.length = 0
  act(() => {
    const [first, second, ...others] = leader.state.get('items')
    leader.state.set('items', [
      { price: 99 },
      ...others.filter((it) => it.price % 7 > 0),
      second!,
      { ...first!, price: 100 },
    ])
  })
  await settle()
  expect(rendered).toEqual([99, 100])
})

test('the setter / the same function in every render and component, also for a path of segments', async () => {
  const setters = new Set<unknown>()
  function Age({ path }: { readonly path: 'user.age' | readonly ['user', 'age'] }) {
    setters.add(hooks.useWorkflowState(path)[1])
    return null
  }
  const page = (
    <>
      <Age path="user.age" />
      <Age path="user.age" />
      <Age path={['user', 'age']} />
    </>
  )
  const { state } = await open(page)
  act(() => state.set('user.age', 40))
  expect(setters.size).toBe(1)
})

test('a write that the schema refuses / throws at the call, nothing changes, the component lives on', async () => {
  let setAge: (age: number) => void = () => {}
  function Age() {
    const [age, set] = hooks.useWorkflowState('user.age')
    setAge = set
    return <p>{age}</p>
  }
  await open(<Age />)
  expect(() => act(() => setAge('40' as never))).toThrow('user.age')
  expect(text()).toBe('36')
  act(() => setAge(41))
  expect(text()).toBe('41')
})

test('another path in the next render / shows that one, and listens only to it', () => {
  const store = createStore({ initial: { a: 'A', b: 'B' } })
  const [onA, onB] = [countListeners(store, 'a'), countListeners(store, 'b')]
  function Letter({ path }: { readonly path: string }) {
    return <p>{String(useWorkflowState(store, path)[0])}</p>
  }
  const { rerender, unmount } = render(<Letter path="a" />)
  expect([text(), onA(), onB()]).toEqual(['A', 1, 0])
  rerender(<Letter path="b" />)
  expect([text(), onA(), onB()]).toEqual(['B', 0, 1])
  act(() => store.set('b', 'C'))
  expect(text()).toBe('C')
  unmount()
  expect([onA(), onB()]).toEqual([0, 0])
})

test('StrictMode double mount / listener count 1, after unmount 0', () => {
  const store = createStore({ initial: { a: 1 } })
  const listening = countListeners(store, 'a')
  function Shown() {
    return <p>{String(useWorkflowState(store, 'a')[0])}</p>
  }
  const { unmount } = render(
    <StrictMode>
      <Shown />
    </StrictMode>,
  )
  expect(listening()).toBe(1)
  unmount()
  expect(listening()).toBe(0)
})

test('a write between render and subscribe / shown', () => {
  const store = createStore({ initial: { a: 'old' } })
  function Shown() {
    return <p>{String(useWorkflowState(store, 'a')[0])}</p>
  }
  function Writer() {
    store.set('a', 'new')
    return null
  }
  render(
    <>
      <Shown />
      <Writer />
    </>,
  )
  expect(text()).toBe('new')
})

test("a write in a child's layout effect / shown", () => {
  const store = createStore({ initial: { a: 'old' } })
  function Child() {
    useLayoutEffect(() => store.set('a', 'new'), [])
    return null
  }
  function Shown() {
    const [a] = useWorkflowState(store, 'a')
    return (
      <p>
        {String(a)}
        <Child />
      </p>
    )
  }
  render(<Shown />)
  expect(text()).toBe('new')
})

test('parent and children on one write / no child renders with an item that is gone', () => {
  const store = createStore({ initial: { items: [{ price: 1 }, { price: 2 }] } })
  const seen: unknown[] = []
  function Item({ at }: { readonly at: number }) {
    const [price] = useWorkflowState(store, ['items', at, 'price'])
    seen.push(price)
    return <i>{String(price)}</i>
  }
  function List() {
    const [length] = useWorkflowState(store, 'items', { select: (it) => (it as unknown[]).length })
    return (
      <>
        {Array.from({ length }, (_, at) => (
          <Item key={at} at={at} />
        ))}
      </>
    )
  }
  render(<List />)
  act(() => store.delete('items.1' as never))
  expect(text()).toBe('1')
  expect(seen).not.toContain(undefined)
})

test('a path where nothing is / undefined, then what is written there', () => {
  const store = createStore({})
  function Shown() {
    const [value] = useWorkflowState(store, ['files', 'a.txt', 0])
    return <p>{String(value)}</p>
  }
  render(<Shown />)
  expect(text()).toBe('undefined')
  act(() => store.set(['files', 'a.txt'], ['first']))
  expect(text()).toBe('first')
})

test('[] / the whole state', () => {
  const store = createStore({ initial: { a: 1, b: 2 } })
  function Sum() {
    const [sum] = useWorkflowState(store, [], { select: (all) => (all.a as number) + (all.b as number) })
    return <p>{sum}</p>
  }
  render(<Sum />)
  act(() => store.set('b', 3))
  expect(text()).toBe('4')
})

test('by session, by workflow and by the nearest provider / the same state', async () => {
  const started = stage()
  const session = await started.engine.open(checkout)
  function Shown() {
    const [a] = useWorkflowState(session, 'note')
    const [b] = useWorkflowState(checkout, 'note')
    const [c] = useWorkflowState('note')
    return <p>{`${a} ${b} ${String(c)}`}</p>
  }
  await open(<Shown />, started)
  act(() => session.state.set('note', 'x'))
  expect(text()).toBe('x x x')
})

test('inline `select` returning a fresh object / no loop, and renders only when the content differs', () => {
  const store = createStore({
    schema: z.object({ user: z.object({ name: z.string(), age: z.number() }) }),
    initial: { user: { name: 'Ada', age: 36 } },
  })
  let renders = 0
  let parts = new Set<unknown>()
  let again: () => void = () => {}
  function Name() {
    renders++
    const [, set] = useState(0)
    again = () => set((n) => n + 1)
    const [part] = useWorkflowState(store, 'user', { select: ({ name }) => ({ name }) })
    parts.add(part)
    return <p>{part.name}</p>
  }
  render(<Name />)
  expect(renders).toBe(1)
  act(() => store.set('user.age', 37))
  expect(renders).toBe(1)
  act(() => again())
  expect([renders, parts.size]).toEqual([2, 1])
  act(() => store.set('user.name', 'Bob'))
  expect([renders, parts.size, text()]).toEqual([3, 2, 'Bob'])
})

test('a `select` with a new result at every call, and a `compare` that never agrees / no loop', () => {
  const store = createStore({ initial: { a: 1 } })
  let renders = 0
  function Shown() {
    renders++
    const [value] = useWorkflowState(store, 'a', {
      select: () => ({ random: Math.random() }),
      compare: () => false,
    })
    return <p>{typeof value.random}</p>
  }
  render(
    <StrictMode>
      <Shown />
    </StrictMode>,
  )
  expect(text()).toBe('number')
  expect(renders).toBeLessThan(5)
})

test('`compare` / decides what renders', () => {
  const store = createStore({ initial: { price: 10 } })
  let renders = 0
  function Price() {
    renders++
    const [price] = useWorkflowState(store, 'price', {
      select: (it) => it as number,
      compare: (before, after) => Math.abs(before - after) < 5,
    })
    return <p>{price}</p>
  }
  render(<Price />)
  act(() => store.set('price', 12))
  expect([renders, text()]).toEqual([1, '10'])
  act(() => store.set('price', 20))
  expect([renders, text()]).toEqual([2, '20'])
})

test('a `select` with another closure in the next render / shows what the new one selects', () => {
  const store = createStore({ initial: { prices: [10, 20] } })
  function Price({ at }: { readonly at: number }) {
    return <p>{useWorkflowState(store, 'prices', { select: (it) => (it as number[])[at] })[0]}</p>
  }
  const { rerender } = render(<Price at={0} />)
  rerender(<Price at={1} />)
  expect(text()).toBe('20')
  act(() => store.set('prices.1', 30))
  expect(text()).toBe('30')
})

test('with `select` / the setter still writes the whole value', () => {
  const store = createStore({ schema: z.object({ list: z.array(z.number()) }), initial: { list: [1] } })
  let setList: (next: number[]) => void = () => {}
  function Length() {
    const [length, set] = useWorkflowState(store, 'list', { select: (it) => it.length })
    setList = set
    return <p>{length}</p>
  }
  render(<Length />)
  act(() => setList([1, 2, 3]))
  expect(text()).toBe('3')
})

test('`select` throws at the first render, or after a write / error boundary, and the store keeps working', async () => {
  const store = createStore({ initial: { a: 1 } })
  const other = vi.fn()
  store.subscribe('a', other)
  function Shown() {
    const [value] = useWorkflowState(store, 'a', {
      select: (it) => {
        if (it === 2) throw new Error('two')
        return it
      },
    })
    return <p>{String(value)}</p>
  }
  await quietly(() => {
    render(
      <Boundary>
        <Shown />
      </Boundary>,
    )
    act(() => store.set('a', 2))
    expect(text()).toBe('Error: two')
    cleanup()
    render(
      <Boundary>
        <Shown />
      </Boundary>,
    )
    expect(text()).toBe('Error: two')
  })
  expect(() => store.set('a', 3)).not.toThrow()
  expect(store.get('a')).toBe(3)
  expect(other).toHaveBeenCalledTimes(2)
  cleanup()
  render(<Shown />)
  expect(text()).toBe('3')
})

const anyHook = useWorkflowState as (...args: unknown[]) => unknown
const misuses: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['no provider', () => anyHook('note'), /HookError: useWorkflowState: there is no WorkflowProvider above/],
  [
    'no provider of that workflow',
    () => anyHook(checkout, 'note'),
    /no WorkflowProvider of workflow "checkout"/,
  ],
  [
    'the path before the workflow',
    () => anyHook('note', checkout),
    /HookError: useWorkflowState: wrong arguments/,
  ],
  ['no path', () => anyHook(createStore({})), /HookError: useWorkflowState: wrong arguments/],
  [
    'a select that is none',
    () => anyHook(createStore({}), 'note', { select: undefined }),
    /HookError: useWorkflowState: wrong arguments/,
  ],
  ['something else', () => anyHook({ id: 'x' }, 'note'), /HookError: useWorkflowState: wrong arguments/],
  ['a bad path', () => anyHook(createStore({}), '__proto__.x'), /PathError: .*__proto__/],
]

test.each(misuses)('%s / an error naming the hook and the way out', async (_case, use, message) => {
  expect(await thrownBy(use)).toMatch(message)
})

test('a store inside a provider / the value of that store', async () => {
  const store: StateStore<Record<string, unknown>> = createStore({ initial: { note: 'mine' } })
  function Shown() {
    return <p>{String(useWorkflowState(store, 'note')[0])}</p>
  }
  await open(<Shown />)
  expect(text()).toBe('mine')
})
