import { act, cleanup, render } from '@testing-library/react'
import { StrictMode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useSessions, useWorkflow } from 'dogear/react'
import { checkout, hooks, shop, stage } from './stage'

// In React Native and in a terminal there is no document, and no server either.
let container: HTMLElement

beforeEach(() => {
  container = document.body.appendChild(document.createElement('main'))
  vi.stubGlobal('document', undefined)
})

afterEach(() => {
  vi.unstubAllGlobals()
  cleanup()
  container.remove()
})

/** What the page shows. */
function shown(): string {
  return container.textContent ?? ''
}

function Page() {
  const { status, ask, start } = hooks.useWorkflow()
  const [note, setNote] = hooks.useWorkflowState('note')
  return (
    <>
      {`${status} ${ask?.type} ${note}`}
      <button onClick={() => start({ country: 'NL' })} />
      <button onClick={() => setNote('typed')} />
    </>
  )
}

test('no document / the session is loaded and runs, on the given engine', async () => {
  const { engine, settle } = stage()
  render(
    <StrictMode>
      <hooks.WorkflowProvider engine={engine} resources={{ shop }} fallback="wait">
        <Page />
      </hooks.WorkflowProvider>
    </StrictMode>,
    { container },
  )
  expect(shown()).toBe('wait')
  await settle()
  expect(shown()).toBe('idle undefined ')
  act(() => container.querySelectorAll('button').forEach((button) => button.click()))
  await settle()
  expect(shown()).toBe('waiting askAddress typed')
  expect(engine.session(checkout).state.get('note')).toBe('typed')
})

test('no document and no engine / one engine for all components', async () => {
  const seen = new Set<unknown>()
  function Alone() {
    const { sessions } = useSessions(checkout, { prefix: 'alone' })
    const { session, status } = useWorkflow(checkout, { id: 'alone', resources: { shop } })
    seen.add(session)
    return <i>{`${status} ${sessions?.length};`}</i>
  }
  render([<Alone key="a" />, <Alone key="b" />], { container })
  await expect.poll(shown).toBe('idle 0;idle 0;')
  expect(seen.size).toBe(1)
})
