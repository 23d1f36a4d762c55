import type { HistoryEntry } from '../session/model/history-entry'
import { button, make, write, type View } from './element'
import { pagesView } from './pages'
import { listView } from './tree'

/** What can be done with a moment of the past. */
export interface Travel {
  rewind(seq: number): void
  fork(seq: number): void
}

/** What has happened, newest first. Each entry opens to all of its record, and to the ways back to it. */
export function timelineView(travel: Travel): View<readonly HistoryEntry[]> {
  const { element, show } = pagesView((key) => entryView(Number(key), travel))
  return { element, show: (entries) => show(entries.map((it) => [String(it.seq), it] as const).reverse()) }
}

/** The entry of one number. A field edit grows under its number until it is written. */
function entryView(seq: number, { rewind, fork }: Travel): View<HistoryEntry> {
  const line = make('summary')
  const details = listView()
  const back = button('Rewind to here', () => rewind(seq))
  const copy = button('Fork from here', () => fork(seq))
  const element = make('details', {}, line, make('div', { class: 'bar' }, back, copy), details.element)
  let latest: HistoryEntry | undefined
  element.addEventListener('toggle', () => {
    if (element.open) details.show(latest)
  })
  return {
    element,
    show(entry) {
      if (entry.type !== latest?.type || sizeOf(entry) !== sizeOf(latest)) write(line, lineOf(entry))
      latest = entry
      if (element.open) details.show(entry)
    },
  }
}

/** How many writes it has. Nothing else of its line can change but its type, when it is where the history begins now. */
function sizeOf(entry: HistoryEntry): number {
  const ops = entry['ops']
  return Array.isArray(ops) ? ops.length : 0
}

/** An entry in a line: its number, the time of day, and the names in it. */
function lineOf(entry: HistoryEntry): string {
  // The key of an ask says what its event says.
  const key = entry.event === undefined && entry['key']
  const names = [entry['point'], entry['step'], key, ...pathsOf(entry['ops']), ...typesOf(entry)]
  return [
    `#${entry.seq}`,
    timeOf(entry.at),
    entry.type,
    ...new Set(names.filter((it) => typeof it === 'string')),
  ].join(' ')
}

/** The time of day. */
export function timeOf(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour12: false })
}

/** The paths that a write has touched. The whole state has none. */
function pathsOf(ops: unknown): unknown[] {
  if (!Array.isArray(ops)) return []
  return ops.map(([kind, path]: readonly unknown[]) => {
    if (kind === 'replace') return kind
    return Array.isArray(path) ? path.join('.') : path
  })
}

/** The events that came in, or went out. */
function typesOf({ event, ...entry }: HistoryEntry): unknown[] {
  const out = [entry['emits'], entry['sends']].filter((it) => Array.isArray(it)).flat()
  return [event, ...out].map((it: { readonly type?: unknown } | undefined) => it?.type)
}
