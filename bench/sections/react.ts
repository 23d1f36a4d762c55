import { chromium } from 'playwright'
import { launchOptions } from '../../test/support/browser.ts'
import type { AdapterName } from '../adapters/index.ts'
import { Field, Samples } from '../lanes/field.ts'
import { pageLane, shared, undisturbed } from '../lanes/page-lane.ts'
import type { PageLane } from '../lanes/page-lane.ts'
import { figure, times } from '../report/table.ts'
import type { Results } from '../results.ts'
import type { Section, Setting } from '../section.ts'
import { check } from '../stages/check.ts'

export const components = 10_000

export const works = {
  write: 'one write to DOM commit',
  batch: 'a batch of all to DOM commit',
  mount: 'mount',
  heap: 'heap per component',
  mountRenders: 'renders on mount',
  writeRenders: 'renders per write',
  batchRenders: 'renders per batch',
} as const

/** Whose renders are a promise of ours; what a peer does more is shown, not an error. */
const exact = (name: AdapterName): boolean => name.startsWith('dogear') || name === 'Map floor'

async function mounts(field: Field<PageLane>, { options, results, progress }: Setting): Promise<void> {
  const [warm, rounds] = options.quick ? [2, 3] : [3, 9]
  const samples = new Samples()
  const renders = new Samples()
  await field.rounds(warm + rounds, async (lane) => {
    const cells = lane.stage('cells')
    progress(`C  mount, ${lane.name}`)
    const { spent } = await undisturbed(2, async () => {
      await cells.prepare(components)
      await lane.heap()
      const mounted = await shared(lane, () => cells.mount(components))
      const settled = await cells.settledRenders()
      await cells.unmount()
      renders.add(lane.name, settled)
      if (exact(lane.name)) check(settled === components, `${settled} renders on mount of ${components}`)
      return mounted
    })
    samples.add(lane.name, spent)
  })
  for (const [name, spent] of samples) results.add('C', works.mount, name, 'ms', spent.slice(warm))
  for (const [name, counts] of renders) results.add('C', works.mountRenders, name, 'renders', counts)
}

async function heaps(field: Field<PageLane>, { options, results, progress }: Setting): Promise<void> {
  const samples = new Samples()
  await field.rounds(options.quick ? 2 : 3, async (lane) => {
    const cells = lane.stage('cells')
    progress(`C  heap, ${lane.name}`)
    // A new page, in which a few components have warmed up: what a library keeps for good must be counted.
    await lane.reload()
    await cells.prepare(200)
    await cells.mount(200)
    await cells.settledRenders()
    await cells.unmount()
    await cells.prepare(components)
    const before = await lane.heap()
    await cells.mount(components)
    await cells.settledRenders()
    await cells.forgetTexts()
    const after = await lane.heap()
    await cells.unmount()
    samples.add(lane.name, (after - before) / components)
  })
  for (const [name, bytes] of samples) results.add('C', works.heap, name, 'B', bytes)
}

async function updates(field: Field<PageLane>, { options, results, progress }: Setting): Promise<void> {
  const [warm, rounds, loop] = options.quick ? [2, 5, 20] : [4, 21, 40]
  const [write, writeRenders, batch, batchRenders] = [
    new Samples(),
    new Samples(),
    new Samples(),
    new Samples(),
  ]
  await field.each(async (lane) => {
    const cells = lane.stage('cells')
    await cells.prepare(components)
    await cells.mount(components)
    await cells.settledRenders()
    for (let n = 0; n < warm; n++) await cells.writes(loop)
    for (let n = 0; n < warm; n++) await cells.batch()
  })
  await field.rounds(rounds, async (lane) => {
    progress(`C  writes and batches, ${lane.name}`)
    const writes = await undisturbed(3, () => shared(lane, () => lane.stage('cells').writes(loop)))
    if (exact(lane.name)) check(writes.renders === loop, `${writes.renders} renders for ${loop} writes`)
    write.add(lane.name, writes.spent / loop)
    writeRenders.add(lane.name, writes.renders / loop)
  })
  await field.rounds(Math.ceil(rounds / 2), async (lane) => {
    const all = await undisturbed(3, () => shared(lane, () => lane.stage('cells').batch()))
    if (exact(lane.name))
      check(all.renders === components, `${all.renders} renders for a batch of ${components}`)
    batch.add(lane.name, all.spent)
    batchRenders.add(lane.name, all.renders)
  })
  for (const [name, spent] of write) results.add('C', works.write, name, 'ms', spent)
  for (const [name, counts] of writeRenders) results.add('C', works.writeRenders, name, 'renders', counts)
  for (const [name, spent] of batch) results.add('C', works.batch, name, 'ms', spent)
  for (const [name, counts] of batchRenders) results.add('C', works.batchRenders, name, 'renders', counts)
}

async function run(adapters: readonly AdapterName[], setting: Setting): Promise<void> {
  const browser = await chromium.launch({ ...(await launchOptions()), headless: true })
  const lanes: PageLane[] = []
  // A browser context of its own for each: contexts never share a renderer process.
  for (const name of adapters) lanes.push(await pageLane(await browser.newContext(), setting.origin, name))
  const field = new Field(lanes, (adapter, reason) => setting.failed('C', adapter, reason))
  await mounts(field, setting)
  await heaps(field, setting)
  await updates(field, setting)
  await browser.close()
}

const row = (results: Results, name: AdapterName): string[] => [
  name,
  figure(results.median(works.write, name)),
  figure(results.minimum(works.write, name)),
  times(results.ratio(works.write, name, 'Map floor')),
  figure(results.median(works.batch, name)),
  figure(results.minimum(works.batch, name)),
  times(results.ratio(works.batch, name, 'Map floor')),
  figure(results.median(works.mount, name)),
  figure(results.minimum(works.mount, name)),
  times(results.ratio(works.mount, name, 'Map floor')),
  figure(results.median(works.heap, name)),
]

export const react: Section = {
  name: 'C',
  title: 'React in Chromium',
  run,
  tables: (results, adapters) => [
    {
      title: `C. ${components.toLocaleString('en-US')} components in Chromium, React 19 production, ms`,
      note: 'From the write to the changed text in the DOM, under flushSync; the container is hidden, so no layout. Heap: bytes a mounted component adds, after forced collections.',
      head: ['', 'write', 'min', 'x floor', 'batch', 'min', 'x floor', 'mount', 'min', 'x floor', 'heap B'],
      rows: adapters.map((name) => row(results, name)),
    },
    {
      title: 'C. Renders',
      head: ['', 'on mount', 'per write', 'per batch'],
      rows: adapters.map((name) => [
        name,
        figure(results.median(works.mountRenders, name)),
        figure(results.median(works.writeRenders, name)),
        figure(results.median(works.batchRenders, name)),
      ]),
    },
  ],
}
