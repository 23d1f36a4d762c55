import { act, cleanup, render } from '@testing-library/react'
import { StrictMode, type ReactElement } from 'react'
import { afterEach, expect, test } from 'vitest'
import { defineWorkflow, resource } from 'dogear'
import { createWorkflowHooks, useResource, WorkflowProvider } from 'dogear/react'
import {
  Begin,
  Boundary,
  checkout,
  Done,
  hooks,
  quietly,
  shop,
  stage,
  text,
  thrownBy,
  type Shop,
} from './stage'

afterEach(cleanup)

async function open(page: ReactElement, resources: { shop?: Shop; log?: (text: string) => void } = {}) {
  const { engine, settle } = stage()
  render(
    <Boundary>
      <hooks.WorkflowProvider engine={engine} resources={resources}>
        {page}
      </hooks.WorkflowProvider>
    </Boundary>,
  )
  await settle()
  return { session: engine.session(checkout), settle }
}

test('an injected resource / itself, not a copy', async () => {
  let found: unknown
  function Page() {
    found = hooks.useResource('shop')
    return null
  }
  await open(<Page />, { shop })
  expect(found).toBe(shop)
})

test('a missing one / MissingResourceError with the key and those that are there', async () => {
  function Page() {
    hooks.useResource('log')
    return null
  }
  await quietly(async () => void (await open(<Page />, { shop })))
  expect(text()).toMatch(/^MissingResourceError: resource "log" is missing \(there: shop\)/)
})

test('a missing one with the name of a method that every object has / MissingResourceError', async () => {
  function Page() {
    hooks.useResource('toString' as 'log')
    return null
  }
  await quietly(async () => void (await open(<Page />, { shop })))
  expect(text()).toMatch(/^MissingResourceError: resource "toString" is missing/)
})

test('a missing one with a fallback, also undefined / the fallback; then the resource once it is injected', async () => {
  const log = (): void => {}
  const seen: unknown[] = []
  function Page() {
    seen.push(hooks.useResource('log', undefined), hooks.useResource('shop', 'none'))
    return null
  }
  const { session, settle } = await open(<Page />)
  expect(seen).toEqual([undefined, 'none'])
  act(() => session.setResources({ log }))
  await settle()
  expect(seen.slice(2)).toEqual([log, 'none'])
})

test('another value at its key / renders; another key, or the same value / does not', async () => {
  let renders = 0
  function Page() {
    renders++
    return <p>{hooks.useResource('shop') === shop ? 'first' : 'second'}</p>
  }
  const { session, settle } = await open(<Page />, { shop })
  const before = renders
  act(() => session.setResources({ log: () => {} }))
  act(() => session.setResources({ shop }))
  await settle()
  expect(renders).toBe(before)
  act(() => session.setResources({ shop: { ...shop } }))
  await settle()
  expect([renders, text()]).toEqual([before + 1, 'second'])
})

test("deleted from the session / the workflow's is shown again", async () => {
  const { engine, settle } = stage()
  const shared: Shop = { ...shop }
  function Page() {
    return <p>{hooks.useResource('shop') === shared ? 'shared' : 'own'}</p>
  }
  engine.flow(checkout).setResources({ shop: shared })
  render(
    <hooks.WorkflowProvider engine={engine} resources={{ shop }}>
      <Page />
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('own')
  act(() => engine.session(checkout).deleteResource('shop'))
  await settle()
  expect(text()).toBe('shared')
})

test('a factory / called once for all components and renders', async () => {
  let made = 0
  const flow = defineWorkflow({
    name: 'factory',
    version: 1,
    start: Begin,
    stop: Done,
    resources: { db: resource(() => ({ number: ++made })) },
  }).step('end', { on: Begin, emits: [Done] }, () => Done({ total: 0 }))
  const { WorkflowProvider: Provider, useResource: useDb } = createWorkflowHooks(flow)
  const { engine, settle } = stage()
  function Page() {
    return <p>{useDb('db').number}</p>
  }
  render(
    <StrictMode>
      <Provider engine={engine}>
        <Page />
        <Page />
      </Provider>
    </StrictMode>,
  )
  await settle()
  expect(text()).toBe('11')
})

test('the untyped hook / uses the nearest provider', async () => {
  const { engine, settle } = stage()
  function Page() {
    return <p>{useResource('shop') === shop ? 'found' : 'other'}</p>
  }
  render(
    <WorkflowProvider workflow={checkout} engine={engine} resources={{ shop }}>
      <Page />
    </WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('found')
})

const anyHook = useResource as (...args: unknown[]) => unknown

test.each([
  ['no provider', () => anyHook('shop'), /HookError: useResource: there is no WorkflowProvider above/],
  ['the workflow before the key', () => anyHook(checkout, 'shop'), /HookError: useResource: wrong arguments/],
] as const)('%s / an error naming the hook and the way out', async (_case, use, message) => {
  expect(await thrownBy(use)).toMatch(message)
})
