import { PathError } from '../errors'
import { isForbidden, listIndex } from './path'

type Box = Record<PropertyKey, unknown>

/** One object or list that was reached through the draft. */
interface Node {
  /** What it was: never written to. */
  readonly base: Box
  /** What it is: a shallow copy, and the target of the proxy, so that a frozen base binds no trap. */
  readonly copy: Box
  readonly proxy: Box
  /** Came in by an assignment, so drafts may hide anywhere inside. */
  readonly foreign: boolean
  result?: Box
}

/**
 * A draft of plain data: write to it as to a mutable value, the data it was made of stays as it is.
 * `finish` gives the new value, which shares everything untouched with the old one, and ends the draft.
 */
export function draftOf(root: unknown): { readonly draft: unknown; finish(): unknown } {
  const session = new Drafting()
  const node = session.open(root, false)
  return { draft: node ? node.proxy : root, finish: () => (node ? session.close(node) : root) }
}

class Drafting {
  /** By proxy and by copy. */
  readonly #nodes = new WeakMap<object, Node>()
  /** By the assigned object: the same one in two places, or inside itself, is one node. */
  readonly #assigned = new WeakMap<object, Node>()

  readonly #handler: ProxyHandler<Box> = {
    get: (copy, key) => this.#read(copy, key),
    getOwnPropertyDescriptor: (copy, key) => {
      this.#read(copy, key)
      return Reflect.getOwnPropertyDescriptor(copy, key)
    },
    set: (copy, key, value) => {
      if (typeof key === 'symbol' || isForbidden(key) || (Array.isArray(copy) && !isListKey(key))) {
        return refuse(copy, key)
      }
      return Reflect.set(copy, key, value)
    },
    defineProperty: refuse,
    setPrototypeOf: (copy) => refuse(copy, '__proto__'),
    preventExtensions: refuse,
  }

  open(value: unknown, foreign: boolean): Node | undefined {
    if (!isPlain(value)) return undefined
    const known = this.#nodes.get(value) ?? (foreign ? this.#assigned.get(value) : undefined)
    if (known) return known
    const copy = (Array.isArray(value) ? value.slice() : { ...value }) as Box
    const node: Node = { base: value, copy, proxy: new Proxy(copy, this.#handler), foreign }
    this.#nodes.set(copy, node).set(node.proxy, node)
    if (foreign) this.#assigned.set(value, node)
    return node
  }

  close(node: Node): Box {
    const result = this.#finish(node)
    for (const trap of Object.getOwnPropertyNames(Reflect)) Reflect.set(this.#handler, trap, ended)
    return result
  }

  #read(copy: Box, key: PropertyKey): unknown {
    // What is inherited under these names leads to the prototypes of everything else.
    if (typeof key === 'string' && isForbidden(key)) return undefined
    if (!Object.hasOwn(copy, key)) return copy[key]
    const child = this.#child(copy, key)
    return child ? (copy[key] = child.proxy) : copy[key]
  }

  #child(copy: Box, key: PropertyKey): Node | undefined {
    const parent = this.#nodes.get(copy)
    return this.open(copy[key], !parent || parent.foreign || parent.base[key] !== copy[key])
  }

  #finish(node: Node): Box {
    // A node that holds itself stays a cycle: the write refuses it by name.
    if (node.result) return node.result
    const { base, copy } = node
    node.result = copy
    const keys = Object.keys(copy)
    let same = keys.length === Object.keys(base).length && copy['length'] === base['length']
    for (const key of keys) {
      if (node.foreign || copy[key] !== base[key]) {
        const child = this.#child(copy, key)
        if (child) copy[key] = this.#finish(child)
      }
      same &&= Object.hasOwn(base, key) && Object.is(copy[key], base[key])
    }
    return (node.result = same ? base : copy)
  }
}

function isPlain(value: unknown): value is Box {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}

function isListKey(key: string): boolean {
  return key === 'length' || listIndex(key) >= 0
}

function refuse(_copy: object, key: PropertyKey = ''): never {
  throw new PathError(String(key), 'a draft takes plain keys and list indices, by assignment only')
}

function ended(): never {
  throw new TypeError('this draft has ended with its edit; start another edit')
}
