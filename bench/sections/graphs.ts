import type { AdapterName } from '../adapters/index.ts'
import { Field, Samples } from '../lanes/field.ts'
import { nodeLane } from '../lanes/node-lane.ts'
import { figure, times } from '../report/table.ts'
import type { Section, Setting } from '../section.ts'

export const nodes = [100, 1_000] as const

export const loadWork = (count: number): string => `document of ${count} nodes`

export const coldWork = 'document of 1000 nodes, the first in its process'

async function run(adapters: readonly AdapterName[], setting: Setting): Promise<void> {
  const { options, results, progress } = setting
  const lanes = () =>
    new Field(
      adapters.map((name) => nodeLane(setting, name)),
      (adapter, reason) => setting.failed('G', adapter, reason),
    )
  // A page loads its document once, with code that was never run before.
  for (let round = 0; round < (options.quick ? 3 : 9); round++) {
    progress('G  a first document')
    const fresh = lanes()
    const first = new Samples()
    await fresh.each(async (lane) => first.add(lane.name, await lane.stage('graph').round(1_000, 1)))
    for (const [adapter, spent] of first) results.add('G', coldWork, adapter, 'ms', spent)
    await fresh.close()
  }
  const field = lanes()
  for (const count of nodes) {
    progress(`G  ${count} nodes`)
    const samples = new Samples()
    await field.rounds(options.quick ? 7 : 31, async (lane, round) => {
      const spent = await lane.stage('graph').round(count, 4)
      if (round > 2) samples.add(lane.name, spent)
    })
    for (const [adapter, spent] of samples) results.add('G', loadWork(count), adapter, 'ms', spent)
  }
  await field.close()
}

export const graphs: Section = {
  name: 'G',
  title: 'a workflow that is a JSON document',
  run,
  tables: (results, adapters) => [
    {
      title: 'G. A document of nodes and edges in Node, ms of processor time',
      note: 'The floor is JSON.parse of the text; Dogear also checks it, makes the workflow, validates it and draws it.',
      head: ['', '100 nodes', '1,000', 'min', 'growth', '1,000, first', 'x floor'],
      rows: adapters.map((name) => [
        name,
        figure(results.median(loadWork(100), name)),
        figure(results.median(loadWork(1_000), name)),
        figure(results.minimum(loadWork(1_000), name)),
        times(results.growth(loadWork(1_000), loadWork(100), name)),
        figure(results.median(coldWork, name)),
        times(results.ratio(loadWork(1_000), name, 'Map floor')),
      ]),
    },
  ],
}
