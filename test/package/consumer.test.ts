import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { chromium, type Browser, type Page } from 'playwright'
import { build, createServer, preview, type InlineConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchOptions } from '../support/browser.ts'
import { consumer, pack, remove, run } from './consumer.ts'
import { linksOf } from './documents.ts'
import { allSamples, textOf } from './samples.ts'

let packed: { folder: string; files: readonly string[] }
let browser: Browser

beforeAll(async () => {
  packed = await pack()
  browser = await chromium.launch(await launchOptions())
})

afterAll(async () => {
  await browser?.close()
  await remove(packed && path.dirname(packed.folder))
})

test('the package holds its build, licence, readme, guides and decisions, nothing else', () => {
  const odd = packed.files.filter(
    (it) =>
      !/^(dist\/.+\.(c?js|d\.c?ts|map)|package\.json|(README|(docs|decisions)\/[\w-]+|bench\/RESULTS)\.md|LICENSE)$/.test(
        it,
      ),
  )
  expect(odd).toEqual([])
  for (const entry of ['index', 'react', 'devtools', 'testing', 'unstorage', 'web-storage']) {
    for (const kind of ['js', 'cjs', 'd.ts', 'd.cts']) expect(packed.files).toContain(`dist/${entry}.${kind}`)
  }
})

test('what is linked in the package is in the package', async () => {
  const missing: string[] = []
  for (const page of packed.files.filter((it) => it.endsWith('.md'))) {
    const links = linksOf(await readFile(path.join(packed.folder, page), 'utf8'))
    const folder = path.join(packed.folder, path.dirname(page))
    const wrong = links.filter((it) => !existsSync(path.join(folder, it.replace(/#.*/, ''))))
    missing.push(...wrong.map((it) => `${page}: ${it}`))
  }
  expect(missing).toEqual([])
})

test('flows run without React and zod', async () => {
  const folder = await consumer(packed.folder, 'none')
  try {
    const { stdout, stderr } = await run(process.execPath, [path.join(folder, 'bare.mjs')], { cwd: folder })
    expect([stdout, stderr]).toEqual(['hello NL\n', ''])
  } finally {
    await remove(folder)
  }
})

describe.each([17, 18, 19] as const)('with React %i', (react) => {
  let folder: string

  beforeAll(async () => {
    folder = await consumer(packed.folder, react)
  })

  afterAll(() => remove(folder))

  test.each(['node.mjs', 'node.cjs'])(
    '%s runs a flow over two engines and renders on a server',
    async (file) => {
      const { stdout, stderr } = await run(process.execPath, [path.join(folder, file)], { cwd: folder })
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toEqual({
        react: String(react),
        abandoned: 'SESSION_CLOSED',
        label: 'Damrak 1, NL',
        note: 'ring twice',
        homeless: ['HOOK', true],
        shell: 'loading',
      })
    },
  )

  const config = (): InlineConfig => ({
    root: path.join(folder, 'app'),
    configFile: false,
    logLevel: 'warn',
    cacheDir: path.join(folder, 'cache'),
    server: { host: '127.0.0.1', port: 0, watch: null },
    preview: { host: '127.0.0.1', port: 0 },
    build: { outDir: path.join(folder, 'dist') },
  })

  test('a page from the Vite development server keeps its flow through a reload', async () => {
    const server = await createServer(config())
    try {
      await server.listen()
      await expectFlowToOutliveReload(server.resolvedUrls?.local[0], react)
    } finally {
      await server.close()
    }
  })

  test("the readme's checkout / does what the readme says of a reload and of the card", async () => {
    for (const sample of await allSamples()) {
      if (['checkout.ts', 'App.tsx'].includes(sample.name))
        await writeFile(path.join(folder, 'readme', sample.name), textOf(sample))
    }
    const server = await createServer({ ...config(), root: folder })
    try {
      await server.listen()
      await expectReadmeToHold(server.resolvedUrls?.local[0])
    } finally {
      await server.close()
    }
  })

  test('a page from a Vite build keeps its flow through a reload', async () => {
    await build(config())
    const server = await preview(config())
    try {
      await expectFlowToOutliveReload(server.resolvedUrls?.local[0], react)
    } finally {
      await server.close()
    }
  })
})

async function expectFlowToOutliveReload(url: string | undefined, react: number): Promise<void> {
  if (url === undefined) throw new Error('the server has no address')
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    const trouble = complaints(page)
    await page.goto(url)
    await page.getByRole('button', { name: 'Begin' }).click()
    await page.getByRole('textbox').fill('ring twice')
    const answer = page.getByRole('button', { name: 'Answer for NL' })
    await answer.waitFor()
    await page.locator('#saved', { hasText: /^saved$/ }).waitFor()

    await page.reload()
    await answer.waitFor()
    expect(await page.getByRole('textbox').inputValue()).toBe('ring twice')
    expect(await page.locator('#react').textContent()).toBe(String(react))
    await answer.click()
    await page.locator('#label', { hasText: 'Damrak 1, NL' }).waitFor()
    expect(trouble).toEqual([])
  } finally {
    await context.close()
  }
}

async function expectReadmeToHold(url: string | undefined): Promise<void> {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    const trouble = complaints(page)
    await page.goto(`${url}readme/`)
    await page.getByRole('button', { name: 'Check out' }).click()
    const street = page.getByLabel('Street')
    await street.pressSequentially('Damr')
    await page.reload()
    await street.waitFor()
    expect(await street.inputValue()).toBe('Damr')
    await street.pressSequentially('ak 1')
    await page.getByLabel('Zip').fill('1012')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Ordered: order for 12.5').waitFor()
    const keys = await page.evaluate(() => JSON.parse(localStorage.getItem('keys') ?? '[]') as string[])
    expect([keys.length, new Set(keys).size]).toEqual([2, 1])
    expect(trouble).toEqual([])
  } finally {
    await context.close()
  }
}

/** Everything the page says that it should not: exceptions, and warnings of React, Vite or Dogear. */
function complaints(page: Page): string[] {
  const found: string[] = []
  page.on('pageerror', (error) => found.push(String(error)))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) found.push(message.text())
  })
  return found
}
