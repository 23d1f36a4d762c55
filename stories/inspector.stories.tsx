import type { Meta, StoryObj } from '@storybook/react-vite'
import { createEngine, memoryStorage } from 'dogear'
import { inspect } from 'dogear/devtools'
import { useEffect, useState } from 'react'
import { expect, waitFor } from 'storybook/test'
import { useWorkflow } from './checkout/hooks'
import { CheckoutWizard } from './checkout/wizard'
import { strict } from './strict'

/** For developers: the checkout, and beside it what its session holds and what has happened to it. */
function Inspected() {
  const [engine] = useState(() => createEngine({ storage: memoryStorage() }))
  return (
    <CheckoutWizard engine={engine}>
      <Inspector />
    </CheckoutWizard>
  )
}

function Inspector() {
  const { session } = useWorkflow()
  useEffect(() => inspect(session, { open: true }), [session])
  return null
}

/**
 * Check out, type, and see each write arrive. Open an entry of the history to go back to it, or to fork the session from
 * there; pause the flow, and start its steps one by one.
 */
const meta = {
  title: 'Inspector',
  component: Inspected,
  // Its panel is fixed to the window, so each story has a page of its own.
  tags: ['!autodocs'],
  decorators: [strict],
} satisfies Meta<typeof Inspected>

export default meta
type Story = StoryObj<typeof meta>

export const Checkout: Story = {}

export const TimeTravel: Story = {
  name: 'A rewind in the inspector: the wizard is paused on the page before, and goes on',
  async play({ canvas, canvasElement, userEvent }) {
    await userEvent.click(await canvas.findByRole('button', { name: 'Check out' }))
    await userEvent.type(await canvas.findByLabelText('Name'), 'Ada')
    const found = canvasElement.ownerDocument.querySelectorAll('[data-dogear]')
    await expect(found).toHaveLength(1)
    const root = found[0]!.shadowRoot!
    const entries = () => [
      ...root.querySelectorAll<HTMLDetailsElement>('[aria-label=History] .items > div > details'),
    ]
    await waitFor(() => expect(entries()[0]).toHaveTextContent('name'))
    const opened = entries().find((it) => it.textContent?.includes('opened ask'))!
    await userEvent.click(opened.querySelector('summary')!)
    await userEvent.click(opened.querySelector('button')!)
    await waitFor(() => expect(root.querySelector('.toggle')).toHaveTextContent('Dogear: paused'))
    await waitFor(() => expect(root.querySelector('[role=status]')).toHaveTextContent('Rewind: done'))
    const resume = [...root.querySelectorAll('button')].find((it) => it.textContent === 'Resume')!
    await userEvent.click(resume)
    await waitFor(() => expect(root.querySelector('.toggle')).toHaveTextContent('Dogear: waiting'))
    await waitFor(() => expect(canvas.getByLabelText('Name')).toHaveValue(''))
  },
}
