import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import type { BrowserContext } from 'playwright'
import type { AdapterName } from '../adapters/index.ts'
import { makeEntries } from '../items.ts'
import { Field, Samples } from '../lanes/field.ts'
import type { Lane } from '../lanes/lane.ts'
import { openBrowser, pageLane } from '../lanes/page-lane.ts'
import type { PageLane } from '../lanes/page-lane.ts'
import { figure, times } from '../report/table.ts'
import type { Table } from '../report/table.ts'
import type { Results } from '../results.ts'
import type { Section, Setting } from '../section.ts'
import type { Streaming } from '../stages/chat.ts'
import { median } from '../statistics.ts'

/** Entries of about 1,000 bytes each. */
export const restored = [
  { label: '10 kB', entries: 10 },
  { label: '1 MB', entries: 1_000 },
  { label: '10 MB', entries: 10_000 },
] as const

export type RestoredLabel = (typeof restored)[number]['label']

export const returns = {
  shown: (size: RestoredLabel) => `${size}: script start to value in the DOM`,
  kept: (size: RestoredLabel) => `${size}: last of 21 changes there after a reload`,
  gap: '10 MB: longest task while a journal is shortened',
  chat: 'chat of 400 messages, 300 tokens: main thread',
  storing: 'chat of 400 messages, 300 tokens: main thread, less the same without storage',
} as const

/** One figure for each of the works that it is measured for. */
type Work = (lane: PageLane, context: BrowserContext) => Promise<readonly number[]>

const nameOnly = (name: AdapterName): Lane => ({
  name,
  stage: () => {
    throw new Error('a page is opened for each round')
  },
  close: async () => {},
})

async function filled(lane: PageLane, entries: number): Promise<void> {
  await lane.stage('keeper').setup(entries)
}

/** The note of an entry in the middle, in a page that has just been loaded. */
async function shown(lane: PageLane, entries: number): Promise<readonly [number]> {
  await lane.reload()
  const at = entries >> 1
  const { text, spent } = await lane.stage('return').shown(at)
  if (text !== makeEntries(entries)[at]?.note) throw new Error(`the page shows ${JSON.stringify(text)}`)
  return [spent]
}

/** 1 when the last of 21 quick changes is there after a reload at once, else 0. */
async function kept(lane: PageLane, entries: number): Promise<readonly [number]> {
  await lane.reload()
  await filled(lane, entries)
  const { at, note } = await lane.stage('keeper').burst(21)
  await lane.reload()
  const { text } = await lane.stage('return').shown(at)
  return [text === note ? 1 : 0]
}

/** The longest task while a journal that has taken 10 MB in is shortened. */
async function shortening(lane: PageLane): Promise<readonly [number]> {
  await lane.reload()
  const keeper = lane.stage('keeper')
  await keeper.open(10_000)
  // What making the state has left behind is collected now: it is not the page's to wait for later.
  await lane.heap()
  const longest = await lane.longestTask(() => keeper.shortened())
  await keeper.checkShortened()
  return [longest]
}

/**
 * What 300 tokens cost that are stored: beyond the same time without a token, and beyond the same tokens where nothing
 * is stored. All three in turns in one page, so often, for one stream is a short one.
 */
async function chat(lane: PageLane, streams: number): Promise<readonly [all: number, storing: number]> {
  const stage = lane.stage('chat')
  await stage.setup(400)
  const spent = async (streaming: Streaming): Promise<number> => {
    const before = await lane.mainThread()
    await stage.stream(300, streaming)
    return (await lane.mainThread()) - before
  }
  const all: number[] = []
  const storing: number[] = []
  for (let n = 0; n < streams; n++) {
    const waiting = await spent('waiting')
    const unstored = await spent('unstored')
    const stored = await spent('stored')
    all.push(Math.max(0, stored - waiting))
    storing.push(Math.max(0, stored - unstored))
  }
  await stage.verify()
  return [median(all), median(storing)]
}

async function run(adapters: readonly AdapterName[], setting: Setting): Promise<void> {
  const { options, results, progress } = setting
  const rounds = options.quick ? 3 : 10
  const tries = options.quick ? 3 : 20
  const failed = (adapter: AdapterName, reason: string): void => setting.failed('F', adapter, reason)
  const measure = async (
    works: readonly string[],
    unit: string,
    who: readonly AdapterName[],
    count: number,
    one: Work,
    prepare: Work = async () => [],
  ): Promise<void> => {
    const field = new Field(who.map(nameOnly), failed)
    const samples = works.map((work) => ({ work, taken: new Samples() }))
    const browsers = new Map<AdapterName, BrowserContext>()
    const lanes = new Map<AdapterName, PageLane>()
    await field.each(async ({ name }) => {
      progress(`F  ${works[0]}, ${name}`)
      const context = await openBrowser(await mkdtemp(path.join(setting.scratch, 'profile-')))
      browsers.set(name, context)
      const lane = await pageLane(context, setting.origin, name)
      lanes.set(name, lane)
      await prepare(lane, context)
    })
    await field.rounds(count, async ({ name }) => {
      const figures = await one(lanes.get(name)!, browsers.get(name)!)
      samples.forEach(({ taken }, at) => taken.add(name, figures[at]!))
    })
    for (const context of browsers.values()) await context.close()
    for (const { work, taken } of samples)
      for (const [adapter, rounds] of taken) results.add('F', work, adapter, unit, rounds)
  }
  const streaming = adapters.filter((it) => it !== 'Map floor')
  const journaling = adapters.filter((it) => it === 'dogear')
  for (const { label, entries } of restored) {
    await measure(
      [returns.shown(label)],
      'ms',
      adapters,
      rounds,
      (lane) => shown(lane, entries),
      async (lane) => {
        await filled(lane, entries)
        // The first page of a profile compiles what the later ones find compiled.
        return shown(lane, entries)
      },
    )
  }
  for (const { label, entries } of restored.slice(1))
    await measure([returns.kept(label)], '', adapters, tries, (lane) => kept(lane, entries))
  await measure([returns.gap], 'ms', journaling, options.quick ? 1 : 5, shortening)
  const streams = options.quick ? 1 : 5
  await measure([returns.chat, returns.storing], 'ms', streaming, 1, (lane) => chat(lane, streams))
}

function table(results: Results, adapters: readonly AdapterName[]): Table {
  const sum = (work: string, name: AdapterName): string => {
    const found = results.find(work, name)
    return found ? `${found.rounds.reduce((a, b) => a + b, 0)} of ${found.rounds.length}` : '-'
  }
  return {
    title: 'F. A page that comes back to what was stored',
    note: 'Shown: from the app’s first statement, its libraries being loaded, to the text of one entry in the DOM, in a page that was reloaded. Kept: 21 changes a few milliseconds apart and a reload at once; the last one is there. Hold-up: the processor time of the longest task of the main thread. Chat: processor time of the main thread for 300 tokens, all of it; of storing: beyond what the same tokens cost in a store that keeps nothing.',
    head: [
      '',
      ...restored.flatMap(({ label }) => [`shown ${label} ms`, 'x zustand']),
      ...restored.slice(1).map(({ label }) => `kept ${label}`),
      'hold-up ms',
      'chat ms',
      'of storing ms',
    ],
    rows: adapters.map((name) => [
      name,
      ...restored.flatMap(({ label }) => [
        figure(results.median(returns.shown(label), name)),
        times(results.ratio(returns.shown(label), name, 'zustand')),
      ]),
      ...restored.slice(1).map(({ label }) => sum(returns.kept(label), name)),
      figure(results.median(returns.gap, name)),
      figure(results.median(returns.chat, name)),
      figure(results.median(returns.storing, name)),
    ]),
  }
}

export const returning: Section = {
  name: 'F',
  title: 'coming back',
  run,
  tables: (results, adapters) => [table(results, adapters)],
}
