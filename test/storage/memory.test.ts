import { describe, it } from 'vitest'
import { memoryStorage } from '../../src/storage/memory'
import { conformance } from './conformance'

describe('memoryStorage does what every storage must', () => {
  const cases = conformance(() => {
    const storage = memoryStorage()
    return () => ({ ...storage })
  })
  for (const { name, run } of cases) it(name, run)
})
