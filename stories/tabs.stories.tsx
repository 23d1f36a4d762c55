import type { Meta, StoryObj } from '@storybook/react-vite'
import { defineEvent, defineWorkflow, ReadOnlyError, type Engine } from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { useState } from 'react'
import { expect, waitFor, within } from 'storybook/test'
import { z } from 'zod'
import './checkout/checkout.css'
import { Button } from './checkout/button'
import { SaveStatus } from './checkout/save-status'
import { useTwoTabs } from './two-tabs'

const Begin = defineEvent('begin')
const Agreed = defineEvent('agreed', z.object({ by: z.string() }))
const Ask = defineEvent('ask', z.object({}), { reply: Agreed })
const letter = defineWorkflow({
  name: 'letter',
  version: 1,
  start: Begin,
  stop: Agreed,
  state: z.object({ text: z.string().default('') }),
}).step('ask', { on: Begin, asks: [Ask], emits: [Agreed] }, async (ctx) =>
  Agreed((await ctx.ask(Ask({}))).data),
)
const { WorkflowProvider, useWorkflow, useWorkflowState } = createWorkflowHooks(letter)

/** The next version of it. */
const newerLetter = defineWorkflow({
  name: 'letter',
  version: 2,
  start: Begin,
  stop: Agreed,
  migrations: { 2: (state) => state },
}).step('end', { on: Begin, emits: [Agreed] }, () => Agreed({ by: 'nobody' }))

const roles = {
  leader: 'This tab executes the session.',
  follower: 'Another tab executes the session; what you do here is done there.',
  reader: 'This tab only shows the session.',
}

function Letter({ name }: { readonly name: string }) {
  const { role, status, ask, start, result, persistence, takeOver, reset } = useWorkflow()
  const [text, setText] = useWorkflowState('text')
  const [refused, refuse] = useState(false)
  // A write would throw, and the user would type into nothing.
  const reads = role === 'reader'
  // Older code cannot lead again; a second tab without Web Locks can.
  const isOver = persistence.status === 'outdated' && !(persistence.error instanceof ReadOnlyError)
  const agree = () => void ask?.reply({ by: name }).then((taken) => refuse(!taken))
  return (
    <div className="form" role="group" aria-label={name}>
      <p>{roles[role]}</p>
      <label className="field">
        Letter
        <input type="text" value={text} disabled={reads} onChange={(event) => setText(event.target.value)} />
      </label>
      <div className="buttons">
        <Button disabled={reads} onClick={ask ? agree : status === 'completed' ? reset : start}>
          {ask ? 'Agree' : status === 'completed' ? 'Start over' : 'Ask for agreement'}
        </Button>
        {role !== 'leader' && !isOver && (
          <button type="button" onClick={takeOver}>
            Take over
          </button>
        )}
      </div>
      <p role="status">
        {result && `Agreed by ${result.by}. `}
        {refused && 'Somebody else was first.'}
      </p>
      <SaveStatus persistence={persistence} />
    </div>
  )
}

function Tab({ name, engine }: { readonly name: string; readonly engine?: Engine }) {
  return (
    <WorkflowProvider id="letter" {...(engine && { engine })} fallback={<p>Opening ...</p>}>
      <Letter name={name} />
    </WorkflowProvider>
  )
}

/** Open this page in a second tab: type in both, ask and agree in either, close or reload one, duplicate it. */
const meta = { title: 'Several tabs', component: Tab } satisfies Meta<typeof Tab>

export default meta
type Story = StoryObj<typeof meta>

export const InYourTabs: Story = {
  name: 'One letter in all tabs of your browser',
  args: { name: 'somebody in this tab' },
  decorators: [
    (Story) => (
      <div className="checkout">
        <p className="hint">
          <a href={location.href} target="_blank" rel="noopener">
            Open it in another tab
          </a>
          , put the windows side by side, and type.
        </p>
        <Story />
      </div>
    ),
  ],
}

function TwoTabs() {
  const engines = useTwoTabs()
  return (
    <div className="checkout tabs">
      {['Ada', 'Charles'].map((name, at) => (
        <section key={name} aria-labelledby={`of-${name}`}>
          <h2 id={`of-${name}`}>The tab of {name}</h2>
          <Tab name={name} {...(engines[at] && { engine: engines[at] })} />
        </section>
      ))}
    </div>
  )
}

export const SideBySide: Story = {
  args: { name: '' },
  tags: ['!autodocs'],
  name: 'Two tabs: each sees what the other types, and one of them takes over',
  render: () => <TwoTabs />,
  async play({ canvas, userEvent }) {
    const ada = within(await canvas.findByRole('group', { name: 'Ada' }))
    const charles = within(await canvas.findByRole('group', { name: 'Charles' }))
    await ada.findByText(roles.leader)
    await charles.findByText(roles.follower)
    await userEvent.type(ada.getByLabelText('Letter'), 'Dear')
    await waitFor(() => expect(charles.getByLabelText('Letter')).toHaveValue('Dear'))
    await userEvent.type(charles.getByLabelText('Letter'), ' Ada')
    await waitFor(() => expect(ada.getByLabelText('Letter')).toHaveValue('Dear Ada'))
    await userEvent.click(charles.getByRole('button', { name: 'Ask for agreement' }))
    await waitFor(() => expect(charles.getByRole('button', { name: 'Agree' })).toHaveFocus())
    await userEvent.click(charles.getByRole('button', { name: 'Take over' }))
    await charles.findByText(roles.leader)
    await ada.findByText(roles.follower)
    await userEvent.click(await ada.findByRole('button', { name: 'Agree' }))
    await charles.findByText('Agreed by Ada.')
    await ada.findByText('Agreed by Ada.')
  },
}

/** One of the tabs loads newer code, as after a deployment. */
function OlderTab() {
  const [older, newer] = useTwoTabs()
  return (
    <div className="checkout">
      <Tab name="Ada" engine={older} />
      <Button onClick={() => void newer.open(newerLetter, { id: 'letter' })}>
        Load newer code elsewhere
      </Button>
    </div>
  )
}

export const OlderCode: Story = {
  args: { name: '' },
  tags: ['!autodocs'],
  name: 'A tab with older code: it only shows, takes no key, and says so',
  render: () => <OlderTab />,
  async play({ canvas, userEvent }) {
    const field = await canvas.findByLabelText('Letter')
    await userEvent.type(field, 'Dear')
    await canvas.findByText(/^Saved at/)
    await userEvent.click(canvas.getByRole('button', { name: 'Load newer code elsewhere' }))
    await canvas.findByText(/Reload this page/)
    await canvas.findByText(roles.reader)
    await expect(field).toBeDisabled()
    await expect(canvas.queryByRole('button', { name: 'Take over' })).not.toBeInTheDocument()
    await expect(field).toHaveValue('Dear')
    await expect(canvas.getByRole('button', { name: 'Ask for agreement' })).toHaveAttribute(
      'aria-disabled',
      'true',
    )
  },
}
