import type { Adapter, Fan, Shape } from '../adapter.ts'
import { countPath, itemsState } from '../items.ts'
import { createEngine, defineEvent, defineWorkflow, memoryStorage } from '../../src/index.ts'

const Begin = defineEvent('begin')
const End = defineEvent('end')

/** A workflow that is never run: its session's state is used as a store. */
export const keeping = defineWorkflow({ name: 'bench', version: 1, start: Begin, stop: End }).step(
  'end',
  { on: Begin, emits: [End] },
  () => End(),
)

/** `session.state` of an engine: every write is recorded and leaves for storage by itself. */
async function fan(shape: Shape, count: number): Promise<Fan & { flush(): Promise<void> }> {
  const engine = createEngine({ storage: memoryStorage() })
  const { state, flush } = await engine.open(keeping, { initialState: { ...itemsState(shape, count) } })
  const paths = Array.from({ length: count }, (_, at) => countPath(shape, at))
  const read = (at: number) => state.get(paths[at]!) as number
  return {
    write: (at, value) => state.set(paths[at]!, value),
    read,
    subscribe: (at, listener) => void state.subscribe(paths[at]!, () => listener(read(at))),
    flush,
  }
}

/** What a caller waits for: the write, told and recorded. Storing comes later, when the caller is done. */
export const dogearSession: Adapter = { fan }

/** The same up to the last byte in storage: the time of storing is in it. */
export const dogearStored: Adapter = {
  async fan(shape, count) {
    const { flush, ...rest } = await fan(shape, count)
    return { ...rest, settle: flush }
  },
}
