/**
 * The code in README.md is checked, and run where it can be.
 *
 * - A block that begins with a title comment is a file: it is type-checked and run (in Node, so that the module's
 *   top level is what runs). Other blocks import it by that name. A second block of the same title continues it.
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
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root, run } from './consumer.ts'

interface Line {
  readonly text: string
  /** In the readme, from 1; 0 for what was added. */
  readonly at: number
}

interface Block {
  readonly title: string | undefined
  readonly section: number
  readonly given: readonly Line[]
  readonly lines: readonly Line[]
}

/** A generated module: what the readme shows as one file, and then its fragments. */
interface Module {
  readonly name: string
  readonly titled: boolean
  readonly section: number
  readonly lines: Line[]
}

const TITLE = /^\/\/ ([\w./-]+\.tsx?)$/

/** What a line opens, if anything, and how that ends. */
function opening(text: string): { kind: 'code' | 'given' | 'other'; end: RegExp } | undefined {
  if (/^<!-- given\s*$/.test(text)) return { kind: 'given', end: /^-->\s*$/ }
  const fence = /^(`{3,})(\w*)(.*)$/.exec(text)
  if (!fence) return undefined
  const [, ticks = '', language = '', rest = ''] = fence
  const checked = /^tsx?$/.test(language) && !rest.includes('no-check')
  return { kind: checked ? 'code' : 'other', end: new RegExp(`^${ticks}\\s*$`) }
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let section = 0
  let given: Line[] = []
  let lines: Line[] = []
  let open: ReturnType<typeof opening>
  for (const [index, text] of markdown.split('\n').entries()) {
    if (!open) {
      open = opening(text)
      lines = []
      if (/^#{1,2} /.test(text)) section++
    } else if (!open.end.test(text)) {
      lines.push({ text, at: index + 1 })
    } else {
      if (open.kind === 'given') given = lines
      if (open.kind === 'code') {
        blocks.push({ title: TITLE.exec(lines[0]?.text.trim() ?? '')?.[1], section, given, lines })
        given = []
      }
      open = undefined
    }
  }
  return blocks
}

function modulesOf(blocks: readonly Block[]): Module[] {
  const modules: Module[] = []
  for (const block of blocks) {
    if (block.title !== undefined) {
      const same = modules.find((it) => it.titled && it.name === block.title)
      const lines = [...block.given, ...block.lines]
      if (same) same.lines.push(...lines)
      else modules.push({ name: block.title, titled: true, section: block.section, lines })
      continue
    }
    const above = modules.findLast((it) => it.section === block.section)
    const number = modules.length + 1
    const base = above ? above.lines : []
    const imports = block.lines.filter((it) => /^import .* from |^import '/.test(it.text))
    const rest = block.lines.filter((it) => !imports.includes(it))
    modules.push({
      name: `${above ? above.name.replace(/\.tsx?$/, '') : 'readme'}-fragment-${number}.tsx`,
      titled: false,
      section: -1,
      lines: [
        ...imports,
        ...base.filter((it) => !imports.some((own) => own.text === it.text)),
        ...block.given,
        { text: 'export async function fragment() {', at: 0 },
        ...rest,
        { text: '}', at: 0 },
      ],
    })
  }
  return modules
}

const folder = path.join(import.meta.dirname, '.readme')
const file = path.join(root, 'README.md')
const modules = existsSync(file) ? modulesOf(blocksOf(await readFile(file, 'utf8'))) : []

beforeAll(async () => {
  await rm(folder, { recursive: true, force: true })
  for (const { name, lines } of modules) {
    const target = path.join(folder, name)
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, `${lines.map((it) => it.text).join('\n')}\nexport {}\n`)
  }
  await mkdir(folder, { recursive: true })
  const config = { extends: '../../../tsconfig.json', files: modules.map((it) => it.name), include: [] }
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** The compiler's complaints, at lines of the readme. */
async function complaints(): Promise<string[]> {
  const tsc = path.join(root, 'node_modules/@typescript/native/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
  }).catch((error: unknown) => error as { stdout: string })
  const found = stdout.split('\n').flatMap(inReadme)
  return [...new Set(found)]
}

/** One line of the compiler's output; what stands in the source itself is not about the readme. */
function inReadme(text: string): string[] {
  const parts = /^(\S+)\((\d+),\d+\): (.*)$/.exec(text)
  if (!parts) return text.startsWith('error TS') ? [text] : []
  const [, name, line, message] = parts
  const module = modules.find((it) => it.name === name)
  return module ? [`README.md:${module.lines[Number(line) - 1]?.at}: ${message}`] : []
}

describe('README.md', () => {
  test('shows code', () => {
    expect(modules.some((it) => it.titled)).toBe(true)
  })

  test('shows code that compiles', async () => {
    expect(await complaints()).toEqual([])
  })

  const titled = modules.filter((it) => it.titled)
  test.each(titled)('$name runs', async ({ name }) => {
    await expect(import(path.join(folder, name))).resolves.toBeDefined()
  })
})
