import { make, write, type View } from './element'
import { pagesView } from './pages'

/** A longer text is cut: the page shows it, the inspector says where it is. */
const MOST_LETTERS = 200

/** A value under a name, to be opened as deep as somebody looks. What has kept its identity is not drawn again. */
export function treeView(name: string): View<unknown> {
  const element = make('div')
  let inner: View<unknown> | undefined
  let shown: unknown = element
  return {
    element,
    show(value) {
      if (inner === undefined || isOpenable(value) !== isOpenable(shown)) {
        inner = isOpenable(value) ? branch(name) : leaf(name)
        element.replaceChildren(inner.element)
      }
      if (value !== shown) inner.show(value)
      shown = value
    },
  }
}

function leaf(name: string): View<unknown> {
  const text = make('span', { class: 'value' })
  return {
    element: make('div', { class: 'leaf' }, make('span', { class: 'name' }, name), ' ', text),
    show: (value) => write(text, textOf(value)),
  }
}

/** Its items are made when it is opened. */
function branch(name: string): View<unknown> {
  const size = make('span', { class: 'size' })
  const list = listView()
  const element = make('details', {}, make('summary', {}, make('span', { class: 'name' }, name), ' ', size))
  element.append(list.element)
  let latest: unknown
  element.addEventListener('toggle', () => {
    if (element.open) list.show(latest)
  })
  return {
    element,
    show(value) {
      latest = value
      write(size, sizeOf(value))
      if (element.open) list.show(value)
    },
  }
}

/** The items of a list or an object. */
export function listView(): View<unknown> {
  const { element, show } = pagesView(treeView)
  return { element, show: (value) => show(itemsOf(value)) }
}

function isOpenable(value: unknown): boolean {
  return countOf(value) > 0
}

/** How many items there are; nobody may look at them. */
function countOf(value: unknown): number {
  if (Array.isArray(value)) return value.length
  if (value instanceof Map || value instanceof Set) return value.size
  return isRecord(value) ? Object.keys(value as object).length : 0
}

/** What a value holds by name or number. Files, dates and others are shown as what they are. */
function itemsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.map((it: unknown, index) => [String(index), it])
  // Keys that are objects may look alike.
  if (value instanceof Map)
    return [...value].map(([key, it], index) => [
      Object(key) === key ? `${index}: ${textOf(key)}` : textOf(key),
      it,
    ])
  if (value instanceof Set) return [...value].map((it, index) => [String(index), it])
  return isRecord(value) ? Object.entries(value as object) : []
}

function isRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function sizeOf(value: unknown): string {
  const count = countOf(value)
  if (Array.isArray(value)) return `[${count}]`
  return isRecord(value) ? `{${count}}` : `${kindOf(value)}(${count})`
}

/** A value in a line. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return '[]'
  if (isRecord(value)) return '{}'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof RegExp) return String(value)
  const { name, size, byteLength } = value as { name?: unknown; size?: unknown; byteLength?: unknown }
  const weight = size ?? byteLength
  return [kindOf(value), name, typeof weight === 'number' && `(${weight})`].filter(Boolean).join(' ')
}

function cut(text: string): string {
  const start = JSON.stringify(text.slice(0, MOST_LETTERS))
  return text.length <= MOST_LETTERS ? start : `${start.slice(0, -1)}… (${text.length} characters)`
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}
