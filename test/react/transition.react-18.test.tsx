import { act, cleanup, render } from '@testing-library/react'
import { startTransition, Suspense, useState } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createStore } from 'dogear'
import { useWorkflowState } from 'dogear/react'
import { checkout, hooks, stage, text } from './stage'

afterEach(cleanup)

test('a write inside a transition / shown, the same in all components', async () => {
  const store = createStore({ initial: { a: 1 } })
  function Half() {
    return <i>{String(useWorkflowState(store, 'a')[0])}</i>
  }
  let go: () => void = () => {}
  function Page() {
    const [, set] = useState(0)
    go = () =>
      startTransition(() => {
        set((n) => n + 1)
        store.set('a', 2)
      })
    return (
      <>
        <Half />
        <Half />
      </>
    )
  }
  render(<Page />)
  await act(async () => go())
  expect(text()).toBe('22')
})

test('another id inside a transition, with suspense / the old page stays until the new one is loaded', async () => {
  const { engine, settle } = stage()
  const seen: string[] = []
  let open: (id: string) => void = () => {}
  function Page() {
    const { session, status } = hooks.useWorkflow()
    const [note] = hooks.useWorkflowState('note')
    seen.push(`${session.id} ${status}`)
    return <p>{`${session.id} ${note}`}</p>
  }
  function App() {
    const [id, set] = useState('a')
    open = (next) => startTransition(() => set(next))
    return (
      <Suspense fallback="suspended">
        <hooks.WorkflowProvider id={id} engine={engine} suspense>
          <Page />
        </hooks.WorkflowProvider>
      </Suspense>
    )
  }
  render(<App />)
  await settle()
  await act(async () => {})
  expect(text()).toBe('a')
  act(() => engine.session(checkout, { id: 'a' }).state.set('note', 'first'))
  act(() => open('b'))
  expect(text()).toBe('a first')
  await settle()
  await act(async () => {})
  expect(text()).toBe('b')
  expect(new Set(seen)).toEqual(new Set(['a idle', 'b idle']))
})

test('another id inside a transition, without suspense / shows the fallback', async () => {
  const { engine, settle } = stage()
  let open: (id: string) => void = () => {}
  function Page() {
    return <p>{hooks.useWorkflow().session.id}</p>
  }
  function App() {
    const [id, set] = useState('a')
    open = (next) => startTransition(() => set(next))
    return (
      <hooks.WorkflowProvider id={id} engine={engine} fallback="wait">
        <Page />
      </hooks.WorkflowProvider>
    )
  }
  render(<App />)
  await settle()
  act(() => open('b'))
  expect(text()).toBe('wait')
  await settle()
  expect(text()).toBe('b')
})
