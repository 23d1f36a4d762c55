import type { Meta, StoryObj } from '@storybook/react-vite'
import { createEngine, memoryStorage } from 'dogear'
import { useState } from 'react'
import { expect, waitFor } from 'storybook/test'
import { SupportDesk, type SupportDeskProps } from './support-desk/desk'
import { strict } from './strict'

/**
 * A flow that is a JSON document: a condition, a loop, asks to the customer, and a node
 * that is a workflow of its own, with an ask to a supervisor. Its diagram
 * stands beside it, drawn by Mermaid, with the node at work lit. Reload at any moment.
 */
const meta = {
  title: 'Support desk',
  component: SupportDesk,
  parameters: { controls: { disable: true } },
  decorators: [strict],
} satisfies Meta<typeof SupportDesk>

export default meta
type Story = StoryObj<typeof meta>
type Scene = Parameters<NonNullable<Story['play']>>[0]

export const Desk: Story = {}

/** Begins anew at every visit, so that what is played does not touch the case above. */
function InMemory(props: SupportDeskProps) {
  const [engine] = useState(() => createEngine({ storage: memoryStorage() }))
  return <SupportDesk {...props} engine={engine} thinking={0} />
}

const played = { tags: ['!autodocs'], render: (args) => <InMemory {...args} /> } satisfies Story

/** The names of the nodes that are lit, once it is these. */
const lit = ({ canvasElement }: Scene, ...names: string[]) =>
  waitFor(
    () =>
      expect([...canvasElement.querySelectorAll('.node.lit')].map((it) => it.textContent.trim())).toEqual(
        names,
      ),
    { timeout: 12_000 },
  )

/** How many pictures there were after each change of the diagram: it never goes blank while the next one is drawn. */
function countPictures({ canvasElement }: Scene): readonly number[] {
  const counts: number[] = []
  const diagram = canvasElement.querySelector('.diagram')!
  new MutationObserver(() => counts.push(diagram.querySelectorAll('svg').length)).observe(diagram, {
    childList: true,
    subtree: true,
  })
  return counts
}

async function say({ canvas, userEvent }: Scene, text: string) {
  await userEvent.type(await canvas.findByRole('textbox'), text)
  await userEvent.click(canvas.getByRole('button', { name: 'Send' }))
}

export const Loop: Story = {
  ...played,
  name: 'A question, not solved, then a refund: the loop, the condition and the lit node',
  async play(scene) {
    const { canvas, userEvent } = scene
    await userEvent.click(await canvas.findByRole('button', { name: 'Open a case' }))
    // Keyboard users go on where they are.
    await waitFor(() => expect(canvas.getByRole('textbox')).toHaveFocus())
    await lit(scene, 'listen')
    const pictures = countPictures(scene)
    await say(scene, 'My screen is black')
    await canvas.findByText('Did this help?')
    await lit(scene, 'satisfied?')
    await userEvent.click(canvas.getByRole('button', { name: 'No' }))
    await canvas.findByText('Tell us more.')
    await say(scene, 'I want my money back')
    await canvas.findByText('For the supervisor: refund € 25?')
    await lit(scene, 'approve')
    const groups = [...scene.canvasElement.querySelectorAll('.cluster.lit')]
    await expect(groups.map((it) => it.textContent.trim())).toEqual(['refund'])
    await canvas.findByText('At work: refund › approve')
    await userEvent.click(canvas.getByRole('button', { name: 'Grant' }))
    await canvas.findByText('€ 25 are on their way.')
    // The next ask is read out, and a key that is still down does not answer it.
    const question = await canvas.findByText('Did this help?')
    await waitFor(() => expect(question.closest('.turn')).toHaveFocus())
    await userEvent.click(await canvas.findByRole('button', { name: 'Yes, close it' }))
    await canvas.findByText('Thank you. This case is closed.')
    await lit(scene)
    await expect(new Set(pictures)).toEqual(new Set([1]))
  },
}
