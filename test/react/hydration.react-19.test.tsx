import { act, cleanup } from '@testing-library/react'
import { lazy, Suspense, type ReactElement } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createEngine, memoryStorage, type SessionStorage } from 'dogear'
import { useWorkflowState } from 'dogear/react'
import { checkout, hooks, shop, stage, text } from './stage'

let container: HTMLElement
let errors: unknown[]

beforeEach(() => {
  errors = []
  container = document.body.appendChild(document.createElement('main'))
})

afterEach(() => {
  container.remove()
  cleanup()
  vi.unstubAllGlobals()
})

/** The HTML of a server: where there is no page. */
function onServer(page: ReactElement): string {
  vi.stubGlobal('document', undefined)
  const html = renderToString(page)
  vi.unstubAllGlobals()
  return html
}

/** Lets the page take over what the server sent; answers with what React reports. */
async function hydrate(page: ReactElement): Promise<string> {
  const errorSpy = vi.spyOn(console, 'error').mockImplementation((...args) => void errors.push(args))
  let first = ''
  await act(async () => {
    hydrateRoot(container, page, { onRecoverableError: (error) => errors.push(error) })
    first = text()
  })
  errorSpy.mockRestore()
  return first
}

async function storedNote(): Promise<ReturnType<typeof memoryStorage>> {
  const storage = memoryStorage()
  const session = await createEngine({ storage }).open(checkout)
  session.state.set('note', 'stored')
  await session.close()
  return storage
}

function Page() {
  const { status, asks, resumed, persistence, session } = hooks.useWorkflow()
  const [note] = hooks.useWorkflowState('note')
  const [age] = hooks.useWorkflowState('user.age')
  const [length] = hooks.useWorkflowState('note', { select: (it) => ({ length: it.length }) })
  return (
    <p>
      {[status, asks.length, resumed.found, persistence.status, note, age, length.length, session.id].join()}
    </p>
  )
}

const loaded = 'idle,0,true,saved,stored,36,6,checkout'
const initial = 'loading,0,false,saved,,36,0,checkout'

test('renderToString where there is a document, as a shim of one on a server / no storage access, and two requests share nothing', async () => {
  const calls: unknown[] = []
  const storage = new Proxy(memoryStorage(), {
    get(target, name: keyof SessionStorage) {
      calls.push(name)
      return target[name]
    },
  })
  const engine = createEngine({ storage })
  const known = calls.length
  const request = (note: string): string =>
    renderToString(
      <hooks.WorkflowProvider ssr engine={engine} resources={{ shop }} initialState={{ note }}>
        <Page />
      </hooks.WorkflowProvider>,
    )
  expect([request('one'), request('two')]).toEqual([
    '<p>loading,0,false,saved,one,36,3,checkout</p>',
    '<p>loading,0,false,saved,two,36,3,checkout</p>',
  ])
  expect(calls.slice(known)).toEqual([])
})

test('server HTML equals the first client render, then flips without a recoverable error', async () => {
  const { engine, settle } = stage({ storage: await storedNote() })
  const page = (
    <hooks.WorkflowProvider engine={engine} resources={{ shop }} fallback={<i>wait</i>}>
      <Page />
    </hooks.WorkflowProvider>
  )
  container.innerHTML = onServer(page)
  expect(text()).toBe('wait')
  expect(await hydrate(page)).toBe('wait')
  await settle()
  expect(text()).toBe(loaded)
  expect(errors).toEqual([])
})

test('ssr / the same, with the children in the HTML', async () => {
  const { engine, settle } = stage({ storage: await storedNote() })
  const page = (
    <hooks.WorkflowProvider engine={engine} resources={{ shop }} ssr>
      <Page />
    </hooks.WorkflowProvider>
  )
  container.innerHTML = onServer(page)
  expect(text()).toBe(initial)
  await hydrate(page)
  await settle()
  expect(text()).toBe(loaded)
  expect(errors).toEqual([])
})

test.each([{ ssr: false }, { ssr: true }, { suspense: true }])(
  'the session is open before hydration (%o) / still no recoverable error',
  async (mode) => {
    const { engine, settle } = stage({ storage: await storedNote() })
    const page = (
      <hooks.WorkflowProvider engine={engine} resources={{ shop }} fallback={<i>wait</i>} {...mode}>
        <Page />
      </hooks.WorkflowProvider>
    )
    container.innerHTML = onServer(page)
    const session = await engine.open(checkout)
    session.setResources({ shop })
    await hydrate(page)
    await settle()
    expect(text()).toBe(loaded)
    expect(errors).toEqual([])
  },
)

test('ssr, and a part hydrates after the session has loaded / still no recoverable error', async () => {
  const { engine, settle } = stage({ storage: await storedNote() })
  let arrive: (module: { default: typeof Page }) => void = () => {}
  const Late = lazy(() => new Promise<{ default: typeof Page }>((resolve) => (arrive = resolve)))
  const page = (part: ReactElement) => (
    <hooks.WorkflowProvider engine={engine} resources={{ shop }} ssr>
      <Suspense>{part}</Suspense>
    </hooks.WorkflowProvider>
  )
  container.innerHTML = onServer(page(<Page />))
  await hydrate(page(<Late />))
  await settle()
  expect(engine.session(checkout).status).toBe('idle')
  expect(text()).toBe(initial)
  await act(async () => arrive({ default: Page }))
  await settle()
  expect(text()).toBe(loaded)
  expect(errors).toEqual([])
})

test('the stores of a session and of its flow state, read before hydration / still no recoverable error', async () => {
  const engine = createEngine({ storage: await storedNote() })
  const session = await engine.open(checkout)
  session.flowState.set('visits', 7)
  function Stores({ of }: { readonly of: typeof session }) {
    const [note] = useWorkflowState(of.state, 'note')
    const [visits] = useWorkflowState(of.flowState, 'visits')
    return <p>{JSON.stringify([note, visits])}</p>
  }
  container.innerHTML = onServer(<Stores of={createEngine({ storage: memoryStorage() }).session(checkout)} />)
  expect(text()).toBe('["",null]')
  await hydrate(<Stores of={session} />)
  expect(text()).toBe('["stored",7]')
  expect(errors).toEqual([])
})

test('suspense / the fallback stays until hydration, then the boundary waits', async () => {
  const { engine, settle } = stage({ storage: await storedNote() })
  const page = (
    <Suspense fallback={<b>suspended</b>}>
      <hooks.WorkflowProvider engine={engine} resources={{ shop }} suspense fallback={<i>wait</i>}>
        <Page />
      </hooks.WorkflowProvider>
    </Suspense>
  )
  container.innerHTML = onServer(page)
  expect(text()).toBe('wait')
  await hydrate(page)
  await settle()
  expect(text()).toBe(loaded)
  expect(errors).toEqual([])
})
