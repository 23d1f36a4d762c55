import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { root } from './consumer.ts'
import { anchorsOf, documents, linksOf } from './documents.ts'
import { filesHere, textOf } from './repository.ts'

let files: readonly string[]

beforeAll(async () => {
  files = await filesHere()
})

/** Those of a file's links that lead nowhere, with the reason; they are seen from a folder. */
function broken(file: string, folder: string, links: readonly string[]): string[] {
  return links.flatMap((link) => {
    const [place = '', anchor] = link.split('#')
    const to = place === '' ? file : path.join(folder, place)
    if (!existsSync(path.join(root, to))) return [`${file}: ${link} leads nowhere`]
    if (anchor === undefined || anchorsOf(textOf(to)).has(anchor)) return []
    return [`${file}: ${link} has no such heading`]
  })
}

test('every link leads to a file, and to a heading of it', () => {
  const pages = files.filter((it) => it.endsWith('.md')).map((it) => ({ it, links: linksOf(textOf(it)) }))
  expect(pages.flatMap(({ links }) => links).length).toBeGreaterThan(30)
  expect(pages.flatMap(({ it, links }) => broken(it, path.dirname(it), links))).toEqual([])
})

test('what comments, messages and stories name of the guides and decisions is there', () => {
  const named = /\b(?:docs|decisions)\/[\w-]+\.md(?:#[\w-]+)?/g
  expect(files.flatMap((it) => broken(it, '', textOf(it).match(named) ?? []))).toEqual([])
})

test('every decision that is named by its number is there', () => {
  const numbers = new Set(readdirSync(path.join(root, 'decisions')).map((it) => parseInt(it, 10)))
  const named = files.flatMap((file) =>
    [...textOf(file).matchAll(/\bdecision (\d+)/g)].map(([, number]) => [file, Number(number)] as const),
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(([, number]) => !numbers.has(number))).toEqual([])
})

test('every guide is in the table of the readme, and begins with a question and a sample', async () => {
  const [readme = '', ...guides] = await documents()
  const listed = linksOf(textOf(readme).split('## Guides')[1]?.split('\n## ')[0] ?? '')
  expect(listed.toSorted()).toEqual(guides)
  const beginning = /^# .+\n\n[^\n]+\?\n\n(<!-- given\n[\s\S]*?\n-->\n\n)?```tsx?\n/
  expect(guides.filter((it) => !beginning.test(textOf(it)))).toEqual([])
})
