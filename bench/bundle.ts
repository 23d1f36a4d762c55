import path from 'node:path'
import { build, preview } from 'vite'
import type { InlineConfig } from 'vite'

/** Production builds, as an app would make them: minified by nobody, so that a profile can be read. */
const common = {
  configFile: false,
  logLevel: 'error',
  mode: 'production',
  publicDir: false,
  define: { 'process.env.NODE_ENV': '"production"' },
} as const satisfies InlineConfig

/** Bundles what runs in the Node lanes; answers with the script to start. */
export async function bundleNode(bench: string, out: string): Promise<string> {
  const folder = path.join(out, 'node')
  await build({
    ...common,
    root: bench,
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: path.join(bench, 'lanes/node-worker.ts'),
      outDir: folder,
      emptyOutDir: true,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'worker.mjs', chunkFileNames: '[name]-[hash].mjs' } },
    },
  })
  return path.join(folder, 'worker.mjs')
}

/** Bundles what runs in the page lanes. */
export async function bundlePage(bench: string, out: string): Promise<string> {
  const folder = path.join(out, 'page')
  await build({
    ...common,
    root: path.join(bench, 'page'),
    build: { outDir: folder, emptyOutDir: true, target: 'es2023', minify: false },
  })
  return folder
}

/** Serves the page bundle on this machine only; isolated, because that gives the page a finer clock. */
export async function servePage(bench: string, folder: string) {
  const server = await preview({
    ...common,
    root: path.join(bench, 'page'),
    build: { outDir: folder },
    preview: {
      host: '127.0.0.1',
      port: 0,
      headers: {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    },
  })
  const address = server.httpServer.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return { origin: `http://127.0.0.1:${address.port}`, close: () => server.close() }
}
