import { act, cleanup, render } from '@testing-library/react'
import { StrictMode } from 'react'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineWorkflow } from 'dogear'
import { createWorkflowHooks, useFlowState, useWorkflowState, WorkflowProvider } from 'dogear/react'
import { Begin, checkout, Done, stage, text, thrownBy } from './stage'

afterEach(cleanup)

const visits = defineWorkflow({
  name: 'visits',
  version: 1,
  start: Begin,
  stop: Done,
  flowState: z.object({ opened: z.number().default(0), names: z.array(z.string()).default([]) }),
}).step('end', { on: Begin, emits: [Done] }, async (ctx) => {
  await ctx.flowState.set('opened', (it) => it + 1)
  return Done({ total: ctx.flowState.get('opened') })
})
const hooks = createWorkflowHooks(visits)
const anyHook = useFlowState as unknown as (...args: unknown[]) => [unknown]

function Opened() {
  const [opened, setOpened] = hooks.useFlowState('opened')
  return <button onClick={() => setOpened((it) => it + 1)}>{`${opened};`}</button>
}

test('two sessions of one workflow / show the same value; a setter changes both', async () => {
  const { engine, settle } = stage()
  const page = render(
    <StrictMode>
      <hooks.WorkflowProvider engine={engine} id="one">
        <Opened />
      </hooks.WorkflowProvider>
      <hooks.WorkflowProvider engine={engine} id="two">
        <Opened />
      </hooks.WorkflowProvider>
    </StrictMode>,
  )
  await settle()
  expect(text()).toBe('0;0;')
  act(() => page.getAllByRole('button')[0]?.click())
  expect(text()).toBe('1;1;')
  await act(async () => void (await engine.session(visits, { id: 'two' }).run({ country: 'NL' })))
  expect(text()).toBe('2;2;')
})

test('another path is written / no render; with `select` / renders only when the selection changes', async () => {
  const { engine, settle } = stage()
  let renders = 0
  function Count() {
    renders++
    const [count] = hooks.useFlowState('names', { select: (it) => it.length })
    return <p>{count}</p>
  }
  render(
    <hooks.WorkflowProvider engine={engine}>
      <Count />
    </hooks.WorkflowProvider>,
  )
  await settle()
  const before = renders
  const { state } = engine.flow(visits)
  act(() => state.set('opened', 5))
  expect(renders).toBe(before)
  act(() => state.append('names', 'Ada'))
  act(() => state.set('names.0', 'Grace'))
  expect([renders, text()]).toEqual([before + 1, '1'])
})

test('by workflow, by session, by store and by the untyped hook / the same value', async () => {
  const { engine, settle } = stage()
  const session = engine.session(visits)
  function All() {
    const shown = [
      useFlowState(visits, 'opened')[0],
      useFlowState(session, 'opened')[0],
      useWorkflowState(engine.flow(visits).state, 'opened')[0],
      anyHook('opened')[0],
    ]
    return <p>{shown.join()}</p>
  }
  render(
    <WorkflowProvider workflow={visits} engine={engine}>
      <All />
    </WorkflowProvider>,
  )
  await settle()
  act(() => session.flowState.set('opened', 7))
  expect(text()).toBe('7,7,7,7')
})

test.each([
  ['no provider', ['opened'], /HookError: useFlowState: there is no WorkflowProvider above/],
  ['the path before the workflow', [{}, 'opened'], /HookError: useFlowState: wrong arguments/],
  [
    'another workflow',
    [checkout, 'note'],
    /HookError: useFlowState: there is no WorkflowProvider of workflow "checkout"/,
  ],
] as const)('%s / an error naming the hook and the way out', async (_case, args, message) => {
  expect(await thrownBy(() => anyHook(...args))).toMatch(message)
})
