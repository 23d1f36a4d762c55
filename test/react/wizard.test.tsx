import { act, cleanup, render, waitFor } from '@testing-library/react'
import { StrictMode, useEffect, useState } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  type LoadError,
  type Session,
  type SessionStorage,
} from 'dogear'
import {
  createWorkflowHooks,
  useWorkflow,
  useWorkflowUrl,
  WorkflowProvider,
  type UseWorkflow,
  type WorkflowUrlOptions,
} from 'dogear/react'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { text } from './stage'

const Begin = defineEvent('begin')
const Text = defineEvent('text', z.object({ text: z.string() }))
const AskName = defineEvent('askName', z.object({}), { reply: Text })
const AskCity = defineEvent('askCity', z.object({}), { reply: Text })
const AskSure = defineEvent('askSure', z.object({}), { reply: Text })
const Done = defineEvent('done', z.array(z.string()))

const wizard = defineWorkflow({ name: 'wizard', version: 1, start: Begin, stop: Done }).step(
  'ask',
  { on: Begin, asks: [AskName, AskCity, AskSure], emits: [Done] },
  async (ctx) => {
    const answers = [
      await ctx.ask(AskName({})),
      await ctx.ask(AskCity({})),
      await ctx.ask(AskCity({})),
      await ctx.ask(AskSure({})),
    ]
    return Done(answers.map((it) => it.data.text))
  },
)

const hooks = createWorkflowHooks(wizard)
type View = UseWorkflow<typeof wizard>

afterEach(cleanup)
beforeEach(() => history.replaceState(null, '', '/wizard?other=1#top'))

function stage() {
  const clock = virtualClock()
  let storage = memoryStorage()
  let engine = createEngine({ storage, clock })
  const settle = (ms = 0) => act(() => clock.advance(ms))
  const views: View[] = []
  const session = (): Session<typeof wizard> => engine.session(wizard)
  const latest = () => views.at(-1) as View
  return {
    settle,
    session,
    latest,
    async start() {
      act(() => latest().start())
      await settle()
    },
    async open(url?: WorkflowUrlOptions | false, ssr?: boolean) {
      const Page = url === false ? PlainPage : UrlPage
      render(
        <StrictMode>
          <hooks.WorkflowProvider engine={engine} ssr={ssr}>
            <Page views={views} options={url || undefined} />
          </hooks.WorkflowProvider>
        </StrictMode>,
      )
      await settle()
    },
    async answer(...texts: string[]) {
      for (const it of texts) {
        await act(async () => void (await session().asks[0]?.reply({ text: it })))
        await settle()
      }
    },
    /** The page is reloaded, at this URL when one is given. */
    async reload(url?: string) {
      await act(() => session().flush())
      cleanup()
      crash(engine)
      storage = storage.restart()
      engine = createEngine({ storage, clock })
      if (url !== undefined) history.replaceState(null, '', url)
    },
  }
}

interface PageProps {
  readonly views: View[]
  readonly options?: WorkflowUrlOptions | undefined
}

function PlainPage({ views }: PageProps) {
  const view = hooks.useWorkflow()
  views.push(view)
  return <p>{view.ask?.type ?? view.status}</p>
}

function UrlPage({ views, options }: PageProps) {
  hooks.useWorkflowUrl(options)
  return <PlainPage views={views} />
}

/** What the browser's buttons do: happy-dom keeps no entries, so a test says where they lead. */
async function pop(url: string, state: unknown = history.state) {
  history.replaceState(state, '', url)
  await act(async () => void window.dispatchEvent(new PopStateEvent('popstate')))
}

const step = () => new URLSearchParams(location.search).get('step')

/** What was pushed and replaced meanwhile. */
async function moves(work: () => Promise<unknown>) {
  const seen: string[] = []
  const { pushState, replaceState } = history
  history.pushState = (...args) => (seen.push('push'), pushState.apply(history, args))
  history.replaceState = (...args) => (seen.push('replace'), replaceState.apply(history, args))
  await work()
  Object.assign(history, { pushState, replaceState })
  return seen
}

describe('useWorkflow: back and forward', () => {
  test('back() shows the page before, forward() the next again; both are stable and say whether they moved', async () => {
    const { open, start, answer, latest, settle } = stage()
    await open(false)
    await start()
    const { back, forward } = latest()
    expect(back()).toBe(false)
    await answer('Ada')
    expect(text()).toBe('askCity')
    await act(async () => expect(back()).toBe(true))
    await settle()
    expect(text()).toBe('askName')
    await act(async () => expect(forward()).toBe(true))
    await settle()
    expect(text()).toBe('askCity')
    expect(forward()).toBe(false)
    expect([latest().back, latest().forward]).toEqual([back, forward])
  })
})

describe('useWorkflowUrl', () => {
  test('the run begins, and a page is answered / each page is pushed; the rest of the URL stays', async () => {
    const { open, start, answer } = stage()
    expect(await moves(() => open())).toEqual([])
    expect(location.href).toMatch(/wizard\?other=1#top$/)
    const seen = await moves(async () => {
      await start()
      expect(step()).toBe('askName')
      await answer('Ada')
    })
    expect(location.href).toMatch(/wizard\?other=1&step=askCity#top$/)
    expect(seen).toEqual(['push', 'push'])
  })

  test('in a page whose URL cannot be rewritten, as a sandboxed one / the pages turn without it', async () => {
    const refused = () => {
      throw new DOMException('a document with origin "null" cannot rewrite its URL', 'SecurityError')
    }
    const spies = (['pushState', 'replaceState'] as const).map((it) =>
      vi.spyOn(history, it).mockImplementation(refused),
    )
    const { open, start, answer, latest } = stage()
    await open()
    await start()
    await answer('Ada')
    expect(text()).toBe('askCity')
    act(() => void latest().back())
    await waitFor(() => expect(text()).toBe('askName'))
    await answer('Bob', 'Delft')
    expect(text()).toBe('askCity')
    for (const it of spies) it.mockRestore()
  })

  test('pages with the same name / are numbered', async () => {
    const { open, start, answer, latest } = stage()
    await open()
    await start()
    await answer('Ada', 'Delft')
    expect(step()).toBe('askCity-2')
    await pop('/wizard?step=askCity')
    expect(latest().session.history().at(-1)).toMatchObject({ type: 'rewound' })
    expect(step()).toBe('askCity')
  })

  test("the browser's Back over two pages, then Forward / the pages follow, and nothing is pushed", async () => {
    const { open, start, answer, settle } = stage()
    await open()
    await start()
    await answer('Ada', 'Delft')
    await pop('/wizard?step=askName')
    expect(text()).toBe('askName')
    const seen = await moves(async () => {
      await pop('/wizard?step=askCity-2')
      await settle()
    })
    expect(text()).toBe('askCity')
    expect(step()).toBe('askCity-2')
    expect(seen).toEqual(['replace'])
  })

  test("the browser's Back to an entry that a link within the page (#help) has made / turns the page", async () => {
    const { open, start, answer } = stage()
    await open()
    await start()
    await answer('Ada')
    await pop('/wizard?step=askName#help', null)
    expect([text(), step()]).toEqual(['askName', 'askName'])
  })

  test("the browser's Back, then an answer / the next page is pushed", async () => {
    const { open, start, answer } = stage()
    await open()
    await start()
    await answer('Ada', 'Delft')
    await pop('/wizard?step=askName')
    expect(await moves(() => answer('Bob'))).toEqual(['push'])
    expect([text(), step()]).toEqual(['askCity', 'askCity'])
  })

  test('another session in the next render / its page is in the URL, and the first session no longer moves it', async () => {
    const clock = virtualClock()
    const engine = createEngine({ storage: memoryStorage(), clock })
    const [first, second] = [await engine.open(wizard, { id: '1' }), await engine.open(wizard, { id: '2' })]
    for (const it of [first, second]) it.run().catch(() => {})
    await second.asks[0]?.reply({ text: 'Ada' })
    await clock.advance(0)
    function Page({ of }: { readonly of: Session<typeof wizard> }) {
      useWorkflowUrl(of)
      return null
    }
    const { rerender } = render(<Page of={first} />)
    expect(step()).toBe('askName')
    history.replaceState(null, '', '/wizard')
    rerender(<Page of={second} />)
    expect(step()).toBe('askCity')
    act(() => void first.asks[0]?.reply({ text: 'Bob' }))
    await act(() => clock.advance(0))
    act(() => void first.back())
    await act(() => clock.advance(0))
    expect(step()).toBe('askCity')
  })

  test("a link to the open page / its history entry is marked as the session's, so that Back leads to it", async () => {
    const { open, start, answer, reload } = stage()
    await open()
    await start()
    await answer('Ada')
    await reload('/wizard?step=askCity')
    history.replaceState(null, '', location.href)
    expect(await moves(() => open())).toEqual(['replace'])
    expect(history.state).toEqual({ 'dogear-step': 'wizard' })
  })

  test('a reload / the same page, nothing pushed; a URL without a page gets it', async () => {
    const { open, start, answer, reload } = stage()
    await open()
    await start()
    await answer('Ada')
    await reload()
    expect(await moves(() => open())).toEqual([])
    expect(text()).toBe('askCity')
    await reload('/wizard')
    expect(await moves(() => open())).toEqual(['replace'])
    expect(step()).toBe('askCity')
  })

  test('a reload after Back, without a page in the URL / the page that was gone back to', async () => {
    const { open, start, answer, reload, latest, settle } = stage()
    await open()
    await start()
    await answer('Ada', 'Delft')
    act(() => void latest().back())
    await settle()
    await reload('/wizard')
    await open()
    expect([text(), step()]).toEqual(['askCity', 'askCity'])
  })

  test('a link to an answered page / goes there; to a later or unknown page / goes as far as was reached', async () => {
    const { open, start, answer, latest, settle, reload } = stage()
    await open()
    await start()
    await answer('Ada', 'Delft')
    await reload('/wizard?step=askName')
    await open()
    expect(text()).toBe('askName')
    for (const beyond of ['askSure', 'nowhere']) {
      await reload(`/wizard?step=${beyond}`)
      await open()
      await settle()
      expect(step()).toBe('askCity-2')
      expect(latest().ask?.type).toBe('askCity')
    }
  })

  test('a link to a page of a session that cannot be loaded / waits in the URL, and leads there once it can', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const before = await createEngine({ storage, clock }).open(wizard)
    before.run().catch(() => {})
    await before.asks[0]?.reply({ text: 'Ada' })
    await clock.advance(0)
    await before.close()
    let damaged = true
    const read: SessionStorage['read'] = async (id) => {
      const stored = await storage.read(id)
      return stored && damaged ? { ...stored, batches: [] } : stored
    }
    history.replaceState(null, '', '/wizard?step=askName')
    const session = createEngine({ storage: { ...storage, read }, clock }).session(wizard)
    const Page = () => {
      useWorkflowUrl(session)
      return null
    }
    render(<Page />)
    await act(() => clock.advance(0))
    expect([session.status, step()]).toEqual(['error', 'askName'])
    damaged = false
    await act(() => (session.error as LoadError).retry())
    await act(() => clock.advance(0))
    expect([session.asks[0]?.type, step()]).toEqual(['askName', 'askName'])
  })

  test('children shown while the session loads / the URL waits: a link is followed, and nothing is pushed', async () => {
    const { open, start, answer, reload, settle } = stage()
    await open()
    await start()
    await answer('Ada', 'Delft')
    for (const [url, page] of [
      ['/wizard?step=askCity-2', 'askCity-2'],
      ['/wizard', 'askCity-2'],
      ['/wizard?step=askName', 'askName'],
    ] as const) {
      await reload(url)
      const seen = await moves(() => open(undefined, true))
      await settle()
      expect([step(), seen.includes('push')]).toEqual([page, false])
    }
    expect(text()).toBe('askName')
  })

  test('a reload between two pages, after a failure, at work or in a wait / stays there: no page turned back, nothing done twice', async () => {
    const Paid = defineEvent('paid')
    const keys: string[] = []
    let paid = (): void => {}
    const answer = new Promise<void>((resolve) => (paid = resolve))
    const shop = defineWorkflow({ name: 'shop', version: 1, start: Begin, stop: Done, events: [Paid] }).step(
      'pay',
      { on: Begin, asks: [AskName, AskCity, AskSure], emits: [Done] },
      async (ctx) => {
        await ctx.ask(AskName({}))
        await ctx.ask(AskCity({}))
        await ctx.once('charge', (key) => {
          if (keys.push(key) === 1) throw new Error('no answer')
          return answer
        })
        await ctx.waitFor(Paid)
        await ctx.ask(AskSure({}))
        return Done([])
      },
    )
    let storage = memoryStorage()
    const clock = virtualClock()
    const settle = () => act(() => clock.advance(0))
    let view: UseWorkflow<typeof shop> | undefined
    const Page = () => {
      useWorkflowUrl()
      view = useWorkflow(shop)
      return <p>{view.ask?.type ?? view.status}</p>
    }
    const load = async () => {
      await act(async () => view?.session.flush())
      cleanup()
      storage = storage.restart()
      render(
        <WorkflowProvider workflow={shop} engine={createEngine({ storage, clock })}>
          <Page />
        </WorkflowProvider>,
      )
      await settle()
      return text()
    }
    await load()
    act(() => view?.start())
    await settle()
    for (const it of ['Ada', 'Delft']) {
      await act(async () => void view?.ask?.reply({ text: it }))
      await settle()
    }
    expect([text(), step()]).toEqual(['failed', 'askCity'])
    expect(await load()).toBe('failed')
    act(() => view?.retry())
    await settle()
    expect(await load()).toBe('running')
    paid()
    await settle()
    expect(await load()).toBe('waiting')
    const seen = await moves(async () => {
      await act(async () => void (await view?.send(Paid())))
      await settle()
    })
    expect([text(), step(), seen]).toEqual(['askSure', 'askSure', ['push']])
    expect([keys.length, new Set(keys).size]).toEqual([3, 1])
  })

  test("the browser's Back and Forward while a step works between two pages / the next page comes, none is turned back", async () => {
    let paid = (): void => {}
    const answer = new Promise<void>((resolve) => (paid = resolve))
    const shop = defineWorkflow({ name: 'shop', version: 1, start: Begin, stop: Done }).step(
      'pay',
      { on: Begin, asks: [AskName, AskCity, AskSure], emits: [Done] },
      async (ctx) => {
        await ctx.ask(AskName({}))
        await ctx.ask(AskCity({}))
        await ctx.once('charge', () => answer)
        await ctx.ask(AskSure({}))
        return Done([])
      },
    )
    const clock = virtualClock()
    const session = await createEngine({ storage: memoryStorage(), clock }).open(shop)
    function Page() {
      useWorkflowUrl(session)
      return <p>{useWorkflow(session).ask?.type}</p>
    }
    render(<Page />)
    session.run().catch(() => {})
    const settle = () => act(() => clock.advance(0))
    for (const it of ['Ada', 'Delft']) {
      await settle()
      void session.asks[0]?.reply({ text: it })
    }
    await settle()
    expect([session.status, step()]).toEqual(['running', 'askCity'])
    await pop('/wizard?step=askName')
    await pop('/wizard?step=askCity')
    paid()
    await settle()
    expect([text(), step()]).toEqual(['askSure', 'askSure'])
  })

  test("the browser's Back while another step works beside the page / the page is turned at once", async () => {
    const busy = defineWorkflow({ name: 'busy', version: 1, start: Begin, stop: Done })
      .step('upload', { on: Begin, emits: [Done] }, () => new Promise<never>(() => {}))
      .step('ask', { on: Begin, asks: [AskName, AskCity], emits: [Done] }, async (ctx) => {
        await ctx.ask(AskName({}))
        await ctx.ask(AskCity({}))
        return Done([])
      })
    const clock = virtualClock()
    const session = await createEngine({ storage: memoryStorage(), clock }).open(busy)
    const Page = () => {
      useWorkflowUrl(session)
      return null
    }
    render(<Page />)
    session.run().catch(() => {})
    await act(() => clock.advance(0))
    await act(async () => void (await session.asks[0]?.reply({ text: 'Ada' })))
    await act(() => clock.advance(0))
    expect([session.status, step()]).toEqual(['running', 'askCity'])
    await pop('/wizard?step=askName')
    expect([session.asks[0]?.type, step()]).toEqual(['askName', 'askName'])
  })

  test("the browser's Back to another place of the app / that URL stays as it is, and no page is turned", async () => {
    const { open, start, answer } = stage()
    await open()
    await start()
    await answer('Ada')
    expect(await moves(() => pop('/home', null))).toEqual(['replace'])
    expect([location.pathname, location.search, text()]).toEqual(['/home', '', 'askCity'])
  })

  test("the browser's Back to another place of the app, then a save / that URL stays as it is", async () => {
    const { open, start, answer, session, settle } = stage()
    await open()
    await start()
    await answer('Ada')
    await pop('/home', null)
    session().state.set('note', 'typed')
    expect(await moves(() => settle(5000))).toEqual([])
    expect(location.search).toBe('')
  })

  test.each([
    ['at once', (show: () => void) => show()],
    ['when it has loaded something', (show: () => void) => void setTimeout(() => setTimeout(show))],
  ])(
    "the browser's Back to another session, which the router shows %s / the first session turns no page",
    async (_, route) => {
      const engine = createEngine({ storage: memoryStorage(), clock: virtualClock() })
      const id = () => new URLSearchParams(location.search).get('id') ?? ''
      const App = () => {
        const [shown, show] = useState(id)
        useEffect(() => {
          const popped = () => route(() => act(() => show(id())))
          window.addEventListener('popstate', popped)
          return () => window.removeEventListener('popstate', popped)
        }, [])
        return (
          <hooks.WorkflowProvider id={shown} engine={engine}>
            <UrlPage views={[]} />
          </hooks.WorkflowProvider>
        )
      }
      const [first, second] = [
        await engine.open(wizard, { id: 'first' }),
        await engine.open(wizard, { id: 'second' }),
      ]
      for (const it of [first, second]) it.run().catch(() => {})
      await second.asks[0]?.reply({ text: 'Ada' })
      history.replaceState(null, '', '/wizard?id=first')
      render(<App />)
      await waitFor(() => expect(step()).toBe('askName'))
      const { state } = history
      await pop('/wizard?id=second', null)
      await waitFor(() => expect(step()).toBe('askCity'))
      await pop('/wizard?id=first&step=askName', state)
      await waitFor(() => expect(text()).toBe('askName'))
      expect([first, second].map((it) => it.asks[0]?.type)).toEqual(['askName', 'askCity'])
    },
  )

  test("two wizards in one URL, and the browser's Back / turns the page of the one that moved, not the other's", async () => {
    const engine = createEngine({ storage: memoryStorage(), clock: virtualClock() })
    const [left, right] = [
      await engine.open(wizard, { id: 'left' }),
      await engine.open(wizard, { id: 'right' }),
    ]
    const Both = () => {
      useWorkflowUrl(left, { param: 'left' })
      useWorkflowUrl(right, { param: 'right' })
      return null
    }
    render(<Both />)
    const entries: [string, unknown][] = []
    const at = () => [left, right].map((it) => it.asks[0]?.type)
    const seen = async (move: () => unknown) => {
      await act(async () => void (await move()))
      entries.push([location.pathname + location.search, history.state])
    }
    for (const it of [left, right]) await seen(() => void it.run().catch(() => {}))
    for (const it of [left, right]) await seen(() => it.asks[0]?.reply({ text: 'Ada' }))
    expect(at()).toEqual(['askCity', 'askCity'])
    await pop(...(entries[2] as [string, unknown]))
    expect(at()).toEqual(['askCity', 'askName'])
    await pop(...(entries[1] as [string, unknown]))
    expect(at()).toEqual(['askName', 'askName'])
  })

  test('a link into a run that has not begun / the page is removed from the URL', async () => {
    history.replaceState(null, '', '/wizard?step=askSure')
    const { open, settle } = stage()
    await open()
    await settle()
    expect(text()).toBe('idle')
    expect(step()).toBeNull()
  })

  test("in a follower: the browser's Back over two pages, then Forward / both tabs show the pages, and the follower goes on", async () => {
    const storage = memoryStorage()
    const tabs = { storage, clock: virtualClock(), ...virtualTabs() }
    const leader = await createEngine(tabs).open(wizard)
    leader.run().catch(() => {})
    const next = async (type: string): Promise<void> =>
      waitFor(() => expect([text(), leader.asks[0]?.type]).toEqual([type, type]))
    render(
      <hooks.WorkflowProvider engine={createEngine(tabs)}>
        <UrlPage views={[]} />
      </hooks.WorkflowProvider>,
    )
    for (const type of ['askName', 'askCity', 'askCity']) {
      await next(type)
      await leader.asks[0]?.reply({ text: type })
    }
    await next('askSure')
    expect(step()).toBe('askSure')
    await pop('/wizard?step=askCity')
    const turned = () => leader.history().filter((it) => it.type === 'rewound')
    await waitFor(() => expect(turned()).toHaveLength(2))
    await next('askCity')
    await pop('/wizard?step=askSure')
    await next('askSure')
    await pop('/wizard?step=askName')
    await next('askName')
    expect(step()).toBe('askName')
    expect(turned()).toHaveLength(5)
  })

  test.each([
    ['leads', 'Back and Back', ['askCity-2', 'askCity']],
    ['follows', 'Back and Back', ['askCity-2', 'askCity']],
    ['follows', 'Back and Forward', ['askCity-2', 'askSure']],
    ['leads', 'Back, Forward and Back', ['askCity-2', 'askSure', 'askCity-2']],
  ])(
    'in a tab that %s: %s in quick succession / the last page is shown, and nothing is pushed',
    async (role, _, names) => {
      const clock = virtualClock()
      const tabs = { storage: memoryStorage(), clock, ...virtualTabs() }
      const leader = await createEngine(tabs).open(wizard)
      const session = role === 'leads' ? leader : await createEngine(tabs).open(wizard)
      const Page = () => {
        useWorkflowUrl(session)
        return null
      }
      render(<Page />)
      leader.run().catch(() => {})
      for (const it of ['Ada', 'Delft', 'Breda']) {
        await act(() => clock.advance(0))
        await leader.asks[0]?.reply({ text: it })
      }
      await act(() => clock.advance(0))
      expect(step()).toBe('askSure')
      const seen = await moves(async () => {
        for (const it of names) {
          history.replaceState(history.state, '', `/wizard?step=${it}`)
          window.dispatchEvent(new PopStateEvent('popstate'))
        }
        await act(() => clock.advance(100))
      })
      expect(seen).not.toContain('push')
      expect([step(), session.asks[0]?.type]).toEqual([names.at(-1), names.at(-1)?.replace('-2', '')])
    },
  )

  test("a step fails between two pages, then the browser's Back in a follower / the page opens again in both tabs", async () => {
    const failing = defineWorkflow({ name: 'failing', version: 1, start: Begin, stop: Done }).step(
      'ask',
      { on: Begin, asks: [AskName, AskCity], emits: [Done] },
      async (ctx) => {
        await ctx.ask(AskName({}))
        await ctx.ask(AskCity({}))
        throw new Error('no answer')
      },
    )
    const tabs = { storage: memoryStorage(), clock: virtualClock(), ...virtualTabs() }
    const leader = await createEngine(tabs).open(failing)
    leader.run().catch(() => {})
    const Page = () => {
      useWorkflowUrl()
      const { ask, status } = useWorkflow()
      return <p>{ask?.type ?? status}</p>
    }
    render(
      <WorkflowProvider workflow={failing} engine={createEngine(tabs)}>
        <Page />
      </WorkflowProvider>,
    )
    for (const type of ['askName', 'askCity']) {
      await waitFor(() => expect([text(), leader.asks[0]?.type]).toEqual([type, type]))
      await leader.asks[0]?.reply({ text: type })
    }
    await waitFor(() => expect([text(), step()]).toEqual(['failed', 'askCity']))
    await pop('/wizard?step=askName')
    await waitFor(() => expect([text(), step()]).toEqual(['askName', 'askName']))
    expect(leader.asks.map((it) => it.type)).toEqual(['askName'])
  })

  test("the browser's Back in a tab outdated by newer code / the page stays, and the URL shows it", async () => {
    const of = (version: number) =>
      defineWorkflow({
        name: 'wizard',
        version,
        start: Begin,
        stop: Done,
        migrations: { 2: (it) => it },
      }).step('ask', { on: Begin, asks: [AskName, AskCity], emits: [Done] }, async (ctx) =>
        Done([(await ctx.ask(AskName({}))).data.text, (await ctx.ask(AskCity({}))).data.text]),
      )
    const clock = virtualClock()
    const tabs = { storage: memoryStorage(), clock, ...virtualTabs() }
    const session = await createEngine(tabs).open(of(1))
    const Page = () => {
      useWorkflowUrl(session)
      return null
    }
    render(<Page />)
    session.run().catch(() => {})
    await session.asks[0]?.reply({ text: 'Ada' })
    createEngine(tabs).session(of(2))
    await act(() => clock.advance(1000))
    expect([session.persistence.status, step()]).toEqual(['outdated', 'askCity'])
    await pop('/wizard?step=askName')
    expect([session.asks[0]?.type, step(), session.back(), session.forward()]).toEqual([
      'askCity',
      'askCity',
      false,
      false,
    ])
  })

  test("Back after the run's end / the receipt stays", async () => {
    const { open, start, answer, settle } = stage()
    await open()
    await start()
    await answer('Ada', 'Delft', 'Breda', 'yes')
    expect(text()).toBe('completed')
    await pop('/wizard?step=askName')
    await settle()
    expect(text()).toBe('completed')
  })

  test('asks of a sub-flow, which cannot be gone back to / share one history entry, and so does the ask after it', async () => {
    const Known = defineEvent('known')
    const address = defineWorkflow({ name: 'address', version: 1, start: Begin, stop: Known }).step(
      'ask',
      { on: Begin, asks: [AskCity, AskSure], emits: [Known] },
      async (ctx) => {
        await ctx.ask(AskCity({}))
        await ctx.ask(AskSure({}))
        return Known()
      },
    )
    const Named = defineEvent('named')
    const outer = defineWorkflow({ name: 'outer', version: 1, start: Begin, stop: Text })
      .step('name', { on: Begin, asks: [AskName], emits: [Named] }, async (ctx) => {
        await ctx.ask(AskName({}))
        return Named()
      })
      .subflow('address', { on: Named, workflow: address, emits: [Known] })
      .step('end', { on: Known, asks: [AskName, AskSure], emits: [Text] }, async (ctx) => {
        await ctx.ask(AskName({}))
        return Text((await ctx.ask(AskSure({}))).data)
      })
    const clock = virtualClock()
    const session = await createEngine({ storage: memoryStorage(), clock }).open(outer)
    function Outer() {
      useWorkflowUrl(session)
      return <p>{useWorkflow(session).ask?.type}</p>
    }
    render(<Outer />)
    session.run().catch(() => {})
    await act(() => clock.advance(0))
    const seen: unknown[] = []
    for (let page = 0; page < 4; page++) {
      const [how] = await moves(async () => {
        await act(async () => void (await session.asks[0]?.reply({ text: 'x' })))
        await act(() => clock.advance(0))
      })
      seen.push([how, step()])
    }
    expect(seen).toEqual([
      ['push', 'askCity'],
      ['replace', 'askSure'],
      ['replace', 'askName-2'],
      ['push', 'askSure'],
    ])
  })

  test('reset(), then a new run / the URL has no page, then the first page is pushed', async () => {
    const { open, start, answer, latest, settle } = stage()
    await open()
    await start()
    await answer('Ada')
    const seen = await moves(async () => {
      act(() => latest().reset())
      await settle()
    })
    expect([seen, step(), location.search]).toEqual([['replace'], null, '?other=1'])
    const next = await moves(start)
    expect([next, step()]).toEqual([['push'], 'askName'])
  })

  test('a router that keeps its own data in history.state / Next.js hears of each page, and other routers find their data', async () => {
    const { open, start, answer } = stage()
    // As the App Router of Next.js: what bears its mark it takes for its own, and writes its URL again when it refreshes.
    let url = location.href
    const { pushState, replaceState } = history
    for (const name of ['pushState', 'replaceState'] as const) {
      const write = history[name].bind(history)
      history[name] = (state: object | null, _, next) => {
        if (!state || !('__NA' in state)) url = new URL(next ?? '', location.href).href
        write({ ...state, __NA: true }, '', next)
      }
    }
    history.replaceState({}, '', '/wizard?other=1')
    await open()
    await start()
    await answer('Ada')
    Object.assign(history, { pushState, replaceState })
    expect(new URL(url).search).toBe('?other=1&step=askCity')

    history.replaceState({ __N: true, as: '/wizard?other=1' }, '')
    await answer('Delft')
    expect(history.state).toEqual({ 'dogear-step': 'wizard' })
    history.replaceState({ key: 'of React Router', idx: 3 }, '')
    await answer('Leiden')
    expect([step(), history.state]).toEqual([
      'askSure',
      { key: 'of React Router', idx: 3, 'dogear-step': 'wizard' },
    ])
  })

  test("a page name that is no text, or none / becomes text, or the ask's type; the browser's Back works with both", async () => {
    const names: Record<string, unknown> = { askCity: 2 }
    const { open, start, answer } = stage()
    await open({ name: ({ type }) => names[type] as string })
    await start()
    expect(step()).toBe('askName')
    await answer('Ada')
    expect(step()).toBe('2')
    await answer('Delft')
    await pop('/wizard?step=2')
    expect([text(), step()]).toEqual(['askCity', '2'])
    await pop('/wizard?step=askName')
    expect([text(), step()]).toEqual(['askName', 'askName'])
  })

  test('`param` and `name` / decide the spelling', async () => {
    const { open, start, answer } = stage()
    await open({ param: 'page', name: ({ type, step: by }) => `${by}.${type.slice(3).toLowerCase()}` })
    await start()
    await answer('Ada')
    expect(location.search).toBe('?other=1&page=ask.city')
  })

  test('another `name` in a later render / names the pages from then on', async () => {
    const clock = virtualClock()
    const session = await createEngine({ storage: memoryStorage(), clock }).open(wizard)
    const Page = ({ names }: { readonly names: Readonly<Record<string, string>> }) => {
      useWorkflowUrl(session, { name: ({ type }) => names[type] })
      return null
    }
    const { rerender } = render(<Page names={{}} />)
    session.run().catch(() => {})
    await act(() => clock.advance(0))
    expect(step()).toBe('askName')
    rerender(<Page names={{ askCity: 'stad' }} />)
    await act(async () => void (await session.asks[0]?.reply({ text: 'Ada' })))
    await act(() => clock.advance(0))
    expect(step()).toBe('stad')
  })

  test('options alone / are for the session of the nearest provider', async () => {
    const engine = createEngine({ storage: memoryStorage(), clock: virtualClock() })
    const session = await engine.open(wizard)
    const Page = () => {
      useWorkflowUrl({ param: 'page' })
      return null
    }
    render(
      <WorkflowProvider workflow={wizard} engine={engine}>
        <Page />
      </WorkflowProvider>,
    )
    await act(async () => void session.run().catch(() => {}))
    await waitFor(() => expect(location.search).toBe('?other=1&page=askName'))
  })

  test('unmounted / the URL is left alone', async () => {
    const { open, start, answer } = stage()
    await open()
    await start()
    cleanup()
    await answer('Ada')
    await pop('/wizard?step=askName')
    expect(step()).toBe('askName')
  })
})
