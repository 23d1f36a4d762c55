import { StepError } from '../../run-errors'
import { memberOf, wordsOf } from '../../words'
import type { RecordedError } from './record'

/** An error in the form that survives a reload: its name, message and code. That of a failed sub-flow has the code of its cause. */
export function recordError(error: unknown): RecordedError {
  const message = wordsOf(error)
  if (!(error instanceof Error)) return { name: 'Error', message }
  let cause: unknown = error
  while (cause instanceof StepError) ({ cause } = cause)
  const code = memberOf(cause, 'code')
  const name = memberOf(error, 'name')
  // What was thrown may have anything as its name, message and code.
  return {
    name: typeof name === 'string' ? name : 'Error',
    message,
    ...(typeof code === 'string' && { code }),
  }
}

/** An error as it was recorded. Its class is not looked up: stored data names no code. */
export function rebuildError({ name, message, code }: RecordedError): Error {
  const error = new Error(message)
  // As on a native error: not enumerable.
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  return code === undefined ? error : Object.assign(error, { code })
}
