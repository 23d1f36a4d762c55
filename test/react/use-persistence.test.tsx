import { act, cleanup, render } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { memoryStorage } from 'dogear'
import { usePersistence } from 'dogear/react'
import { checkout, hooks, stage, text } from './stage'

afterEach(cleanup)

test('a change / saving, then saved with its time', async () => {
  const { engine, settle, clock } = stage()
  const seen: string[] = []
  function Badge() {
    const { status, savedAt } = hooks.usePersistence()
    seen.push(`${status} ${savedAt}`)
    return <p>{status}</p>
  }
  render(
    <hooks.WorkflowProvider engine={engine}>
      <Badge />
    </hooks.WorkflowProvider>,
  )
  await settle()
  const started = clock.now()
  await act(async () => {
    engine.session(checkout).state.set('note', 'x')
    await new Promise((resolve) => setTimeout(resolve))
  })
  expect(text()).toBe('saving')
  await settle(10_000)
  expect(seen).toEqual(['saved undefined', 'saving undefined', `saved ${started + 150}`])
})

test('storage that refuses / unsaved with the error; the page goes on', async () => {
  const storage = memoryStorage({ failAt: () => true })
  const { engine, settle } = stage({ storage })
  function Badge() {
    const { status, error } = usePersistence(checkout)
    const [note] = hooks.useWorkflowState('note')
    return <p>{`${status} ${error instanceof Error} ${note}`}</p>
  }
  render(
    <hooks.WorkflowProvider engine={engine}>
      <Badge />
    </hooks.WorkflowProvider>,
  )
  await settle()
  act(() => engine.session(checkout).state.set('note', 'x'))
  await settle(500)
  expect(text()).toBe('unsaved true x')
})

test('with a session / the status of that session', async () => {
  const { engine } = stage()
  const session = await engine.open(checkout)
  function Badge() {
    return <p>{usePersistence(session).status}</p>
  }
  render(<Badge />)
  expect(text()).toBe('saved')
})
