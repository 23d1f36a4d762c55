import { statSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { root, run } from './consumer.ts'
import { filesHere, textOf } from './repository.ts'

/** A pattern that does not find itself in this file. */
const pattern = (...parts: readonly string[]) => new RegExp(parts.join(''))

const kilobyte = 1024
const large: Record<string, number> = { 'package-lock.json': 1024 * kilobyte }

let files: readonly string[]

beforeAll(async () => {
  files = await filesHere()
})

function holding(what: RegExp): string[] {
  return files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, at) => (what.test(line) ? [`${file}:${at + 1}: ${line.trim().slice(0, 120)}`] : [])),
  )
}

describe('the repository', () => {
  test('names no path of the machine it was written on', () => {
    const machine = pattern('(^|[^\\w.~-])/(', 'work|', 'root|', 'home|', 'Users|', 'tmp|', 'mnt)/[\\w.-]')
    expect(holding(machine)).toEqual([])
  })

  test('names no package registry', async () => {
    expect(
      holding(pattern('registry', '\\.(npmjs|yarnpkg|npmmirror)|', '_auth', 'Token|', '^registry', '\\s*=')),
    ).toEqual([])
    const { stdout } = await run('npm', ['config', 'get', 'registry'], { cwd: root })
    const { host } = new URL(stdout.trim())
    expect(files.filter((file) => textOf(file).includes(host))).toEqual([])
  })

  test('has a lock file that does not say where packages came from', () => {
    const lock = JSON.parse(textOf('package-lock.json')) as {
      packages: Record<string, { resolved?: string; link?: boolean; integrity?: string; version?: string }>
    }
    const entries = Object.entries(lock.packages)
    expect(entries.filter(([, it]) => it.resolved !== undefined && !it.link)).toEqual([])
    const unchecked = entries.filter(
      ([place, it]) => place.includes('node_modules/') && !it.link && it.integrity === undefined,
    )
    expect(unchecked).toEqual([])
  })

  test('listens on this machine only', () => {
    expect(holding(pattern('0\\.0', '\\.0\\.0'))).toEqual([])
  })

  test('holds no large file, and no build output', () => {
    const limit = (file: string) => large[file] ?? 200 * kilobyte
    expect(files.filter((file) => statSync(path.join(root, file)).size > limit(file))).toEqual([])
    expect(
      files.filter((file) => /(^|\/)(node_modules|dist|coverage|storybook-static)\//.test(file)),
    ).toEqual([])
  })

  test('has changesets that make the next version', async () => {
    const { stdout } = await run(process.execPath, ['scripts/version.mjs', '--check'], { cwd: root })
    expect(stdout).toMatch(/next version: \d+\.\d+\.\d+/)
  })
})
