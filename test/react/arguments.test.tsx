import { render } from '@testing-library/react'
import { expect, test } from 'vitest'
import { createStore, DogearError } from 'dogear'
import {
  createWorkflowHooks,
  useFlowState,
  usePersistence,
  useResource,
  useSessions,
  useWorkflow,
  useWorkflowEvents,
  useWorkflowState,
  useWorkflowUrl,
  WorkflowProvider,
} from 'dogear/react'
import { Boundary, caught, checkout, quietly, shop, stage, type Stage } from './stage'

// oxlint-disable-next-line typescript/no-explicit-any -- what a caller without types gives
type Any = any

const foreign: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['nothing', undefined],
  ['a number', 7],
  ['an empty text', ''],
  ['a text', 'cart-42'],
  ['a foreign object', new Map()],
]
const options = ['id', 'engine', 'resources', 'initialState', 'fallback', 'errorFallback', 'scope', 'ssr']
const store = createStore()

/** Every hook with something else in each of its places, in a provider. */
function uses({ engine }: Stage): Readonly<Record<string, (given: Any) => unknown>> {
  return {
    createWorkflowHooks: (it) => createWorkflowHooks(it).useWorkflowState('note' as Any),
    useWorkflow: (it) => useWorkflow(it),
    'useWorkflow, its options': (it) => useWorkflow(checkout, it),
    'useWorkflow: id': (it) => useWorkflow(checkout, { engine, id: it }),
    'useWorkflow: engine': (it) => useWorkflow(checkout, { engine: it }),
    'useWorkflow: resources': (it) => useWorkflow(checkout, { engine, resources: it }),
    useWorkflowState: (it) => useWorkflowState(it),
    'useWorkflowState, its path': (it) => useWorkflowState(checkout, it as 'note'),
    'useWorkflowState of a store, its path': (it) => useWorkflowState(store, it),
    'useWorkflowState of what has its methods': (it) => (useWorkflowState as Any)({ append: it }, 'note'),
    'useWorkflowState, its options': (it) => useWorkflowState(checkout, 'note', it),
    useFlowState: (it) => useFlowState(it as never),
    useResource: (it) => useResource(it),
    usePersistence: (it) => usePersistence(it),
    useSessions: (it) => useSessions(it),
    'useSessions, its options': (it) => useSessions(undefined, it),
    'useSessions: engine': (it) => useSessions(undefined, { engine: it }),
    useWorkflowEvents: (it) => useWorkflowEvents(it),
    'useWorkflowEvents, its handler': (it) => useWorkflowEvents(checkout.name as Any, it),
    useWorkflowUrl: (it) => useWorkflowUrl(it),
    'useWorkflowUrl, its options': (it) => useWorkflowUrl(checkout, it),
  }
}

function watched(errors: unknown[]): typeof Boundary {
  return class extends Boundary {
    override componentDidCatch(error: unknown): void {
      errors.push(error)
    }
  }
}

/** What reaches the error boundary, when it is no error of ours. */
async function raw(page: Stage, element: React.ReactElement): Promise<string[]> {
  const errors: unknown[] = []
  const Watched = watched(errors)
  await quietly(async () => {
    const { unmount } = render(<Watched>{element}</Watched>)
    await page.settle()
    unmount()
  })
  return errors.filter((it) => !(it instanceof DogearError)).map(String)
}

test.each(foreign)('%s in each argument of each hook / accepted, or a typed error', async (_, given) => {
  const found: string[] = []
  for (const name of Object.keys(uses(stage()))) {
    const page = stage()
    const Use = (): null => (uses(page)[name]?.(given), null)
    const element = (
      <WorkflowProvider workflow={checkout} engine={page.engine} resources={{ shop }}>
        <Use />
      </WorkflowProvider>
    )
    found.push(...(await raw(page, element)).map((it) => `${name}: ${it}`))
  }
  expect(found).toEqual([])
})

test.each(foreign)('%s in each prop of the provider / accepted, or a typed error', async (_, given) => {
  const found: string[] = []
  for (const name of [...options, 'workflow']) {
    const page = stage()
    const props = { workflow: checkout, engine: page.engine, [name]: given } as Any
    found.push(
      ...(await raw(page, <WorkflowProvider {...props}>x</WorkflowProvider>)).map((it) => `${name}: ${it}`),
    )
  }
  expect(found).toEqual([])
})

test('`engine` is no engine / an error that says so', async () => {
  const page = (
    <WorkflowProvider workflow={checkout} engine={{} as Any}>
      x
    </WorkflowProvider>
  )
  expect(await caught(page)).toBe('ArgumentError: engine takes an object with session(), not object')
})
