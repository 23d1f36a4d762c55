import { createEngine } from 'dogear'
import { expect, onTestFinished, test } from 'vitest'
import { asking } from '../../support/flows'
import type { Told } from './worker'

/** A worker loads its modules one by one. */
const patient = { timeout: 10_000 }

/** A worker that has the session open; what it has told last. */
function workerWith(id: string) {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  onTestFinished(() => worker.terminate())
  let told: Told | undefined
  worker.onmessage = ({ data }: MessageEvent<Told>) => void (told = data)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
  worker.postMessage(id)
  return { told: () => told, end: () => worker.terminate() }
}

test('a worker and its page share a session / one executes, each sees what the other does, and the page goes on when the worker ends', async () => {
  const id = crypto.randomUUID()
  const worker = workerWith(id)
  await expect.poll(worker.told, patient).toMatchObject({ role: 'leader', status: 'waiting' })
  const engine = createEngine()
  onTestFinished(() => engine.close())
  const session = await engine.open(asking, { id })
  expect([session.role, session.status]).toEqual(['follower', 'waiting'])

  session.state.set('note', 'from the page')
  await expect.poll(worker.told, patient).toMatchObject({ role: 'leader', note: 'from the page' })

  worker.end()
  await expect.poll(() => session.role, patient).toBe('leader')
  await session.asks[0]?.reply('yes')
  expect(await session.run()).toBe('yes')
})
