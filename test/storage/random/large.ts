import type { Tab } from './faults-browser'
import type { View } from './faulty-database'

/** A page of a large session. Its name says how long it is, so that a torn one is found. */
function page(name: string, n: number, size: number): string {
  return `${name}/${n}/${size}:${'x'.repeat(size + ((n * 7919) % (size * 2)))}`
}

/** So many of the longest pages are stored in parts. */
const FULL = 16

export interface Reader {
  readonly tab: Tab
  /** The least number of characters of a page. */
  readonly size: number
  /** Numbers the next page. */
  readonly next: () => number
}

/** Somebody turns over the pages of a session: fills it, replaces some, puts an old one back, or empties it. */
export function turnPages({ tab, size, next }: Reader, roll: number): void {
  tab.session.state.edit((state) => {
    const draft = state as Record<string, unknown>
    const found = (draft['pages'] ?? []) as string[]
    const fresh = (): string => page(tab.name, next(), size)
    const share = (roll * 100) % 1
    const at = Math.floor(share * found.length)
    if (found.length === 0 || roll < 0.35) draft['pages'] = Array.from({ length: FULL }, fresh)
    else if (roll < 0.6) for (let n = 0; n < 5; n++) found[(at + n * 3) % found.length] = fresh()
    else if (roll < 0.7) found.push(fresh(), fresh())
    else if (roll < 0.8) found.splice(at, 1)
    else if (roll < 0.95) found[at] = page(tab.name, Math.floor(share * 10), size)
    else draft['pages'] = []
  })
}

/** The pages that are not as they were written. */
export function tornIn(state: unknown): string[] {
  const { pages = [] } = state as { readonly pages?: readonly unknown[] }
  const isWhole = (it: string): boolean => {
    const [name = '', n, size] = it.slice(0, it.indexOf(':')).split('/')
    return it === page(name, Number(n), Number(size))
  }
  return pages
    .map(String)
    .filter((it) => !isWhole(it))
    .map((it) => `torn: ${it.slice(0, 20)} (${it.length})`)
}

/** The parts of snapshots that no snapshot names, and the names of parts that are not there. */
export function orphansIn(data: View): string[] {
  const named = new Set<string>()
  const kept = new Set<string>()
  for (const [[kind, id, n], value] of data.values() as Iterable<[[string, string, number], unknown]>) {
    if (kind !== 's') continue
    if (n > 0) kept.add(`part ${n} of ${id}`)
    const { parts = [] } = value as { readonly parts?: readonly (readonly [n: number])[] }
    if (n === 0) for (const [it] of parts) named.add(`part ${it} of ${id}`)
  }
  if (kept.size === 0) return ['there are no parts']
  return [
    ...[...kept].filter((it) => !named.has(it)).map((it) => `${it} is an orphan`),
    ...[...named].filter((it) => !kept.has(it)).map((it) => `${it} is missing`),
  ]
}
