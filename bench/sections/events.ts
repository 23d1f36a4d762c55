import type { AdapterName } from '../adapters/index.ts'
import { Field, Samples } from '../lanes/field.ts'
import { nodeLane } from '../lanes/node-lane.ts'
import { figure, times } from '../report/table.ts'
import type { Section, Setting } from '../section.ts'

export const lengths = [1_000, 10_000, 100_000] as const

export const chainWork = (length: number): string => `chain of ${length} events`

/** Much small work at once, in milliseconds for all of it. */
export const crowdWork = {
  fan: 'fan-out of 1,000, 16 workers, collect',
  tiny: '1,000 tiny runs',
  /** The same runs in one open session; not a row of the peers, which have no such thing. */
  again: '1,000 tiny runs of one session',
} as const

export const heapWork = (length: number): string => `heap after ${length} events`

/** Names of globals that are another object after the adapter was imported and has run. */
const replaced = new Map<AdapterName, string[]>()

export const replacedGlobals = (name: AdapterName): string[] | undefined => replaced.get(name)

async function run(adapters: readonly AdapterName[], setting: Setting): Promise<void> {
  const { options, results, progress } = setting
  const field = new Field(
    adapters.map((name) => nodeLane(setting, name)),
    (adapter, reason) => setting.failed('D', adapter, reason),
  )
  // Microseconds an event, as known so far: a chain that would take seconds is measured less often.
  const cost = new Map<AdapterName, number>()
  await field.each(async (lane) => {
    progress(`D  warm-up, ${lane.name}`)
    for (let spent = 0; spent < (options.quick ? 100 : 500);) {
      const each = await lane.stage('chain').round(1_000, 1)
      cost.set(lane.name, each)
      // So many microseconds an event are as many milliseconds for a thousand.
      spent += each
    }
  })
  for (const length of lengths) {
    if (options.quick && length > 10_000) continue
    const samples = new Samples()
    await field.rounds(options.quick ? 3 : 9, async (lane, round) => {
      const seconds = (cost.get(lane.name)! * length) / 1e6
      if (seconds > 5 || (round >= 3 && seconds > 0.5)) return
      progress(`D  ${length} events, ${lane.name}`)
      const each = await lane.stage('chain').round(length, seconds > 0.3 ? 1 : 4)
      cost.set(lane.name, each)
      samples.add(lane.name, each)
    })
    for (const [adapter, spent] of samples) results.add('D', chainWork(length), adapter, 'µs', spent)
  }
  const crowd = { fan: [1_000, 16], tiny: [1_000], again: [1_000] } as const
  const warm = new Set<AdapterName>(['xstate, sync'])
  await field.rounds(10, async (lane) => {
    if (warm.has(lane.name)) return
    progress(`D  warm-up of much at once, ${lane.name}`)
    const stage = lane.stage('crowd')
    const spent = (await stage.fan(...crowd.fan)) + (await stage.tiny(...crowd.tiny))
    if (lane.name === 'dogear') await stage.again(...crowd.again)
    // What takes as long as this is compiled by now.
    if (spent > 1_000) warm.add(lane.name)
  })
  // One row after the other: what a thousand closed sessions leave to be collected is none of the next row's cost.
  for (const kind of ['fan', 'again', 'tiny'] as const) {
    const samples = new Samples()
    await field.rounds(options.quick ? 3 : 7, async (lane) => {
      if (lane.name === 'xstate, sync' || (kind === 'again' && lane.name !== 'dogear')) return
      progress(`D  ${crowdWork[kind]}, ${lane.name}`)
      const stage = lane.stage('crowd')
      const spent = kind === 'fan' ? stage.fan(...crowd.fan) : stage[kind](...crowd[kind])
      samples.add(lane.name, await spent)
    })
    for (const [adapter, spent] of samples) results.add('D', crowdWork[kind], adapter, 'ms', spent)
  }
  await field.each(async (lane) => {
    if (lane.name !== 'dogear') return
    for (const length of lengths) {
      if (options.quick && length > 10_000) continue
      progress(`D  heap after ${length} events, ${lane.name}`)
      results.add('D', heapWork(length), lane.name, 'kB', [(await lane.stage('chain').heap(length)) / 1000])
    }
  })
  await field.each(async (lane) => {
    replaced.set(lane.name, await lane.stage('chain').replacedGlobals())
  })
  await field.close()
}

export const events: Section = {
  name: 'D',
  title: 'a chain of events, no React',
  run,
  tables: (results, adapters) => [
    {
      title: 'D. A chain of events in Node, µs an event',
      note: 'Each event is handled and brings about the next. Dogear records everything on memoryStorage; the peers record nothing.',
      head: ['', '1,000', '10,000', 'min', '100,000', 'growth', 'x dogear', 'globals replaced'],
      rows: adapters.map((name) => [
        name,
        figure(results.median(chainWork(1_000), name)),
        figure(results.median(chainWork(10_000), name)),
        figure(results.minimum(chainWork(10_000), name)),
        figure(results.median(chainWork(100_000), name)),
        times(results.growth(chainWork(100_000), chainWork(1_000), name)),
        times(results.ratio(chainWork(10_000), name, 'dogear')),
        replaced.get(name)?.join(' ') || 'none',
      ]),
    },
    {
      title: 'D. Much at once in Node, ms for all of it',
      note: 'A fan-out of 1,000 with 16 workers that is collected; 1,000 runs of one event, one after the other, each in a session of its own. Dogear records everything on memoryStorage.',
      head: ['', crowdWork.fan, 'x dogear', crowdWork.tiny, 'x dogear', 'of one open session'],
      rows: adapters
        .filter((name) => results.median(crowdWork.fan, name) !== undefined)
        .map((name) => [
          name,
          figure(results.median(crowdWork.fan, name)),
          times(results.ratio(crowdWork.fan, name, 'dogear')),
          figure(results.median(crowdWork.tiny, name)),
          times(results.ratio(crowdWork.tiny, name, 'dogear')),
          figure(results.median(crowdWork.again, name)),
        ]),
    },
    {
      title: 'D. What is held after a chain of events, kB of heap',
      note: 'The session is open, its history, its journal and snapshot in memory with it; after forced collections.',
      head: ['', ...lengths.map((it) => it.toLocaleString('en'))],
      rows: adapters
        .filter((name) => results.median(heapWork(lengths[0]), name) !== undefined)
        .map((name) => [name, ...lengths.map((it) => figure(results.median(heapWork(it), name)))]),
    },
  ],
}
