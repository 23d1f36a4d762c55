import type { Cases } from './case'
import { equal, fail, refused, truthy } from './expectation'
import { batch, begin, relaxed, shape, snapshot, strict, written } from './sample'

/** Ids and values of every kind. */
export const odds: Cases = {
  'ids of any kind': async (open) => {
    const storage = open()
    const ids = [
      '',
      ' ',
      'a',
      'A',
      'a\u0000',
      'a,b',
      'a.b',
      // What may stand between the parts of a key, or in the place of what must not.
      ...[':', '/', '-', '_', '|', '#', '!', '$', '%'].flatMap((it) => [`a${it}1`, `a${it}${it}1`]),
      '__proto__',
      'toString',
      'ü/…\ud83d\udc15',
      'u\u0308/…\ud83d\udc15',
      'x'.repeat(500),
      `${'x'.repeat(500)}y`,
    ]
    for (const [at, id] of ids.entries())
      await storage.append(id, await begin(storage, id), batch(1, at + 1), relaxed)
    const check = async (gone?: string): Promise<void> => {
      for (const [at, id] of ids.entries()) {
        const held = (await storage.read(id))?.batches.map((it) => `${it.from} to ${it.to}`)
        equal({ id, held }, { id, held: id === gone ? undefined : [`1 to ${at + 1}`] })
      }
    }
    await check()
    await storage.delete('a')
    await check('a')
    equal((await storage.list()).length, ids.length - 1)
  },
  'nobody shares a reference with the storage': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const data = [{ text: 'stored' }]
    await storage.append('a', epoch, { ...batch(1), data }, strict)
    data[0] = { text: 'changed by the writer' }
    const read = (await storage.read('a'))?.batches[0]?.data as { text: string }[]
    equal(read, [{ text: 'stored' }])
    read[0] = { text: 'changed by the reader' }
    equal((await storage.read('a'))?.batches[0]?.data, [{ text: 'stored' }])
    const text = { ...batch(2) }
    await storage.append('a', epoch, text, strict)
    Object.assign(text, { data: 'changed by the writer' })
    const stored = await storage.read('a')
    equal(stored?.batches[1]?.data, batch(2).data)
    Object.assign(stored?.batches[1] ?? {}, { data: 'changed by the reader' })
    Object.assign(stored?.head ?? {}, { seq: 99 })
    const again = await storage.read('a')
    equal([again?.batches[1]?.data, again?.head.seq], [batch(2).data, 2])
  },
  'a megabyte of text comes back': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const text = 'ä€\ud83d\udc15 0123456789'.repeat(70_000)
    await storage.append('a', epoch, { ...batch(1), data: text }, strict)
    truthy((await open().read('a'))?.batches[0]?.data === text, 'the same text')
  },
  'methods work without their object': async (open) => {
    const { claim, append, read, close } = open()
    const { epoch = 0 } = await claim('a', shape, 0)
    await append('a', epoch, batch(1), strict)
    equal((await read('a'))?.head.seq, 1)
    await close()
  },
  'what is called when a page opens, is left and comes back does no harm': async (open) => {
    const storage = open()
    truthy(typeof storage.kind === 'string', 'kind is a text')
    equal(await storage.connect?.(), undefined)
    if (storage.watch) {
      const end = storage.watch(() => {})
      truthy(typeof end === 'function', 'watch answers how to end it')
      end()
    }
    await written(storage, 'a', 2)
    storage.release?.()
    equal((await open().read('a'))?.head.seq, 2)
  },
  'after close the data are there for the next one': async (open) => {
    const storage = open()
    await written(storage, 'a', 3)
    await storage.close()
    await storage.close()
    equal((await open().read('a'))?.head.seq, 3)
  },
}

/** Of a storage that keeps what structured clone can hold. */
export const cloned: Cases = {
  'what structured clone can hold comes back': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const data = { at: new Date(5), bytes: new Uint8Array([1, 2, 255]), map: new Map([['a', 1n]]) }
    await storage.compact('a', epoch, { ...snapshot(1), data })
    await storage.quarantine('a')
    const read = ((await storage.read('a')) ?? fail('there is no session')).snapshot?.data as typeof data
    equal([read.at.getTime(), [...read.bytes], read.map.get('a')], [5, [1, 2, 255], 1n])
  },
}

/** Of a storage of text. */
export const jsonOnly: Cases = {
  'what JSON cannot hold is refused whole, and never bent into shape': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    for (const data of [new Date(5), new Uint8Array(3), new Map([['a', 1]]), [undefined], { a: NaN }, 1n]) {
      await refused(storage.append('a', epoch, { ...batch(1), data }, strict), 'STORAGE')
      await refused(storage.compact('a', epoch, { ...snapshot(1), data }), 'STORAGE')
    }
    equal(await storage.read('a'), undefined)
    await storage.append('a', epoch, { ...batch(1), data: [{ a: null, b: [1, 'x', true] }] }, strict)
    equal((await storage.read('a'))?.batches[0]?.data, [{ a: null, b: [1, 'x', true] }])
  },
}
