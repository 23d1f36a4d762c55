import { createEngine, type AnySession } from 'dogear'
import { inspect, type InspectOptions } from 'dogear/devtools'
import { expect, test } from 'vitest'
import { hello } from '../support/hello'

test('on a server nothing is shown', async () => {
  const session = await createEngine().open(hello)
  expect(inspect(session)()).toBeUndefined()
})

test('what is no session is refused, and so is an option that it does not know', async () => {
  const session = await createEngine().open(hello)
  const wrong = hello as unknown as AnySession
  expect(() => inspect(wrong)).toThrow('inspect()')
  expect(() => inspect(undefined as unknown as AnySession)).toThrow('inspect()')
  expect(() => inspect(session, { opened: true } as InspectOptions)).toThrow('opened')
})
