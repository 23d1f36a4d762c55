import { act, cleanup, render } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow, memoryStorage } from 'dogear'
import { createWorkflowHooks, useWorkflowUrl } from 'dogear/react'

const Begin = defineEvent('begin')
const Text = defineEvent('text', z.object({ text: z.string() }))
const AskName = defineEvent('askName', z.object({}), { reply: Text })
const AskCity = defineEvent('askCity', z.object({}), { reply: Text })
const AskSure = defineEvent('askSure', z.object({}), { reply: Text })
const Done = defineEvent('done')

const wizard = defineWorkflow({ name: 'wizard', version: 1, start: Begin, stop: Done }).step(
  'ask',
  { on: Begin, asks: [AskName, AskCity, AskSure], emits: [Done] },
  async (ctx) => {
    await ctx.ask(AskName({}))
    await ctx.ask(AskCity({}))
    await ctx.ask(AskSure({}))
    return Done()
  },
)

const { WorkflowProvider, useWorkflow } = createWorkflowHooks(wizard)

function Page() {
  useWorkflowUrl()
  const { status, ask, start } = useWorkflow()
  if (status === 'idle') return <button onClick={() => start()}>Begin</button>
  return <button onClick={() => void ask?.reply({ text: 'x' })}>{ask?.type ?? status}</button>
}

const before = location.href
afterEach(() => {
  cleanup()
  history.replaceState(null, '', before)
})

const button = () => document.querySelector('button') as HTMLButtonElement
const step = () => new URLSearchParams(location.search).get('step')

test("the browser's own Back and Forward / turn the wizard's pages, back and forth", async () => {
  const shows = async (page: string) => {
    await expect.poll(() => [button().textContent, step()]).toEqual([page, page])
  }
  const click = () => act(async () => button().click())
  render(
    <WorkflowProvider engine={createEngine({ storage: memoryStorage() })}>
      <Page />
    </WorkflowProvider>,
  )
  await expect.poll(() => button()?.textContent).toBe('Begin')
  for (const page of ['askName', 'askCity', 'askSure']) {
    await click()
    await shows(page)
  }
  history.back()
  await shows('askCity')
  history.back()
  await shows('askName')
  history.go(2)
  await shows('askSure')
  history.go(-2)
  await shows('askName')
  history.forward()
  await shows('askCity')
  // A move of its own: what was ahead in the browser's list is given up, as with any link.
  await click()
  await shows('askSure')
  history.back()
  await shows('askCity')
  // A link within the app, as docs/history.md has it: as many pages as it takes, back and on through what is still answered.
  const turnTo = (page: string) => {
    history.pushState(null, '', `?step=${page}`)
    dispatchEvent(new PopStateEvent('popstate'))
  }
  turnTo('askName')
  await shows('askName')
  turnTo('askSure')
  await shows('askSure')
  history.back()
  await shows('askName')
})
