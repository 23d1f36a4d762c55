import type { SectionName } from './adapters/index.ts'
import type { Results } from './results.ts'
import { works as access } from './sections/access.ts'
import { chainWork, crowdWork, heapWork, replacedGlobals } from './sections/events.ts'
import { coldWork, loadWork } from './sections/graphs.ts'
import { sizes as stateSizes, works as persistence } from './sections/persistence.ts'
import { components, works as react } from './sections/react.ts'
import { restored, returns } from './sections/returning.ts'
import { writeWork } from './sections/subscribers.ts'
import { figure } from './report/table.ts'
import type { Table } from './report/table.ts'

/** One number to reach. */
interface Bar {
  readonly section: SectionName
  readonly what: string
  readonly unit: string
  /** `undefined` when what it needs was not measured in this run. */
  readonly measured: number | undefined
  readonly atMost?: number
  readonly atLeast?: number
}

function subscriberBars(results: Results): Bar[] {
  return (['list', 'map'] as const).flatMap((shape): Bar[] => {
    const large = writeWork(shape, 10_000)
    const than = (peer: 'zustand' | 'legend-state') => results.ratio(large, peer, 'dogear store')
    const ids = shape === 'list' ? 'integer ids' : 'text ids'
    return (['dogear store', 'dogear session'] as const)
      .flatMap((name): Bar[] => [
        {
          section: 'A',
          what: `${name}, ${ids}, against the Map floor`,
          unit: 'x',
          measured: results.ratio(large, name, 'Map floor'),
          atMost: 2.5,
        },
        {
          section: 'A',
          what: `${name}, ${ids}, growth from 100 to 10,000`,
          unit: 'x',
          measured: results.growth(writeWork(shape, 10_000, 'few'), writeWork(shape, 100, 'few'), name),
          atMost: 2,
        },
      ])
      .concat([
        {
          section: 'A',
          what: `${ids}, faster than zustand`,
          unit: 'x',
          measured: than('zustand'),
          atLeast: shape === 'list' ? 100 : 1_000,
        },
        {
          section: 'A',
          what: `${ids}, faster than legend-state`,
          unit: 'x',
          measured: than('legend-state'),
          atLeast: 10,
        },
      ])
  })
}

const accessBars = (results: Results): Bar[] => [
  {
    section: 'B',
    what: 'get at depth 3',
    unit: 'ns',
    measured: results.median(access.get, 'dogear store'),
    atMost: 60,
  },
  {
    section: 'B',
    what: 'set at depth 3',
    unit: 'ns',
    measured: results.median(access.set, 'dogear store'),
    atMost: 200,
  },
  {
    section: 'B',
    what: 'set at depth 3 with a zod schema',
    unit: 'ns',
    measured: results.median(access.checkedSet, 'dogear store'),
    atMost: 2_000,
  },
]

function reactBars(results: Results): Bar[] {
  const over = (work: string) => results.ratio(work, 'dogear', 'Map floor')
  const heap = results.median(react.heap, 'dogear')
  const zustand = results.median(react.heap, 'zustand')
  const renders = (work: string, wanted: number): Bar => ({
    section: 'C',
    what: `${work} beyond ${wanted}`,
    unit: '',
    measured: minus(results.median(work, 'dogear'), wanted),
    atMost: 0,
  })
  return [
    {
      section: 'C',
      what: 'one write to DOM commit against the Map floor',
      unit: 'x',
      measured: over(react.write),
      atMost: 1.3,
    },
    {
      section: 'C',
      what: 'a batch of all against the Map floor',
      unit: 'x',
      measured: over(react.batch),
      atMost: 1.5,
    },
    {
      section: 'C',
      what: 'mount against the Map floor',
      unit: 'x',
      measured: over(react.mount),
      atMost: 1.5,
    },
    { section: 'C', what: 'heap per component', unit: 'B', measured: heap, atMost: 1_200 },
    {
      section: 'C',
      what: 'heap per component against zustand',
      unit: 'x',
      measured: divide(heap, zustand),
      atMost: 1,
    },
    renders(react.mountRenders, components),
    renders(react.writeRenders, 1),
    renders(react.batchRenders, components),
  ]
}

/** The smallest of what was measured: the peer that comes nearest. */
function bestOf(ratios: readonly (number | undefined)[]): number | undefined {
  const measured = ratios.filter((it) => it !== undefined)
  return measured.length === 0 ? undefined : Math.min(...measured)
}

function eventBars(results: Results): Bar[] {
  const [small, middle, large] = [chainWork(1_000), chainWork(10_000), chainWork(100_000)]
  return [
    {
      section: 'D',
      what: 'a chain of 10,000 events, each',
      unit: 'µs',
      measured: results.median(middle, 'dogear'),
      atMost: 3,
    },
    {
      section: 'D',
      what: 'linear: 100,000 events against 1,000, each',
      unit: 'x',
      measured: results.growth(large, small, 'dogear'),
      atMost: 2,
    },
    {
      section: 'D',
      what: 'faster than xstate promise actors',
      unit: 'x',
      measured: results.ratio(middle, 'xstate', 'dogear'),
      atLeast: 6,
    },
    {
      section: 'D',
      what: 'faster than workflow-core',
      unit: 'x',
      measured: results.ratio(middle, 'workflow-core', 'dogear'),
      atLeast: 40,
    },
    {
      section: 'D',
      what: 'heap held after 100,000 events against 10,000',
      unit: 'x',
      measured: divide(
        results.median(heapWork(100_000), 'dogear'),
        results.median(heapWork(10_000), 'dogear'),
      ),
      atMost: 2,
    },
    ...[crowdWork.fan, crowdWork.tiny].map((work) => ({
      section: 'D' as const,
      what: `${work}: faster than the best peer`,
      unit: 'x',
      measured: bestOf([
        results.ratio(work, 'xstate', 'dogear'),
        results.ratio(work, 'workflow-core', 'dogear'),
      ]),
      atLeast: 5,
    })),
    {
      section: 'D',
      what: `${crowdWork.again}: faster than the best peer at 1,000 tiny runs`,
      unit: 'x',
      measured: bestOf(
        (['xstate', 'workflow-core'] as const).map((it) =>
          divide(results.median(crowdWork.tiny, it), results.median(crowdWork.again, 'dogear')),
        ),
      ),
      atLeast: 5,
    },
    {
      section: 'D',
      what: 'globals replaced',
      unit: '',
      measured: replacedGlobals('dogear')?.length,
      atMost: 0,
    },
  ]
}

function persistenceBars(results: Results): Bar[] {
  const thread = (label: '1 MB' | '10 MB') => results.median(persistence.steady(label), 'dogear')
  return stateSizes
    .flatMap(({ label }): Bar[] => {
      const [bytes, change] = [
        results.median(persistence.bytes(label), 'dogear'),
        results.median(persistence.change(label), 'dogear'),
      ]
      return [
        {
          section: 'E',
          what: `one change of ${label}: main thread`,
          unit: 'ms',
          measured: thread(label),
          atMost: 0.1,
        },
        {
          section: 'E',
          what: `one change of ${label}: bytes beyond 2 x the change`,
          unit: 'B',
          measured: minus(bytes, change && 2 * change),
          atMost: 200,
        },
      ]
    })
    .concat([
      {
        section: 'E',
        what: 'main thread, 10 MB against 1 MB',
        unit: 'x',
        measured: divide(thread('10 MB'), thread('1 MB')),
        atMost: 1.5,
      },
    ])
}

function returnBars(results: Results): Bar[] {
  const section = 'F' as const
  return [
    ...restored.map(({ label }): Bar => {
      const measured = results.ratio(returns.shown(label), 'dogear', 'zustand')
      const what = `script start to value in the DOM, ${label}, against zustand persist`
      return { section, what, unit: 'x', measured, atMost: label === '10 MB' ? 0.65 : 1 }
    }),
    ...restored.slice(1).map(({ label }): Bar => {
      const rounds = results.find(returns.kept(label), 'dogear')?.rounds
      const measured = rounds && rounds.filter((it) => it === 0).length
      return { section, what: `last change lost at a reload, ${label}`, unit: '', measured, atMost: 0 }
    }),
    {
      section,
      what: 'hold-up while 10 MB are compacted',
      unit: 'ms',
      measured: results.median(returns.gap, 'dogear'),
      atMost: 16,
    },
    {
      section,
      what: 'chat of 400 messages, 300 tokens: main thread',
      unit: 'ms',
      measured: results.median(returns.chat, 'dogear'),
      atMost: 20,
    },
    {
      section,
      what: 'chat of 400 messages, 300 tokens: of that, persistence',
      unit: 'ms',
      measured: results.median(returns.storing, 'dogear'),
      atMost: 20,
    },
  ]
}

const graphBars = (results: Results): Bar[] => [
  {
    section: 'G',
    what: 'a document of 1,000 nodes: loaded, validated, drawn, the first in its process',
    unit: 'ms',
    measured: results.median(coldWork, 'dogear'),
    atMost: 100,
  },
  {
    section: 'G',
    what: 'a document of 1,000 nodes, against JSON.parse of it',
    unit: 'x',
    measured: results.ratio(loadWork(1_000), 'dogear', 'Map floor'),
    atMost: 10,
  },
]

function divide(a: number | undefined, b: number | undefined): number | undefined {
  return a !== undefined && b !== undefined ? a / b : undefined
}

function minus(a: number | undefined, b: number | undefined): number | undefined {
  return a !== undefined && b !== undefined ? a - b : undefined
}

/** The numbers of the design that these sections measure. */
export function barsOf(results: Results): Bar[] {
  return [subscriberBars, accessBars, reactBars, eventBars, persistenceBars, returnBars, graphBars].flatMap(
    (bars) => bars(results),
  )
}

export function verdict({ measured, atMost, atLeast }: Bar): 'PASS' | 'MISS' | 'not run' {
  if (measured === undefined || Number.isNaN(measured)) return 'not run'
  return (atMost === undefined || measured <= atMost) && (atLeast === undefined || measured >= atLeast)
    ? 'PASS'
    : 'MISS'
}

export function barTable(bars: readonly Bar[]): Table {
  return {
    title: 'The bars',
    note: 'Figures are medians; ratios are medians of the ratios of interleaved rounds.',
    head: ['', 'measured', 'bar', ''],
    rows: bars.map((bar) => [
      `${bar.section}  ${bar.what}`,
      `${figure(bar.measured)} ${bar.unit}`.trim(),
      bar.atMost === undefined
        ? `>= ${bar.atLeast} ${bar.unit}`.trim()
        : `<= ${bar.atMost} ${bar.unit}`.trim(),
      verdict(bar),
    ]),
  }
}
