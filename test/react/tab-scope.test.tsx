import { render, screen } from '@testing-library/react'
import { createEngine, memoryStorage, type SessionStorage } from 'dogear'
import { expect, test } from 'vitest'
import { checkout, hooks, text } from './stage'

const { WorkflowProvider, useWorkflow } = hooks

function Name({ as }: { readonly as: string }) {
  return <p data-testid={as}>{useWorkflow().session.id}</p>
}

test(`scope="tab" / the fallback until the tab's name is known, then a session of its own; one name for the whole tab`, async () => {
  const storage = memoryStorage()
  const opened = new Set<string>()
  const read: SessionStorage['read'] = (id) => (opened.add(id), storage.read(id))
  const engine = createEngine({ storage: { ...storage, read } })
  const one = (
    <WorkflowProvider engine={engine} id="cart" scope="tab" fallback={<p>wait</p>}>
      <Name as="scoped" />
    </WorkflowProvider>
  )
  render(one)
  expect(text()).toBe('wait')
  const first = (await screen.findByTestId('scoped')).textContent
  expect(first).toMatch(/^cart@\w+$/)
  expect([...opened]).toEqual([first])
  render(
    <>
      <WorkflowProvider engine={engine} scope="tab">
        <Name as="another" />
      </WorkflowProvider>
      <WorkflowProvider engine={engine} id="cart">
        <Name as="shared" />
      </WorkflowProvider>
    </>,
  )
  const name = first.slice('cart'.length)
  expect((await screen.findByTestId('another')).textContent).toBe(checkout.name + name)
  expect((await screen.findByTestId('shared')).textContent).toBe('cart')
  await engine.close()
})
