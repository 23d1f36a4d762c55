import type { Meta, StoryObj } from '@storybook/react-vite'
import { createEngine, memoryStorage } from 'dogear'
import { useState } from 'react'
import { expect, waitFor } from 'storybook/test'
import { ChatAgent, type ChatAgentProps } from './chat-agent/chat'
import { strict } from './strict'

/**
 * A chat with an assistant that writes word by word, and asks before it pays a refund. Reload while it writes: it goes on
 * with the next word. Reload while it asks: it still asks. Stop it, and it stays stopped; edit a message, and both versions
 * are kept.
 */
const meta = {
  title: 'Chat agent',
  component: ChatAgent,
  parameters: { controls: { disable: true } },
  decorators: [strict],
} satisfies Meta<typeof ChatAgent>

export default meta
type Story = StoryObj<typeof meta>
type Scene = Parameters<NonNullable<Story['play']>>[0]

export const Chat: Story = {
  args: { paymentsUrl: import.meta.env['STORYBOOK_PAYMENTS_URL'] as string | undefined },
}

/** Begins anew at every visit, so that what is played does not touch the conversation above. */
function InMemory(props: ChatAgentProps) {
  const [engine] = useState(() => createEngine({ storage: memoryStorage() }))
  const [id] = useState(() => `played-${crypto.randomUUID()}`)
  return <ChatAgent {...props} id={id} engine={engine} />
}

const played = {
  tags: ['!autodocs'],
  args: { pace: 2 },
  render: (args) => <InMemory {...args} />,
} satisfies Story

async function say({ canvas, userEvent }: Scene, text: string) {
  const field = await canvas.findByLabelText('Message')
  await userEvent.clear(field)
  await userEvent.type(field, text)
  await userEvent.click(canvas.getByRole('button', { name: 'Send' }))
}

const messages = ({ canvas }: Scene) =>
  canvas.queryAllByRole('listitem').map((it) =>
    it.textContent
      .replace(/\s+/g, ' ')
      .replace(/ ?Edit$/, '')
      .trim(),
  )

export const Refunded: Story = {
  ...played,
  name: 'A tool is used only when somebody allows it, and the answer goes on',
  async play(scene) {
    const { canvas, userEvent } = scene
    await say(scene, 'I want my money back')
    await userEvent.click(await canvas.findByRole('button', { name: 'Allow' }))
    // Keyboard users go on where they are.
    await waitFor(() => expect(canvas.getByLabelText('Message')).toHaveFocus())
    await expect(messages(scene)).toEqual([
      'You I want my money back',
      'Assistant I am sorry. I can refund what you paid for it.',
      'Tool Refunded € 25',
      'Assistant It is on its way, and takes two days.',
    ])
  },
}

export const Stopped: Story = {
  ...played,
  args: { pace: 40 },
  name: 'Stopped in the middle: what is stored of the reply stays, and the next message is answered',
  async play(scene) {
    const { canvas, userEvent } = scene
    await say(scene, 'Tell me')
    await waitFor(() => expect(messages(scene)[1]).toContain('somebody left off'))
    await userEvent.click(canvas.getByRole('button', { name: 'Stop' }))
    await waitFor(() => expect(messages(scene)[1]).toMatch(/^Assistant You said .+\(stopped\)$/))
    await say(scene, 'A refund')
    // The words of this answer are not those of the one before.
    const refuse = await canvas.findByRole('button', { name: 'Refuse' })
    await expect(messages(scene)[1]).toMatch(/\(stopped\)$/)
    await userEvent.click(refuse)
    await waitFor(() => expect(messages(scene).at(-1)).toBe('Assistant Then I leave it as it is.'))
  },
}

export const Edited: Story = {
  ...played,
  name: 'A message is edited: another version, and the first one is kept',
  async play(scene) {
    const { canvas, userEvent } = scene
    await say(scene, 'A refund')
    await userEvent.click(await canvas.findByRole('button', { name: 'Refuse' }))
    await userEvent.click(await canvas.findByRole('button', { name: 'Edit' }))
    await waitFor(() => expect(canvas.getByLabelText('Message')).toHaveValue('A refund'))
    await expect(messages(scene)).toEqual([])
    await say(scene, 'Nothing')
    await waitFor(() => expect(messages(scene)[1]).toContain('none is there twice.'))
    await userEvent.click(await canvas.findByRole('button', { name: 'Version 1' }))
    await waitFor(() => expect(messages(scene)[0]).toBe('You A refund'))
    await expect(messages(scene)).toHaveLength(3)
  },
}
