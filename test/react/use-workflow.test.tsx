import { act, cleanup, render } from '@testing-library/react'
import { StrictMode, useLayoutEffect, useState } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import { createEngine, defineWorkflow, memoryStorage, type Session, type SessionStorage } from 'dogear'
import { useWorkflow, useWorkflowState, type UseWorkflow } from 'dogear/react'
import { virtualClock, virtualTabs } from 'dogear/testing'
import {
  Address,
  Begin,
  begun,
  checkout,
  Done,
  hooks,
  Nudge,
  shop,
  stage,
  text,
  thrownBy,
  type Shop,
} from './stage'

type View = UseWorkflow<typeof checkout>

afterEach(cleanup)

interface Opening {
  readonly resources?: { readonly shop?: Shop }
  readonly storage?: SessionStorage
}

/** A mounted page that keeps each view it was given, in order. */
async function open({ resources = { shop }, storage = memoryStorage() }: Opening = {}) {
  const views: View[] = []
  const { engine, settle, clock } = stage({ storage })
  function Page() {
    const view = hooks.useWorkflow()
    views.push(view)
    return <p>{view.status}</p>
  }
  const rendered = render(
    <hooks.WorkflowProvider engine={engine} resources={resources}>
      <Page />
    </hooks.WorkflowProvider>,
  )
  await settle()
  const latest = (): View => views.at(-1) as View
  return { ...rendered, engine, settle, clock, views, latest, session: engine.session(checkout) }
}

test('a flow from start to end / status, ask and result follow it, and it is never shown as loading', async () => {
  const { latest, views, settle } = await open()
  expect(latest()).toMatchObject({ status: 'idle', ask: undefined, asks: [], result: undefined })
  act(() => latest().start({ country: 'NL' }))
  await settle()
  expect(latest().status).toBe('waiting')
  expect(latest().ask).toMatchObject({ type: 'askAddress', data: { country: 'NL' } })
  expect(latest().asks).toEqual([latest().ask])
  await act(async () => {
    expect(await latest().ask?.reply({ street: 'Dam' })).toBe(true)
  })
  await settle()
  expect(latest()).toMatchObject({ status: 'completed', result: { total: 3 }, ask: undefined })
  expect(views.map((it) => it.status)).not.toContain('loading')
})

test('only the status changes / all else that was read stays the same object', async () => {
  const { latest, session, settle } = await open()
  act(() => latest().start({ country: 'NL' }))
  await settle()
  const before = { ...latest() }
  await act(async () => session.pause())
  await settle()
  const after = { ...latest() }
  const names = ['ask', 'asks', 'retries', 'missingResources', 'progress', 'resumed'] as const
  expect([before.status, after.status]).toEqual(['waiting', 'paused'])
  expect(names.filter((it) => after[it] !== before[it])).toEqual([])
})

test('reply() destructured from the ask / works', async () => {
  const { latest, settle } = await open()
  act(() => latest().start({ country: 'NL' }))
  await settle()
  const reply = latest().ask?.reply as (data: { street: string }) => Promise<boolean>
  await act(async () => void reply({ street: 'Dam' }))
  await settle()
  expect(text()).toBe('completed')
})

test('the state changes and is saved / no render', async () => {
  const { session, views, settle } = await open()
  const before = views.length
  act(() => session.state.set('note', 'x'))
  await settle(10_000)
  act(() => session.state.set('count', 7))
  await settle(10_000)
  expect(session.persistence.status).toBe('saved')
  expect(views.length).toBe(before)
})

test('a component that reads persistence / is the only one to render for it', async () => {
  const { engine, settle } = stage()
  const shown: string[] = []
  let others = 0
  function Badge() {
    const { persistence } = hooks.useWorkflow()
    shown.push(persistence.status)
    return <p>{persistence.status}</p>
  }
  function Other() {
    others++
    return <p>{hooks.useWorkflow().status}</p>
  }
  render(
    <hooks.WorkflowProvider engine={engine}>
      <Badge />
      <Other />
    </hooks.WorkflowProvider>,
  )
  await settle()
  const before = others
  const { state } = engine.session(checkout)
  await act(async () => {
    state.set('note', 'x')
    await new Promise((resolve) => setTimeout(resolve))
  })
  expect(text()).toBe('savingidle')
  await settle(10_000)
  expect(text()).toBe('savedidle')
  expect(shown).toEqual(['saved', 'saving', 'saved'])
  expect(others).toBe(before)
})

test('components that read nothing, an action or another part / none renders when the status changes', async () => {
  const { engine, settle } = stage()
  const rendered: string[] = []
  let kept: View | undefined
  function Row({ name, read }: { readonly name: string; readonly read: (view: View) => unknown }) {
    read(hooks.useWorkflow())
    rendered.push(name)
    return null
  }
  render(
    <hooks.WorkflowProvider engine={engine} resources={{ shop }}>
      <Row name="nothing" read={(it) => (kept = it)} />
      <Row name="send" read={({ send }) => send} />
      <Row name="error" read={({ error, retries }) => error ?? retries} />
      <Row name="status" read={({ status }) => status} />
      <Row name="all" read={(it) => ({ ...it })} />
    </hooks.WorkflowProvider>,
  )
  await settle()
  rendered.length = 0
  act(() => kept?.start({ country: 'NL' }))
  await settle()
  expect(new Set(rendered)).toEqual(new Set(['status', 'all']))
  // Read in a handler, long after the render: what is so by now. From then on it counts.
  expect(kept).toMatchObject({ status: 'waiting', ask: { type: 'askAddress' } })
  rendered.length = 0
  await act(async () => void kept?.ask?.reply({ street: 'Dam' }))
  await settle()
  expect(rendered).toContain('nothing')
  expect(rendered).not.toContain('send')
  expect(rendered).not.toContain('error')
  expect(kept).toMatchObject({ status: 'completed', result: { total: 3 } })
})

test('the parent renders / the same object, with the same actions', async () => {
  const { engine, settle } = stage()
  const views = new Set<View>()
  let again: () => void = () => {}
  function Page() {
    const [, set] = useState(0)
    again = () => set((n) => n + 1)
    const view = hooks.useWorkflow()
    views.add(view)
    return <p>{view.status}</p>
  }
  render(
    <hooks.WorkflowProvider engine={engine} resources={{ shop }}>
      <Page />
      <Page />
    </hooks.WorkflowProvider>,
  )
  await settle()
  act(() => again())
  act(() => again())
  expect(views.size).toBe(2)
  const [one] = views
  await act(async () => one?.start({ country: 'NL' }))
  await settle()
  const [before, after] = [[...views][0] as View, [...views].at(-1) as View]
  expect(after).not.toBe(before)
  for (const action of ['start', 'send', 'cancel', 'retry', 'reset', 'session'] as const)
    expect(after[action]).toBe(before[action])
})

test('a reply whose step writes, goes on and ends / no state in between is rendered', async () => {
  const { engine, settle } = stage()
  const pages: string[] = []
  function Page() {
    const { status, ask } = hooks.useWorkflow()
    const [note] = hooks.useWorkflowState('note')
    pages.push(`${status} ${ask?.type} ${note}`)
    return null
  }
  render(
    <hooks.WorkflowProvider engine={engine} resources={{ shop }}>
      <Page />
    </hooks.WorkflowProvider>,
  )
  await settle()
  const session = engine.session(checkout)
  void session.run({ country: 'NL' })
  await settle()
  expect(pages.at(-1)).toBe('waiting askAddress ')
  // The step takes the reply, writes the note, goes on and ends.
  await act(async () => void session.asks[0]?.reply({ street: 'Dam' }))
  await settle()
  expect(pages.at(-1)).toBe('completed undefined Dam')
  const middle = pages.slice(2).filter((page) => !/^(waiting askAddress|completed undefined)/.test(page))
  expect(middle).toEqual([])
})

test('start() with bad input / throws at the call, and nothing starts', async () => {
  const { latest } = await open()
  expect(() => latest().start({ country: 5 } as never)).toThrow('country')
  expect(text()).toBe('idle')
})

test('start() twice, or during the run / one run; the second input is ignored', async () => {
  begun.length = 0
  const { latest, settle } = await open()
  await act(async () => {
    latest().start({ country: 'NL' })
    latest().start({ country: 'BE' })
  })
  await settle()
  latest().start(undefined as never)
  await settle()
  expect(begun).toEqual(['checkout'])
  expect(latest().ask?.data).toEqual({ country: 'NL' })
})

test('a run that fails / status and error show it, retry() runs the step again, nothing is unhandled', async () => {
  const price = vi.fn(() => Promise.reject(new Error('no price')))
  const { latest, settle } = await open({ resources: { shop: { price } } })
  await act(async () => latest().start({ country: 'NL' }))
  await settle()
  await act(async () => void latest().ask?.reply({ street: 'Dam' }))
  await settle()
  expect(latest().status).toBe('failed')
  expect(latest().error).toMatchObject({ name: 'StepError', step: 'address' })
  expect(latest().error).toBe(latest().session.error)
  price.mockImplementation(() => Promise.resolve(9) as never)
  await act(async () => {
    latest().retry()
    latest().retry()
  })
  await settle()
  expect(latest()).toMatchObject({ status: 'completed', result: { total: 9 }, error: undefined })
  latest().retry()
  await settle()
})

test('takeOver() in a tab that follows / this tab leads', async () => {
  const clock = virtualClock()
  const browser = { storage: memoryStorage(), clock, ...virtualTabs() }
  await stage(browser).engine.open(checkout)
  const { engine } = stage(browser)
  const settle = () => act(() => clock.advance(1000))
  function Role() {
    const { role, takeOver } = hooks.useWorkflow()
    return <button onClick={takeOver}>{role}</button>
  }
  render(
    <hooks.WorkflowProvider engine={engine}>
      <Role />
    </hooks.WorkflowProvider>,
  )
  await settle()
  const button = document.querySelector('button')
  expect(button?.textContent).toBe('follower')
  act(() => button?.click())
  await settle()
  await settle()
  expect(button?.textContent).toBe('leader')
})

test('cancel() / cancelled; reset() / everything as in the beginning', async () => {
  const { latest, settle, session } = await open()
  await act(async () => latest().start({ country: 'NL' }))
  act(() => session.state.set('note', 'x'))
  await act(async () => latest().cancel('changed my mind'))
  await settle()
  expect(latest().status).toBe('cancelled')
  expect(latest().error?.message).toContain('changed my mind')
  await act(async () => latest().reset())
  await settle()
  expect(latest()).toMatchObject({ status: 'idle', error: undefined })
  expect(session.state.get('note')).toBe('')
})

test('send() / tells whether anybody took the event', async () => {
  const { latest, settle, session } = await open()
  await act(async () => latest().start({ country: 'NL' }))
  await settle()
  await act(async () => {
    expect(await latest().send(Nudge({ by: 2 }))).toBe(true)
  })
  await settle()
  expect(session.state.get('count')).toBe(2)
  await act(async () => {
    expect(await latest().send(Address({ street: 'Dam' }))).toBe(true)
  })
  await settle()
  expect(latest().status).toBe('completed')
})

test('a session that was stored before / `resumed` says so, until it is reset', async () => {
  const storage = memoryStorage()
  const before = await createEngine({ storage }).open(checkout)
  before.state.set('note', 'x')
  await before.close()
  expect((await open()).latest().resumed).toEqual({ found: false })
  cleanup()
  const { latest, settle } = await open({ storage })
  expect(latest().resumed).toMatchObject({ found: true, reason: 'return' })
  // Nothing is left of what the banner tells of.
  await act(async () => latest().reset())
  await settle()
  expect(latest().resumed).toEqual({ found: false })
})

test('a workflow with options, without a provider / loading, then the session of that id', async () => {
  const { engine, settle } = stage()
  const statuses: string[] = []
  function Page() {
    const { status, session, start } = useWorkflow(checkout, {
      id: 'alone',
      engine,
      resources: { shop },
      initialState: { note: 'hi' },
    })
    statuses.push(status)
    return (
      <button onClick={() => start({ country: 'NL' })}>{`${session.id} ${session.state.get('note')}`}</button>
    )
  }
  const { getByRole } = render(
    <StrictMode>
      <Page />
    </StrictMode>,
  )
  await settle()
  expect(text()).toBe('alone hi')
  act(() => getByRole('button').click())
  await settle()
  expect([...new Set(statuses)]).toEqual(['loading', 'idle', 'waiting'])
})

test('with options, and the session is closed or deleted / opened again', async () => {
  const { engine, settle } = stage()
  function Page() {
    const { status, session } = useWorkflow(checkout, { engine, resources: { shop } })
    return <p>{`${status} ${session.state.get('note')}`}</p>
  }
  render(<Page />)
  await settle()
  const first = engine.session(checkout)
  first.state.set('note', 'kept')
  await act(() => first.close())
  await settle()
  expect(text()).toBe('idle kept')
  await act(() => engine.delete('checkout'))
  await settle()
  expect(text()).toBe('idle')
  await act(async () => void engine.session(checkout).run({ country: 'NL' }))
  await settle()
  expect(text()).toBe('waiting')
})

test('with options, and the session cannot be loaded / status error, with the error', async () => {
  const storage = { ...memoryStorage(), read: () => Promise.reject(new Error('the disk is on fire')) }
  const { engine, settle } = stage({ storage })
  function Page() {
    const { status, error, persistence } = useWorkflow(checkout, { engine })
    return <p>{`${status} ${persistence.status} ${String(error)}`}</p>
  }
  render(<Page />)
  await settle()
  expect(text()).toMatch(/^error error .*the disk is on fire/)
})

test('a write while loading / shown at once, and on top of what is read', async () => {
  const storage = memoryStorage()
  const before = await createEngine({ storage }).open(checkout)
  before.state.set('note', 'stored')
  before.state.set('count', 5)
  await before.close()
  const { engine, settle } = stage({ storage })
  let setNote: (note: string) => void = () => {}
  function Page() {
    const { status, session } = useWorkflow(checkout, { engine })
    const [note, set] = useWorkflowState(session, 'note')
    const [count] = useWorkflowState(session, 'count')
    setNote = set
    return <p>{`${status} ${note} ${count}`}</p>
  }
  render(<Page />)
  act(() => setNote('typed'))
  expect(text()).toBe('loading typed 0')
  await settle()
  expect(text()).toBe('idle typed 5')
})

test('actions of a view of a closed session / nothing is unhandled, and the new session is untouched', async () => {
  const { latest, session, settle, engine } = await open()
  const { start, retry } = latest()
  await act(() => session.close())
  await settle()
  start({ country: 'NL' })
  retry()
  await settle()
  expect(latest().session).toBe(engine.session(checkout))
  expect(latest().status).toBe('idle')
})

test('options that come and go / the session of the options, else that of the provider', async () => {
  const { engine, settle } = stage()
  function Page({ own }: { readonly own: boolean }) {
    return <p>{useWorkflow(checkout, own ? { id: 'own', engine } : undefined).session.id}</p>
  }
  const page = (own: boolean) => (
    <hooks.WorkflowProvider id="above" engine={engine}>
      <Page own={own} />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page(false))
  await settle()
  expect(text()).toBe('above')
  rerender(page(true))
  expect(text()).toBe('own')
  rerender(page(false))
  expect(text()).toBe('above')
  await settle()
})

test('with a session / that one, also without a provider; another in the next render / that one', async () => {
  const { engine, settle } = stage()
  const [a, b] = [await engine.open(checkout, { id: 'a' }), await engine.open(checkout, { id: 'b' })]
  function Page({ of }: { readonly of: Session<typeof checkout> }) {
    const { session, status } = useWorkflow(of)
    return <p>{`${session.id} ${status}`}</p>
  }
  const { rerender } = render(<Page of={a} />)
  expect(text()).toBe('a idle')
  rerender(<Page of={b} />)
  expect(text()).toBe('b idle')
  b.setResources({ shop })
  await act(async () => void b.run({ country: 'NL' }))
  await settle()
  expect(text()).toBe('b waiting')
})

test('a change between render and subscribe that no listener hears of / shown', async () => {
  const session = await stage().engine.open(checkout)
  let status = 'idle'
  const silent = Object.create(session, {
    status: { get: () => status },
    subscribe: { value: () => () => {} },
  }) as typeof session
  function Page() {
    useLayoutEffect(() => {
      status = 'paused'
    }, [])
    return <p>{useWorkflow(silent).status}</p>
  }
  render(<Page />)
  expect(text()).toBe('paused')
})

test('StrictMode double mount / one listener on the session; none after unmount', async () => {
  const { engine, settle } = stage()
  const session = await engine.open(checkout)
  let listening = 0
  const counted = Object.create(session, {
    subscribe: {
      value: (listener: () => void) => {
        listening++
        const end = session.subscribe(listener)
        return () => {
          listening--
          end()
        }
      },
    },
  }) as typeof session
  function Page() {
    return <p>{useWorkflow(counted).status}</p>
  }
  const { unmount } = render(
    <StrictMode>
      <Page />
    </StrictMode>,
  )
  await settle()
  expect(listening).toBe(1)
  unmount()
  expect(listening).toBe(0)
})

const anyHook = useWorkflow as (...args: unknown[]) => unknown
const misuses: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['no provider', () => anyHook(), /HookError: useWorkflow: there is no WorkflowProvider above/],
  ['no provider of that workflow', () => anyHook(checkout), /no WorkflowProvider of workflow "checkout"/],
  ['the options before the workflow', () => anyHook({ id: 'x' }, checkout), /HookError: useWorkflow: wrong/],
  ['an id', () => anyHook('cart-42'), /HookError: useWorkflow: wrong arguments/],
]

test.each(misuses)('%s / an error naming the hook and the way out', async (_case, use, message) => {
  expect(await thrownBy(use)).toMatch(message)
})

test('a resource is missing / it says which, until it is given', async () => {
  const { latest, session, settle } = await open({ resources: {} })
  act(() => latest().start({ country: 'NL' }))
  await settle()
  expect(latest()).toMatchObject({ status: 'paused', missingResources: ['shop'] })
  act(() => session.setResources({ shop }))
  await settle()
  expect(latest()).toMatchObject({ status: 'waiting', missingResources: [] })
})

test('a step is tried again later / it says when and why, and not any more once it is at work', async () => {
  const { engine, clock, settle } = stage()
  const patient = defineWorkflow({ name: 'patient', version: 1, start: Begin, stop: Done }).step(
    'price',
    { on: Begin, emits: [Done], retry: { attempts: 2, delay: 500 } },
    async (ctx) => {
      if (ctx.attempt === 1) throw new Error('busy')
      return new Promise(() => {})
    },
  )
  const session = await engine.open(patient)
  const shown: unknown[] = []
  function Patient() {
    const { status, retries } = useWorkflow(session)
    shown.push([status, ...retries])
    return null
  }
  render(<Patient />)
  act(() => void session.run({ country: 'NL' }).catch(() => {}))
  await settle()
  const error = { name: 'Error', message: 'busy' }
  const due = { step: 'price', attempts: 1, retryAt: clock.now() + 500, error }
  await settle(500)
  expect(shown).toEqual([['idle'], ['waiting', due], ['running']])
})
