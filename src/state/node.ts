import type { Below } from './below'
import type { OpPath } from './op'
import { listIndex, textOf, toPath, type Path } from './path'
import type { Cell, Show } from './store'
import type { Listener, Subscription } from './subscription'
import { at, type Container } from './view'

/** No change since the last notification. */
export const untouched: unique symbol = Symbol('untouched')

/** The `moment` of a node that its tree no longer keeps: another node has its path. */
export const FORGOTTEN = 0x3fffffff

/** What a batch leaves at the nodes of its writes and above them, so that they are kept while it is open. */
export interface Mark {
  isOpen: boolean
}

/**
 * One place of one tree. From here it is pointers: up to the root, and down to what has listeners or was written below. Half of
 * the nodes of a page only lead to others: what they do not need is in {@link Asked}.
 */
export class Node implements Path {
  readonly parent: Node | undefined
  /** The container at this place, made by a write at that `moment` and changed in place from then on. */
  own: Container | undefined
  /** If there is none: nothing here or below is owned that was made before this; it was handed out, or replaced. */
  moment = 0
  asked: Asked | undefined
  /** The last key; a number when it can be an index of a list. */
  readonly key: string | number
  /** The nodes one level down: mostly there is one. */
  below: Node | Below | undefined
  /** Its id, once it was written or named by a text that is kept. */
  name: OpPath | undefined
  /** The node that was asked for right after this one, the last time. */
  after: Node | undefined
  /** The last batch that has written here or below. */
  batch: Mark | undefined

  constructor(parent: Node | undefined, key: string) {
    this.parent = parent
    this.key = keyOf(key)
  }

  get id(): OpPath {
    return (this.name ??= toPath(this.keys).id)
  }

  get keys(): readonly string[] {
    return this.parent ? [...this.parent.keys, String(this.key)] : []
  }

  get text(): string {
    return textOf(this.id)
  }
}

/** What a node has whose path somebody asks for. */
export class Asked {
  /** Mostly there is one listener; `null` before there was any, `undefined` once it has left. */
  listener: Listener | null | undefined = null
  others: Set<Subscription> | undefined
  /** The value before the changes since the last notification; `deep` when only something below has changed. */
  before: unknown = untouched
  /** What components hold of this path: see {@link Cell}. */
  show: Show | undefined
  set: Cell['set'] | undefined
}

/** A number for the text of what can be an index of a list. */
export function keyOf(key: string | number): string | number {
  const index = typeof key === 'string' ? listIndex(key) : key
  return index === -1 ? key : index
}

export function askedOf(node: Node): Asked {
  return (node.asked ??= new Asked())
}

/** Whether somebody listens at a node. */
export function isHeard({ asked }: Node): boolean {
  return asked !== undefined && (asked.listener != null || (asked.others?.size ?? 0) > 0)
}

/** Whether the container that a node owns may still be changed in place. */
export function isOwned({ own, moment, parent }: Node): boolean {
  if (own === undefined) return false
  for (let above = parent; above; above = above.parent) if (above.moment > moment) return false
  return true
}

/** From this moment on nothing at a node or below it is owned. */
export function disown(node: Node, moment: number): void {
  node.own = undefined
  node.moment = moment
}

/** What a container holds at a node's key. */
export function childAt(container: unknown, { key }: Node): unknown {
  return at(container, key)
}
