import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Adapter, Chain } from '../adapter.ts'
import { check, having } from './check.ts'
import { undisturbed } from './undisturbed.ts'

/** What a library must leave alone: whatever else is on the page uses it too. */
const watched = [
  'Promise',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'queueMicrotask',
  'setImmediate',
  'structuredClone',
  'fetch',
  'AbortController',
  'EventTarget',
] as const

const globals = globalThis as unknown as Record<string, unknown>
const now = () => new Map<string, unknown>(watched.map((name) => [name, globals[name]]))
const methods = () => [Promise.prototype.then, Promise.all, Array.prototype.push, JSON.stringify]

/** Taken before the adapter is imported: the host of a lane loads it lazily. */
const before = now()
const methodsBefore = methods()

/** After what waits for an idle moment, and forced collections: two, as finalizers let go of something too. */
async function heapUsed(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 100))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** Section D, beside the adapter. */
export function chainStage(adapter: Adapter) {
  let chain: Chain | undefined

  /** Microseconds for each event of a chain. */
  async function round(length: number): Promise<number> {
    chain ??= await having(adapter.chain, 'chain')()
    const start = performance.now()
    const { reached, recorded } = await chain.run(length)
    const spent = performance.now() - start
    check(reached === length, `the chain of ${length} ended at ${reached}`)
    if (recorded !== undefined) check(recorded >= length, `${length} events left ${recorded} records`)
    return (spent * 1000) / length
  }

  return {
    round: (length: number, tries: number) => undisturbed(() => round(length), tries),

    /** Bytes of heap that are held when a chain of this length has ended, its storage in memory included. */
    async heap(length: number): Promise<number> {
      chain ??= await having(adapter.chain, 'chain')()
      const hold = having(chain.hold, 'hold')
      await hold(1_000)
      const before = await heapUsed()
      const { reached, held } = await hold(length)
      check(reached === length, `the chain of ${length} ended at ${reached}`)
      const bytes = (await heapUsed()) - before
      check(held !== undefined, 'nothing was held')
      return bytes
    },

    /** The globals that are not what they were before the adapter was loaded. */
    async replacedGlobals(): Promise<string[]> {
      const replaced = [...now()].filter(([name, value]) => value !== before.get(name)).map(([name]) => name)
      const changed = methods().flatMap((method, at) => (method === methodsBefore[at] ? [] : [method.name]))
      return [...replaced, ...changed]
    },
  }
}
