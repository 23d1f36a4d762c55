import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createServer } from 'vite'
import { expect, onTestFinished, test } from 'vitest'
import { visit } from './visitor.ts'

const root = path.resolve(import.meta.dirname, '../..')

/** A developer's project; `page.js` takes its own edits over, as components do under Fast Refresh. */
const files = {
  'index.html': '<main id="root"></main><script type="module" src="./main.js"></script>',
  'main.js': `
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './page.js'
const root = createRoot(document.getElementById('root'))
root.render(createElement(App))
import.meta.hot.accept('./page.js', (edited) => root.render(createElement(edited.App)))
`,
  'page.js': `
import { createElement as h } from 'react'
import { WorkflowProvider, useWorkflow, useWorkflowState } from './greeting.js'
export const App = () => h(WorkflowProvider, null, h(Page))
function Page() {
  const { status, ask, start, result } = useWorkflow()
  const [name, setName] = useWorkflowState('name')
  const title = h('h1', null, 'First: ', result?.text ?? status)
  const field = h('input', { value: name, onChange: (event) => setName(event.target.value) })
  return h('div', null, title, field, h('button', { onClick: () => (ask ? ask.reply({ name }) : start()) }, 'Go'))
}
`,
  'greeting.js': `
import { defineEvent, defineWorkflow } from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { z } from 'zod'
const Begin = defineEvent('begin')
const Name = defineEvent('name', z.object({ name: z.string() }))
const AskName = defineEvent('askName', undefined, { reply: Name })
const Greeted = defineEvent('greeted', z.object({ text: z.string() }))
export const greeting = defineWorkflow({
  name: 'greeting', version: 1, start: Begin, stop: Greeted, state: z.object({ name: z.string().default('') }),
}).step('greet', { on: Begin, asks: [AskName], emits: [Greeted] }, async (ctx) =>
  Greeted({ text: 'Hello ' + (await ctx.ask(AskName())).data.name }))
export const { WorkflowProvider, useWorkflow, useWorkflowState } = createWorkflowHooks(greeting)
import.meta.hot?.accept(() => location.reload())
`,
}

/** The project behind a development server, and how its files are edited. */
async function develop() {
  const folder = await mkdtemp(path.join(tmpdir(), 'dogear-hot-'))
  const write = (name: string, content: string) => writeFile(path.join(folder, name), content)
  for (const [name, content] of Object.entries(files)) await write(name, content)
  const installed = ['react', 'react-dom', 'zod', 'use-sync-external-store', 'idb-keyval']
  const server = await createServer({
    configFile: false,
    root: folder,
    cacheDir: path.join(folder, '.vite'),
    logLevel: 'warn',
    server: { host: '127.0.0.1', port: 0, fs: { strict: false } },
    resolve: {
      alias: {
        'dogear/react': path.join(root, 'src/react/index.ts'),
        dogear: path.join(root, 'src/index.ts'),
        ...Object.fromEntries(installed.map((name) => [name, path.join(root, 'node_modules', name)])),
      },
    },
  })
  onTestFinished(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })
  await server.listen()
  const edit = async (name: keyof typeof files, from: string, to: string): Promise<void> =>
    write(name, (await readFile(path.join(folder, name), 'utf8')).replace(from, to))
  return { url: server.resolvedUrls?.local[0] as string, edit }
}

test('a component is edited / shown at once; then a step / shown after an automatic reload; nothing typed is lost', async () => {
  const { url, edit } = await develop()
  const { page } = await visit(url)
  let loads = 0
  page.on('load', () => loads++)
  const shows = (text: string) => page.getByRole('heading', { name: text, exact: true }).waitFor()
  const go = page.getByRole('button')
  await go.click()
  await shows('First: waiting')
  await page.getByRole('textbox').fill('Ada')

  await edit('page.js', 'First', 'Second')
  await shows('Second: waiting')
  expect(await page.getByRole('textbox').inputValue()).toBe('Ada')
  expect(loads).toBe(0)

  const loaded = page.waitForEvent('load')
  await edit('greeting.js', 'Hello', 'Goodbye')
  await loaded
  await shows('Second: waiting')
  expect(await page.getByRole('textbox').inputValue()).toBe('Ada')
  await go.click()
  await shows('Second: Goodbye Ada')
  expect(loads).toBe(1)
})
