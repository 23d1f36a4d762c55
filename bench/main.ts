import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { adaptersOf } from './adapters/index.ts'
import type { AdapterName } from './adapters/index.ts'
import { barTable, barsOf } from './bars.ts'
import { bundleNode, bundlePage, servePage } from './bundle.ts'
import { help, parse } from './options.ts'
import type { Options } from './options.ts'
import { writeReport } from './report/report.ts'
import { asText } from './report/table.ts'
import type { Table } from './report/table.ts'
import { Results } from './results.ts'
import type { Section, Setting } from './section.ts'
import { access } from './sections/access.ts'
import { events } from './sections/events.ts'
import { graphs } from './sections/graphs.ts'
import { persistence } from './sections/persistence.ts'
import { returning } from './sections/returning.ts'
import { react } from './sections/react.ts'
import { subscribers } from './sections/subscribers.ts'

const sections: readonly Section[] = [subscribers, access, react, events, persistence, returning, graphs]

/** What `npm run bench` runs. Answers with the exit code: 1 when an adapter failed, a missed bar is only printed. */
export async function main({ bench, out, argv }: Place): Promise<number> {
  let options: Options | undefined
  try {
    options = parse(argv)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`)
    return 2
  }
  if (!options) {
    console.log(help)
    return 0
  }
  return run({ bench, out }, options)
}

async function run({ bench, out }: Omit<Place, 'argv'>, options: Options): Promise<number> {
  const started = performance.now()
  const results = new Results()
  const setting = await prepare({ bench, out }, options, results)
  const tables: Table[] = []
  try {
    for (const section of sections.filter(({ name }) => options.sections.includes(name))) {
      const taking = chosen(adaptersOf(section.name), options)
      setting.progress(`${section.name}  ${section.title}: ${taking.length} adapters`)
      await section.run(taking, setting)
      const made = section.tables(results, taking)
      for (const table of made) console.log(asText(table))
      tables.push(...made)
    }
  } finally {
    await setting.dispose()
  }
  const bars = barTable(barsOf(results).filter(({ section }) => options.sections.includes(section)))
  console.log(asText(bars))
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(`\n${seconds} s${options.quick ? ', quick: not for quoting' : ''}`)
  await writeReport({ bench, options, results, tables: [bars, ...tables], seconds })
  for (const { section, adapter, reason } of results.failures)
    console.error(`FAILED  ${section}  ${adapter}: ${reason}`)
  return results.failures.length > 0 ? 1 : 0
}

interface Place {
  /** This folder. */
  readonly bench: string
  /** Where bundles go. */
  readonly out: string
  readonly argv: readonly string[]
}

/** The adapters whose names were asked for, and the floor. */
function chosen(all: readonly AdapterName[], { adapters }: Options): AdapterName[] {
  if (adapters.length === 0) return [...all]
  return all.filter((name) => name === 'Map floor' || adapters.some((part) => name.includes(part)))
}

async function prepare(
  { bench, out }: Omit<Place, 'argv'>,
  options: Options,
  results: Results,
): Promise<Setting & { dispose(): Promise<void> }> {
  const progress = (text: string) => console.error(`bench: ${text}`)
  progress('bundling')
  const nodeScript = await bundleNode(bench, out)
  const inPages = options.sections.some((name) => 'CEF'.includes(name))
  const server = inPages ? await servePage(bench, await bundlePage(bench, out)) : undefined
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'dogear-bench-'))
  return {
    options,
    results,
    nodeScript,
    origin: server?.origin ?? '',
    scratch,
    progress,
    failed(section, adapter, reason) {
      progress(`${section}  ${adapter} FAILED: ${reason}`)
      results.failures.push({ section, adapter, reason })
    },
    async dispose() {
      await server?.close()
      await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
