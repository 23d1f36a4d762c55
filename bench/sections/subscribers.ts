import type { Shape } from '../adapter.ts'
import type { AdapterName } from '../adapters/index.ts'
import { Field, Samples } from '../lanes/field.ts'
import { nodeLane } from '../lanes/node-lane.ts'
import { figure, times } from '../report/table.ts'
import type { Table } from '../report/table.ts'
import type { Results } from '../results.ts'
import type { Section, Setting } from '../section.ts'
import type { Spread } from '../stages/fan.ts'

export const sizes = [100, 1_000, 10_000] as const
const shapes: readonly Shape[] = ['list', 'map']

export const writeWork = (shape: Shape, count: number, spread: Spread = 'all'): string =>
  `one write, ${shape}, ${count}${spread === 'few' ? ', the same 100 paths' : ''}`

async function run(adapters: readonly AdapterName[], setting: Setting): Promise<void> {
  const { options, results, progress } = setting
  const field = new Field(
    adapters.map((name) => nodeLane(setting, name)),
    (adapter, reason) => setting.failed('A', adapter, reason),
  )
  const [warmMs, roundMs, rounds] = options.quick ? [60, 3, 7] : [150, 3, 31]
  for (const shape of shapes) {
    for (const count of sizes) {
      progress(`A  ${shape}, ${count} subscribers`)
      const writes = new Map<AdapterName, number>()
      await field.each(async (lane) => {
        const fan = lane.stage('fan')
        await fan.setup(shape, count)
        writes.set(lane.name, await fan.warm(warmMs, roundMs))
      })
      for (const spread of ['all', 'few'] as const) {
        const samples = new Samples()
        await field.rounds(rounds, async (lane) => {
          samples.add(lane.name, await lane.stage('fan').round(writes.get(lane.name)!, spread))
        })
        for (const [adapter, spent] of samples) {
          results.add('A', writeWork(shape, count, spread), adapter, 'µs', spent)
        }
      }
    }
  }
  await field.close()
}

function table(results: Results, adapters: readonly AdapterName[], shape: Shape): Table {
  const [small, middle, large] = sizes.map((count) => writeWork(shape, count)) as [string, string, string]
  return {
    title: `A. One write, no React, ${shape === 'list' ? 'integer ids (a list)' : 'text ids (a map)'}, µs`,
    note: 'One of N subscribed paths is written, all of them in turn, shuffled anew each time; its listener is called once and reads the new value. Growth: 10,000 against 100, once for all paths (a Map misses the caches too) and once writing the same hundred at both sizes.',
    head: ['', 'N = 100', '1,000', '10,000', 'min', 'x floor', 'x dogear', 'growth', 'same 100'],
    rows: adapters.map((name) => [
      name,
      figure(results.median(small, name)),
      figure(results.median(middle, name)),
      figure(results.median(large, name)),
      figure(results.minimum(large, name)),
      times(results.ratio(large, name, 'Map floor')),
      times(results.ratio(large, name, 'dogear store')),
      times(results.growth(large, small, name)),
      times(results.growth(writeWork(shape, 10_000, 'few'), writeWork(shape, 100, 'few'), name)),
    ]),
  }
}

export const subscribers: Section = {
  name: 'A',
  title: 'many subscribers, no React',
  run,
  tables: (results, adapters) => shapes.map((shape) => table(results, adapters, shape)),
}
