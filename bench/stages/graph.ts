import type { Adapter, Graphs } from '../adapter.ts'
import { check, having } from './check.ts'
import { undisturbed } from './undisturbed.ts'

/** A chain with a way back from each node: twice as many edges as nodes, half of them with a condition. */
function documentOf(count: number): string {
  const nodes = Array.from({ length: count }, (_, index) => ({
    id: `Work ${index}`,
    type: 'Work',
    config: { model: 'small', words: ['one', 'two'], depth: index },
    retry: { attempts: 3, delay: 100 },
  }))
  const edges = nodes.flatMap(({ id }, index) => [
    { from: id, to: `Work ${Math.floor(index / 2)}`, when: 'again' },
    ...(index + 1 < count ? [{ from: id, to: `Work ${index + 1}` }] : []),
  ])
  return JSON.stringify({ name: 'large', version: 1, nodes, edges, initial_state: { count: 0 } })
}

/** Section G, beside the adapter. */
export function graphStage(adapter: Adapter) {
  let graphs: Graphs | undefined

  /** Milliseconds of processor time, all threads, from the text of a document to all that is wanted of it. */
  function load(text: string, count: number): number {
    graphs ??= having(adapter.graphs, 'graphs')()
    const start = process.cpuUsage()
    const found = graphs.load(text)
    const { user, system } = process.cpuUsage(start)
    check(found === count, `of ${count} nodes ${found} were found`)
    return (user + system) / 1000
  }

  return {
    async round(count: number, tries: number): Promise<number> {
      const text = documentOf(count)
      return undisturbed(async () => load(text, count), tries)
    },
  }
}
