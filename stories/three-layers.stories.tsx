import type { Meta, StoryObj } from '@storybook/react-vite'
import { createEngine, memoryStorage } from 'dogear'
import { useState } from 'react'
import { expect } from 'storybook/test'
import { ThreeLayers } from './three-layers/layers'

const engine = createEngine()

/**
 * What a session knows, side by side: its state, the flow state of all sessions, the resources that it was given.
 * Begin a letter, type, then reload: both states are there again, the printer is not, and the letter is paused until
 * somebody gives it one.
 */
const meta = {
  title: 'Three layers',
  component: ThreeLayers,
  args: { engine, onReload: () => location.reload() },
  parameters: { controls: { disable: true } },
} satisfies Meta<typeof ThreeLayers>

export default meta
type Story = StoryObj<typeof meta>
type Scene = Parameters<NonNullable<Story['play']>>[0]

export const Layers: Story = { name: 'State, flow state, resources' }

/** A page whose reload is another engine on the same storage, so that what is played touches nothing else. */
function Reloadable() {
  const [storage] = useState(memoryStorage)
  const [page, setPage] = useState(() => createEngine({ storage }))
  const reload = async () => {
    await page.close()
    setPage(createEngine({ storage }))
  }
  return <ThreeLayers engine={page} onReload={() => void reload()} />
}

const press = async ({ canvas, userEvent }: Scene, name: string) =>
  userEvent.click(await canvas.findByRole('button', { name }))

export const Reloaded: Story = {
  tags: ['!autodocs'],
  name: 'A reload: both states are back, the letter is paused until it has a printer',
  render: () => <Reloadable />,
  async play(scene) {
    const { canvas, userEvent } = scene
    await userEvent.type(await canvas.findByLabelText('Sender'), 'Grace')
    await press(scene, 'Begin')
    await canvas.findByText(/Letter to Ada is paused: there is no printer/)
    await expect(canvas.getByRole('button', { name: 'Begin' })).toHaveFocus()
    await press(scene, 'Give this letter an inkjet')
    await canvas.findByText('Letter to Ada waits: post it when it is ready.')
    await userEvent.type(canvas.getByLabelText('Text'), 'Dear Ada')
    await press(scene, 'Reload the page')
    await canvas.findByText(/Letter to Ada is paused: there is no printer/)
    await expect(canvas.getByLabelText('Text')).toHaveValue('Dear Ada')
    await expect(canvas.getByLabelText('Sender')).toHaveValue('Grace')
    await expect(canvas.getByText('missing')).toBeVisible()
    await press(scene, 'Give all letters a laser')
    await canvas.findByText('laser, for all letters')
    await press(scene, 'Post it')
    await canvas.findByText('Letter to Ada is posted: 8 letters, on the laser.')
    await expect(canvas.getByText('Letters posted: 1')).toBeVisible()
  },
}

export const Layered: Story = {
  tags: ['!autodocs'],
  name: 'Two sessions: each has its state, both the flow state; an own printer goes before that of all',
  render: () => <Reloadable />,
  async play(scene) {
    const { canvas, userEvent } = scene
    await userEvent.type(await canvas.findByLabelText('Text'), 'Dear Ada')
    await userEvent.type(canvas.getByLabelText('Sender'), 'Grace')
    await press(scene, 'Give all letters a laser')
    await press(scene, 'Give this letter an inkjet')
    await canvas.findByText('inkjet, for Letter to Ada')
    await press(scene, 'Letter to Grace')
    await canvas.findByText('laser, for all letters')
    await expect(canvas.getByLabelText('Text')).toHaveValue('')
    await expect(canvas.getByLabelText('Sender')).toHaveValue('Grace')
    await press(scene, 'Letter to Ada')
    await canvas.findByText('inkjet, for Letter to Ada')
    await press(scene, 'Take this letter’s away')
    await canvas.findByText('laser, for all letters')
  },
}
