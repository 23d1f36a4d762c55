import path from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, test } from 'vitest'

const file = path.resolve(import.meta.dirname, 'hover-sample.ts')
const text = `
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow, resource } from '../../src/index'

const Begin = defineEvent('begin', z.object({ country: z.string() }))
const Address = defineEvent('address', z.object({ street: z.string(), zip: z.string() }))
const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
const Priced = defineEvent('priced', z.object({ total: z.number() }))
const Ordered = defineEvent('ordered', z.object({ orderId: z.string() }))

const base = defineWorkflow({
  name: 'checkout', version: 1, start: Begin, stop: Ordered,
  state: z.object({ address: Address.schema.optional(), note: z.string().default('') }),
  resources: { payments: resource<{ charge(): Promise<string> }>() },
})
const checkout = base
  .step('address', { on: Begin, asks: [AskAddress], emits: [Priced] }, async (ctx, begin) => {
    const address = await ctx.ask(AskAddress({ country: begin.data.country }))
    const note = ctx.state.get('note')
    const street = ctx.state.get('address.street')
    return Priced({ total: await ctx.once('quote', () => 1) })
  })
  .step('pay', { on: Priced, emits: [Ordered] }, async (ctx, priced) => Ordered({ orderId: String(priced.data.total) }))

async function use() {
  const session = await createEngine().open(checkout)
  const result = await session.run({ country: 'NL' })
  const ask = session.asks[0]
  session.state.get('')
  session.state.has('')
  session.state.subscribe('', () => {})
  session.state.set('', 'a')
  session.state.append('', 'a')
  session.state.delete('')
  return { result, ask }
}

base.step('a', { on: Begin }, () => Priced({ total: 1 })) // returns
base.step('a', { on: Begin }, async () => [Priced({ total: 1 })]) // returns several
base.step('a', { on: Begin }, (ctx) => ctx.send(Priced({ total: 1 }))) // sends
base.node('a', { on: Begin }, { execute: () => Priced({ total: 1 }) }) // is a node
base.step('a', { on: Begin }, async (ctx) => void (await ctx.ask(AskAddress({ country: '' })))) // asks
`

/** What an editor shows at the first place that a pattern finds. */
let shown: (place: string) => string
/** What it offers between the quotes behind a text. */
let offered: (before: string) => string[] | undefined
/** What is underlined in the line that ends with a comment. */
let complaints: (comment: string) => string[]

beforeAll(() => {
  const config = ts.readConfigFile('tsconfig.json', (name) => ts.sys.readFile(name))
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, process.cwd())
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => {
      const content = name === file ? text : ts.sys.readFile(name)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => process.cwd(),
    getDefaultLibFileName: (it) => ts.getDefaultLibFilePath(it),
    fileExists: (name) => name === file || ts.sys.fileExists(name),
    readFile: (name) => ts.sys.readFile(name),
    directoryExists: (name) => ts.sys.directoryExists(name),
  })
  shown = (place) => {
    const at = text.search(new RegExp(`${place}\\b`))
    const info = service.getQuickInfoAtPosition(file, at)
    return ts.displayPartsToString(info?.displayParts)
  }
  offered = (before) => {
    const at = text.indexOf(`${before}''`) + before.length + 1
    return service.getCompletionsAtPosition(file, at, {})?.entries.map((it) => it.name)
  }
  complaints = (comment) => {
    const lines = text.slice(0, text.indexOf(`// ${comment}\n`)).split('\n')
    const found = service.getSemanticDiagnostics(file).map(({ start = 0, messageText }) => ({
      line: text.slice(0, start).split('\n').length,
      message: ts.flattenDiagnosticMessageText(messageText, ' '),
    }))
    return found.filter((it) => it.line === lines.length).map((it) => it.message)
  }
  // The first look reads the libraries' types: seconds on a busy machine.
  shown('note')
}, 3_600_000)

/** Line breaks and indentation are the editor's. */
const line = (hover: string): string => hover.replace(/\s+/g, ' ')

const paths = ['address', 'address.street', 'address.zip', 'note']

test.each([
  ['get', ['', ...paths]],
  ['has', ['', ...paths]],
  ['subscribe', ['', ...paths]],
  ['set', paths],
  ['append', paths],
  ['delete', paths],
])('a path typed in %s() / the editor offers all paths of the state', (call, expected) => {
  expect(offered(`session.state.${call}(`)?.toSorted()).toEqual(expected)
})

describe('what an editor shows', () => {
  test.each([
    ['(?<=const )note', 'const note: string'],
    ['(?<=const )street', 'const street: string | undefined'],
    ['(?<=const )address', 'const address: WorkflowEvent<"address", { street: string; zip: string; }>'],
    ['(?<=ctx, )begin', '(parameter) begin: WorkflowEvent<"begin", { country: string; }>'],
    ['(?<=ctx, )priced', '(parameter) priced: WorkflowEvent<"priced", { total: number; }>'],
    ['(?<=const )result', 'const result: { orderId: string; }'],
    [
      '(?<=const )ask',
      'const ask: OpenAsk<"askAddress", { country: string; }, { street: string; zip: string; }> | undefined',
    ],
  ])('at %s / exactly its type', (place, expected) => {
    expect(line(shown(place))).toBe(expected)
  })

  test.each([
    ['(?<=const )Begin', 200],
    ['(?<=const )AskAddress', 400],
    ['(?<=const )checkout', 800],
    ['(?<=const )session', 800],
  ])('at %s / only its parts, without helper types', (place, most) => {
    const hover = line(shown(place))
    expect(hover).not.toBe('')
    expect(hover).not.toMatch(/\bany\b|~types|~ask|Exact<|Accepted<|Consumed<|NonNullable/)
    expect(hover.length).toBeLessThan(most)
  })
})

test.each([
  ['returns', 'emits'],
  ['returns several', 'emits'],
  ['sends', 'emits'],
  ['is a node', 'emits'],
  ['asks', 'asks'],
])(
  'a step that declares nothing %s an event / the compile error names the option, not `never`',
  (mistake, option) => {
    const found = complaints(mistake)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`declare it in the step's \`${option}\``)
  },
)
