/**
 * Kills a browser at random moments while a flow with effects runs in it, opens it again on the same profile, and
 * compares what is there with what was acknowledged. Bounded in kills and in time.
 */
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from 'vite'
import { openScreen, start } from './browsers.mjs'
import { Books, serve } from './server.mjs'

const root = path.resolve(import.meta.dirname, '../..')

async function buildPage() {
  const outDir = await mkdtemp(path.join(tmpdir(), 'dogear-torture-page-'))
  await build({
    configFile: false,
    root: path.join(import.meta.dirname, 'page'),
    logLevel: 'warn',
    resolve: { alias: [{ find: 'dogear', replacement: path.join(root, 'src/index.ts') }] },
    build: { outDir, emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 5000 },
  })
  return outDir
}

/** Whether the promise settled within that time. */
async function within(ms, promise) {
  let timer
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms, false)))
  const settled = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return settled
}

/** A browser after a kill, on a busy machine, takes its time before it asks for the page: that is not the page's. */
const START = 120_000
/** And this is: from the request for the page to what it has found. */
const ANSWER = 30_000

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** @param engine one of `engines`, already made for a profile: `(profile) => { binary, args, env }` */
export async function torture(engine, { kills = 200, minutes = 30, signal, log = () => {} } = {}) {
  const folder = await buildPage()
  const profile = await mkdtemp(path.join(tmpdir(), 'dogear-torture-'))
  // Proof that the profile is still the one that was begun with, and nobody has tidied it away.
  const mark = path.join(profile, 'dogear')
  await writeFile(mark, '')
  const books = new Books()
  const server = await serve(folder, books)
  const screen = engine(profile).screen && (await openScreen())
  const open = () => {
    const { env, ...rest } = engine(profile)
    return start({ ...rest, env: { ...env, ...screen?.env } }, profile, server.url)
  }
  const until = Date.now() + minutes * 60_000
  const late = { unstarted: 0, silent: 0 }
  /** Whether the page has told what it found; else whose fault that was is counted. */
  const opened = async ({ asked, found }) => {
    if (!(await within(START, asked))) late.unstarted++
    else if (!(await within(ANSWER, found))) late.silent++
    else return true
    return false
  }
  let killed = 0
  let browser
  try {
    while (killed < kills && Date.now() < until && !signal?.aborted) {
      const next = books.next()
      browser = open()
      // One in six dies while it opens.
      if (Math.random() < 1 / 6 && killed > 0) await sleep(Math.random() * 1000)
      else if (await opened(next)) await sleep(Math.random() ** 2 * 1500)
      await browser.kill()
      await access(mark)
      killed++
      if (killed % 20 === 0)
        log(`${killed} kills, ${books.acknowledged} acknowledged, ${books.lost.length} lost`)
      // Whoever looks for the cause finds the profile as it was then.
      if (books.lost.length > 0) break
      if (late.unstarted + late.silent > 3) throw new Error('the browser opens no page')
    }
    // The last word: what is there after all of it.
    const last = books.next()
    browser = open()
    await opened(last)
    return { ...summary(books), ...late, kills: killed, profile }
  } finally {
    await browser?.kill()
    await screen?.close()
    await server.close()
    const kept = books.lost.length > 0 || books.torn.length > 0 ? [folder] : [profile, folder]
    for (const it of kept) await rm(it, { recursive: true, force: true, maxRetries: 5 })
  }
}

function summary(books) {
  const counts = [...books.keys.values()]
  return {
    opened: books.found,
    degraded: books.degraded,
    acknowledged: books.acknowledged,
    lost: books.lost,
    torn: books.torn,
    effects: books.effects.size,
    perKey: { min: Math.min(...counts), max: Math.max(...counts) },
    otherKeys: [...books.effects.values()].filter((it) => it.size > 1).length,
    repeated: books.repeated.length,
  }
}
