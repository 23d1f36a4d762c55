import { StorageError } from '../../storage-errors'
import { firstEpoch } from './first-epoch'
import { sessions } from './sessions'
import type { Transact } from './sessions'
import type { SessionStorage } from '../storage'
import { absence, storageError } from '../storage-error'
import { TextSheet } from './text-sheet'

/** What `localStorage` and `sessionStorage` have in common. */
export interface TextArea {
  readonly length: number
  key(index: number): string | null
  getItem(key: string): string | null
  setItem(key: string, text: string): void
  removeItem(key: string): void
}

/** Other tabs may write between the reads and the writes of a transaction, but by accident not more often than this. */
const TRIES = 20

/**
 * Keeps sessions in `localStorage` or `sessionStorage`: for small sessions, in pages without IndexedDB. Each session is
 * one value, so a save lands whole or not at all. But each save writes the whole session, on the main thread, and a
 * browser gives an origin about 5 MB. A power cut or a killed browser may take the last seconds, whatever the durability.
 * Values must be text or JSON, so a serializer of your own must return text.
 *
 * ```ts
 * import { webStorage } from 'dogear/web-storage'
 * const engine = createEngine({ storage: webStorage(() => sessionStorage) })
 * ```
 *
 * @param area the area, or a function that returns it at the first call. Default: `localStorage`.
 * @param name the beginning of every key. Default: `dogear`.
 */
export function webStorage(
  area: TextArea | (() => TextArea) = () => globalThis.localStorage,
  name = 'dogear',
): SessionStorage {
  let last: Promise<unknown> = Promise.resolve()
  const transact: Transact = (mode, _durability, work) => {
    const turn = last.then(async () => {
      try {
        for (let tries = 0; tries < TRIES; tries++) {
          const sheet = new TextSheet(reached(area), name)
          const result = await work(sheet)
          if (mode === 'readonly' || sheet.land()) return result
        }
      } catch (error) {
        throw storageError(error)
      }
      throw new StorageError('another tab writes all the time')
    })
    // One after another, so that one reads only what another has written to the end.
    last = turn.catch(() => {})
    return turn
  }
  // Each save writes the whole session, so storing a part would be one more save of all.
  const { keepPart: _, ...rest } = sessions(transact, firstEpoch)
  return {
    kind: 'web-storage',
    get name() {
      return nameIn(area, name)
    },
    ...rest,
    close: async () => {},
  }
}

/** The name by which tabs find each other. Each tab has a `sessionStorage` of its own, and notes its name there. */
function nameIn(area: TextArea | (() => TextArea), name: string): string {
  let own = name
  try {
    const here = typeof area === 'function' ? area() : area
    if (here !== globalThis.sessionStorage) return name
    const key = `${name}.tab`
    own = here.getItem(key) ?? `${name} ${Math.random()}`
    here.setItem(key, own)
  } catch {
    // It is full, or this is no page: the next page has another name.
  }
  return own
}

/** Workers have no such area, and some pages may not use it: then sessions go on in memory. */
function reached(area: TextArea | (() => TextArea | undefined)): TextArea {
  try {
    const found = typeof area === 'function' ? area() : area
    if (found) return found
    throw new StorageError('there is no web storage here')
  } catch (error) {
    throw absence(storageError(error))
  }
}
