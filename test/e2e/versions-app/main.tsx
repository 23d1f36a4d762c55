import { createEngine, defineEvent, defineWorkflow } from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { z } from 'zod'

/** A note, by the version of the code that the address names. Each migration adds its version to those that have made the note. */
const version = Number(new URLSearchParams(location.search).get('version') ?? 1)

const migrations = Object.fromEntries(
  Array.from({ length: version }, (_, before) => [
    before + 1,
    (state: { readonly madeBy: readonly number[] }) => ({ ...state, madeBy: [...state.madeBy, before + 1] }),
  ]),
)

const Begin = defineEvent('begin')
const Done = defineEvent('done')
const note = defineWorkflow({
  name: 'note',
  version,
  start: Begin,
  stop: Done,
  state: z.object({ text: z.string().default(''), madeBy: z.array(z.number()).default([]) }),
  migrations,
}).step('end', { on: Begin, emits: [Done] }, () => Done())

const { WorkflowProvider, useWorkflowState, usePersistence } = createWorkflowHooks(note)

function Note() {
  const [text, setText] = useWorkflowState('text')
  const [madeBy] = useWorkflowState('madeBy')
  const { status, error } = usePersistence()
  return (
    <>
      <input aria-label="Note" value={text} onChange={(event) => setText(event.target.value)} />
      <p>Made by {madeBy.join()}.</p>
      <p role="status">{error ? `${status}: ${error.message}` : status}</p>
    </>
  )
}

const engine = createEngine()

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <WorkflowProvider engine={engine} id="note">
      <Note />
    </WorkflowProvider>
  </StrictMode>,
)
