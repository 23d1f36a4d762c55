import { expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, type Engine, type Session } from '../../src/index'
import { crash, virtualClock, virtualTabs } from '../../src/testing'
import { Done, flow, gate, Go } from '../support/flows'
import { Page } from '../support/page'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

const Shared = z.object({
  count: z.number().default(0),
  names: z.array(z.string()).default([]),
  text: z.string().default(''),
})

/** A step that writes flow state in each of its ways, with a crash possible between any two. */
const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
  'work',
  { on: Go, emits: [Done] },
  async (ctx) => {
    const { runId } = ctx
    await ctx.flowState.append('names', `${runId}-a;`)
    await ctx.once('effect', () => 1)
    await ctx.flowState.edit((draft) => void (draft.text += `${runId}-b;`))
    await ctx.sleep(50)
    await ctx.flowState.edit(async (draft) => {
      await Promise.resolve()
      draft.names.push(`${runId}-c;`)
    })
    return Done(1)
  },
)

/** Whether its flow state was read. */
function isKnown({ engine }: Tab): Promise<boolean> {
  const { ready } = engine.flow(workflow)
  return Promise.race([
    ready.then(
      () => true,
      () => false,
    ),
    nothing()
      .then(nothing)
      .then(() => false),
  ])
}

async function nothing(): Promise<void> {}

interface Tab {
  readonly name: string
  readonly engine: Engine
  readonly page: Page
  readonly session: Session<typeof workflow>
  /** What was written here, and of a tab that was killed what it had been told was stored. */
  written: string[]
  stored: string[]
  hidden: boolean
}

/** Plays one story of tabs that write one flow state, and answers with everything that is wrong at its end. */
async function play(seed: number): Promise<string[]> {
  const chance = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const clock = virtualClock()
  const alone = seed % 3 === 0
  const disk = { full: false, door: undefined as ReturnType<typeof gate> | undefined }
  const memory = memoryStorage({ failAt: () => disk.full })
  const luck = random(-seed)
  const slow = async <T>(call: () => Promise<T>): Promise<T> => {
    const answer = disk.door ? await disk.door.promise.then(call) : await call()
    // It has landed, and nobody hears of it.
    return luck() < 0.02 ? new Promise(() => {}) : answer
  }
  const storage = {
    ...memory,
    readFlow: (name: string) => slow(() => memory.readFlow(name)),
    writeFlow: (...call: Parameters<typeof memory.writeFlow>) => slow(() => memory.writeFlow(...call)),
  }
  const box = new Map<string, string>()
  const tabs = alone ? { locks: null, channel: null } : virtualTabs()
  const open: Tab[] = []
  const gone: Tab[] = []
  const wrong: string[] = []
  const trouble: unknown[] = []
  let ids = 0
  let increments = 0
  let exact = true

  const enter = (): void => {
    const page = new Page(box)
    const name = `t${++ids}`
    const options = {
      storage,
      clock,
      page,
      ids: () => `id-${++ids}`,
      onError: (it: unknown) => trouble.push(it),
    }
    const engine = createEngine({ ...options, ...tabs })
    const session = engine.session(workflow, { id: pick(['one', 'two', name]) })
    session.ready.catch(() => {})
    open.push({ name, engine, page, session, written: [], stored: [], hidden: false })
  }
  const end = (tab: Tab): void => {
    open.splice(open.indexOf(tab), 1)
    gone.push(tab)
  }
  const token = (tab: Tab): string => {
    const made = `${tab.name}-${tab.written.length};`
    tab.written.push(made)
    return made
  }
  const act: { readonly [name: string]: (tab: Tab) => unknown } = {
    name: (tab) => tab.session.flowState.append('names', token(tab)),
    text: (tab) => tab.session.flowState.append('text', token(tab)),
    increment({ session }) {
      increments++
      session.flowState.set('count', (it) => it + 1)
    },
    edit(tab) {
      // What an edit puts into a list has a place there, and no other: see the check of the order.
      const made = `${tab.name}:${++ids};`
      tab.written.push(made)
      tab.session.flowState.edit((draft) => void draft.names.push(made))
    },
    async later(tab) {
      const made = `${tab.name}:${++ids};`
      const wait = pick([0, 5, 300])
      // One that ends before it was read runs again on what is read, which takes its time.
      const counts = await isKnown(tab)
      const edited = tab.session.flowState.edit(async (draft) => {
        if (wait) await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), wait))
        draft.names.push(made)
      })
      await Promise.race([edited.then(() => counts && tab.written.push(made)), clock.advance(wait)])
    },
    batch: (tab) =>
      tab.session.flowState.batch(() => {
        tab.session.flowState.append('names', token(tab))
        tab.session.flowState.append('text', token(tab))
      }),
    run: ({ session }) => void session.run().catch(() => {}),
    flush(tab) {
      const written = [...tab.written]
      tab.session.flush().then(
        () => (tab.stored = written),
        () => {},
      )
    },
    enter: () => void (open.length < 3 && enter()),
    kill(tab) {
      exact = false
      crash(tab.engine)
      end(tab)
    },
    async leave(tab) {
      exact = false
      if (await isKnown(tab)) tab.stored = [...tab.written]
      tab.page.hide()
      crash(tab.engine)
      end(tab)
    },
    async close(tab) {
      exact = false
      if (await isKnown(tab)) tab.stored = [...tab.written]
      await Promise.race([tab.engine.close(), clock.advance(10_000)])
      end(tab)
    },
    hide(tab) {
      // What it leaves of an increment is the number.
      exact = false
      tab.page.hide(true)
      tab.hidden = true
    },
    fill: () => void (disk.full = !disk.full),
    hush() {
      disk.door?.open(undefined)
      disk.door = disk.door ? undefined : gate()
    },
  }
  const often = ['name', 'text', 'increment', 'edit', 'later', 'batch', 'run', 'flush']
  const rare = ['enter', 'enter', 'kill', 'leave', 'leave', 'close', 'hide', 'fill', 'fill', 'hush', 'hush']
  enter()
  for (let turn = 0; turn < 40; turn++) {
    if (open.length === 0) enter()
    const tab = pick(open)
    if (tab.hidden) {
      tab.page.show(true)
      tab.hidden = false
    } else await act[chance() < 0.75 ? pick(often) : pick(rare)]!(tab)
    await clock.advance(pick([0, 0, 1, 5, 60, 1500]))
  }
  disk.full = false
  disk.door?.open(undefined)
  disk.door = undefined
  for (const tab of open) if (tab.hidden) tab.page.show(true)
  // What others have left is for the next page.
  enter()
  await clock.advance(130_000)
  // Whoever knows of no other tab reads at its next write.
  for (let n = 0; n < 3; n++)
    for (const tab of open) {
      tab.session.flowState.append('names', token(tab))
      await clock.advance(5000)
    }
  for (let n = 0; n < 3; n++) {
    if (alone) for (const tab of open) tab.engine.session(workflow, { id: `last-${n}-${tab.name}` })
    await clock.advance(10_000)
  }

  const states = open.map(({ session }) => JSON.stringify(session.flowState.get()))
  for (const { engine } of open) crash(engine)
  const again = createEngine({ storage: memory, clock }).flow(workflow)
  await again.ready
  const state = again.state.get()
  const shown = JSON.stringify(state)
  if (states.some((it) => it !== shown))
    wrong.push(`a tab shows ${states.find((it) => it !== shown)}, stored is ${shown}`)
  const all = [...state.names, ...state.text.split(/(?<=;)/)].filter((it) => it !== '')
  if (new Set(all).size < all.length) wrong.push(`something is there twice: ${all.join('')}`)
  for (const tab of [...open, ...gone]) {
    const must = open.includes(tab) ? tab.written : tab.stored
    const lost = must.filter((it) => !all.includes(it))
    if (lost.length > 0) wrong.push(`${tab.name} has lost ${lost.join('')} of ${all.join('')}`)
    const own = state.names
      .filter((it) => it.startsWith(`${tab.name}-`))
      .map((it) => parseInt(it.split('-')[1]!))
    if (own.some((it, at) => at > 0 && it < own[at - 1]!))
      wrong.push(`${tab.name} is out of order: ${own.join()}`)
  }
  if (exact && state.count !== increments) wrong.push(`counted ${state.count} of ${increments}`)
  return wrong
}

test('random tabs that write one flow state / nothing is lost or made twice, and all show the same', async () => {
  expect(await failuresOf(150, play)).toEqual([])
}, 3_600_000)
