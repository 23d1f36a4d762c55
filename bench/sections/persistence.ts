import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import type { AdapterName } from '../adapters/index.ts'
import { Field, Samples } from '../lanes/field.ts'
import type { Lane } from '../lanes/lane.ts'
import { openBrowser, pageLane } from '../lanes/page-lane.ts'
import type { PageLane } from '../lanes/page-lane.ts'
import { figure, times } from '../report/table.ts'
import type { Table } from '../report/table.ts'
import type { Results } from '../results.ts'
import type { Section, Setting } from '../section.ts'

/** Entries of about 1,000 bytes each. */
export const sizes = [
  { label: '1 MB', entries: 1_000 },
  { label: '10 MB', entries: 10_000 },
] as const

export type SizeLabel = (typeof sizes)[number]['label']

export const works = {
  alone: (size: SizeLabel) => `one change of ${size}, alone: main thread`,
  steady: (size: SizeLabel) => `one change of ${size}, one each frame: main thread`,
  latency: (size: SizeLabel) => `one change of ${size}: until durable`,
  bytes: (size: SizeLabel) => `one change of ${size}: bytes to storage`,
  change: (size: SizeLabel) => `one change of ${size}: bytes of the change`,
} as const

/** A lane that is a fresh page, on a fresh profile, for every round. */
const nameOnly = (name: AdapterName): Lane => ({
  name,
  stage: () => {
    throw new Error('a page is opened for each round')
  },
  close: async () => {},
})

type Work = keyof typeof works
type Taken = Record<Work, number>

const names = Object.keys(works) as Work[]

/** One page: fill the storage, warm up, count bytes, then measure the main thread. */
async function measure(lane: PageLane, entries: number, times: Times): Promise<Taken> {
  const keeper = lane.stage('keeper')
  /** Milliseconds of processor time of the main thread, for each of so many changes. */
  const spent = async <T>(count: number, work: () => Promise<T>): Promise<[number, T]> => {
    const before = await lane.mainThread()
    const result = await work()
    return [((await lane.mainThread()) - before) / count, result]
  }
  await keeper.setup(entries)
  await keeper.changes(3, false)
  const counted = await keeper.changes(3, true)
  const [alone, { elapsed }] = await spent(times.alone, () => keeper.changes(times.alone, false))
  const [waiting] = await spent(times.steady, () => keeper.paced(times.steady, false))
  const [pace] = await spent(times.steady, () => keeper.paced(times.steady, true))
  await keeper.verify()
  return {
    alone,
    steady: Math.max(0, pace - waiting),
    latency: elapsed / times.alone,
    bytes: counted.bytes,
    change: counted.change,
  }
}

interface Times {
  readonly alone: number
  readonly steady: number
}

async function run(adapters: readonly AdapterName[], setting: Setting): Promise<void> {
  const { options, results, progress } = setting
  const field = new Field(adapters.map(nameOnly), (adapter, reason) => setting.failed('E', adapter, reason))
  const rounds = options.quick ? 1 : 3
  const times = options.quick ? { alone: 5, steady: 20 } : { alone: 10, steady: 40 }
  for (const { label, entries } of sizes) {
    const samples = Object.fromEntries(names.map((work) => [work, new Samples()])) as Record<Work, Samples>
    await field.rounds(rounds, async ({ name }, round) => {
      progress(`E  ${label}, round ${round + 1} of ${rounds}, ${name}`)
      const context = await openBrowser(await mkdtemp(path.join(setting.scratch, 'profile-')))
      try {
        const taken = await measure(await pageLane(context, setting.origin, name), entries, times)
        for (const work of names) samples[work].add(name, taken[work])
      } finally {
        await context.close()
      }
    })
    for (const work of names) {
      const unit = work === 'bytes' || work === 'change' ? 'B' : 'ms'
      for (const [adapter, taken] of samples[work]) results.add('E', works[work](label), adapter, unit, taken)
    }
  }
}

function table(results: Results, adapters: readonly AdapterName[], size: SizeLabel): Table {
  return {
    title: `E. ${size} of state in IndexedDB, one field of about 100 characters changed`,
    note: 'Processor time of the page’s main thread for each change. Alone: each is durable before the next is made. Each frame: one every 16 ms, less what the waiting itself costs. Bytes: JSON of all that is handed to storage for a change that stands alone.',
    head: [
      '',
      'alone ms',
      'x floor',
      'each frame ms',
      'min',
      'x floor',
      'until durable ms',
      'bytes',
      'x change',
    ],
    rows: adapters.map((name) => {
      const [bytes, change] = [
        results.median(works.bytes(size), name),
        results.median(works.change(size), name),
      ]
      return [
        name,
        figure(results.median(works.alone(size), name)),
        times(results.ratio(works.alone(size), name, 'Map floor')),
        figure(results.median(works.steady(size), name)),
        figure(results.minimum(works.steady(size), name)),
        times(results.ratio(works.steady(size), name, 'Map floor')),
        figure(results.median(works.latency(size), name)),
        figure(bytes),
        times(bytes !== undefined && change !== undefined ? bytes / change : undefined),
      ]
    }),
  }
}

export const persistence: Section = {
  name: 'E',
  title: 'a large state in IndexedDB',
  run,
  tables: (results, adapters) => sizes.map(({ label }) => table(results, adapters, label)),
}
