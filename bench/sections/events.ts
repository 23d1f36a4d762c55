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
} as const

/** The same runs in one open session; not a row of the peers, which have no such thing. */
export const againWork = '1,000 tiny runs of one session'

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
  await field.rounds(3, async (lane) => {
    progress(`D  warm-up, ${lane.name}`)
    cost.set(lane.name, await lane.stage('chain').round(1_000, 1))
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
  const crowds = (['fan', 'tiny'] as const).map((kind) => [kind, new Samples()] as const)
  const again = new Samples()
  const warm = new Set<AdapterName>(['xstate, sync'])
  await field.rounds(10, async (lane) => {
    if (warm.has(lane.name)) return
    progress(`D  warm-up of much at once, ${lane.name}`)
    const stage = lane.stage('crowd')
    const spent = (await stage.fan(1_000, 16)) + (await stage.tiny(1_000))
    if (lane.name === 'dogear') await stage.again(1_000)
    // What takes as long as this is compiled by now.
    if (spent > 1_000) warm.add(lane.name)
  })
  await field.rounds(options.quick ? 3 : 7, async (lane) => {
    if (lane.name === 'xstate, sync') return
    for (const [kind, samples] of crowds) {
      progress(`D  ${crowdWork[kind]}, ${lane.name}`)
      const stage = lane.stage('crowd')
      samples.add(lane.name, await (kind === 'fan' ? stage.fan(1_000, 16) : stage.tiny(1_000)))
    }
    if (lane.name === 'dogear') again.add(lane.name, await lane.stage('crowd').again(1_000))
  })
  for (const [adapter, spent] of again) results.add('D', againWork, adapter, 'ms', spent)
  for (const [kind, samples] of crowds)
    for (const [adapter, spent] of samples) results.add('D', crowdWork[kind], adapter, 'ms', spent)
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
          figure(results.median(againWork, name)),
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
