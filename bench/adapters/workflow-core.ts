import { createWorkflow, workflowEvent } from '@llamaindex/workflow-core'
import type { Adapter, Chain, Crowd } from '../adapter.ts'

function chain(): Chain {
  const link = workflowEvent<{ n: number; length: number }>()
  const done = workflowEvent<number>()
  const workflow = createWorkflow()
  // Async: a chain of synchronous handlers overflows its stack.
  workflow.handle([link], async (_context, { data: { n, length } }) =>
    n + 1 < length ? link.with({ n: n + 1, length }) : done.with(n + 1),
  )
  return {
    async run(length) {
      const { stream, sendEvent } = workflow.createContext()
      sendEvent(link.with({ n: 0, length }))
      const events = await stream.until(done).toArray()
      const last = events.at(-1)!
      if (!done.include(last)) throw new Error('the chain ended without its last event')
      return { reached: last.data }
    },
  }
}

/** As its documentation has it: a semaphore of one's own, and the stream is collected. */
function crowd(): Crowd {
  const begin = workflowEvent<{ count: number; workers: number }>()
  const item = workflowEvent<number>()
  const worked = workflowEvent<number>()
  const workflow = createWorkflow()
  let free = 0
  const waiting: (() => void)[] = []
  workflow.handle([begin], ({ sendEvent }, { data: { count, workers } }) => {
    free = workers
    for (let n = 0; n < count; n++) sendEvent(item.with(n))
  })
  workflow.handle([item], async (_context, { data }) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free--
    await Promise.resolve()
    const next = waiting.shift()
    if (next) next()
    else free++
    return worked.with(data)
  })
  const start = workflowEvent<number>()
  const end = workflowEvent<number>()
  const tiny = createWorkflow()
  tiny.handle([start], async (_context, { data }) => end.with(data))
  return {
    async fan(count, workers) {
      const { stream, sendEvent } = workflow.createContext()
      sendEvent(begin.with({ count, workers }))
      let came = 0
      let sum = 0
      for await (const event of stream) {
        if (!worked.include(event)) continue
        sum += event.data
        if (++came === count) break
      }
      return sum
    },
    async tiny(count) {
      let ended = 0
      for (let n = 0; n < count; n++) {
        const { stream, sendEvent } = tiny.createContext()
        sendEvent(start.with(n))
        const last = (await stream.until(end).toArray()).at(-1)!
        if (end.include(last)) ended++
      }
      return ended
    },
  }
}

export const workflowCore: Adapter = { chain, crowd }
