import { act, cleanup, render } from '@testing-library/react'
import { Activity } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createStore } from 'dogear'
import { useWorkflowState } from 'dogear/react'
import { begun, checkout, hooks, shop, stage, text } from './stage'

afterEach(cleanup)

test('a write while hidden in <Activity> / shown when it is visible again', () => {
  const store = createStore({ initial: { a: 'old' } })
  function Shown() {
    const [length] = useWorkflowState(store, 'a', { select: (it) => (it as string).length })
    return <p>{`${String(useWorkflowState(store, 'a')[0])} ${length}`}</p>
  }
  const page = (mode: 'visible' | 'hidden') => (
    <Activity mode={mode}>
      <Shown />
    </Activity>
  )
  const { rerender } = render(page('visible'))
  rerender(page('hidden'))
  act(() => store.set('a', 'newer'))
  rerender(page('visible'))
  expect(text()).toBe('newer 5')
})

test('a provider hidden in <Activity> and shown again / nothing starts, stops or is loaded twice', async () => {
  const { engine, settle } = stage()
  begun.length = 0
  const seen: string[] = []
  function Page() {
    const { status, ask } = hooks.useWorkflow()
    seen.push(status)
    return <p>{`${status} ${ask?.type}`}</p>
  }
  const page = (mode: 'visible' | 'hidden') => (
    <Activity mode={mode}>
      <hooks.WorkflowProvider id="hidden" engine={engine} resources={{ shop }}>
        <Page />
      </hooks.WorkflowProvider>
    </Activity>
  )
  const { rerender } = render(page('visible'))
  await settle()
  const session = engine.session(checkout, { id: 'hidden' })
  rerender(page('hidden'))
  void session.run({ country: 'NL' })
  await settle()
  rerender(page('visible'))
  expect(text()).toBe('waiting askAddress')
  rerender(page('hidden'))
  await session.asks[0]?.reply({ street: 'Dam' })
  await settle()
  seen.length = 0
  rerender(page('visible'))
  expect(text()).toBe('completed undefined')
  expect(new Set(seen)).toEqual(new Set(['completed']))
  expect(begun).toEqual(['hidden'])
  expect(engine.session(checkout, { id: 'hidden' })).toBe(session)
})

test('closed while hidden / opened again when it is visible again', async () => {
  const { engine, settle } = stage()
  function Note() {
    return <p>note: {hooks.useWorkflowState('note')[0]}</p>
  }
  const page = (mode: 'visible' | 'hidden') => (
    <Activity mode={mode}>
      <hooks.WorkflowProvider engine={engine} fallback="wait">
        <Note />
      </hooks.WorkflowProvider>
    </Activity>
  )
  const { rerender } = render(page('visible'))
  await settle()
  const session = engine.session(checkout)
  session.state.set('note', 'kept')
  rerender(page('hidden'))
  await session.close()
  rerender(page('visible'))
  await settle()
  expect(text()).toBe('note: kept')
  expect(engine.session(checkout)).not.toBe(session)
})
