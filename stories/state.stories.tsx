import type { Meta, StoryObj } from '@storybook/react-vite'
import { createStore } from 'dogear'
import { useWorkflowState } from 'dogear/react'
import { createContext, useContext, useLayoutEffect, useRef, useState } from 'react'
import { expect } from 'storybook/test'
import { z } from 'zod'
import './checkout/checkout.css'

const fields = ['name', 'street', 'city'] as const

function makeStore() {
  const text = z.string().default('')
  return createStore({ schema: z.object({ name: text, street: text, city: text }) })
}

const Store = createContext(makeStore())

/** A store by itself, without a workflow: each field is bound to its own path. */
function Fields() {
  const [store] = useState(makeStore)
  const fillAll = () =>
    store.batch(() => {
      for (const field of fields) store.set(field, 'x')
    })
  return (
    <Store value={store}>
      <div className="checkout">
        <div className="form">
          {fields.map((field) => (
            <Field key={field} field={field} />
          ))}
          <div className="buttons">
            <button type="button" onClick={fillAll}>
              Fill all at once
            </button>
          </div>
        </div>
      </div>
    </Store>
  )
}

function Field({ field }: { readonly field: (typeof fields)[number] }) {
  const [value, setValue] = useWorkflowState(useContext(Store), field)
  return (
    <div className="field">
      <label>
        {field}
        <input type="text" value={value} onChange={(event) => setValue(event.target.value)} />
      </label>
      <Renders of={field} />
    </div>
  )
}

/** Counts how often the component around it has rendered. It writes past React, or it would count itself. */
function Renders({ of }: { readonly of: string }) {
  const output = useRef<HTMLOutputElement>(null)
  const count = useRef(0)
  useLayoutEffect(() => {
    count.current++
    if (output.current) output.current.textContent = `${of}: rendered ${count.current} ×`
  })
  return <output className="hint" ref={output} />
}

/** Type into one field: only that one renders. */
const meta = { title: 'State', component: Fields } satisfies Meta<typeof Fields>

export default meta
type Story = StoryObj<typeof meta>

export const Paths: Story = { name: 'One field, one render' }

export const Counted: Story = {
  tags: ['!autodocs'],
  name: 'Typing into one field renders that field, a batch renders each once',
  async play({ canvas, userEvent }) {
    await userEvent.type(canvas.getByLabelText('street'), 'abc')
    await expect(canvas.getByText('street: rendered 4 ×')).toBeVisible()
    await expect(canvas.getByText('name: rendered 1 ×')).toBeVisible()
    await expect(canvas.getByText('city: rendered 1 ×')).toBeVisible()
    await userEvent.click(canvas.getByRole('button', { name: 'Fill all at once' }))
    await expect(canvas.getByText('street: rendered 5 ×')).toBeVisible()
    await expect(canvas.getByText('name: rendered 2 ×')).toBeVisible()
    await expect(canvas.getByText('city: rendered 2 ×')).toBeVisible()
  },
}
