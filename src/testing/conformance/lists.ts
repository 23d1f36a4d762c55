import type { SessionStorage } from '../../storage/storage'
import type { Cases } from './case'
import { equal, truthy } from './expectation'
import { batch, snapshot, strict, written } from './sample'

/** What is known of sessions without reading them. */
export const lists: Cases = {
  'a list shows what a person wants to know, newest first': async (open) => {
    const storage = open()
    await written(storage, 'old', 3)
    await written(storage, 'new', 7)
    const list = await open().list()
    equal(
      list.map((it) => ({ ...it, size: 0 })),
      [
        { id: 'new', workflow: 'checkout', version: 1, status: 'running', savedAt: 1007, size: 0 },
        { id: 'old', workflow: 'checkout', version: 1, status: 'running', savedAt: 1003, size: 0 },
      ],
    )
    truthy((list[0]?.size ?? 0) > (list[1]?.size ?? 0), 'more records, larger')
  },
  'filters: workflow, status, beginning of the id': async (open) => {
    const storage = open()
    await written(storage, 'user-1/cart', 1)
    await written(storage, 'user-10/cart', 2, { workflow: 'chat' })
    const epoch = await written(storage, 'user-2/cart', 3)
    await storage.append('user-2/cart', epoch, { ...batch(4), status: 'completed' }, strict)
    const ids = async (filter: Parameters<SessionStorage['list']>[0]): Promise<string[]> =>
      (await storage.list(filter)).map((it) => it.id)
    equal(await ids({ workflow: 'chat' }), ['user-10/cart'])
    equal(await ids({ status: 'completed' }), ['user-2/cart'])
    equal(await ids({ prefix: 'user-1' }), ['user-10/cart', 'user-1/cart'])
    equal(await ids({ prefix: 'user-1/' }), ['user-1/cart'])
    equal(await ids({ prefix: 'user-', workflow: 'checkout', status: 'running' }), ['user-1/cart'])
    equal(await ids({ workflow: 'nothing' }), [])
    equal(await ids({ prefix: '' }), ['user-2/cart', 'user-10/cart', 'user-1/cart'])
    for (const prefix of ['/cart', 'USER', 'user%', 'user_', '.*', 'user-?']) equal(await ids({ prefix }), [])
  },
  'a list has all of them, however many': async (open) => {
    const storage = open()
    for (let n = 1; n <= 30; n++) await written(storage, `session ${n}`, 1)
    equal((await open().list()).length, 30)
    equal((await open().list({ prefix: 'session ' })).length, 30)
  },
  'a compaction makes the size that of the snapshot': async (open) => {
    const storage = open()
    const epoch = await written(storage, 'a', 50)
    const before = (await storage.list())[0]?.size ?? 0
    await storage.compact('a', epoch, snapshot(50))
    const after = (await storage.list())[0]?.size ?? 0
    truthy(after < before && after > 0, `${after} is less than ${before}`)
  },
}
