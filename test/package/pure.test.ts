import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './consumer.ts'

const dist = path.join(root, 'dist')
const scripts = readdirSync(dist).filter((file) => /\.c?js$/.test(file))

/**
 * Some minifiers pass over parentheses: with Next.js `(pure p()).then(f)` became `pure p().then(f)`, of which nobody takes
 * the result, and was dropped as a whole. So no call could be told from what follows it.
 */
describe('a call that bundlers may drop', () => {
  test.each(scripts)('is not the beginning of another one, nor a statement, in %s', (file) => {
    const calls = readFileSync(path.join(dist, file), 'utf8')
      .split('\n')
      .filter((line) => line.includes('@__PURE__'))
    expect(calls.filter((line) => /\(\/\* @__PURE__ \*\/ [^()]*\(.*\)\)[.[(]/.test(line))).toEqual([])
    expect(calls.filter((line) => /^\s*(await )?\/\* @__PURE__ \*\//.test(line))).toEqual([])
  })
})

/** SWC makes a function of that name of it, also where `await` is no name: what it has compiled for older browsers did not parse. */
test.each(scripts)('no private method is called await, in %s', (file) => {
  expect(readFileSync(path.join(dist, file), 'utf8')).not.toMatch(/#await\b/)
})

/** Parcel reads `exports` only when it is told to, and webpack 4 never. */
test('each entry is also among the files of the browser field', () => {
  const { exports, browser } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { import: { default: string } }>
    browser: unknown
  }
  const entries = Object.entries(exports).filter(([entry]) => /^\.\/[\w-]+$/.test(entry))
  expect(entries.length).toBeGreaterThan(4)
  expect(browser).toEqual(Object.fromEntries(entries.map(([entry, it]) => [entry, it.import.default])))
})
