/**
 * The code in README.md and the guides is checked, and run where it can be.
 *
 * - A block that begins with a title comment is a file: it is type-checked and run (in Node, so that the module's
 *   top level is what runs). Other blocks, of all documents, import it by that name. A second block of the same title
 *   continues it, in the same document.
 *
 *       ```ts
 *       // checkout.ts
 *       import { defineEvent } from 'dogear'
 *
 * - Any other ```ts or ```tsx block is a fragment of the titled block before it in the same `##` section: it is
 *   type-checked inside a function at the end of that file, so it sees its names and may repeat its own. Its
 *   imports go to the top. Without a titled block before it, it stands alone.
 * - What a fragment needs and the reader need not see stands in a comment before it, and is type-checked with it:
 *
 *       <!-- given
 *       declare const payments: Payments
 *       -->
 *
 * - ```ts no-check is left alone. Say why in the text.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root, run } from './consumer.ts'
import { documents } from './documents.ts'
import { allSamples, textOf } from './samples.ts'

const folder = path.join(import.meta.dirname, '.samples')
const samples = await allSamples()

beforeAll(async () => {
  await rm(folder, { recursive: true, force: true })
  for (const sample of samples) {
    const target = path.join(folder, sample.name)
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, textOf(sample))
  }
  await mkdir(folder, { recursive: true })
  const config = { extends: '../../../tsconfig.json', files: samples.map((it) => it.name), include: [] }
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** The compiler's complaints, at lines of the documents. */
async function complaints(): Promise<string[]> {
  const tsc = path.join(root, 'node_modules/@typescript/native/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
  }).catch((error: unknown) => error as { stdout: string })
  const found = stdout.split('\n').flatMap(inDocument)
  return [...new Set(found)]
}

/** One line of the compiler's output; what stands in the source itself is not about the documents. */
function inDocument(text: string): string[] {
  const parts = /^(\S+)\((\d+),\d+\): (.*)$/.exec(text)
  if (!parts) return text.startsWith('error TS') ? [text] : []
  const [, name, line, message] = parts
  const sample = samples.find((it) => it.name === name)
  return sample ? [`${sample.document}:${sample.lines[Number(line) - 1]?.at}: ${message}`] : []
}

describe('the documentation', () => {
  test('shows code in each document, and each file in one', async () => {
    expect([...new Set(samples.map((it) => it.document))]).toEqual(await documents())
    const names = samples.map((it) => it.name)
    expect(names.filter((it, at) => names.indexOf(it) !== at)).toEqual([])
  })

  test('shows code that compiles', async () => {
    expect(await complaints()).toEqual([])
  })

  const titled = samples.filter((it) => it.titled)
  test.each(titled)('$document: $name runs', async ({ name }) => {
    await expect(import(path.join(folder, name))).resolves.toBeDefined()
  })
})
