import type { Meta, StoryObj } from '@storybook/react-vite'
import { createEngine, indexedDBStorage, type SessionStorage } from 'dogear'
import { expect, waitFor, within } from 'storybook/test'
import {
  abortWrites,
  block,
  contents,
  damage,
  disconnect,
  empty,
  loseServer,
  occupy,
  remove,
  tamper,
  upgrade,
} from './database'
import { Desk, ID } from './desk'
import { nextRelease } from './workflow'

/** What the user sees when storage fails. Type a note, let something happen, look at what is said below it. */
const meta = { title: 'Faults', component: Desk, parameters: { controls: { disable: true } } } satisfies Meta<
  typeof Desk
>

export default meta
type Story = StoryObj<typeof meta>
type Played = Parameters<NonNullable<Story['play']>>[0]

/** A demonstration is played in a story of its own, so that whoever opens the first one provokes the fault. */
const played = (story: Story, name: string, play: Story['play']): Story => ({
  ...story,
  ...{ name: `${story.name}: ${name}`, tags: ['!autodocs'] },
  ...(play && { play }),
})

async function typeAndSave({ canvas, userEvent }: Played, text: string) {
  await userEvent.type(await canvas.findByLabelText('Note'), text)
  await canvas.findByText(/^Saved at/)
}
const press = async ({ canvas, userEvent }: Played, name: string) =>
  userEvent.click(await canvas.findByRole('button', { name }))
const expectNote = async ({ canvas }: Played, text: string) =>
  expect(await canvas.findByLabelText('Note', undefined, { timeout: 4000 })).toHaveValue(text)
/** Within five seconds, which is the promise. */
const says = ({ canvas }: Played, text: RegExp) => canvas.findByText(text, undefined, { timeout: 5000 })

/** Past the library, in the database itself; within five seconds as well. */
const expectStored = async ({ canvasElement }: Played, text: string) => {
  const name = canvasElement.querySelector('[data-database]')?.getAttribute('data-database') ?? ''
  await waitFor(async () => expect(JSON.stringify(await contents(name))).toContain(text), { timeout: 5000 })
}
const done = async ({ canvas }: Played, name: string) =>
  waitFor(() => expect(canvas.getByRole('button', { name })).toHaveAttribute('aria-disabled', 'false'))

let full = false
const limitedSpace = (storage: SessionStorage): SessionStorage => ({
  ...storage,
  append: (...call) =>
    full
      ? Promise.reject(new DOMException('The disk is full.', 'QuotaExceededError'))
      : storage.append(...call),
})

export const StorageFull: Story = {
  name: 'Storage full',
  args: {
    hint: 'Every write fails with QuotaExceededError until there is room. What you type stays on the page and is tried again.',
    wrap: limitedSpace,
    before: async () => void (full = false),
    actions: [
      { label: 'Fill the disk', act: () => void (full = true) },
      { label: 'Make room', act: () => void (full = false) },
    ],
  },
}
export const StorageFullPlayed = played(StorageFull, 'not saved, then saved with all of it', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Fill the disk')
  await it.userEvent.type(it.canvas.getByLabelText('Note'), ', bread')
  await says(it, /Not saved: the browser refused/)
  await press(it, 'Make room')
  await says(it, /^Saved at/)
  await expectNote(it, 'milk, bread')
})

let unblock = () => {}
export const OpenHangs: Story = {
  name: 'Open hangs',
  args: {
    hint: 'Another page holds up a deletion of the database, and so every open of it. The note works; it is stored once that page lets go.',
    before: async (name) => void (unblock = await block(name)),
    actions: [{ label: 'The other page lets go', act: () => unblock() }],
  },
}
export const OpenHangsPlayed = played(OpenHangs, 'the note works, and is saved later', async (it) => {
  await it.userEvent.type(await it.canvas.findByLabelText('Note'), 'milk')
  await says(it, /Not saved: the browser does not answer/)
  await press(it, 'The other page lets go')
  await says(it, /^Saved at/)
  await expectNote(it, 'milk')
})

export const OpenFails: Story = {
  name: 'Open fails',
  args: {
    hint: 'All names that the database could have are taken by somebody else. Nothing of theirs is touched; the note lives in memory.',
    before: async (name) => {
      await Promise.all([name, `${name}-2`, `${name}-3`].map(occupy))
    },
    actions: [],
  },
}
export const OpenFailsPlayed = played(OpenFails, 'the note works, in memory', async (it) => {
  await it.userEvent.type(await it.canvas.findByLabelText('Note'), 'milk')
  await says(it, /Not saved: this browser keeps nothing/)
  await expectNote(it, 'milk')
})

export const ConnectionLost: Story = {
  name: 'Connection lost',
  args: {
    hint: 'The browser closes the connection without a word. The next write opens it again: you see nothing but saved notes.',
    actions: [
      { label: 'Lose the connection', act: ({ name }) => disconnect(name) },
      { label: 'Reload the page', act: ({ reload }) => reload() },
    ],
  },
}
export const ConnectionLostPlayed = played(ConnectionLost, 'saved all the same', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Lose the connection')
  await it.userEvent.type(it.canvas.getByLabelText('Note'), ', bread')
  await says(it, /^Saving/)
  await says(it, /^Saved at/)
  await expectStored(it, 'milk, bread')
  await expect(it.canvas.getByRole('status')).toHaveTextContent('')
  await press(it, 'Reload the page')
  await expectNote(it, 'milk, bread')
})

export const VersionChange: Story = {
  name: 'Version change',
  args: {
    hint: 'Another page opens the database with a higher version number. This page gives way at once, and goes on with what the database is then.',
    actions: [
      { label: 'Open it with a higher version', act: ({ name }) => upgrade(name) },
      { label: 'Reload the page', act: ({ reload }) => reload() },
    ],
  },
}
export const VersionChangePlayed = played(VersionChange, 'nobody waits, and all is saved', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Open it with a higher version')
  await done(it, 'Open it with a higher version')
  await it.userEvent.type(it.canvas.getByLabelText('Note'), ', bread')
  await expectStored(it, 'milk, bread')
  await says(it, /^Saved at/)
  await press(it, 'Reload the page')
  await expectNote(it, 'milk, bread')
})

let bringBack = () => {}
export const ServerLost: Story = {
  name: 'Server lost',
  args: {
    hint: 'The process that stores things for this page has died, as it does in Safari. Nothing is stored until it is there again; you go on typing.',
    before: async () => bringBack(),
    actions: [
      { label: 'Lose the server', act: ({ name }) => void (bringBack = loseServer(name)) },
      { label: 'It is there again', act: () => bringBack() },
    ],
  },
}
export const ServerLostPlayed = played(ServerLost, 'not saved, then saved with all of it', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Lose the server')
  await it.userEvent.type(it.canvas.getByLabelText('Note'), ', bread')
  await says(it, /Not saved: the browser refused/)
  await expectNote(it, 'milk, bread')
  await press(it, 'It is there again')
  await says(it, /^Saved at/)
  await expectStored(it, 'milk, bread')
})

export const WritesAborted: Story = {
  name: 'Writes given up',
  args: {
    hint: 'Every write is given up in the middle, and the browser does not say why: its disk is full, or it is about to end. Nothing half-written stays.',
    before: async () => bringBack(),
    actions: [
      { label: 'Give every write up', act: ({ name }) => void (bringBack = abortWrites(name)) },
      { label: 'Let writes through', act: () => bringBack() },
    ],
  },
}
export const WritesAbortedPlayed = played(
  WritesAborted,
  'not saved, then saved with all of it',
  async (it) => {
    await typeAndSave(it, 'milk')
    await press(it, 'Give every write up')
    await it.userEvent.type(it.canvas.getByLabelText('Note'), ', bread')
    await says(it, /Not saved: the browser refused/)
    await press(it, 'Let writes through')
    await says(it, /^Saved at/)
    await expectStored(it, 'milk, bread')
  },
)

export const DeletedDatabase: Story = {
  name: 'Deleted database',
  args: {
    hint: 'Somebody deletes the database while the page is open. The page notices at once, and stores the note again, whole: you do not have to type anything.',
    actions: [
      { label: 'Delete the database', act: ({ name }) => remove(name) },
      { label: 'Reload the page', act: ({ reload }) => reload() },
    ],
  },
}
export const DeletedDatabasePlayed = played(DeletedDatabase, 'stored again, whole', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Delete the database')
  await done(it, 'Delete the database')
  await expectStored(it, 'milk')
  await says(it, /^Saved at/)
  await press(it, 'Delete the database')
  await it.userEvent.type(it.canvas.getByLabelText('Note'), ', bread')
  await says(it, /^Saving/)
  await says(it, /^Saved at/)
  await expectStored(it, 'milk, bread')
  await expect(it.canvas.getByRole('status')).toHaveTextContent('')
  await press(it, 'Reload the page')
  await expectNote(it, 'milk, bread')
})

export const EmptiedStorage: Story = {
  name: 'Emptied storage',
  args: {
    hint: 'Everything is removed from the database, and no connection hears of it. The page notices at the next change, and stores the note again, whole.',
    actions: [
      { label: 'Empty the database', act: ({ name }) => empty(name) },
      { label: 'Reload the page', act: ({ reload }) => reload() },
    ],
  },
}
export const EmptiedStoragePlayed = played(EmptiedStorage, 'stored again, whole', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Empty the database')
  await done(it, 'Empty the database')
  await it.userEvent.type(it.canvas.getByLabelText('Note'), ', bread')
  await says(it, /^Saving/)
  await says(it, /^Saved at/)
  await expectStored(it, 'milk, bread')
  await press(it, 'Reload the page')
  await expectNote(it, 'milk, bread')
})

let mend = async () => {}
export const DamagedRecord: Story = {
  name: 'Damaged record',
  args: {
    hint: 'A stored value is overwritten, and the page is loaded anew. Try again once it is mended, download the bytes, or start over; a copy stays set aside.',
    actions: [
      {
        label: 'Damage it and reload',
        act: async ({ name, reload }) => {
          mend = await damage(name, ID)
          reload()
        },
      },
      { label: 'Mend it', act: () => mend() },
    ],
  },
}
export const DamagedRecordPlayed = played(DamagedRecord, 'refused, mended and tried again', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Damage it and reload')
  await says(it, /Your saved note could not be opened/)
  await it.canvas.findByRole('button', { name: 'Download what is stored' })
  await press(it, 'Mend it')
  await done(it, 'Mend it')
  await press(it, 'Try again')
  await expectNote(it, 'milk')
})
export const DamagedRecordReset = played(DamagedRecord, 'refused, and started over', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Damage it and reload')
  await press(it, 'Start over')
  await expectNote(it, '')
  await typeAndSave(it, 'eggs')
})

export const TamperedRecord: Story = {
  name: 'Tampered record',
  args: {
    hint: 'Somebody changes a word in what is stored, by hand, and the page is loaded anew. It shows nothing that it did not write itself.',
    actions: [
      {
        label: 'Make silk of milk and reload',
        act: async ({ name, reload }) => {
          mend = await tamper(name, 'milk', 'silk')
          reload()
        },
      },
      { label: 'Put it back', act: () => mend() },
    ],
  },
}
export const TamperedRecordPlayed = played(
  TamperedRecord,
  'refused, put back and tried again',
  async (it) => {
    await typeAndSave(it, 'milk')
    await press(it, 'Make silk of milk and reload')
    await says(it, /Your saved note could not be opened/)
    await expectStored(it, 'silk')
    await press(it, 'Put it back')
    await done(it, 'Put it back')
    await press(it, 'Try again')
    await expectNote(it, 'milk')
  },
)

export const NewerVersion: Story = {
  name: 'Newer version',
  args: {
    hint: 'The next release of this page wrote the note, and this is an old copy of the page. It touches nothing that it does not understand.',
    before: async (name) => {
      const engine = createEngine({ storage: indexedDBStorage(name), page: null })
      const session = await engine.open(nextRelease, { id: ID })
      session.state.set('text', 'written by newer code')
      await session.flush()
      await engine.close()
    },
    actions: [],
  },
}
export const NewerVersionPlayed = played(NewerVersion, 'refused, and started over', async (it) => {
  await says(it, /Your saved note could not be opened/)
  await press(it, 'Try again')
  await expect(it.canvas.getByRole('region', { name: 'This page' })).toHaveFocus()
  await expect(await it.canvas.findByRole('alert')).toHaveTextContent('it has version 2, this code knows 1')
  await press(it, 'Start over')
  await typeAndSave(it, 'eggs')
})

export const SecondTab: Story = {
  name: 'A second tab takes over',
  args: {
    hint: 'A second tab with newer code takes the note over. This page says so, and stores nothing more over it.',
    actions: [{ label: 'Open it in another tab', act: ({ openTab }) => openTab() }],
  },
}
export const SecondTabPlayed = played(SecondTab, 'the first tab says so', async (it) => {
  await typeAndSave(it, 'milk')
  await press(it, 'Open it in another tab')
  await says(it, /Not saved: another tab has taken over/)
  const other = within(await it.canvas.findByRole('region', { name: /^Another tab/ }))
  const note = await other.findByLabelText('Note')
  await expect(note).toHaveValue('milk')
  await it.userEvent.type(note, ', bread')
  await other.findByText(/^Saved at/)
})
