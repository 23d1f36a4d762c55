/** A store with schema and drafts, with its hook, and nothing of flows or storage. */
import { createStore } from '../../../dist/index.js'
import { useWorkflowState } from '../../../dist/react.js'

export const store = createStore({ initial: { note: '' } })
export const useNote = () => useWorkflowState(store, 'note')
