import { act, cleanup, render } from '@testing-library/react'
import type { ReactElement } from 'react'
import { afterEach, expect, test } from 'vitest'
import { memoryStorage, type AnyWorkflow, type Engine, type Status } from 'dogear'
import { useSessions, type UseSessions } from 'dogear/react'
import { gate } from '../support/flows'
import { checkout, hooks, signUp, stage, text } from './stage'

afterEach(cleanup)

/** An engine with two stored checkouts and a stored sign-up. */
async function stored() {
  const started = stage()
  for (const id of ['cart-1', 'cart-2']) (await started.engine.open(checkout, { id })).state.set('note', id)
  ;(await started.engine.open(signUp, { id: 'me' })).state.set('email', 'x')
  await started.settle(5000)
  return started
}

test('the stored sessions of a workflow / undefined, then all of them; read again by each refresh()', async () => {
  const { engine, settle } = await stored()
  const seen: (string | undefined)[] = []
  let latest: UseSessions | undefined
  function List() {
    latest = useSessions(checkout, { engine })
    const ids = latest.sessions?.map((it) => it.id).sort()
    seen.push(ids?.join(' '))
    return <p>{ids?.join(' ')}</p>
  }
  render(<List />)
  await settle()
  expect(seen).toEqual([undefined, 'cart-1 cart-2'])
  await engine.delete('cart-1')
  const { refresh } = latest as UseSessions
  act(() => refresh())
  await settle()
  expect(text()).toBe('cart-2')
  await engine.delete('cart-2')
  act(() => refresh())
  await settle()
  expect(text()).toBe('')
  expect(latest?.refresh).toBe(refresh)
})

test('all, and those with a prefix, inside a provider / those of its engine', async () => {
  const { engine, settle } = await stored()
  function List() {
    const all = useSessions().sessions?.length
    const carts = useSessions(undefined, { prefix: 'cart-' }).sessions?.length
    return <p>{`${all} ${carts}`}</p>
  }
  render(
    <hooks.WorkflowProvider engine={engine} id="cart-2">
      <List />
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('3 2')
})

test('of `createWorkflowHooks` / those of that workflow, on the nearest engine', async () => {
  const { engine, settle } = await stored()
  function List() {
    const { sessions } = hooks.useSessions({ prefix: '' })
    return (
      <p>
        {sessions
          ?.map(({ id }) => id)
          .sort()
          .join(' ')}
      </p>
    )
  }
  render(
    <hooks.WorkflowProvider engine={engine} id="cart-2">
      <List />
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('cart-1 cart-2')
})

/** A list of those with a prefix, and the answers it waits for: they come when the test lets them. */
async function slowList() {
  const { engine, settle } = await stored()
  const answers: (() => void)[] = []
  const slow = {
    ...engine,
    list: async (filter?: object) => {
      await new Promise<void>((resolve) => answers.push(resolve))
      return engine.list(filter)
    },
  }
  let latest: UseSessions | undefined
  function List({ prefix }: { readonly prefix: string }) {
    latest = useSessions(undefined, { engine: slow, prefix })
    return <p>{latest.sessions?.map((it) => it.id).join()}</p>
  }
  const answer = (index: number): Promise<void> => {
    answers[index]?.()
    return settle()
  }
  return { List, answer, refresh: () => act(() => latest?.refresh()) }
}

test('another prefix before the first answer has come / the late answer is dropped', async () => {
  const { List, answer } = await slowList()
  const { rerender } = render(<List prefix="cart-1" />)
  rerender(<List prefix="me" />)
  await answer(1)
  await answer(0)
  expect(text()).toBe('me')
})

test('a refresh() is answered, and then the read before it fails / the list, and no error', async () => {
  const answers = [gate(), gate()]
  let reads = 0
  const memory = memoryStorage()
  const storage = {
    ...memory,
    list: async (...call: Parameters<typeof memory.list>) => {
      await answers[reads++]?.promise
      return memory.list(...call)
    },
  }
  const { engine, settle } = stage({ storage })
  let again = (): void => {}
  function List() {
    const { error, sessions, refresh } = useSessions(checkout, { engine })
    again = refresh
    return <p>{`${String(error)} ${sessions?.length}`}</p>
  }
  render(<List />)
  act(() => again())
  answers[1]?.open()
  await settle()
  answers[0]?.fail(new Error('the disk is on fire'))
  await settle()
  expect(text()).toBe('undefined 0')
})

test('another prefix / what was found for the one before is not shown under it, even after a refresh', async () => {
  const { List, answer, refresh } = await slowList()
  const { rerender } = render(<List prefix="cart-1" />)
  await answer(0)
  expect(text()).toBe('cart-1')
  refresh()
  expect(text()).toBe('cart-1')
  rerender(<List prefix="me" />)
  expect(text()).toBe('')
  await answer(2)
  await answer(1)
  expect(text()).toBe('me')
})

test('another engine, workflow or status / the list is read again', async () => {
  const { engine, settle } = await stored()
  const empty = stage().engine
  const seen: string[] = []
  function List({ of, ...options }: { of: AnyWorkflow; engine: Engine; status: Status }) {
    return <p>{useSessions(of, options).sessions?.length}</p>
  }
  const show = async (page: ReactElement) => {
    rerender(page)
    await settle()
    seen.push(text())
  }
  const { rerender } = render(<List of={checkout} engine={engine} status="idle" />)
  await show(<List of={checkout} engine={engine} status="idle" />)
  await show(<List of={signUp} engine={engine} status="idle" />)
  await show(<List of={signUp} engine={engine} status="failed" />)
  await show(<List of={checkout} engine={engine} status="idle" />)
  await show(<List of={checkout} engine={empty} status="idle" />)
  expect(seen).toEqual(['2', '1', '0', '2', '0'])
})

test('storage that cannot be read / the error', async () => {
  const storage = { ...memoryStorage(), list: () => Promise.reject(new Error('the disk is on fire')) }
  const { engine, settle } = stage({ storage })
  function List() {
    const { error, sessions } = useSessions(checkout, { engine })
    return <p>{`${String(error)} ${sessions?.length}`}</p>
  }
  render(<List />)
  await settle()
  expect(text()).toMatch(/the disk is on fire undefined$/)
})
