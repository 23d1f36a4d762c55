import type { OpPath } from './op'
import { listIndex, textOf, type Path } from './path'
import type { Cell, Show } from './store'
import type { Subscription } from './subscription'
import { at, type Container } from './view'

/** No change since the last notification. */
export const untouched: unique symbol = Symbol('untouched')

/** The `cut` of a node that its tree no longer keeps: another node has its path. */
export const FORGOTTEN = 0x3fffffff

/** What a batch leaves at the nodes of its writes and above them, so that they are kept while it is open. */
export interface Mark {
  isOpen: boolean
}

/**
 * One path of one tree, with everything that the tree knows about that place. One look-up of the path finds it; from there it
 * is pointers: up to the root, and down to what has listeners or was written below.
 */
export class Node implements Path {
  readonly id: OpPath
  readonly parent: Node | undefined
  /** The last key; a number when it can be an index of a list. */
  readonly key: string | number
  /** Since this moment nothing here or below is owned: it was handed out, or replaced by another value. */
  cut = 0
  /** Mostly there is one. */
  listeners: Subscription | Set<Subscription> | undefined
  /** The value before the changes since the last notification; `deep` when only something below has changed. */
  before: unknown = untouched
  /** The nodes one level down: the first of them, and then from one to the next. */
  first: Node | undefined
  /** The container at this place, made by a write `since` that moment and changed in place from then on. */
  own: Container | undefined
  since = 0
  /** The node that was asked for right after this one, the last time. */
  after: Node | undefined
  /** The last batch that has written here or below. */
  batch: Mark | undefined
  /** What components hold of this path: see {@link Cell}. */
  show: Show | undefined
  set: Cell['set'] | undefined
  next: Node | undefined

  constructor(id: OpPath, parent: Node | undefined, key: string) {
    const index = listIndex(key)
    this.id = id
    this.parent = parent
    this.key = index < 0 ? key : index
    this.link()
  }

  /** Puts it below its parent. */
  link(): void {
    const { parent } = this
    if (!parent) return
    this.next = parent.first
    parent.first = this
  }

  get keys(): readonly string[] {
    return this.parent ? [...this.parent.keys, String(this.key)] : []
  }

  get text(): string {
    return textOf(this.id)
  }
}

/** Whether the container that a node owns may still be changed in place. */
export function isOwned({ own, since, parent, cut }: Node): boolean {
  if (own === undefined || cut > since) return false
  for (let above = parent; above; above = above.parent) if (above.cut > since) return false
  return true
}

/** What a container holds at a node's key. */
export function childAt(container: unknown, { key }: Node): unknown {
  return at(container, key)
}
