/** The smallest store with its hook. */
import { createPlainStore } from '../../../dist/index.js'
import { useWorkflowState } from '../../../dist/react.js'

export const store = createPlainStore({ initial: { note: '' } })
export const useNote = () => useWorkflowState(store, 'note')
