import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consumer, pack, remove, root, run } from './consumer.ts'

let packed: { folder: string }
let folder: string

beforeAll(async () => {
  packed = await pack()
  folder = await consumer(packed.folder, 19)
  const types = path.join(folder, 'node_modules/@types')
  await mkdir(types, { recursive: true })
  for (const name of ['react', 'use-sync-external-store']) {
    await symlink(path.join(root, 'node_modules/@types', name), path.join(types, name))
  }
  await symlink(path.join(root, 'node_modules/csstype'), path.join(folder, 'node_modules/csstype'))
  await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }')
})

afterAll(() => remove(folder, packed && path.dirname(packed.folder)))

const compilers = [
  ['TypeScript 7', 'node_modules/@typescript/native/bin/tsc'],
  ['TypeScript 6', 'node_modules/typescript/bin/tsc6'],
] as const

const cases = compilers.flatMap(([name, compiler]) =>
  [
    { module: 'ESNext', moduleResolution: 'bundler' },
    { module: 'NodeNext', moduleResolution: 'NodeNext' },
  ].map((resolution) => ({ name, compiler, resolution })),
)

/** All that the compiler says. */
async function output(compiler: string, options: object, files: readonly string[]): Promise<string> {
  const project = path.join(folder, 'types/tsconfig.json')
  const compilerOptions = {
    target: 'ES2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    isolatedModules: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    // Complaints about those of the compiler are nobody's here either.
    skipDefaultLibCheck: true,
    noEmit: true,
    ...options,
  }
  await writeFile(project, JSON.stringify({ compilerOptions, files }))
  const { stdout } = await run(
    process.execPath,
    [path.join(root, compiler), '-p', project, '--pretty', 'false'],
    {
      cwd: path.join(folder, 'types'),
    },
  ).catch((error: unknown) => error as { stdout: string })
  return stdout
}

const foreign = /node_modules\/(?!dogear\/)/

/** Every complaint, whichever file it is about, but for the declarations of other packages. */
async function compile(...of: Parameters<typeof output>): Promise<string[]> {
  return (await output(...of)).split('\n').filter((line) => /error TS/.test(line) && !foreign.test(line))
}

test.each(cases)(
  '$name, $resolution.moduleResolution: the declarations need no types of the DOM or Node',
  async ({ compiler, resolution }) => {
    const options = { ...resolution, lib: ['ES2022'], types: [] }
    expect(await compile(compiler, options, ['core.ts', 'globals.d.ts'])).toEqual([])
  },
)

test.each(cases)(
  '$name, $resolution.moduleResolution: hooks are typed by the workflow',
  async ({ compiler, resolution }) => {
    const options = { ...resolution, lib: ['ES2022', 'DOM'], types: [] }
    expect(await compile(compiler, options, ['page.ts'])).toEqual([])
  },
)

test.each(compilers)('%s: a wrong path is what the complaint is about', async (_name, compiler) => {
  const options = { module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2022', 'DOM'], types: [] }
  const said = await output(compiler, options, ['wrong-path.ts'])
  for (const wrong of ['of a workflow', 'of a session', 'selected'])
    expect(said).toContain(`Argument of type '"${wrong}"' is not assignable`)
})

test.each(cases)(
  "$name, $resolution.moduleResolution: a library's flows have declarations that others can compile",
  async ({ compiler, resolution }) => {
    const options = { ...resolution, lib: ['ES2022', 'DOM'], types: [] }
    // What it imports is checked as its reader reads it.
    const library = { composite: true, noEmit: false, skipLibCheck: true }
    const emitted = { emitDeclarationOnly: true, rootDir: '.', outDir: 'emitted' }
    expect(await compile(compiler, { ...options, ...library, ...emitted }, ['library.ts'])).toEqual([])
    expect(await readFile(path.join(folder, 'types/emitted/library.d.ts'), 'utf8')).not.toMatch(
      /dogear\/(?!react")|: any\b/,
    )
    expect(await compile(compiler, options, ['reader.ts'])).toEqual([])
  },
)
