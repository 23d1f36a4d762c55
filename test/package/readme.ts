/** What README.md shows as code, as modules that can be compiled and run; `readme.test.ts` tells the rules. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { root } from './consumer.ts'

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
export interface Module {
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

const file = path.join(root, 'README.md')

export async function readmeModules(): Promise<readonly Module[]> {
  return existsSync(file) ? modulesOf(blocksOf(await readFile(file, 'utf8'))) : []
}

export function textOf({ lines }: Module): string {
  return `${lines.map((it) => it.text).join('\n')}\nexport {}\n`
}
