import { expect, test } from 'vitest'
import { memoryStorage, type SessionStorage } from 'dogear'
import { storageConformance } from 'dogear/testing'

/** What the suite says of a storage that goes wrong in one place. */
async function complaints(wrong: (right: SessionStorage) => Partial<SessionStorage>): Promise<string[]> {
  const found: string[] = []
  const cases = storageConformance(() => {
    const right = { ...memoryStorage(), keepsBytes: true }
    const storage = { ...right, ...wrong(right) }
    return () => storage
  })
  for (const { name, run } of cases) {
    await run().catch((error: unknown) => found.push(`${name}: ${(error as Error).message}`))
  }
  return found
}

test.each<[string, (right: SessionStorage) => Partial<SessionStorage>, string]>([
  ['none', () => ({}), ''],
  [
    'bytes that went through JSON',
    ({ keepPart }) => ({
      keepPart: async (id, epoch, part) =>
        keepPart?.(id, epoch, JSON.parse(JSON.stringify(part)) as typeof part),
    }),
    'a part of bytes comes back as it was, where it may be bytes: expected [1,[123,0,255,125,10]], got [1,"no Uint8Array"]',
  ],
  [
    'a format that does not rise with a batch',
    ({ append }) => ({
      append: (id, epoch, batch, options) => append(id, epoch, { ...batch, format: 1 }, options),
    }),
    'a batch of a newer format raises that of the head, for whoever comes next: expected 3, got 1',
  ],
  [
    'a time to live that is lost',
    ({ claim }) => ({
      claim: (id, { format, workflow, version }, expected) =>
        claim(id, { format, workflow, version }, expected),
    }),
    'how long a session is kept is stored with it, and a list shows it: expected 5000, got undefined',
  ],
  [
    'a first epoch that changes',
    () => {
      let asked = 0
      return { began: async () => asked++ }
    },
    'where the first epoch can be asked for, it stays what it was until all is emptied: expected 1, got 2',
  ],
  [
    'a snapshot that leaves the format as it was',
    ({ compact }) => ({ compact: (id, epoch, snapshot) => compact(id, epoch, { ...snapshot, format: 1 }) }),
    'a snapshot brings its version, format and status with it: expected [3,4,"completed"], got [3,1,"completed"]',
  ],
])('a storage with this fault: %s / the suite says so', async (_, wrong, expected) => {
  const found = await complaints(wrong)
  expect(found).toEqual(expected ? [expected] : [])
})
