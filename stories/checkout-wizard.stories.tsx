import type { Meta, StoryObj } from '@storybook/react-vite'
import { createEngine, memoryStorage } from 'dogear'
import { useState } from 'react'
import { expect } from 'storybook/test'
import { Button } from './checkout/button'
import { CheckoutWizard, type CheckoutWizardProps } from './checkout/wizard'
import { strict } from './strict'
import { useTwoTabs } from './two-tabs'

/**
 * A checkout with a branch, a payment that fails at first and is tried again, and fields that keep every key. Fill
 * a page and a half, then reload, close the tab or kill the browser: it goes on where it was.
 */
const meta = {
  title: 'Checkout wizard',
  component: CheckoutWizard,
  parameters: { controls: { disable: true } },
  decorators: [strict],
} satisfies Meta<typeof CheckoutWizard>

export default meta
type Story = StoryObj<typeof meta>
type Play = NonNullable<Story['play']>
type Scene = Parameters<Play>[0]

export const Wizard: Story = {
  args: {
    id: 'checkout-wizard',
    paymentsUrl: import.meta.env['STORYBOOK_PAYMENTS_URL'] as string | undefined,
  },
}

/** Begins anew at every visit, so that what is played does not touch the checkout above. */
function InMemory(props: CheckoutWizardProps) {
  const [engine] = useState(() => createEngine({ storage: memoryStorage() }))
  return <CheckoutWizard {...props} engine={engine} />
}

/** Played stories: to be watched on their own page, and run as tests. */
const played = {
  tags: ['!autodocs'],
  render: (args) => <InMemory {...args} />,
} satisfies Story

async function fillAddress({ canvas, userEvent }: Scene) {
  await userEvent.click(await canvas.findByRole('button', { name: 'Check out' }))
  await userEvent.type(await canvas.findByLabelText('Name'), 'Ada Lovelace')
  await userEvent.type(canvas.getByLabelText('Email'), 'ada@example.org')
  await userEvent.type(canvas.getByLabelText('Street and number'), 'Damrak 1')
  await userEvent.type(canvas.getByLabelText('Postcode'), '1012 LG')
  await userEvent.type(canvas.getByLabelText('City'), 'Amsterdam')
  await userEvent.click(canvas.getByRole('button', { name: 'Continue to delivery' }))
}

export const NextPage: Story = {
  ...played,
  name: 'Address given: the focus moves to the delivery',
  async play(scene) {
    await fillAddress(scene)
    const heading = await scene.canvas.findByRole('heading', { name: 'Delivery' })
    await expect(heading).toHaveFocus()
    await expect(scene.canvas.getByRole('listitem', { current: 'step' })).toHaveTextContent('Delivery')
    await expect(scene.canvas.getByText('Address')).toHaveTextContent('Address, done')
  },
}

export const Branch: Story = {
  ...played,
  name: 'Pickup chosen: the shops come before the payment, and Back leads back',
  async play(scene) {
    const { canvas, userEvent } = scene
    await fillAddress(scene)
    await userEvent.click(await canvas.findByLabelText(/in a shop/))
    await userEvent.click(canvas.getByRole('button', { name: 'Continue to shops' }))
    await userEvent.click(await canvas.findByLabelText('Mill Lane 77'))
    await userEvent.type(canvas.getByLabelText('Who collects it?'), 'Charles')
    await userEvent.click(canvas.getByRole('button', { name: 'Back' }))
    await expect(await canvas.findByLabelText(/in a shop/)).toBeChecked()
    await userEvent.click(canvas.getByRole('button', { name: 'Continue to shops' }))
    await expect(await canvas.findByLabelText('Who collects it?')).toHaveValue('Charles')
    await expect(canvas.getByLabelText('Mill Lane 77')).toBeChecked()
  },
}

export const Refused: Story = {
  ...played,
  name: 'A wrong answer: each field says why, and keeps what was typed',
  async play({ canvas, userEvent }) {
    await userEvent.click(await canvas.findByRole('button', { name: 'Check out' }))
    const name = await canvas.findByLabelText('Name')
    const postcode = canvas.getByLabelText('Postcode')
    await userEvent.type(postcode, '10')
    await userEvent.click(canvas.getByRole('button', { name: 'Continue to delivery' }))
    await expect(name).toHaveFocus()
    await expect(name).toBeInvalid()
    await expect(name).toHaveAccessibleDescription('Enter your name')
    await expect(postcode).toHaveAccessibleDescription('Enter four digits and two letters, like 1012 LG')
    await expect(postcode).toHaveValue('10')
    await userEvent.type(name, 'A')
    await expect(name).toBeValid()
    await expect(postcode).toBeInvalid()
  },
}

export const NoServer: Story = {
  ...played,
  name: 'No payment server: the page says so, and nothing can be paid',
  async play(scene) {
    const { canvas, userEvent } = scene
    await fillAddress(scene)
    await userEvent.click(await canvas.findByRole('button', { name: 'Continue to payment' }))
    await expect(await canvas.findByRole('alert')).toHaveTextContent('There is no payment server here')
    await expect(canvas.queryByRole('button', { name: /^Pay/ })).not.toBeInTheDocument()
    await userEvent.click(canvas.getByRole('button', { name: 'Back' }))
    await canvas.findByRole('heading', { name: 'Delivery' })
  },
}

export const Kept: Story = {
  ...played,
  name: 'Start over, and then not: the answers are there, and the focus where it was',
  async play({ canvas, userEvent }) {
    await userEvent.click(await canvas.findByRole('button', { name: 'Check out' }))
    await userEvent.type(await canvas.findByLabelText('Name'), 'Ada')
    await userEvent.click(canvas.getByRole('button', { name: 'Start over' }))
    await expect(canvas.getByRole('button', { name: 'Keep them' })).toHaveFocus()
    await userEvent.keyboard('{Enter}')
    await expect(canvas.getByRole('button', { name: 'Start over' })).toHaveFocus()
    await expect(canvas.getByLabelText('Name')).toHaveValue('Ada')
  },
}

/** The same checkout, and another tab in which everything can be deleted. */
function DeletedElsewhere(props: CheckoutWizardProps) {
  const [here, elsewhere] = useTwoTabs()
  return (
    <>
      <CheckoutWizard {...props} engine={here} />
      <div className="checkout">
        <Button onClick={() => void elsewhere.clear()}>Log out in another tab</Button>
      </div>
    </>
  )
}

export const Outdated: Story = {
  ...played,
  name: 'Deleted in another tab, or newer code there: nothing can be typed any more, and the way out is a reload',
  render: (args) => <DeletedElsewhere {...args} />,
  async play({ canvas, userEvent }) {
    await userEvent.click(await canvas.findByRole('button', { name: 'Check out' }))
    await userEvent.type(await canvas.findByLabelText('Name'), 'Ada')
    await userEvent.click(canvas.getByRole('button', { name: 'Log out in another tab' }))
    await canvas.findByRole('button', { name: 'Reload the page' })
    await expect(canvas.queryByLabelText('Name')).not.toBeInTheDocument()
    await expect(canvas.queryByRole('button', { name: 'Continue here' })).not.toBeInTheDocument()
  },
}
