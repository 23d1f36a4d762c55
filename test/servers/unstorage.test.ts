import { createDatabase } from 'db0'
import postgresql from 'db0/connectors/postgresql'
import { createStorage, type Storage } from 'unstorage'
import db0 from 'unstorage/drivers/db0'
import redis from 'unstorage/drivers/redis'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { createEngine, StaleEpochError } from 'dogear'
import { storageConformance } from 'dogear/testing'
import { unstorageStorage } from 'dogear/unstorage'
import { batch, begin, strict } from '../../src/testing/conformance/sample'
import { hello } from '../support/hello'

const urls = { redis: inject('redis'), postgres: inject('postgres') }
let made = 0

/** An empty space of its own for each test. Two that make one table at once are too much for the driver of `db0`. */
async function freshSpace(name: 'redis' | 'postgres'): Promise<string> {
  const space = `space_${++made}`
  await connected(name, space).getKeys()
  return space
}

/** A connection of its own to one and the same data: another machine. */
function connected(name: 'redis' | 'postgres', space: string): Storage {
  const url = urls[name] as string
  if (name === 'redis') {
    const storage = createStorage({ driver: redis({ url, base: space }) })
    onTestFinished(() => storage.dispose())
    return storage
  }
  const database = createDatabase(postgresql({ url }))
  onTestFinished(() => database.dispose())
  return createStorage({ driver: db0({ database, tableName: space }) })
}

describe.each(['redis', 'postgres'] as const)('%s', (name) => {
  describe.skipIf(urls[name] === undefined)('unstorageStorage on a real server', () => {
    const cases = storageConformance(
      async () => {
        const space = await freshSpace(name)
        return () => unstorageStorage(connected(name, space))
      },
      { values: 'json' },
    )
    it.each(cases)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    })

    it('a flow waiting on one machine goes on at another, and the first is told', async () => {
      const space = await freshSpace(name)
      const engine = () => createEngine({ storage: unstorageStorage(connected(name, space)) })
      const here = await engine().open(hello, { id: 'a' })
      void here.run().catch(() => {})
      here.state.set('note', '\u0000 \u2028 % _ "\ud83d\udc15"')
      await here.flush()

      const there = await engine().open(hello, { id: 'a' })
      expect(there.status).toBe('waiting')
      expect(there.state.get('note')).toBe('\u0000 \u2028 % _ "\ud83d\udc15"')
      here.state.set('note', 'too late')
      await expect(here.flush()).rejects.toMatchObject({ code: 'STALE_EPOCH' })
      expect(here.persistence.status).toBe('outdated')
      const result = there.run()
      await there.asks[0]?.reply('Ada')
      expect(await result).toBe('hello Ada')
      await there.close()
    })

    it('eight machines write one session at the same time / what was acknowledged is there, once, in order', async () => {
      const space = await freshSpace(name)
      const acknowledged: string[] = []
      const machine = async (own: number): Promise<void> => {
        const storage = unstorageStorage(connected(name, space))
        for (let round = 0; round < 5; round++) {
          const stored = await storage.read('a')
          const seq = stored?.head.seq ?? 0
          const { epoch } = await storage.claim('a', { format: 1, workflow: 'race', version: 1 }, seq)
          if (epoch === undefined) continue
          try {
            for (let at = seq + 1; at < seq + 5; at++) {
              const data = JSON.stringify([`${own}-${round}-${at}`])
              await storage.append('a', epoch, { ...batch(at), data }, strict)
              acknowledged.push(data)
            }
          } catch (error) {
            expect(error).toBeInstanceOf(StaleEpochError)
          }
        }
      }
      await Promise.all(Array.from({ length: 8 }, (_, own) => machine(own)))
      // Alone, whatever the others have done to each other.
      await machine(8)
      expect(acknowledged.length).toBeGreaterThanOrEqual(20)
      const storage = unstorageStorage(connected(name, space))
      const texts = (await storage.read('a'))?.batches.map((it) => it.data) ?? []
      for (const text of acknowledged) expect(texts.filter((it) => it === text)).toHaveLength(1)
      expect((await storage.read('a'))?.batches.map((it) => it.from)).toEqual(texts.map((_, at) => at + 1))
    })

    it('many sessions / list() and clear() reach all of them, and nothing else', async () => {
      const store = connected(name, await freshSpace(name))
      await store.setItem('somebody:else', 'stays')
      const storage = unstorageStorage(store)
      const ids = Array.from({ length: 30 }, (_, at) => (at % 2 ? `Ann/${at}` : `ann_%/${at}`))
      await Promise.all(ids.map(async (id) => storage.append(id, await begin(storage, id), batch(1), strict)))
      expect((await storage.list()).map((it) => it.id).sort()).toEqual([...ids].sort())
      await storage.clear('Ann/')
      expect((await storage.list()).map((it) => it.id).sort()).toEqual(
        ids.filter((it) => it.startsWith('ann')).sort(),
      )
      await storage.clear()
      expect(await storage.list()).toEqual([])
      expect(await store.getItem('somebody:else')).toBe('stays')
    })
  })
})
