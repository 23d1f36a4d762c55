import { keysOf, type Box } from '../storage/exit-journal'
import type { LimitedStorage } from '../storage/limited'
import type { Message } from '../session/followers/message'
import { Line } from '../tabs/line'
import type { Page } from './leaving'
import type { OpeningDeps } from './opening-deps'
import { ASKED, FLOW, flowPlace, listOf, placeOf } from './place'

type Around = Pick<OpeningDeps, 'page' | 'channels' | 'report'>

/**
 * A storage that, with a session, also removes what pages have left behind of it, and tells the tabs that have it open. A tab
 * that writes nothing would otherwise go on showing what is gone.
 */
export function removing(storage: LimitedStorage, around: Around): LimitedStorage {
  const { page, channels } = around
  return {
    ...storage,
    async delete(id) {
      const place = placeOf(storage, id)
      const asked = place.replace('dogear:', ASKED)
      forget(page, (box) => [place, asked, ...keysOf(box).filter((it) => listOf(it) === asked)])
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
      const isOf = (key: string): boolean =>
        places.some((it) => listOf(key).replace(ASKED, 'dogear:').startsWith(it))
      forget(page, (box) => keysOf(box).filter(isOf))
      const all = channels ? await storage.list({ prefix }).catch(() => []) : []
      await storage.clear(prefix)
      const told = all.map(({ id }) => placeOf(storage, id))
      // A page that hears anything of a flow state reads it anew. This one may never have had it open.
      if (prefix === undefined) told.push(...all.map((it) => flowPlace(storage, it.workflow)))
      for (const place of new Set(told)) tell(around, place)
    },
  }
}

function forget(page: Page | undefined, which: (box: Box) => readonly string[]): void {
  try {
    const box = page?.localStorage
    if (box) for (const key of which(box)) box.removeItem(key)
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
