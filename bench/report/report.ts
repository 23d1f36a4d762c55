import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { every } from '../options.ts'
import type { Options } from '../options.ts'
import type { Results } from '../results.ts'
import { median, minimum } from '../statistics.ts'
import { asMarkdown } from './table.ts'
import type { Table } from './table.ts'

interface Report {
  readonly bench: string
  readonly options: Options
  readonly results: Results
  readonly tables: readonly Table[]
  readonly seconds: number
}

/** Versions that the figures belong to. */
async function versions(bench: string): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile(path.join(bench, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const names = [...Object.keys(manifest.devDependencies), 'react', 'zod', 'idb-keyval']
  const entries = names.toSorted().map(async (name) => {
    const file = path.join(bench, '../node_modules', name, 'package.json')
    return [name, (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

function commit(bench: string): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: bench, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

/** results.json always; RESULTS.md, which is committed, when asked for. */
export async function writeReport({ bench, options, results, tables, seconds }: Report): Promise<void> {
  const about = {
    at: new Date().toISOString(),
    commit: commit(bench),
    node: process.version,
    cpu: `${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown'}`,
    quick: options.quick,
    seconds,
    versions: await versions(bench),
  }
  const measurements = results.measurements.map(({ rounds, ...rest }) => ({
    ...rest,
    median: median(rounds),
    min: minimum(rounds),
    rounds,
  }))
  const json = JSON.stringify({ about, measurements, failures: results.failures }, null, 1)
  await writeFile(path.join(bench, 'results.json'), `${json}\n`)
  if (!options.write) return
  const partial = options.quick || options.adapters.length > 0 || options.sections.length < every.length
  if (partial || results.failures.length > 0) {
    console.error('RESULTS.md is left as it is: it takes a full run in which every adapter did its work')
    return
  }
  const text = [
    '# Results',
    '',
    'Written by `npm run bench -- --write`; README.md in this folder says how each number is measured. Ratios count, absolute figures belong to the machine.',
    '',
    `${about.at.slice(0, 10)}, commit ${about.commit}, Node ${about.node}, ${about.cpu}, ${seconds} s.`,
    '',
    ...tables.map(asMarkdown),
    '### Versions',
    '',
    Object.entries(about.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    '',
  ].join('\n')
  const file = path.join(bench, 'RESULTS.md')
  const config = await resolveConfig(file)
  await writeFile(file, await format(text, { ...config, parser: 'markdown' }))
}
