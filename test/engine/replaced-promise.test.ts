import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createEngine, createStore, defineWorkflow, memoryStorage, resource } from '../../src/index'
import { virtualClock, virtualTabs } from '../../src/testing'
import { asking, Done, failure, flow, Go, profile } from '../support/flows'

/*
 * zone.js and polyfills put a class of their own in the place of `Promise`. What an async function returns is still of the
 * platform's, and no instance of it.
 */

beforeEach(() => void vi.stubGlobal('Promise', class Replaced<T> extends Promise<T> {}))
afterEach(() => void vi.unstubAllGlobals())

test('a follower replies and saves / both calls are answered', async () => {
  const clock = virtualClock()
  const errors: unknown[] = []
  const options = {
    ...{ storage: memoryStorage(), clock, ...virtualTabs() },
    onError: (error: unknown) => void errors.push(error),
  }
  const leader = await createEngine(options).open(asking, { id: 'a' })
  const follower = await createEngine(options).open(asking, { id: 'a' })
  const result = leader.run()
  await clock.advance(100)
  const replied = follower.asks[0]?.reply('yes')
  const saved = follower.flush()
  await clock.advance(1000)
  expect(await Promise.race([saved.then(() => 'saved'), clock.advance(0)])).toBe('saved')
  expect([await replied, await result, errors]).toEqual([true, 'yes', []])
})

test('an async factory fails / it is called again, and what it makes then is ended', async () => {
  let calls = 0
  const ended: unknown[] = []
  const client = { name: 'client', close: () => void ended.push('client') }
  const made = resource(async () => {
    if (++calls === 1) throw new Error('not yet')
    return client
  })
  const workflow = defineWorkflow({ ...flow, resources: { made } }).step(
    'work',
    { on: Go, emits: [Done] },
    async (ctx) => Done((await ctx.resources.made).name),
  )
  const { open } = profile()
  const session = await open(workflow)
  await failure(session.run())
  expect(await session.retry()).toBe('client')
  await session.close()
  await Promise.resolve()
  expect([calls, ended]).toEqual([2, ['client']])
})

test('async edits of a store / each waits for the one before it, and returns when it has landed', async () => {
  const store = createStore({ initial: { text: '' } })
  const add = (more: string) =>
    store.edit(async (draft) => {
      await Promise.resolve()
      draft.text += more
    })
  const first = add('a')
  await add('b')
  expect(store.get('text')).toBe('ab')
  await first
})
