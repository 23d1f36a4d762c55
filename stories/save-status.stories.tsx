import type { Meta, StoryObj } from '@storybook/react-vite'
import { createEngine, defineEvent, defineWorkflow, memoryStorage } from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { useState } from 'react'
import { expect } from 'storybook/test'
import { z } from 'zod'
import './checkout/checkout.css'
import { SaveStatus } from './checkout/save-status'

const Begin = defineEvent('begin')
const Done = defineEvent('done')
const note = defineWorkflow({
  name: 'note',
  version: 1,
  start: Begin,
  stop: Done,
  state: z.object({ text: z.string().default('') }),
}).step('end', { on: Begin, emits: [Done] }, () => Done())
const { WorkflowProvider, useWorkflow, useWorkflowState } = createWorkflowHooks(note)

/** A storage with a switch. */
function makeTrouble() {
  let failing = false
  const engine = createEngine({ storage: memoryStorage({ failAt: () => failing }) })
  return { engine, fail: (now: boolean) => void (failing = now) }
}

/** What is written while storage fails is kept, tried again, and stored later. */
function Desk() {
  const [failing, setFailing] = useState(false)
  const [{ engine, fail }] = useState(makeTrouble)
  const flip = () => {
    fail(!failing)
    setFailing(!failing)
  }
  return (
    <div className="checkout">
      <div className="form">
        <label className="choice">
          <input type="checkbox" checked={failing} onChange={flip} />
          <span>The storage fails</span>
        </label>
        <WorkflowProvider engine={engine}>
          <Note />
        </WorkflowProvider>
      </div>
    </div>
  )
}

function Note() {
  const [text, setText] = useWorkflowState('text')
  const { persistence } = useWorkflow()
  return (
    <>
      <label className="field">
        Note
        <input type="text" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <SaveStatus persistence={persistence} />
    </>
  )
}

/** What a session says about its changes: saved, on their way, or not saved and why. The page works on regardless. */
const meta = { title: 'Save status', component: Desk } satisfies Meta<typeof Desk>

export default meta
type Story = StoryObj<typeof meta>

export const FailingStorage: Story = { name: 'Storage that fails for a while' }

export const Recovered: Story = {
  tags: ['!autodocs'],
  name: 'Storage fails, then works: first not saved, later saved, nothing lost',
  async play({ canvas, userEvent }) {
    const field = await canvas.findByLabelText('Note')
    await userEvent.type(field, 'a')
    await canvas.findByText(/^Saved at/)
    await userEvent.click(canvas.getByLabelText('The storage fails'))
    await userEvent.type(field, 'bc')
    await canvas.findByText(/Not saved: the browser refused/)
    await expect(canvas.getByRole('status')).toHaveTextContent('Not saved')
    await userEvent.click(canvas.getByLabelText('The storage fails'))
    await userEvent.type(field, 'd')
    await canvas.findByText(/^Saved at/, undefined, { timeout: 10_000 })
    await expect(field).toHaveValue('abcd')
  },
}
