// `npm run fuzz`: bundles the random workflows of the tests, which are TypeScript, and plays them outside the runner.
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'
import { optionsOf, refuse } from './options.mjs'

const usage = `npm run fuzz                              random flows, until it is stopped
npm run fuzz -- --seeds 10000 --first 1   these seeds
npm run fuzz -- --minutes 5               as many as there is time for
npm run fuzz -- --of travels              ways through the history of a session: back, rewind, fork, reload
npm run fuzz -- --of subflows             flows in flows, with crashes, tabs and ways through the history
npm run fuzz -- --of versions             the same, while newer code with migrations is deployed
npm run fuzz -- --of joins                flows in flows with what is gathered, collected and waited for together
npm run fuzz -- --of schema               whether a state is what its strict schema makes of it, whatever happens
npm run fuzz -- --of faults               tabs of a browser whose IndexedDB, web storage or server has trouble`

const { values } = optionsOf(usage, {
  options: {
    of: { type: 'string', default: 'flows' },
    first: { type: 'string', default: '1' },
    seeds: { type: 'string', default: 'Infinity' },
    minutes: { type: 'string', default: 'Infinity' },
  },
})
const [first, seeds, minutes] = [values.first, values.seeds, values.minutes].map(Number)
if (!Number.isSafeInteger(first) || !(seeds > 0) || !(minutes > 0))
  refuse('--first is a whole number; --seeds and --minutes are numbers above 0', usage)

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const out = path.join(root, 'node_modules/.fuzz')

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  publicDir: false,
  build: {
    ssr: path.join(root, 'test/session/random/fuzz.ts'),
    outDir: out,
    emptyOutDir: true,
    target: 'node20',
    rolldownOptions: { output: { entryFileNames: 'fuzz.mjs' } },
  },
})

const { fuzz, kinds } = await import(pathToFileURL(path.join(out, 'fuzz.mjs')).href)
if (!kinds.includes(values.of)) refuse(`there is no play of ${values.of}`, usage)
process.exitCode = await fuzz({ of: values.of, first, seeds, minutes })
