// @vitest-environment node
import { Writable } from 'node:stream'
import { Suspense, use } from 'react'
import { renderToPipeableStream, renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import { createEngine, createStore, memoryStorage, type SessionStorage } from 'dogear'
import { useWorkflow, useWorkflowState } from 'dogear/react'
import { pagesOf } from '../../src/session/face'
import { checkout, hooks, shop } from './stage'

/** A storage in which every call is an error. */
function forbiddenStorage(): { storage: SessionStorage; calls: string[] } {
  const calls: string[] = []
  const storage = new Proxy(memoryStorage(), {
    get: (target, name: keyof SessionStorage) =>
      typeof target[name] === 'function' ? () => void calls.push(name) : target[name],
  })
  return { storage, calls }
}

function Page() {
  const { status, asks, error, resumed, persistence } = hooks.useWorkflow()
  const [note, setNote] = hooks.useWorkflowState('note')
  const [length] = hooks.useWorkflowState('items', { select: (items) => items.length })
  const found = hooks.useResource('shop') === shop
  hooks.useWorkflowEvents(() => {})
  return (
    <p onClick={() => setNote('x')}>
      {JSON.stringify([
        status,
        asks.length,
        String(error),
        resumed.found,
        persistence.status,
        note,
        length,
        found,
      ])}
    </p>
  )
}

const shown =
  '<p>[&quot;loading&quot;,0,&quot;undefined&quot;,false,&quot;saved&quot;,&quot;hi&quot;,0,true]</p>'

test('renderToString / no storage access, no timer, the fallback', async () => {
  const { storage, calls } = forbiddenStorage()
  const clock = { now: vi.fn(() => 0), setTimeout: vi.fn(), clearTimeout: vi.fn() }
  const engine = createEngine({ storage, clock })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const html = renderToString(
    <hooks.WorkflowProvider engine={engine} resources={{ shop }} fallback={<i>wait</i>}>
      <Page />
    </hooks.WorkflowProvider>,
  )
  expect(html).toBe('<i>wait</i>')
  await new Promise((resolve) => setImmediate(resolve))
  expect(calls).toEqual([])
  expect(clock.setTimeout).not.toHaveBeenCalled()
  expect(timers).not.toHaveBeenCalled()
  timers.mockRestore()
})

test('renderToString with ssr / the initial state and status loading', () => {
  const html = renderToString(
    <hooks.WorkflowProvider ssr resources={{ shop }} initialState={{ note: 'hi' }} fallback={<i>wait</i>}>
      <Page />
    </hooks.WorkflowProvider>,
  )
  expect(html).toBe(shown)
})

test('renderToString with suspense / the fallback, since nothing will arrive', () => {
  const html = renderToString(
    <hooks.WorkflowProvider suspense resources={{ shop }} fallback={<i>wait</i>}>
      <Page />
    </hooks.WorkflowProvider>,
  )
  expect(html).toBe('<i>wait</i>')
})

test('a stream with ssr, and a late part / the same in the late part, and the stream ends', async () => {
  const { storage, calls } = forbiddenStorage()
  let arrive = (): void => {}
  const late = new Promise<void>((resolve) => (arrive = resolve))
  function Late() {
    use(late)
    return <Page />
  }
  let html = ''
  const sink = new Writable({
    write: (chunk, _encoding, done) => ((html += String(chunk)), arrive(), done()),
  })
  const ended = new Promise((resolve) => void sink.on('finish', resolve))
  const stream = renderToPipeableStream(
    <hooks.WorkflowProvider
      ssr
      engine={createEngine({ storage })}
      resources={{ shop }}
      initialState={{ note: 'hi' }}
    >
      <Page />
      <Suspense fallback={<i>late</i>}>
        <Late />
      </Suspense>
    </hooks.WorkflowProvider>,
    { onShellReady: () => (stream.pipe(sink), arrive()) },
  )
  await ended
  expect(html.split(shown)).toHaveLength(3)
  expect(calls).toEqual([])
})

test('two requests on one server never share state', () => {
  const sessions = new Set<unknown>()
  function Writer({ note }: { readonly note: string }) {
    const { session } = useWorkflow(checkout)
    sessions.add(session)
    const before = session.state.get('note')
    session.state.set('note', note)
    return <>{`${before}>${session.state.get('note')};`}</>
  }
  const request = (note: string): string =>
    renderToString(
      <hooks.WorkflowProvider ssr id="cart">
        <Writer note={note} />
      </hooks.WorkflowProvider>,
    )
  expect([request('a'), request('b')]).toEqual(['&gt;a;', '&gt;b;'])
  expect(sessions.size).toBe(2)
})

test('the hook without a provider / loading, also the second time', () => {
  function Alone() {
    return <i>{useWorkflow(checkout, { id: 'alone' }).status}</i>
  }
  expect(renderToString(<Alone />)).toBe('<i>loading</i>')
  expect(renderToString(<Alone />)).toBe('<i>loading</i>')
})

test('a plain store / its value', () => {
  const store = createStore({ initial: { a: 1 } })
  function Shown() {
    return <i>{String(useWorkflowState(store, 'a')[0])}</i>
  }
  expect(renderToString(<Shown />)).toBe('<i>1</i>')
})

test('a page has two copies of Dogear, as a module and by require / the hooks of one show what the other has made', async () => {
  vi.resetModules()
  const other = await import('dogear')
  const engine = other.createEngine({ storage: memoryStorage() })
  const session = await engine.open(checkout, { resources: { shop }, initialState: { note: 'hi' } })
  const store = other.createStore({ initial: { note: 'there' } })
  function Both() {
    const [note] = useWorkflowState(session, 'note')
    const [its] = useWorkflowState(store, 'note')
    return JSON.stringify([note, its])
  }
  expect(other.createEngine).not.toBe(createEngine)
  expect(renderToString(<Both />)).toContain('[&quot;hi&quot;,&quot;there&quot;]')
  session.run({ country: 'NL' }).catch(() => {})
  await vi.waitFor(() => expect(session.asks).toHaveLength(1))
  await session.asks[0]?.reply({ street: 'Damrak 1' })
  expect(pagesOf(session as never).map((it) => it.type)).toEqual(['askAddress'])
})
