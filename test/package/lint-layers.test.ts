import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A file of a made-up source tree that breaks one rule, and words of the message that must come. */
const planted: readonly (readonly [file: string, source: string, message: RegExp])[] = [
  ['src/clock.ts', `export * from './engine'`, /leaves/],
  ['src/errors.ts', `export * from './state/store'`, /leaves/],
  ['src/state/a.ts', `export * from '../workflow/event'`, /lowest layer/],
  ['src/state/b.ts', `export type { A } from '../session/record'`, /lowest layer/],
  ['src/state/c.ts', `export * from '../storage/storage'`, /lowest layer/],
  ['src/state/d.ts', `export * from '../engine'`, /lowest layer/],
  ['src/state/g.ts', `export * from '../engine/opening'`, /lowest layer/],
  ['src/state/e.ts', `export { z } from 'zod'`, /Standard Schema/],
  ['src/state/f.ts', `export { useRef } from 'react'`, /Only src\/react/],
  ['src/workflow/a.ts', `export * from '../session/reduce.ts'`, /what a flow is/],
  ['src/workflow/b.ts', `import type { A } from '../index'\nexport type B = A`, /what a flow is/],
  ['src/workflow/c.ts', `export * from '../testing'`, /what a flow is/],
  ['src/workflow/graph/a.ts', `export * from '../../session/model/reduce'`, /what a flow is/],
  ['src/workflow/graph/b.ts', `export * from '../../later'`, /what a flow is/],
  ['src/session/a.ts', `export * from '../storage/adapters/memory'`, /interface only/],
  ['src/session/b.ts', `export * from '../storage/adapters/indexeddb.ts'`, /interface only/],
  ['src/session/c.ts', `export * from '../tabs/leader'`, /runs a flow/],
  ['src/session/d.ts', `export * from '../engine'`, /runs a flow/],
  ['src/session/e.ts', `export * from '../react/provider'`, /runs a flow/],
  ['src/session/f.ts', `export { get } from 'idb-keyval'`, /Only src\/storage\/adapters/],
  ['src/session/step/a.ts', `export * from '../../storage/adapters/memory'`, /interface only/],
  ['src/session/step/b.ts', `export * from '../../engine/opening'`, /runs a flow/],
  ['src/session/step/c.ts', `export * from '../..'`, /runs a flow/],
  ['src/session/step/d.ts', `export * from '../../later'`, /runs a flow/],
  ['src/session/model/a.ts', `export * from '../core'`, /how it runs/],
  ['src/session/model/b.ts', `export type { A } from '../step/attempt'`, /how it runs/],
  ['src/storage/a.ts', `export * from '../session/record'`, /keeps bytes/],
  ['src/storage/b.ts', `export type { A } from '../workflow/event'`, /keeps bytes/],
  ['src/storage/c.ts', `export * from './adapters/memory'`, /only the adapters/],
  ['src/storage/d.ts', `export { get } from 'idb-keyval'`, /only the adapters/],
  ['src/storage/adapters/a.ts', `export * from '../../state/store'`, /keeps bytes/],
  ['src/storage/adapters/b.ts', `export { z } from 'zod'`, /Standard Schema/],
  ['src/tabs/a.ts', `export * from '../session/session'`, /elects a leader/],
  ['src/engine.ts', `export * from './react/provider'`, /no view/],
  ['src/engine/a.ts', `export * from '../index'`, /no view/],
  ['src/index.ts', `export * from './testing/index'`, /No entry/],
  ['src/react/a.ts', `export * from '../storage/adapters/memory'`, /thin view/],
  ['src/react/b.ts', `export { get } from 'idb-keyval/dist/index.js'`, /Only src\/storage\/adapters/],
  [
    'src/testing/a.ts',
    `export { useSyncExternalStore } from 'use-sync-external-store/shim'`,
    /Only src\/react/,
  ],
  ['src/testing/b.ts', `export * from '../react/index'`, /without a view/],
  ['src/devtools/a.ts', `export * from '../storage/adapters/memory'`, /behind it/],
  ['src/devtools/b.ts', `export { useEffect } from 'react'`, /Only src\/react/],
  ['src/devtools/c.ts', `export * from '../react/use-workflow'`, /no view/],
  [
    'src/state/cycle-a.ts',
    `import { b } from './cycle-b'\nexport const a = (): number => b()`,
    /[Dd]ependency cycle/,
  ],
  ['src/state/cycle-b.ts', `import { a } from './cycle-a'\nexport const b = (): number => a()`, /cycle/],
  ['src/state/long-file.ts', 'export const a = [\n' + '  1,\n'.repeat(300) + ']', /too many lines/],
  [
    'src/state/long-function.ts',
    `export function a(list: number[]): void {\n${'  list.push(1)\n'.repeat(40)}}`,
    /too many lines/,
  ],
]

/** What the layers allow, so that a rule cannot pass by refusing everything. */
const allowed: readonly (readonly [file: string, source: string])[] = [
  ['src/state/ok.ts', `export * from '../errors'\nexport * from './store'`],
  ['src/workflow/ok.ts', `export * from '../state/store'\nexport * from '../errors'`],
  ['src/workflow/graph/ok.ts', `export * from '../event'\nexport * from '../../errors'`],
  ['src/session/ok.ts', `export * from '../workflow/event'\nexport * from '../storage/storage'`],
  ['src/session/ok-too.ts', `export * from '../storage/journal'\nexport * from '../clock'`],
  [
    'src/ok.ts',
    `export * from './session/ok'\nexport * from './storage/adapters/memory'\nexport * from './clock'`,
  ],
  ['src/session/step/ok.ts', `export * from '../../errors'\nexport * from '../../storage/journal'`],
  ['src/session/model/ok.ts', `export * from '../../state/store'\nexport * from './record'`],
  ['src/storage/ok.ts', `export * from './storage'\nexport * from '../errors'`],
  ['src/storage/adapters/ok.ts', `export { get } from 'idb-keyval'\nexport * from '../storage'`],
  ['src/tabs/ok.ts', `export * from '../storage/storage'`],
  ['src/react/ok.ts', `export * from '../engine'\nexport { useRef } from 'react'`],
  ['src/testing/ok.ts', `export * from '../storage/adapters/memory'\nexport * from '../engine'`],
  ['stories/ok.ts', `export * from 'dogear'\nexport { get } from 'idb-keyval'`],
  ['test/ok.ts', `export * from '../src/react/ok'\nexport { z } from 'zod'`],
  [
    'src/state/ok-long.ts',
    `/** Comments and blank lines are free. */\n${'// a comment\n\n'.repeat(300)}export const a = 1`,
  ],
]

interface Diagnostic {
  readonly message: string
  readonly help?: string
  readonly filename: string
}

const root = path.resolve(import.meta.dirname, '../..')
let tree: string
let found: readonly Diagnostic[]

beforeAll(async () => {
  tree = await mkdtemp(path.join(tmpdir(), 'dogear-layers-'))
  await cp(path.join(root, '.oxlintrc.json'), path.join(tree, '.oxlintrc.json'))
  await symlink(path.join(root, 'node_modules'), path.join(tree, 'node_modules'))
  await writeFile(path.join(tree, '.gitignore'), 'node_modules\n')
  for (const [file, source] of [...planted, ...allowed]) {
    await mkdir(path.dirname(path.join(tree, file)), { recursive: true })
    await writeFile(path.join(tree, file), `${source}\n`)
  }
  const oxlint = path.join(root, 'node_modules/oxlint/bin/oxlint')
  const report = await new Promise<string>((resolve) => {
    execFile(process.execPath, [oxlint, '--format', 'json'], { cwd: tree }, (_error, stdout) =>
      resolve(stdout),
    )
  })
  found = (JSON.parse(report) as { diagnostics: Diagnostic[] }).diagnostics
})

afterAll(() => rm(tree, { recursive: true, force: true }))

const of = (file: string) =>
  found.filter((it) => it.filename === file).map((it) => `${it.message} ${it.help}`)

test.each(planted)('%s is refused', (file, _source, message) => {
  expect(of(file).join('\n')).toMatch(message)
})

test.each(allowed)('%s is allowed', (file) => {
  expect(of(file)).toEqual([])
})
