import type { SessionStorage } from '../storage'
import { storageError } from '../storage-error'
import { Desk } from './unstorage-desk'
import type { KeyValueStore } from './unstorage-desk'
import { flowsIn, isFlow } from './unstorage-flows'
import { exported, list, look, read } from './unstorage-reading'
import { append, claim, compact, quarantine, remove as removed, sweep } from './unstorage-writing'
import type { Known } from './unstorage-writing'

export type { KeyValueStore } from './unstorage-desk'

/**
 * Keeps sessions in whatever `unstorage` reaches: a Redis or PostgreSQL server, files, an HTTP server. So a flow that began
 * on one device goes on at another. Such stores have no transactions. Even so, as long as a written key is in every
 * listing that begins later (not so in stores that are only eventually consistent, such as Cloudflare KV):
 *
 * - an append lands whole or not at all, and what was acknowledged is never lost to another writer;
 * - a writer that was overtaken is refused, and nobody reads what it wrote too late.
 *
 * An append takes one write and one listing of the session's keys. Values must be text or JSON.
 *
 * ```ts
 * import { createStorage } from 'unstorage'
 * import http from 'unstorage/drivers/http'
 * import { unstorageStorage } from 'dogear/unstorage'
 * const storage = unstorageStorage(createStorage({ driver: http({ base: '/sessions' }) }))
 * ```
 *
 * @param store what `createStorage()` returns, or a driver alone. Closing the engine does not dispose of it.
 * @param base the first part of every key: lower-case letters, digits and `-`. Default: `dogear`.
 */
export function unstorageStorage(store: KeyValueStore, base = 'dogear'): SessionStorage {
  const desk = new Desk(store, base)
  const known: Known = new Map()
  const inTurn = turns()
  const remove = (id: string, kinds: RegExp): Promise<void> => inTurn(id, () => removed(desk, id, kinds))
  const sessions: Omit<Parameters<typeof flowsIn>[0], 'look'> = {
    kind: 'unstorage',
    name: base,
    read: (id) => inTurn(id, () => read(desk, id)),
    claim: (id, shape, expected, at = 0) => inTurn(id, () => claim(desk, known, id, shape, expected, at)),
    append: (id, epoch, batch) => inTurn(id, () => append(desk, known, id, epoch, batch)),
    compact: (id, epoch, snapshot) => inTurn(id, () => compact(desk, id, epoch, snapshot)),
    list: (filter) => inTurn('', async () => (await list(desk, filter)).filter((it) => !isFlow(it.id))),
    async sweep(now) {
      const ids = await inTurn('', async () => [...(await desk.everything()).keys()])
      await Promise.all(ids.filter((id) => !isFlow(id)).map((id) => inTurn(id, () => sweep(desk, id, now))))
    },
    delete: (id) => remove(id, /./),
    discard: (id) => remove(id, /[cpjs]/),
    async clear(prefix) {
      const ids = await inTurn('', async () => [...(await desk.everything()).keys()])
      await Promise.all(
        ids
          .filter((id) => (prefix === undefined || !isFlow(id)) && id.startsWith(prefix ?? ''))
          .map((id) => remove(id, /./)),
      )
    },
    quarantine: (id) => inTurn(id, () => quarantine(desk, id)),
    export: (id) => inTurn(id, () => exported(desk, id)),
    close: async () => {},
  }
  return { ...sessions, ...flowsIn({ ...sessions, look: (id) => inTurn(id, () => look(desk, id)) }) }
}

/** Queues the calls for one session in this page, so that one reads only what another has written to the end. */
function turns(): <T>(id: string, work: () => Promise<T>) => Promise<T> {
  const lasts = new Map<string, Promise<unknown>>()
  return (id, work) => {
    const turn = (lasts.get(id) ?? Promise.resolve()).then(work).catch((error: unknown) => {
      throw storageError(error)
    })
    const last = turn.catch(() => {})
    lasts.set(id, last)
    void last.then(() => lasts.get(id) === last && lasts.delete(id))
    return turn
  }
}
