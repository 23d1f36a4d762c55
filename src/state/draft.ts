import { PathError, SessionStateError } from '../errors'
import { isPlainObject } from './json'
import { isForbidden, listIndex } from './path'
import { isContainer, shallowCopy } from './view'

type Box = Record<PropertyKey, unknown>

/** One object or list that was reached through the draft. */
interface Node {
  /** The original, which is never written to. */
  readonly base: Box
  /** The present value: a shallow copy, and the target of the proxy, so that a frozen base binds no trap. */
  readonly copy: Box
  readonly proxy: Box
  /** It came in by an assignment, so drafts may hide anywhere inside. */
  readonly foreign: boolean
  /** The keys that came, went or may have another value. Nothing when the others may have moved: then all are compared. */
  touched: Set<string> | undefined
  result?: Box
}

export interface Touched {
  /** By finished object: the original, which keys may have another value, if the others are where they were, and its origin. */
  readonly nodes: ReadonlyMap<object, Readonly<Pick<Node, 'base' | 'touched' | 'foreign'>>>
  /** The originals that were reached: where one of them comes back, it has moved there as it is. */
  readonly originals?: ReadonlySet<unknown>
}

/**
 * A draft of plain data: write to it as to a mutable value; the original stays as it is. `finish` returns the new value, which
 * shares everything untouched with the old one, and ends the draft.
 */
export function draftOf(root: unknown): {
  readonly draft: unknown
  readonly touched: Required<Touched>
  finish(): unknown
} {
  const drafting = new Drafting()
  const node = drafting.open(root, false)
  return {
    touched: drafting,
    draft: node ? node.proxy : root,
    finish: () => (node ? drafting.end(node) : root),
  }
}

/** The handler of all proxies of a draft. */
class Drafting implements ProxyHandler<Box>, Required<Touched> {
  /** By proxy and by copy. An assigned object is also found by itself: in two places, or in itself, it is one node. */
  readonly nodes = new Map<object, Node>()
  readonly originals = new Set<unknown>()

  open(value: unknown, foreign: boolean): Node | undefined {
    if (!isContainer(value)) return undefined
    const known = foreign && this.nodes.get(value)
    if (known) return known
    const list = Array.isArray(value)
    if (!list && !isPlainObject(value)) return undefined
    const copy = (list ? value.slice() : shallowCopy(value)) as Box
    const touched = foreign ? undefined : new Set<string>()
    const node: Node = { base: value as Box, copy, proxy: new Proxy(copy, this), foreign, touched }
    this.nodes.set(copy, node).set(node.proxy, node)
    if (foreign) this.nodes.set(value, node)
    else this.originals.add(value)
    return node
  }

  end(node: Node): Box {
    const result = this.#finish(node)
    Object.setPrototypeOf(this, ended())
    return result
  }

  get(copy: Box, key: PropertyKey): unknown {
    // Under these names an object inherits the way to the prototypes of everything else.
    if (isForbidden(key as string)) return undefined
    const value = copy[key]
    if (!isContainer(value) || !Object.hasOwn(copy, key)) return value
    const node = this.nodes.get(copy) as Node
    const child = this.#child(node, key)
    if (!child) return value
    node.touched?.add(key as string)
    return (copy[key] = child.proxy)
  }

  getOwnPropertyDescriptor(copy: Box, key: PropertyKey): PropertyDescriptor | undefined {
    this.get(copy, key)
    return Reflect.getOwnPropertyDescriptor(copy, key)
  }

  set(copy: Box, key: PropertyKey, value: unknown): boolean {
    if (
      typeof key === 'symbol' ||
      isForbidden(key as string) ||
      (Array.isArray(copy) && key !== 'length' && listIndex(key as string) < 0)
    ) {
      throw new PathError(String(key), 'a draft takes text keys, its lists indices')
    }
    const node = this.nodes.get(copy) as Node
    // A key that comes back stands behind the others.
    if (!Object.hasOwn(copy, key) && Object.hasOwn(node.base, key)) node.touched = undefined
    node.touched?.add(key as string)
    return Reflect.set(copy, key, value)
  }

  defineProperty(copy: Box, key: PropertyKey, to: PropertyDescriptor): boolean {
    ;(this.nodes.get(copy) as Node).touched = undefined
    return Reflect.defineProperty(copy, key, to)
  }

  deleteProperty(copy: Box, key: PropertyKey): boolean {
    this.nodes.get(copy)?.touched?.add(key as string)
    return Reflect.deleteProperty(copy, key)
  }

  #child({ base, copy, foreign }: Node, key: PropertyKey): Node | undefined {
    return this.open(copy[key], foreign || base[key] !== copy[key])
  }

  #finish(node: Node): Box {
    // A node that holds itself stays a cycle: the write refuses it by name.
    if (node.result) return node.result
    const { base, copy, touched } = node
    node.result = copy
    const keys = touched ?? Object.keys(copy)
    let same =
      touched !== undefined ||
      (String(Object.keys(copy)) === String(Object.keys(base)) && copy['length'] === base['length'])
    for (const key of keys) {
      const child = node.foreign || copy[key] !== base[key] ? this.#child(node, key) : undefined
      if (child) copy[key] = this.#finish(child)
      same &&= Object.hasOwn(base, key) === Object.hasOwn(copy, key) && Object.is(copy[key], base[key])
    }
    return (node.result = same ? base : copy)
  }
}

let noTraps: object | undefined

/** A handler that lets nobody do anything any more. */
function ended(): object {
  const trap = (): never => {
    throw new SessionStateError('this draft has ended with its edit(); read the store, or edit it again')
  }
  return (noTraps ??= Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap])))
}
