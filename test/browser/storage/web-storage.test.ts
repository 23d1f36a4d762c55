import { afterEach, describe, expect, it } from 'vitest'
import { storageConformance } from 'dogear/testing'
import { webStorage } from 'dogear/web-storage'
import { batch, begin, strict, written } from '../../../src/testing/conformance/sample'

const areas = [
  ['localStorage', () => localStorage],
  ['sessionStorage', () => sessionStorage],
] as const

afterEach(() => {
  localStorage.clear()
  sessionStorage.clear()
})

describe.each(areas)('webStorage on a real %s', (_, area) => {
  const cases = storageConformance(
    () => {
      area().clear()
      return () => webStorage(area)
    },
    { values: 'json' },
  )
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it('full / the append is refused with the name of the error, and what was there is whole', async () => {
    const storage = webStorage(area)
    const epoch = await written(storage, 'a', 2)
    const large = { ...batch(3), data: 'x'.repeat(6_000_000) }
    await expect(storage.append('a', epoch, large, strict)).rejects.toMatchObject({
      code: 'STORAGE',
      cause: { name: 'QuotaExceededError' },
    })
    expect((await storage.read('a'))?.head.seq).toBe(2)
    await storage.append('a', epoch, batch(3), strict)
    expect((await storage.read('a'))?.head.seq).toBe(3)
  })

  it('full to the last character / another session is refused whole, and the first can still grow a little', async () => {
    const storage = webStorage(area)
    const epoch = await written(storage, 'a', 2)
    // Piece by piece: one text that grew would be written anew each time.
    const fill = (key: string, size: number): boolean => {
      try {
        area().setItem(key, 'x'.repeat(size))
        return true
      } catch {
        return false
      }
    }
    const fillers: string[] = []
    for (let size = 4_000_000; size >= 1; size = Math.floor(size / 2))
      if (fill(`filler ${size}`, size)) fillers.push(`filler ${size}`)
    for (let size = 2; fill(fillers.at(-1)!, size); size++);
    await expect(begin(storage, 'b')).rejects.toMatchObject({ code: 'STORAGE' })
    expect((await storage.list()).map((it) => it.id)).toEqual(['a'])
    for (const filler of fillers) area().removeItem(filler)
    await storage.append('a', epoch, batch(3), strict)
    expect((await storage.read('a'))?.batches).toHaveLength(3)
  })
})

it('another page of this origin claims the session / this one is refused', async () => {
  const mine = webStorage()
  const epoch = await written(mine, 'a', 1)
  const frame = document.createElement('iframe')
  document.body.append(frame)
  const theirs = webStorage((frame.contentWindow as Window).localStorage)
  const { epoch: newer = 0 } = await theirs.claim('a', { format: 1, workflow: 'checkout', version: 1 }, 1)
  await theirs.append('a', newer, batch(2), strict)
  await expect(mine.append('a', epoch, batch(2), strict)).rejects.toMatchObject({ code: 'STALE_EPOCH' })
  expect((await mine.read('a'))?.head).toMatchObject({ epoch: newer, seq: 2 })
  frame.remove()
})
