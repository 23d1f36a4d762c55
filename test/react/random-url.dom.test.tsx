import { act, cleanup, render } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { createEngine, defineEvent, defineWorkflow, memoryStorage } from 'dogear'
import { useWorkflowUrl } from 'dogear/react'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { random } from '../support/random'

const seeds = Number(process.env['FUZZ_SEEDS'] ?? 60)
const first = Number(process.env['FUZZ_FIRST'] ?? 1)

const Begin = defineEvent('begin')
const Done = defineEvent('done')
const Reply = defineEvent('reply')
const pages = ['a', 'b', 'c', 'd', 'e'].map((name) => defineEvent(name, undefined, { reply: Reply }))

const wizard = defineWorkflow({ name: 'wizard', version: 1, start: Begin, stop: Done }).step(
  'ask',
  { on: Begin, asks: pages, emits: [Done] },
  async (ctx) => {
    for (const page of pages) await ctx.ask(page())
    return Done()
  },
)

afterEach(cleanup)

/** Plays one story of a wizard, in a tab that leads or follows, and answers with everything that is wrong in it. */
async function play(seed: number): Promise<string[]> {
  const chance = random(seed)
  const pick = <T,>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const clock = virtualClock()
  const settle = () => act(() => clock.advance(100))
  const tabs = { storage: memoryStorage(), clock, ...virtualTabs() }
  const leader = await createEngine(tabs).open(wizard)
  const session = seed % 2 === 0 ? leader : await createEngine(tabs).open(wizard)
  const step = () => new URLSearchParams(location.search).get('step')
  const wrong: string[] = []

  // happy-dom keeps no entries.
  history.replaceState(null, '', '/wizard')
  const { pushState, replaceState } = history
  const write = replaceState.bind(history)
  let entries = [location.href]
  let at = 0
  history.pushState = (state, _, url) => {
    write(state, '', url)
    entries = [...entries.slice(0, ++at), location.href]
  }
  history.replaceState = (state, _, url) => {
    write(state, '', url)
    entries[at] = location.href
  }
  const press = (by: number) => {
    // The first entry is from before the first page.
    if (at + by < 1 || at + by >= entries.length) return
    at += by
    write(history.state, '', entries[at])
    window.dispatchEvent(new PopStateEvent('popstate'))
  }

  const Page = () => {
    useWorkflowUrl(session)
    return null
  }
  render(<Page />)
  leader.run().catch(() => {})
  await settle()
  for (let turn = 0; turn < 20 && wrong.length === 0; turn++) {
    const buttons = chance() < 0.5
    const { length } = entries
    if (buttons) for (let times = pick([1, 1, 2, 3]); times > 0; times--) press(pick([-1, -1, 1]))
    else if (session.asks[0]?.type !== 'e')
      pick([() => session.back(), () => void session.asks[0]?.reply(undefined)])()
    const [wanted, place] = [step(), at]
    await settle()
    const [page] = session.asks
    if (page?.type !== step()) wrong.push(`${turn}: the URL says ${step()}, the page is ${page?.type}`)
    if (buttons && (step() !== wanted || at !== place || entries.length !== length))
      wrong.push(`${turn}: ${wanted} was wanted, ${step()} is shown, at ${at} in place of ${place}`)
  }
  Object.assign(history, { pushState, replaceState })
  cleanup()
  return wrong
}

test(`${seeds} random walks through a wizard by answers, Back and the browser's buttons, in leaders and followers / the URL always names the page, and the buttons push nothing`, async () => {
  const failures: string[] = []
  for (let seed = first; seed < first + seeds; seed++)
    failures.push(...(await play(seed)).map((it) => `seed ${seed}, turn ${it}`))
  expect(failures).toEqual([])
}, 120_000)
