import { createElement } from 'react'
import type { Cells } from '../adapter.ts'
import { listState } from '../items.ts'
import { createEngine, memoryStorage } from '../../src/index.ts'
import { createWorkflowHooks } from '../../src/react/index.ts'
import { keeping } from './dogear-session.ts'

const { WorkflowProvider, useWorkflowState } = createWorkflowHooks(keeping)

/** A session under its provider, everything recorded; each component names its path as an app would. */
export async function cells(count: number): Promise<Cells> {
  const engine = createEngine({ storage: memoryStorage() })
  const { state } = await engine.open(keeping, { id: 'cells', initialState: { ...listState(count) } })
  return {
    useCell: (at) => useWorkflowState(`items.${at}.count`)[0] as number,
    wrap: (tree) => createElement(WorkflowProvider, { engine, id: 'cells', children: tree }),
    write: (at, value) => state.set(`items.${at}.count`, value),
    writeAll: (value) =>
      state.batch(() => {
        for (let at = 0; at < count; at++) state.set(`items.${at}.count`, value)
      }),
    dispose: () => engine.close(),
  }
}
