import type { Path } from './path'
import { at } from './view'

export type Listener = () => void

/** A path that somebody listens to, or that leads to one. */
interface Node {
  readonly key: string
  readonly parent: Node | undefined
  /** The whole path, once somebody listens to it. */
  keys: readonly string[] | undefined
  children: Map<string, Node> | undefined
  /** Replaced, never changed: a pass over it is not disturbed by who comes and goes. */
  listeners: readonly Listener[] | undefined
  /** Touched since the last pass: the value before, or `deep` when something below it changed. */
  before: unknown
}

const untouched = Symbol('untouched')
const deep = Symbol('deep')
type Report = (error: unknown) => void

/**
 * Who listens to which path, as a trie. A write walks down its own path and into what it replaced: its cost is
 * its depth and those who are told, never all who listen.
 */
export class Subscribers {
  readonly #root: Node = node('', undefined)
  #touched: Node[] = []
  #passing = false
  readonly #report: Report

  constructor(report: Report = reportLater) {
    this.#report = report
  }

  get pending(): boolean {
    return this.#touched.length > 0
  }

  subscribe(path: Path, listener: Listener): () => void {
    let place = this.#root
    for (const key of path.keys) {
      place.children ??= new Map()
      let next = place.children.get(key)
      if (next === undefined) place.children.set(key, (next = node(key, place)))
      place = next
    }
    // A function of its own, so that one listener may come twice and leave once.
    const own: Listener = () => listener()
    place.keys = path.keys
    place.listeners = place.listeners ? [...place.listeners, own] : [own]
    return () => leave(place, own)
  }

  /** Something at `keys` was `before` and is `after` now; both may be containers. */
  touch(keys: readonly string[], before: unknown, after: unknown): void {
    let place = this.#root
    for (const key of keys) {
      this.#mark(place, deep)
      const next = place.children?.get(key)
      if (next === undefined) return
      place = next
    }
    this.#compare(place, before, after)
  }

  /** Touches everybody under `place` whose value differs; what is the same object is the same all the way down. */
  #compare(place: Node, before: unknown, after: unknown): void {
    if (Object.is(before, after)) return
    this.#mark(place, before)
    if (place.children)
      for (const [key, child] of place.children) this.#compare(child, at(before, key), at(after, key))
  }

  /** Tells everybody whose value changed since the last pass. What listeners write comes in a pass after it. */
  flush(read: (keys: readonly string[]) => unknown): void {
    if (this.#passing) return
    this.#passing = true
    try {
      while (this.#touched.length > 0) {
        const pass = this.#touched
        this.#touched = []
        for (const place of pass) this.#tell(place, read)
      }
    } finally {
      this.#passing = false
    }
  }

  #tell(place: Node, read: (keys: readonly string[]) => unknown): void {
    const { before, listeners } = place
    place.before = untouched
    if (
      listeners === undefined ||
      (before !== deep && Object.is(before, read(place.keys as readonly string[])))
    )
      return
    for (const listener of listeners) {
      // An earlier one may have unsubscribed it.
      if (place.listeners !== listeners && !place.listeners?.includes(listener)) continue
      try {
        listener()
      } catch (error) {
        this.#report(error)
      }
    }
  }

  #mark(place: Node, before: unknown): void {
    if (place.listeners === undefined) return
    // The first word stands: it is what the listener last saw.
    if (place.before !== untouched) return
    this.#touched.push(place)
    place.before = before
  }
}

function node(key: string, parent: Node | undefined): Node {
  return { key, parent, keys: undefined, children: undefined, listeners: undefined, before: untouched }
}

function leave(place: Node, listener: Listener): void {
  const left = place.listeners?.filter((it) => it !== listener) ?? []
  place.listeners = left.length > 0 ? left : undefined
  // A path that nobody listens to any more leaves nothing behind; one that came back has a place of its own.
  for (let it = place; it.parent && it.listeners === undefined && !it.children?.size; it = it.parent)
    if (it.parent.children?.get(it.key) === it) it.parent.children.delete(it.key)
}

declare const reportError: ((error: unknown) => void) | undefined

/** An error of a listener is nobody's to catch: it surfaces as the platform shows such errors. */
export function reportLater(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else
    queueMicrotask(() => {
      throw error
    })
}
