import { act, cleanup, render } from '@testing-library/react'
import { StrictMode, useEffect, useState } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import { defineWorkflow, type WorkflowEvent } from 'dogear'
import { createWorkflowHooks, useWorkflowEvents } from 'dogear/react'
import { AskAddress, Begin, checkout, Done, hooks, shop, stage, thrownBy, Word } from './stage'

afterEach(cleanup)

/** A page that listens, and the session below it. */
async function open(Page: () => null, strict = false) {
  const { engine, settle } = stage()
  const page = (
    <hooks.WorkflowProvider engine={engine} resources={{ shop }}>
      <Page />
    </hooks.WorkflowProvider>
  )
  const rendered = render(strict ? <StrictMode>{page}</StrictMode> : page)
  await settle()
  const session = engine.session(checkout)
  const run = async (): Promise<void> => {
    void session.run({ country: 'NL' })
    await settle()
    await act(async () => void session.asks[0]?.reply({ street: 'Dam' }))
    await settle()
  }
  return { ...rendered, session, settle, run }
}

test('a handler for everything / streamed events, asks, and the end of each run, in order', async () => {
  const events: WorkflowEvent[] = []
  const { run } = await open(() => {
    hooks.useWorkflowEvents((event) => void events.push(event))
    return null
  })
  await run()
  await run()
  expect(events.slice(0, 3)).toEqual([
    Word({ text: 'hello NL' }),
    AskAddress({ country: 'NL' }),
    Done({ total: 3 }),
  ])
  expect(events).toHaveLength(6)
})

test('a handler for one type / events of that type, with their data', async () => {
  const words: string[] = []
  const { run } = await open(() => {
    hooks.useWorkflowEvents(Word, ({ data }) => void words.push(data.text))
    return null
  })
  await run()
  expect(words).toEqual(['hello NL'])
})

test('StrictMode double mount / each event once; none after unmount', async () => {
  const types: string[] = []
  const { run, unmount } = await open(() => {
    hooks.useWorkflowEvents(({ type }) => void types.push(type))
    return null
  }, true)
  await run()
  expect(types).toEqual(['word', 'askAddress', 'done'])
  unmount()
  await run()
  expect(types).toHaveLength(3)
})

test.each([true, false])(
  'a run is started as the page mounts (StrictMode: %s) / each event once',
  async (strict) => {
    const types: string[] = []
    await open(() => {
      const { start } = hooks.useWorkflow()
      hooks.useWorkflowEvents(({ type }) => void types.push(type))
      useEffect(() => start({ country: 'NL' }), [start])
      return null
    }, strict)
    expect(types).toEqual(['word', 'askAddress'])
  },
)

/** Streams ten words at once, and ten more as soon as promises go on. */
const talk = defineWorkflow({ name: 'talk', version: 1, start: Begin, stop: Done, events: [Word] }).step(
  'talk',
  { on: Begin, emits: [Done] },
  async (ctx) => {
    for (let word = 1; word <= 20; word++) {
      ctx.stream(Word({ text: String(word) }))
      if (word >= 10) await Promise.resolve()
    }
    return Done({ total: 20 })
  },
)
const talkHooks = createWorkflowHooks(talk)

test.each([true, false])(
  'many events while the page mounts (StrictMode: %s) / all of them, in order',
  async (strict) => {
    const { engine, settle } = stage()
    const heard: number[] = []
    function Page() {
      const { start } = talkHooks.useWorkflow()
      talkHooks.useWorkflowEvents(Word, ({ data }) => void heard.push(Number(data.text)))
      useEffect(() => start({ country: 'NL' }), [start])
      return null
    }
    const page = (
      <talkHooks.WorkflowProvider engine={engine}>
        <Page />
      </talkHooks.WorkflowProvider>
    )
    render(strict ? <StrictMode>{page}</StrictMode> : page)
    await settle()
    expect(heard).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  },
)

test('the page is left before the handler has heard what has come / it is not called any more', async () => {
  const types: string[] = []
  const { session, settle, unmount } = await open(() => {
    hooks.useWorkflowEvents(({ type }) => void types.push(type))
    return null
  })
  void session.run({ country: 'NL' })
  unmount()
  await settle()
  expect([types, session.status]).toEqual([[], 'waiting'])
})

test('another handler in the next render / that one is called, and nothing is missed', async () => {
  const calls: string[] = []
  let setName: (name: string) => void = () => {}
  const { session, settle } = await open(() => {
    const [name, set] = useState('first')
    setName = set
    hooks.useWorkflowEvents(({ type }) => void calls.push(`${name} ${type}`))
    return null
  })
  void session.run({ country: 'NL' })
  await settle()
  act(() => setName('second'))
  await act(async () => void session.asks[0]?.reply({ street: 'Dam' }))
  await settle()
  expect(calls).toEqual(['first word', 'first askAddress', 'second done'])
})

test('another type in the next render / that type is heard', async () => {
  const types: string[] = []
  let setType: (type: typeof Word | typeof Done) => void = () => {}
  const { session, settle } = await open(() => {
    const [type, set] = useState<typeof Word | typeof Done>(() => Word)
    setType = (next) => set(() => next)
    hooks.useWorkflowEvents<typeof Word | typeof Done>(type, (event) => void types.push(event.type))
    return null
  })
  void session.run({ country: 'NL' })
  await settle()
  act(() => setType(Done))
  await act(async () => void session.asks[0]?.reply({ street: 'Dam' }))
  await settle()
  expect(types).toEqual(['word', 'done'])
})

test('a handler that throws / the error surfaces, and the next event still comes', async () => {
  const types: string[] = []
  const surfaced = vi.fn()
  vi.stubGlobal('reportError', surfaced)
  const { run } = await open(() => {
    hooks.useWorkflowEvents(({ type }) => {
      types.push(type)
      if (type === 'askAddress') throw new Error('no ears')
    })
    return null
  })
  await run()
  vi.unstubAllGlobals()
  expect(types).toEqual(['word', 'askAddress', 'done'])
  expect(surfaced.mock.calls).toEqual([[new Error('no ears')]])
})

test('the untyped hook / uses the nearest provider', async () => {
  const types: string[] = []
  const { run } = await open(() => {
    useWorkflowEvents(({ type }) => void types.push(type))
    return null
  })
  await run()
  expect(types).toEqual(['word', 'askAddress', 'done'])
})

const anyHook = useWorkflowEvents as (...args: unknown[]) => unknown

test.each([
  [
    'no provider',
    () => anyHook(() => {}),
    /HookError: useWorkflowEvents: there is no WorkflowProvider above/,
  ],
  ['the name of a type', () => anyHook('word', () => {}), /HookError: useWorkflowEvents: wrong/],
  ['a type that is not there', () => anyHook(undefined, () => {}), /HookError: useWorkflowEvents: wrong/],
  ['the handler before the type', () => anyHook(() => {}, Word), /HookError: useWorkflowEvents: wrong/],
] as const)('%s / an error naming the hook and the way out', async (_case, use, message) => {
  expect(await thrownBy(use)).toMatch(message)
})
