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
