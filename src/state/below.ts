import { keyOf, Node } from './node'

/** The nodes below one that has several. Those of a list's items are in a list, which takes a sixth of what a map takes. */
export class Below {
  readonly #items: Node[] = []
  #others: Map<string | number, Node> | undefined

  get(key: string | number): Node | undefined {
    return (typeof key === 'number' ? this.#items[key] : undefined) ?? this.#others?.get(key)
  }

  add(node: Node): void {
    const { key } = node
    // A list of a million places is not made for two at its end.
    if (typeof key === 'number' && key < 2 * this.#items.length + 100) this.#items[key] = node
    else (this.#others ??= new Map()).set(key, node)
  }

  all(): readonly Node[] {
    return [...this.#items.filter(Boolean), ...(this.#others?.values() ?? [])]
  }
}

/** The node below another one at a key. */
export function nodeBelow({ below }: Node, name: string | number): Node | undefined {
  const key = keyOf(name)
  if (below instanceof Node) return below.key === key ? below : undefined
  return below?.get(key)
}

export function nodesBelow({ below }: Node): readonly Node[] {
  return below instanceof Node ? [below] : (below?.all() ?? [])
}

/** Puts a node below its parent. */
export function link(node: Node, parent: Node): Node {
  const { below } = parent
  if (below === undefined) parent.below = node
  else if (below instanceof Node) {
    parent.below = new Below()
    parent.below.add(below)
    parent.below.add(node)
  } else below.add(node)
  return node
}
