import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, it } from 'vitest'
import { indexedDBStorage } from '../../src/storage/indexeddb'
import { conformance } from './conformance'

beforeEach(() => {
  Object.assign(globalThis, { indexedDB: new IDBFactory(), IDBKeyRange })
})

describe('indexedDBStorage does what every storage must', () => {
  const cases = conformance(() => () => indexedDBStorage())
  for (const { name, run } of cases) it(name, run)
})
