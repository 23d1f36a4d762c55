/** What the Markdown of this repository says of other places: its links and its headings. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { root } from './consumer.ts'

/** README.md and the guides, by their paths from the root. */
export async function documents(): Promise<readonly string[]> {
  const guides = await readdir(path.join(root, 'docs'))
  return ['README.md', ...guides.toSorted().map((it) => `docs/${it}`)]
}

const fenced = /^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm

/** Where its links lead within this repository, as written: `../README.md#start`. */
export function linksOf(markdown: string): readonly string[] {
  const prose = markdown.replace(fenced, '').replace(/`[^`\n]*`/g, '')
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets.filter((it) => !/^[a-z]+:/.test(it))
}

/** The anchors of its headings, as GitHub makes them. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of markdown.replace(fenced, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading.replace(/\]\([^)]*\)/g, '').toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}\-_ ]/gu, '').replaceAll(' ', '-')
    let name = anchor
    for (let count = 1; anchors.has(name); count++) name = `${anchor}-${count}`
    anchors.add(name)
  }
  return anchors
}
