import { chromium } from 'playwright'
import type { BrowserContext, CDPSession } from 'playwright'
import { launchOptions } from '../../test/support/browser.ts'
import type { AdapterName } from '../adapters/index.ts'
import { remote } from './lane.ts'
import type { Ask, Lane } from './lane.ts'

/** A lane in a browser, with what its main thread and its heap can tell. */
export interface PageLane extends Lane {
  /** The page as new: nothing that an earlier measurement left behind. */
  reload(): Promise<void>
  /** Bytes of JavaScript heap in use after a forced collection. */
  heap(): Promise<number>
  /** Milliseconds of processor time that the page's main thread has used: another process takes none of it. */
  mainThread(): Promise<number>
  /** Milliseconds of processor time of the longest task of the page's main thread while something is going on. */
  longestTask(work: () => Promise<unknown>): Promise<number>
}

/** A measurement, and how much of its time the page's main thread had the processor. */
interface Shared {
  readonly share: number
}

/** Milliseconds by the page's clock, and that share. */
export async function shared<T extends { readonly spent: number }>(
  lane: PageLane,
  measure: () => Promise<T>,
): Promise<T & Shared> {
  const before = await lane.mainThread()
  const result = await measure()
  return { ...result, share: ((await lane.mainThread()) - before) / result.spent }
}

/** Measures again while another process had the processor; answers with the try that had it most. */
export async function undisturbed<T extends Shared>(tries: number, measure: () => Promise<T>): Promise<T> {
  let best = await measure()
  for (let left = tries - 1; left > 0 && best.share < 0.95; left--) {
    const again = await measure()
    if (again.share > best.share) best = again
  }
  return best
}

/** Starts a browser on a profile folder: on disk, so that IndexedDB is what it is for a user. */
export async function openBrowser(profile: string): Promise<BrowserContext> {
  const options = { ...(await launchOptions()), headless: true, viewport: { width: 800, height: 600 } }
  // A browser that dies at its start, as one of hundreds does on a crowded machine, is no fault of an adapter.
  for (let left = 2; left > 0; left--) {
    try {
      return await chromium.launchPersistentContext(profile, options)
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  return chromium.launchPersistentContext(profile, options)
}

/** What a trace tells of one task. */
interface Task {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Microseconds of processor time. */
  readonly tdur?: number
  readonly args: { readonly name?: string }
}

/** The longest task by its processor time: what another process takes meanwhile is not in it. */
async function longestTask(cdp: CDPSession, work: () => Promise<unknown>): Promise<number> {
  const events: Task[] = []
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as Task[])))
  const ended = new Promise((resolve) => cdp.once('Tracing.tracingComplete', resolve))
  const categories = 'disabled-by-default-devtools.timeline,__metadata'
  await cdp.send('Tracing.start', { categories, transferMode: 'ReportEvents' })
  await work()
  await cdp.send('Tracing.end')
  await ended
  const main = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const longest = events
    .filter(({ name, pid, tid }) => name === 'RunTask' && main.some((it) => it.pid === pid && it.tid === tid))
    .reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0)
  if (longest === 0) throw new Error('the trace has no tasks')
  return longest / 1000
}

export async function pageLane(
  context: BrowserContext,
  origin: string,
  name: AdapterName,
): Promise<PageLane> {
  const page = await context.newPage()
  const failures: Error[] = []
  page.on('pageerror', (error) => failures.push(error))
  const load = async () => {
    await page.goto(`${origin}/?adapter=${encodeURIComponent(name)}`)
    await page.waitForFunction(() => typeof globalThis.bench === 'function')
  }
  await load()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Performance.enable', { timeDomain: 'timeTicks' })
  const ask: Ask = async (stage, method, args) => {
    const value = await page.evaluate(([of, what, given]) => globalThis.bench(of, what, given), [
      stage,
      method,
      args,
    ] as const)
    if (failures.length > 0) throw new Error(`${name}: ${failures[0]!.stack ?? failures[0]!.message}`)
    return value
  }
  return {
    name,
    reload: load,
    stage: (stage) => remote(stage, ask),
    async heap() {
      for (let n = 0; n < 3; n++) await cdp.send('HeapProfiler.collectGarbage')
      return (await cdp.send('Runtime.getHeapUsage')).usedSize
    },
    async mainThread() {
      const { metrics } = await cdp.send('Performance.getMetrics')
      return metrics.find(({ name: metric }) => metric === 'ThreadTime')!.value * 1000
    },
    longestTask: (work) => longestTask(cdp, work),
    async close() {
      await page.close()
    },
  }
}
