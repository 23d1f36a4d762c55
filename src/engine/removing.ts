import type { SessionStorage } from '../storage/storage'
import type { Message } from '../session/followers/message'
import { Line } from '../tabs/line'
import { ASKED, placeOf, type Page } from './leaving'
import { FLOW } from './flow/left-writes'
import type { OpeningDeps } from './opening-deps'

type Around = Pick<OpeningDeps, 'page' | 'channels' | 'report'>

/**
 * A storage that, with a session, also removes what pages have left behind of it, and tells the tabs that have it open. A tab
 * that writes nothing would otherwise go on showing what is gone.
 */
export function removing(storage: SessionStorage, around: Around): SessionStorage {
  const { page, channels } = around
  return {
    ...storage,
    async delete(id) {
      const place = placeOf(storage, id)
      forget(page, (key) => key === place)
      await storage.delete(id)
      tell(around, place)
    },
    async discard(id) {
      await storage.discard(id)
      tell(around, placeOf(storage, id))
    },
    async clear(prefix) {
      const places = [placeOf(storage, prefix ?? '')]
      if (prefix === undefined) places.push(placeOf(storage, '').replace('dogear:', FLOW))
      forget(page, (key) => places.some((it) => key.startsWith(it)))
      const filter = prefix === undefined ? {} : { prefix }
      const all = channels ? await storage.list(filter).catch(() => []) : []
      await storage.clear(prefix)
      for (const { id } of all) tell(around, placeOf(storage, id))
    },
  }
}

function forget(page: Page | undefined, which: (key: string) => boolean): void {
  try {
    for (const key of Object.keys(page?.localStorage ?? {}))
      if (which(key.replace(ASKED, 'dogear:'))) page?.localStorage?.removeItem(key)
  } catch {
    // `localStorage` is forbidden, so there is nothing in it either.
  }
}

/** Makes the tabs that show a session look at what is stored. */
export function tell({ channels, report }: Around, place: string): void {
  // Tabs with any code must hear of it.
  const line = new Line<Message>({ channels, place, report, version: Infinity }, () => {})
  try {
    line.connect()
    line.post({ kind: 'gone' })
    line.disconnect()
  } catch (error) {
    report(error)
  }
}
