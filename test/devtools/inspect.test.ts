import { createEngine, type Session, type AnyWorkflow } from 'dogear'
import { inspect, type InspectOptions } from 'dogear/devtools'
import { expect, test } from 'vitest'
import { hello } from '../support/hello'

test('on a server nothing is shown', async () => {
  const session = await createEngine().open(hello)
  expect(inspect(session)()).toBeUndefined()
})

test('what is no session is refused, and so is an option that it does not know', async () => {
  const session = await createEngine().open(hello)
  const wrong = hello as unknown as Session<AnyWorkflow>
  expect(() => inspect(wrong)).toThrow('inspect()')
  expect(() => inspect(undefined as unknown as typeof session)).toThrow('inspect()')
  expect(() => inspect(session, { opened: true } as InspectOptions)).toThrow('opened')
})
