import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createStorage } from 'unstorage'
import fs from 'unstorage/drivers/fs'
import memory from 'unstorage/drivers/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { storageConformance } from 'dogear/testing'
import { unstorageStorage, type KeyValueStore } from 'dogear/unstorage'

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'dogear-files-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const stores: readonly (readonly [string, () => KeyValueStore])[] = [
  ['memory', () => createStorage()],
  ['the memory driver alone', () => memory()],
  ['files', () => createStorage({ driver: fs({ base: folder() }) })],
  ['the driver of files alone', () => fs({ base: folder() })],
]

describe.each(stores)('unstorageStorage on %s does what every storage must', (_, make) => {
  const cases = storageConformance(
    () => {
      const store = make()
      return () => unstorageStorage(store)
    },
    { values: 'json' },
  )
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
