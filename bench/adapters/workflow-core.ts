import { createWorkflow, workflowEvent } from '@llamaindex/workflow-core'
import type { Adapter, Chain } from '../adapter.ts'

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

export const workflowCore: Adapter = { chain }
