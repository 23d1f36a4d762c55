import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { build, preview } from 'vite'

const source = (file: string) => path.resolve(import.meta.dirname, '../../src', file)

/** The site that all tests of a file visit: served before the first one, and no longer than they run. */
export function siteOf(folder?: string): { readonly url: string } {
  let site: Site | undefined
  beforeAll(async () => {
    site = await serveSite(folder)
  })
  afterAll(() => site?.close())
  return {
    get url() {
      if (site === undefined) throw new Error('the site is not served yet')
      return site.url
    },
  }
}

/** A story's page, served on its own. */
interface Site {
  readonly url: string
  close(): Promise<void>
}

/**
 * Built, because a development server talks to its pages and so keeps them out of the back/forward cache. In
 * development mode, because only then does StrictMode mount everything twice.
 */
async function serveSite(folder = 'app'): Promise<Site> {
  const outDir = await mkdtemp(path.join(tmpdir(), 'dogear-site-'))
  const shared = {
    configFile: false,
    root: path.join(import.meta.dirname, folder),
    logLevel: 'warn',
    mode: 'development',
  } as const
  await build({
    ...shared,
    define: { 'process.env.NODE_ENV': '"development"' },
    resolve: {
      alias: [
        { find: 'dogear/react', replacement: source('react/index.ts') },
        { find: 'dogear/unstorage', replacement: source('storage/adapters/unstorage.ts') },
        { find: 'dogear', replacement: source('index.ts') },
      ],
    },
    build: {
      outDir,
      emptyOutDir: true,
      minify: false,
      rolldownOptions: {
        onwarn: (warning, next) => warning.code !== 'MODULE_LEVEL_DIRECTIVE' && next(warning),
      },
      chunkSizeWarningLimit: 5000,
    },
  })
  const server = await preview({
    ...shared,
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, strictPort: false },
  })
  const url = server.resolvedUrls?.local[0]
  if (url === undefined) throw new Error('the site has no address')
  return {
    url,
    async close() {
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}
