import type { AdapterName } from '../adapters/index.ts'
import { Field, Samples } from '../lanes/field.ts'
import { nodeLane } from '../lanes/node-lane.ts'
import { figure, times } from '../report/table.ts'
import type { Section, Setting } from '../section.ts'

export const works = {
  get: 'get at depth 3',
  set: 'set at depth 3',
  checkedSet: 'set at depth 3, zod schema',
} as const

const warmLoops = [1_000, 10_000, 30_000]

async function run(adapters: readonly AdapterName[], setting: Setting): Promise<void> {
  const { options, results, progress } = setting
  const [rounds, loop] = options.quick ? [7, 20_000] : [31, 20_000]
  for (const checked of [false, true]) {
    progress(`B  ${checked ? 'set with a schema' : 'get and set'}`)
    const taking = checked ? adapters.filter((name) => withSchema.has(name)) : adapters
    const field = new Field(
      taking.map((name) => nodeLane(setting, name)),
      (adapter, reason) => setting.failed('B', adapter, reason),
    )
    const [reads, writes] = [new Samples(), new Samples()]
    await field.each(async (lane) => {
      const leaf = lane.stage('leaf')
      await leaf.setup(checked)
      for (const count of warmLoops) {
        await leaf.writes(count)
        await leaf.reads(count)
      }
    })
    await field.rounds(rounds, async (lane) => {
      const leaf = lane.stage('leaf')
      if (!checked) reads.add(lane.name, await leaf.reads(loop))
      writes.add(lane.name, await leaf.writes(loop))
    })
    for (const [adapter, spent] of reads) results.add('B', works.get, adapter, 'ns', spent)
    for (const [adapter, spent] of writes)
      results.add('B', checked ? works.checkedSet : works.set, adapter, 'ns', spent)
    await field.close()
  }
}

/** The peers that can check a write against a schema, and the plain way. */
const withSchema = new Set<AdapterName>(['Map floor', 'dogear store', 'zustand', '@xstate/store'])

export const access: Section = {
  name: 'B',
  title: 'get and set at depth 3',
  run,
  tables: (results, adapters) => [
    {
      title: 'B. One field three levels down, ns',
      note: 'The floor is a plain object, copied along the path; with a schema it parses the field, zustand and @xstate/store parse the state.',
      head: ['', 'get', 'min', 'set', 'min', 'x floor', 'x dogear', 'set, zod', 'min', 'x dogear'],
      rows: adapters.map((name) => [
        name,
        figure(results.median(works.get, name)),
        figure(results.minimum(works.get, name)),
        figure(results.median(works.set, name)),
        figure(results.minimum(works.set, name)),
        times(results.ratio(works.set, name, 'Map floor')),
        times(results.ratio(works.set, name, 'dogear store')),
        figure(results.median(works.checkedSet, name)),
        figure(results.minimum(works.checkedSet, name)),
        times(results.ratio(works.checkedSet, name, 'dogear store')),
      ]),
    },
  ],
}
