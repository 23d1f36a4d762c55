// `npm run bench`: bundles the harness, which is TypeScript, and starts it. Options: see options.ts.
import { fileURLToPath, pathToFileURL } from 'node:url'
import path from 'node:path'
import { build } from 'vite'

const bench = path.dirname(fileURLToPath(import.meta.url))
// Two folders below the root, where the browser finder of the tests expects itself to be.
const out = path.join(bench, '../node_modules/.bench')

await build({
  configFile: false,
  root: bench,
  logLevel: 'warn',
  publicDir: false,
  build: {
    ssr: path.join(bench, 'main.ts'),
    outDir: out,
    emptyOutDir: true,
    target: 'node20',
    rolldownOptions: { output: { entryFileNames: 'main.mjs' } },
  },
})

const { main } = await import(pathToFileURL(path.join(out, 'main.mjs')).href)
process.exitCode = await main({ bench, out, argv: process.argv.slice(2) })
