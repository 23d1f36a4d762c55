import { act, cleanup, render } from '@testing-library/react'
import { useState } from 'react'
import { afterEach, expect, test } from 'vitest'
import { workflowFromGraph, type GraphDocument, type GraphWorkflow } from 'dogear'
import { useWorkflow, useWorkflowState, WorkflowProvider } from 'dogear/react'
import { stage, text } from './stage'

afterEach(cleanup)

const made = (document: GraphDocument): GraphWorkflow =>
  workflowFromGraph(document, {
    nodes: { Note: { cleanup: (state, _, __, ctx) => state.append('way', ctx.step) } },
  })
const node = (id: string) => ({ id, type: 'Note' })
const drawn: GraphDocument = {
  ...{ name: 'drawn', nodes: [node('a'), node('b')], edges: [{ from: 'a', to: 'b' }] },
  initial_state: { way: [] },
}
/** A node more, and another edge. */
const edited: GraphDocument = {
  ...drawn,
  ...{ nodes: [node('a'), node('b'), node('c')], edges: [{ from: 'a', to: 'c' }] },
}

function Editor() {
  const [workflow, setWorkflow] = useState(() => made(drawn))
  return (
    <WorkflowProvider workflow={workflow} engine={engine}>
      <Flow onSwap={() => setWorkflow(made(edited))} />
    </WorkflowProvider>
  )
}

function Flow({ onSwap }: { readonly onSwap: () => void }) {
  const { status, start, session } = useWorkflow()
  const [way] = useWorkflowState('way')
  const swap = () => {
    onSwap()
    void session.close()
  }
  return (
    <>
      <p>{`${status}: ${(way as string[]).join()}`}</p>
      <button onClick={() => start(null)} />
      <button onClick={swap} />
    </>
  )
}

let engine = stage().engine

test('a node is added and an edge changed between runs, in a page / the state is kept, and the next run takes the new edges', async () => {
  const { settle, ...rest } = stage()
  engine = rest.engine
  const page = render(<Editor />)
  const press = async (at: number) => {
    act(() => page.getAllByRole('button')[at]?.click())
    await settle()
  }
  await settle()
  await press(0)
  expect(text()).toBe('completed: a,b')
  await press(1)
  expect(text()).toBe('completed: a,b')
  await press(0)
  expect(text()).toBe('completed: a,b,a,c')
})
