import { act, cleanup, render } from '@testing-library/react'
import { StrictMode, Suspense, useEffect, useState, type ReactNode } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import {
  createEngine,
  memoryStorage,
  structuredCloneSerializer,
  type LoadError,
  type Session,
  type StorageError,
} from 'dogear'
import * as bare from 'dogear/react'
import { createWorkflowHooks, useWorkflow, useWorkflowState, WorkflowProvider } from 'dogear/react'
import { crash } from 'dogear/testing'
import {
  begun,
  Boundary,
  caught,
  checkout,
  hooks,
  quietly,
  shop,
  signUp,
  signUpHooks,
  stage,
  text,
  type Shop,
} from './stage'

afterEach(cleanup)

function Note() {
  return <p>note: {hooks.useWorkflowState('note')[0]}</p>
}

/** Storage that counts what is asked of it, and that can be held up. */
function slowStorage() {
  const storage = memoryStorage()
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  const read = vi.fn((id: string) => gate.then(() => storage.read(id)))
  return { ...storage, read, open: () => open() }
}

test('while the session loads / the fallback; then the children with what was stored', async () => {
  const storage = memoryStorage()
  const before = await createEngine({ storage }).open(checkout, { id: 'cart' })
  before.state.set('note', 'stored')
  await before.close()

  const seen: string[] = []
  function Seen() {
    const [note] = hooks.useWorkflowState('note')
    seen.push(note)
    return <p>{note}</p>
  }
  const { engine, settle } = stage({ storage })
  render(
    <hooks.WorkflowProvider id="cart" engine={engine} fallback={<i>wait</i>}>
      <Seen />
    </hooks.WorkflowProvider>,
  )
  expect(text()).toBe('wait')
  await settle()
  expect(text()).toBe('stored')
  expect(new Set(seen)).toEqual(new Set(['stored']))
})

test('serializer, expireAfter and autoResume / work as in engine.open, also after a retry', async () => {
  const storage = memoryStorage()
  const serializer = { ...structuredCloneSerializer }
  const started = createEngine({ storage })
  const before = await started.open(checkout, { id: 'cart', serializer, resources: { shop } })
  before.run({ country: 'NL' }).catch(() => {})
  await before.flush()
  crash(started)

  let reads = 0
  const failing = storage.restart()
  const read: typeof failing.read = (id) =>
    ++reads === 1 ? Promise.reject(new Error('no')) : failing.read(id)
  const { engine, settle } = stage({ storage: { ...failing, read } })
  function Page() {
    const { status, session } = hooks.useWorkflow()
    return <button onClick={() => session.state.set('note', 'x')}>{status}</button>
  }
  const { getByRole } = render(
    <hooks.WorkflowProvider
      id="cart"
      engine={engine}
      resources={{ shop }}
      serializer={serializer}
      expireAfter={1000}
      autoResume={false}
      errorFallback={(_error, retry) => <button onClick={retry}>again</button>}
    >
      <Page />
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('again')
  act(() => getByRole('button').click())
  await settle()
  expect(text()).toBe('paused')
  act(() => getByRole('button').click())
  await settle(1000)
  expect(await engine.list()).toMatchObject([{ id: 'cart', expireAfter: 1000 }])
})

test('no fallback / nothing is shown until the session is loaded', async () => {
  const { engine, settle } = stage()
  render(
    <hooks.WorkflowProvider engine={engine}>
      <Note />
    </hooks.WorkflowProvider>,
  )
  expect(text()).toBe('')
  await settle()
  expect(text()).toBe('note:')
})

test('the untyped provider / takes a workflow, and the untyped hooks find it', async () => {
  const { engine, settle } = stage()
  function Page() {
    const { status, session } = useWorkflow()
    return <p>{`${status} ${session.id} ${String(useWorkflowState('note')[0])}`}</p>
  }
  render(
    <WorkflowProvider
      workflow={checkout}
      id="x"
      engine={engine}
      resources={{ shop }}
      initialState={{ note: 'hi' }}
    >
      <Page />
    </WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('idle x hi')
})

test('StrictMode, a remount and a second component on the id / one session, one load, and the first step ran once', async () => {
  const storage = slowStorage()
  storage.open()
  const { engine, settle } = stage({ storage })
  begun.length = 0
  function Starter() {
    const { start, status } = hooks.useWorkflow()
    useEffect(() => start({ country: 'NL' }), [start])
    return <p>{status}</p>
  }
  const page = (
    <StrictMode>
      <hooks.WorkflowProvider id="strict" engine={engine} resources={{ shop }}>
        <Starter />
      </hooks.WorkflowProvider>
      <hooks.WorkflowProvider id="strict" engine={engine} resources={{ shop }}>
        <Starter />
      </hooks.WorkflowProvider>
    </StrictMode>
  )
  const { unmount } = render(page)
  await settle()
  expect(text()).toBe('waitingwaiting')
  unmount()
  await settle(60_000)
  expect(engine.session(checkout, { id: 'strict' }).status).toBe('waiting')
  render(page)
  await settle()
  expect(text()).toBe('waitingwaiting')
  expect(begun).toEqual(['strict'])
  expect(storage.read).toHaveBeenCalledTimes(1)
})

test('unmounted while loading / the session is loaded all the same, and shown at once the next time', async () => {
  const storage = slowStorage()
  const { engine, settle } = stage({ storage })
  const page = (
    <hooks.WorkflowProvider engine={engine} fallback="wait">
      <Note />
    </hooks.WorkflowProvider>
  )
  const { unmount } = render(page)
  unmount()
  storage.open()
  await settle()
  render(page)
  expect(text()).toBe('note:')
  expect(storage.read).toHaveBeenCalledTimes(1)
})

test('a new id / shows the fallback, never the old state under the new id', async () => {
  const { engine, settle } = stage()
  const seen: string[] = []
  function Page() {
    const { session, status } = hooks.useWorkflow()
    const [note] = hooks.useWorkflowState('note')
    const [draft] = useState(`draft of ${session.id}`)
    seen.push(`${session.id} ${status} ${note} ${draft}`)
    return <p>{`${session.id}: ${note}, ${draft}`}</p>
  }
  const page = (id: string) => (
    <hooks.WorkflowProvider id={id} engine={engine} fallback="wait">
      <Page />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page('a'))
  await settle()
  act(() => engine.session(checkout, { id: 'a' }).state.set('note', "a's"))
  expect(text()).toBe("a: a's, draft of a")
  rerender(page('b'))
  expect(text()).toBe('wait')
  await settle()
  expect(text()).toBe('b: , draft of b')
  rerender(page('a'))
  expect(text()).toBe("a: a's, draft of a")
  for (const it of seen.filter((line) => line.startsWith('b'))) expect(it).toBe('b idle  draft of b')
})

test('another engine / another session', async () => {
  const [one, two] = [stage(), stage()]
  const page = ({ engine }: typeof one) => (
    <hooks.WorkflowProvider engine={engine} fallback="wait">
      <Note />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page(one))
  await one.settle()
  act(() => one.engine.session(checkout).state.set('note', 'one'))
  rerender(page(two))
  expect(text()).toBe('wait')
  await two.settle()
  expect(text()).toBe('note:')
})

test('another engine whose session is already open / the children are mounted anew', async () => {
  const [one, two] = [stage(), stage()]
  for (const { engine } of [one, two]) await engine.open(checkout)
  let mounts = 0
  function Page() {
    const [mount] = useState(() => ++mounts)
    return <p>{mount}</p>
  }
  const page = ({ engine }: typeof one) => (
    <hooks.WorkflowProvider engine={engine}>
      <Page />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page(one))
  expect(text()).toBe('1')
  rerender(page(two))
  expect(text()).toBe('2')
})

test('another workflow under the id that is open / an error that names both, not the session of the first', async () => {
  const { engine, settle } = stage()
  const page = (workflow: typeof checkout | typeof signUp) => (
    <Boundary>
      <WorkflowProvider workflow={workflow as typeof checkout} id="cart" engine={engine}>
        <p>the page</p>
      </WorkflowProvider>
    </Boundary>
  )
  const { rerender } = render(page(checkout))
  await settle()
  expect(text()).toBe('the page')
  await quietly(() => rerender(page(signUp)))
  expect(text()).toContain('session "cart" is open with workflow "checkout", not "signUp"')
})

test('another id, and the page renders again / the children are mounted once', async () => {
  const { engine, settle } = stage()
  let mounts = 0
  function Page() {
    useEffect(() => void mounts++, [])
    return <Note />
  }
  const page = (id: string) => (
    <hooks.WorkflowProvider id={id} engine={engine}>
      <Page />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page('one'))
  await settle()
  for (let times = 0; times < 3; times++) {
    rerender(page('two'))
    await settle()
  }
  expect(mounts).toBe(2)
})

test('no engine / one for the page: all providers of an id share a session', async () => {
  const sessions = new Set<Session<typeof checkout>>()
  function Page() {
    sessions.add(hooks.useWorkflow().session)
    return <Note />
  }
  const ready: Promise<void>[] = []
  function Ready() {
    ready.push(useWorkflow(checkout, { id: 'page' }).session.ready)
    return null
  }
  render(
    <>
      <Ready />
      <hooks.WorkflowProvider id="page">
        <Page />
      </hooks.WorkflowProvider>
      <hooks.WorkflowProvider id="page">
        <Page />
      </hooks.WorkflowProvider>
    </>,
  )
  await act(async () => {
    await ready[0]
  })
  await expect.poll(text).toBe('note: note:')
  expect(sessions.size).toBe(1)
})

test('nested providers / hooks find the nearest one, or the nearest of their workflow', async () => {
  const { engine, settle } = stage()
  function Page() {
    const [email] = signUpHooks.useWorkflowState('email')
    const { session } = hooks.useWorkflow()
    const nearest = useWorkflow()
    return <p>{`${email} ${session.id} ${nearest.session.id}`}</p>
  }
  render(
    <hooks.WorkflowProvider id="far" engine={engine}>
      <hooks.WorkflowProvider id="near" engine={engine}>
        <signUpHooks.WorkflowProvider id="inner" engine={engine}>
          <Page />
        </signUpHooks.WorkflowProvider>
      </hooks.WorkflowProvider>
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('nobody near inner')
})

test('a definition loaded again by a hot reload / finds the provider of the old one', async () => {
  const { engine, settle } = stage()
  const reloaded = { ...checkout }
  function Page() {
    return <p>{useWorkflow(reloaded).session.id}</p>
  }
  render(
    <hooks.WorkflowProvider id="hot" engine={engine}>
      <Page />
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('hot')
})

test('createWorkflowHooks called again, as by a hot reload / the same hooks, so nothing below is mounted anew', async () => {
  const { engine, settle } = stage()
  let mounts = 0
  function Page() {
    const [mount] = useState(() => ++mounts)
    return <p>{mount}</p>
  }
  const page = () => {
    const { WorkflowProvider: Provider } = createWorkflowHooks(checkout)
    return (
      <Provider engine={engine}>
        <Page />
      </Provider>
    )
  }
  const { rerender } = render(page())
  await settle()
  rerender(page())
  expect(text()).toBe('1')
})

test('new resource values / go to the session; equal values do nothing', async () => {
  const { engine, settle } = stage()
  const dearer: Shop = { price: () => Promise.resolve(1000) }
  let renders = 0
  function Page() {
    renders++
    return <p>{hooks.useResource('shop') === shop ? 'cheap' : 'dear'}</p>
  }
  const children = <Page />
  const page = (given: Shop) => (
    <hooks.WorkflowProvider engine={engine} resources={{ shop: given }}>
      {children}
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page(shop))
  await settle()
  const before = renders
  rerender(page(shop))
  await settle()
  expect(renders).toBe(before)
  rerender(page(dearer))
  await settle()
  expect(text()).toBe('dear')
  expect(engine.session(checkout).resources.shop).toBe(dearer)
})

test('a second provider with other resources / both show them, and React logs no error', async () => {
  const { engine, settle } = stage()
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {})
  const dearer: Shop = { price: () => Promise.resolve(1000) }
  function Page() {
    return <i>{hooks.useResource('shop') === shop ? 'cheap ' : 'dear '}</i>
  }
  const part = (given: Shop) => (
    <hooks.WorkflowProvider engine={engine} resources={{ shop: given }}>
      <Page />
    </hooks.WorkflowProvider>
  )
  const first = part(shop)
  const { rerender } = render(<>{first}</>)
  await settle()
  rerender(
    <>
      {first}
      {part(dearer)}
    </>,
  )
  await settle()
  expect(text()).toBe('dear dear')
  expect(complaints.mock.calls).toEqual([])
  complaints.mockRestore()
})

test('a run paused for a missing resource / goes on when the provider gives it', async () => {
  const { engine, settle } = stage()
  const page = (resources: { shop?: Shop }) => (
    <hooks.WorkflowProvider engine={engine} resources={resources}>
      <Note />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page({}))
  await settle()
  const session = engine.session(checkout)
  void session.run({ country: 'NL' })
  await settle()
  expect(session.status).toBe('paused')
  rerender(page({ shop }))
  await settle()
  expect(session.status).toBe('waiting')
})

test('another id whose run is paused for a resource, with the same resources / goes on', async () => {
  const { engine, settle } = stage()
  const session = await engine.open(checkout, { id: 'two' })
  void session.run({ country: 'NL' })
  await settle()
  expect(session.status).toBe('paused')
  const resources = { shop }
  const page = (id: string) => (
    <hooks.WorkflowProvider id={id} engine={engine} resources={resources}>
      <Note />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page('one'))
  await settle()
  rerender(page('two'))
  await settle()
  expect(session.status).toBe('waiting')
})

test('a session that cannot be loaded / errorFallback with the error, and the children once it is reset', async () => {
  const storage = memoryStorage()
  const before = await createEngine({ storage }).open(signUp, { id: 'same' })
  before.state.set('email', 'x')
  await before.close()
  const { engine, settle } = stage({ storage })
  const errors: Error[] = []
  render(
    <hooks.WorkflowProvider
      id="same"
      engine={engine}
      errorFallback={(error) => {
        errors.push(error)
        return <b>{error.name}</b>
      }}
    >
      <Note />
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('LoadError')
  expect(errors[0]).toMatchObject({ code: 'WRONG_WORKFLOW' })
  await act(() => (errors[0] as Error & { reset(): Promise<void> }).reset())
  await settle()
  expect(text()).toBe('note:')
})

/** A session that older code, or another workflow, refuses; `refused` has the errors that were shown. */
async function newerThan(workflow: typeof checkout) {
  const storage = memoryStorage()
  const newer = { ...workflow, version: 2 }
  const before = await createEngine({ storage }).open(newer, { id: 'cart' })
  before.state.set('note', 'stored')
  await before.close()
  const refused: Error[] = []
  const errorFallback = (error: Error) => {
    if (!refused.includes(error)) refused.push(error)
    return (error as LoadError).code
  }
  return { newer, refused, errorFallback, ...stage({ storage }) }
}

test('newer code comes with a hot reload to a session that was refused / it is opened with that, once', async () => {
  const { newer, engine, settle, refused, errorFallback } = await newerThan(checkout)
  const page = (workflow: typeof checkout) => (
    <StrictMode>
      <WorkflowProvider workflow={workflow} id="cart" engine={engine} errorFallback={errorFallback}>
        <Note />
      </WorkflowProvider>
    </StrictMode>
  )
  const { rerender } = render(page(checkout))
  await settle()
  rerender(page({ ...checkout }))
  await settle()
  rerender(page({ ...checkout }))
  await settle()
  expect([text(), refused.length]).toEqual(['NEWER_VERSION', 3])
  rerender(page(newer))
  await settle()
  expect([text(), refused.length]).toEqual(['note: stored', 3])
})

test('two providers show one refused session with definitions of their own / each is tried once', async () => {
  const { engine, settle, refused, errorFallback } = await newerThan(checkout)
  const provider = (workflow: typeof checkout) => (
    <WorkflowProvider workflow={workflow} id="cart" engine={engine} errorFallback={errorFallback} />
  )
  const page = (
    <StrictMode>
      {provider(checkout)}
      {provider({ ...checkout })}
    </StrictMode>
  )
  const { rerender } = render(page)
  for (let times = 0; times < 5; times++) {
    await settle()
    rerender(page)
  }
  expect(text()).toBe('NEWER_VERSIONNEWER_VERSION')
  expect(refused.length).toBeLessThan(3)
})

test('a refused session is opened with its own workflow elsewhere, or the engine is closed / the error stays, not a session that is empty', async () => {
  const { newer, engine, settle } = await newerThan(checkout)
  const page = (right: boolean) => (
    <StrictMode>
      <signUpHooks.WorkflowProvider id="cart" engine={engine} errorFallback={(error) => error.name}>
        an empty form
      </signUpHooks.WorkflowProvider>
      {right && (
        <WorkflowProvider workflow={newer} id="cart" engine={engine}>
          , <Note />
        </WorkflowProvider>
      )}
    </StrictMode>
  )
  const { rerender } = render(page(false))
  await settle()
  rerender(page(true))
  await settle()
  expect(text()).toBe('LoadError, note: stored')
  await act(() => engine.close())
  rerender(page(true))
  expect(text()).toBe('LoadError, note: stored')
})

test('storage that cannot be read / errorFallback with a retry, and one read for each', async () => {
  const storage = memoryStorage()
  let broken = true
  const read = vi.fn((id: string) =>
    broken ? Promise.reject(new Error('the disk is on fire')) : storage.read(id),
  )
  const { engine, settle } = stage({ storage: { ...storage, read } })
  const page = () => (
    <hooks.WorkflowProvider
      engine={engine}
      fallback="wait"
      errorFallback={(error, retry) => <button onClick={retry}>{error.message}</button>}
    >
      <Note />
    </hooks.WorkflowProvider>
  )
  const { getByRole, rerender } = render(page())
  await settle()
  rerender(page())
  await settle(60_000)
  expect(text()).toContain('the disk is on fire')
  expect(read).toHaveBeenCalledTimes(1)
  act(() => getByRole('button').click())
  await settle()
  expect(text()).toContain('the disk is on fire')
  broken = false
  act(() => getByRole('button').click())
  await settle()
  expect(text()).toBe('note:')
  expect(read).toHaveBeenCalledTimes(3)
})

test('an errorFallback that returns nothing / nothing is shown', async () => {
  const storage = { ...memoryStorage(), read: () => Promise.reject(new Error('the disk is on fire')) }
  const { engine, settle } = stage({ storage })
  render(
    <hooks.WorkflowProvider engine={engine} fallback="wait" errorFallback={() => undefined}>
      <Note />
    </hooks.WorkflowProvider>,
  )
  await settle()
  expect(text()).toBe('')
})

test('a session that cannot be loaded, without errorFallback / the nearest error boundary', async () => {
  const storage = { ...memoryStorage(), read: () => Promise.reject(new Error('the disk is on fire')) }
  const { engine, settle } = stage({ storage })
  await quietly(async () => {
    render(
      <Boundary>
        <hooks.WorkflowProvider engine={engine}>
          <Note />
        </hooks.WorkflowProvider>
      </Boundary>,
    )
    await settle()
  })
  expect(text()).toContain('the disk is on fire')
})

test('an error boundary that calls error.retry() / reads again, and shows the children once that works', async () => {
  const storage = memoryStorage()
  let broken = true
  const read = (id: string) => (broken ? Promise.reject(new Error('the disk is on fire')) : storage.read(id))
  const { engine, settle } = stage({ storage: { ...storage, read } })
  class WayBack extends Boundary {
    again = async (): Promise<void> => {
      await (this.state.error as StorageError).retry?.().catch(() => {})
      this.setState({ error: undefined as never })
    }
    override render(): ReactNode {
      return this.state.error ? <button onClick={this.again}>{super.render()}</button> : super.render()
    }
  }
  await quietly(async () => {
    const { getByRole } = render(
      <WayBack>
        <hooks.WorkflowProvider engine={engine} fallback="wait">
          <Note />
        </hooks.WorkflowProvider>
      </WayBack>,
    )
    for (const isBroken of [true, true, false]) {
      await settle()
      expect(text()).toContain('the disk is on fire')
      broken = isBroken
      await act(async () => getByRole('button').click())
    }
    await settle()
  })
  expect(text()).toBe('note:')
})

test('closed or deleted while shown / opened again behind the fallback, once', async () => {
  const storage = slowStorage()
  storage.open()
  const { engine, settle } = stage({ storage })
  render(
    <hooks.WorkflowProvider engine={engine} fallback="wait">
      <Note />
    </hooks.WorkflowProvider>,
  )
  await settle()
  const first = engine.session(checkout)
  act(() => first.state.set('note', 'kept'))
  await act(() => first.close())
  await settle()
  expect(engine.session(checkout)).not.toBe(first)
  expect(text()).toBe('note: kept')
  expect(storage.read).toHaveBeenCalledTimes(2)

  await act(() => engine.delete('checkout'))
  await settle()
  expect(text()).toBe('note:')
  act(() => engine.session(checkout).state.set('note', 'new'))
  expect(text()).toBe('note: new')
  await settle(5000)
  expect(storage.read.mock.calls.length).toBeLessThan(6)
  const stored = await engine.list()
  expect(stored).toHaveLength(1)
})

test('the engine is closed while shown / the last state stays, nothing throws, no loop', async () => {
  const { engine, settle } = stage()
  let renders = 0
  function Counted() {
    renders++
    return <Note />
  }
  const page = () => (
    <hooks.WorkflowProvider engine={engine}>
      <Counted />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page())
  await settle()
  act(() => engine.session(checkout).state.set('note', 'last'))
  await act(() => engine.close())
  await settle()
  rerender(page())
  expect(text()).toBe('note: last')
  expect(renders).toBeLessThan(6)
})

test('a new id on a closed engine / the error boundary gets the error', async () => {
  const { engine, settle } = stage()
  const page = (id: string) => (
    <Boundary>
      <hooks.WorkflowProvider id={id} engine={engine}>
        <Note />
      </hooks.WorkflowProvider>
    </Boundary>
  )
  const { rerender } = render(page('a'))
  await settle()
  await act(() => engine.close())
  await settle()
  await quietly(() => rerender(page('b')))
  expect(text()).toMatch(/the engine is closed/)
})

test('a crash and a new engine on the same storage / a remount shows what was stored', async () => {
  const storage = memoryStorage()
  const first = stage({ storage })
  const page = ({ engine }: typeof first) => (
    <hooks.WorkflowProvider key="same" engine={engine} fallback="wait">
      <Note />
    </hooks.WorkflowProvider>
  )
  const { rerender } = render(page(first))
  await first.settle()
  act(() => first.engine.session(checkout).state.set('note', 'kept'))
  await first.settle(5000)
  crash(first.engine)
  const second = stage({ storage: storage.restart() })
  rerender(page(second))
  expect(text()).toBe('wait')
  await second.settle()
  expect(text()).toBe('note: kept')
})

test('ssr / the children at once, with the initial state and status loading; then what was stored', async () => {
  const storage = memoryStorage()
  const before = await createEngine({ storage }).open(checkout)
  before.state.set('note', 'stored')
  await before.close()
  const { engine, settle } = stage({ storage })
  function Page() {
    const { status } = hooks.useWorkflow()
    return (
      <>
        {status}
        <Note />
      </>
    )
  }
  render(
    <hooks.WorkflowProvider engine={engine} ssr fallback="wait">
      <Page />
    </hooks.WorkflowProvider>,
  )
  expect(text()).toBe('loadingnote:')
  await settle()
  expect(text()).toBe('idlenote: stored')
})

test('suspense / the nearest Suspense boundary waits, instead of the fallback', async () => {
  const { engine, settle } = stage()
  render(
    <Suspense fallback="suspended">
      <hooks.WorkflowProvider engine={engine} suspense fallback="wait">
        <Note />
      </hooks.WorkflowProvider>
    </Suspense>,
  )
  expect(text()).toBe('suspended')
  await settle()
  await act(async () => {})
  expect(text()).toBe('note:')
})

test('suspense, and the session cannot be loaded / the nearest error boundary', async () => {
  const storage = { ...memoryStorage(), read: () => Promise.reject(new Error('the disk is on fire')) }
  const { engine, settle } = stage({ storage })
  await quietly(async () => {
    render(
      <Boundary>
        <Suspense fallback="suspended">
          <hooks.WorkflowProvider engine={engine} suspense>
            <Note />
          </hooks.WorkflowProvider>
        </Suspense>
      </Boundary>,
    )
    await settle()
    await act(async () => {})
  })
  expect(text()).toContain('the disk is on fire')
})

test('no workflow, as when two modules import each other / an error naming the provider', async () => {
  const { WorkflowProvider: Provider } = createWorkflowHooks(undefined as unknown as typeof checkout)
  expect(await caught(<Provider id="cart-42" />)).toMatch(
    /^HookError: WorkflowProvider: its `workflow` is not what defineWorkflow\(\) returns/,
  )
})

test('a wrong definition / the error boundary gets all that is wrong with it', async () => {
  const { engine } = stage()
  const broken = checkout.step('again', { on: [], emits: [] }, () => {})
  expect(await caught(<WorkflowProvider workflow={broken} engine={engine} />)).toContain(
    'WorkflowError: workflow "checkout"',
  )
})

test('createWorkflowHooks() / returns the provider and every hook of dogear/react, with the same names', () => {
  const { createWorkflowHooks: _, ...names } = bare
  expect(Object.keys(createWorkflowHooks(checkout)).sort()).toEqual(Object.keys(names).sort())
})
