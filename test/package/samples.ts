/** What README.md and the guides show as code, as modules that can be compiled and run; `samples.test.ts` tells the rules. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { root } from './consumer.ts'
import { documents } from './documents.ts'

interface Line {
  readonly text: string
  /** In its document, from 1; 0 for what was added. */
  readonly at: number
}

interface Block {
  readonly title: string | undefined
  readonly section: number
  readonly given: readonly Line[]
  readonly lines: readonly Line[]
}

/** A generated module: what a document shows as one file, and then its fragments. */
export interface Sample {
  /** Where it stands: `docs/steps.md`. */
  readonly document: string
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

function samplesOf(document: string, blocks: readonly Block[]): Sample[] {
  const samples: Sample[] = []
  for (const block of blocks) {
    if (block.title !== undefined) {
      const same = samples.find((it) => it.titled && it.name === block.title)
      const lines = [...block.given, ...block.lines]
      if (same) same.lines.push(...lines)
      else samples.push({ document, name: block.title, titled: true, section: block.section, lines })
      continue
    }
    const above = samples.findLast((it) => it.section === block.section)
    const number = samples.length + 1
    const base = above ? above.lines : []
    const imports = block.lines.filter((it) => /^import .* from |^import '/.test(it.text))
    const rest = block.lines.filter((it) => !imports.includes(it))
    samples.push({
      document,
      name: `${path.parse(above ? above.name : document).name}-fragment-${number}.tsx`,
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
  return samples
}

export async function allSamples(): Promise<readonly Sample[]> {
  const found: Sample[] = []
  for (const document of await documents())
    found.push(...samplesOf(document, blocksOf(await readFile(path.join(root, document), 'utf8'))))
  return found
}

export function textOf({ lines }: Sample): string {
  return `${lines.map((it) => it.text).join('\n')}\nexport {}\n`
}
