import type { SessionStorage } from '../../../src/index'
import { unstorageStorage } from '../../../src/storage/adapters/unstorage'
import { webStorage } from '../../../src/storage/adapters/web-storage'
import type { Outside } from './weather'

/** How many characters there are. */
export function weightIn(texts: ReadonlyMap<string, string>): number {
  let sum = 0
  for (const [key, text] of texts) sum += key.length + text.length
  return sum
}

function fits({ texts, weather }: StoreOptions, key: string, text: string): boolean {
  if (weather.room === Infinity) return true
  const before = texts.get(key)?.length ?? 0
  return text.length <= before || weightIn(texts) + text.length - before <= weather.room
}

export interface StoreOptions extends Outside {
  readonly texts: Map<string, string>
  readonly isDead: () => boolean
}

/** Web storage that refuses writes, and may be forbidden from one moment to the next. */
export function faultyWebStorage(options: StoreOptions): SessionStorage {
  const { luck, weather, texts, isDead } = options
  const checkAlive = (): void => {
    if (isDead()) throw new Error('the page is dead')
  }
  const own = {
    get length() {
      return texts.size
    },
    key: (index: number) => [...texts.keys()][index] ?? null,
    getItem: (key: string) => texts.get(key) ?? null,
    removeItem(key: string) {
      checkAlive()
      texts.delete(key)
    },
    setItem(key: string, text: string) {
      checkAlive()
      if (weather.full || luck.hits(weather.fail) || !fits(options, key, text))
        throw new DOMException('full', 'QuotaExceededError')
      texts.set(key, text)
    },
  }
  return webStorage(() => {
    if (luck.hits(weather.openFails)) throw new DOMException('denied', 'SecurityError')
    return own
  })
}

/** A server behind an `unstorage` driver: calls fail, answers come late or are lost. Some drivers parse, some filter by prefix. */
export function faultyServer(
  options: StoreOptions,
  { parses, filters }: { readonly parses: boolean; readonly filters: boolean },
): SessionStorage {
  const { clock, luck, weather, texts, isDead } = options
  const pass = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (ms > 0) return void clock.setTimeout(resolve, ms)
      clock.now()
      setImmediate(resolve)
    })
  const never = (): Promise<never> => new Promise(() => {})
  const call = async <T>(isWrite: boolean, effect: () => T, hasRoom = () => true): Promise<T> => {
    await pass(luck.hits(weather.slow) ? luck.between(1, 800) : 0)
    // What was on its way when its page ended may arrive.
    if (isDead() && (!isWrite || luck.hits(0.5))) return never()
    if (luck.hits(weather.fail) || (isWrite && weather.full) || !hasRoom()) throw new Error('503')
    const result = effect()
    if (isWrite && luck.hits(weather.abort)) throw new Error('ECONNRESET')
    if (luck.hits(weather.mute)) return never()
    await pass(luck.hits(weather.lateEvent) ? luck.between(1, 6000) : 0)
    return isDead() ? never() : result
  }
  const read = (text: string | undefined): unknown =>
    text === undefined ? null : parses ? JSON.parse(text) : text
  return unstorageStorage({
    getItem: (key: string) => call(false, () => read(texts.get(key))),
    setItem: (key: string, text: string) =>
      call(
        true,
        () => void texts.set(key, text),
        () => fits(options, key, text),
      ),
    removeItem: (key: string) => call(true, () => void texts.delete(key)),
    getKeys: (base: string) =>
      call(false, () => [...texts.keys()].filter((it) => !filters || it.startsWith(base))),
  })
}
