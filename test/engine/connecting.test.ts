import { expect, onTestFinished, test } from 'vitest'
import { createEngine, defineWorkflow, memoryStorage } from 'dogear'
import { virtualClock } from 'dogear/testing'
import { Done, failure, flow, Go, unhandled } from '../support/flows'

const noted = defineWorkflow({ ...flow }).step('end', { on: Go, emits: [Done] }, () => Done(''))

test('createEngine() / tells its storage, before any session is opened', () => {
  let told = 0
  createEngine({ storage: { ...memoryStorage(), connect: async () => void told++ } })
  expect(told).toBe(1)
})

test('a storage whose connect() rejects or throws / no error is reported, and sessions open and save', async () => {
  const refusals = [
    () => Promise.reject(new Error('not yet')),
    () => {
      throw new Error('never')
    },
  ]
  for (const connect of refusals) {
    const errors: unknown[] = []
    const heard = await unhandled(async () => {
      const storage = { ...memoryStorage(), connect }
      const onError = (error: unknown): void => void errors.push(error)
      const engine = createEngine({ storage, clock: virtualClock(), onError })
      const session = await engine.open(noted)
      session.state.set('note', 'kept')
      await session.flush()
      expect(session.persistence.status).toBe('saved')
      await engine.close()
    })
    expect([heard, errors]).toEqual([[], []])
  }
})

test.each([
  ['throws at whoever asks for it, as in Firefox without cookies', 'throws'],
  ['is not there, though it has its place', undefined],
])('IndexedDB %s / the session goes on in memory, and says so', async (_, found) => {
  Object.defineProperty(globalThis, 'indexedDB', {
    configurable: true,
    get() {
      if (found) throw new Error('denied')
    },
  })
  onTestFinished(() => void Reflect.deleteProperty(globalThis, 'indexedDB'))
  const errors: unknown[] = []
  const engine = createEngine({ onError: (error) => errors.push(error) })
  const session = await engine.open(noted)
  session.state.set('note', 'typed')
  expect(await failure(session.flush())).toMatchObject({ code: 'STORAGE' })
  expect([session.state.get('note'), session.persistence.status]).toEqual(['typed', 'memory-only'])
  expect(errors).toHaveLength(1)
})
