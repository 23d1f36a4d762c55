import { link, Node, untouched } from './node'
import type { OpPath } from './op'
import { keysOf, textOf, toPath, type Path } from './path'

const MOST = 50_000

/** The nodes of a tree, by the text of their path. The one that was asked for last is mostly asked for next. */
export class Nodes {
  readonly root: Node = new Node('', undefined, '')
  readonly #dotted = new Map<string, Node>()
  /** Apart, so that their texts are not taken for dotted ones. */
  readonly #segmented = new Map<string, Node>()
  #last: Node = this.root
  #most = MOST

  /** The node of what a user names: dotted text or segments. Throws a PathError for what is no path. */
  named(input: string | readonly (string | number)[]): Node {
    if (typeof input !== 'string') return this.#place(toPath(input))
    if (this.#last.id === input) return this.#last
    const known = this.#dotted.get(input)
    return known ? (this.#last = known) : this.#place({ id: input, keys: keysOf(input) })
  }

  /** The node of a path. */
  of(path: Path): Node {
    return path === this.#last
      ? this.#last
      : typeof path.id === 'string'
        ? this.named(path.id)
        : this.#place(path)
  }

  /** The node of a list's item, if there is one. */
  item({ id }: Node, index: number): Node | undefined {
    return this.#find(typeof id !== 'string' ? [...id, String(index)] : id && `${id}.${index}`)
  }

  #place({ id, keys }: Pick<Path, 'id' | 'keys'>): Node {
    return (this.#last = this.#find(id) ?? this.#grow(id, keys))
  }

  #find(id: OpPath): Node | undefined {
    if (typeof id !== 'string') return this.#segmented.get(textOf(id))
    return id === '' ? this.root : this.#dotted.get(id)
  }

  #grow(id: OpPath, keys: readonly string[]): Node {
    if (this.#size >= this.#most) this.#sweep()
    const key = keys.at(-1) as string
    const above = keys.slice(0, -1)
    const up = typeof id === 'string' ? id.slice(0, -1 - key.length) : toPath(above).id
    const node = new Node(id, this.#find(up) ?? this.#grow(up, above), key)
    this.#keep(node)
    return node
  }

  get #size(): number {
    return this.#dotted.size + this.#segmented.size
  }

  #keep(node: Node): void {
    if (typeof node.id === 'string') this.#dotted.set(node.id, node)
    else this.#segmented.set(node.text, node)
  }

  /** What nobody listens to is forgotten; a node that is gone is made again when its path is named. */
  #sweep(): void {
    const all = [this.root, ...this.#dotted.values(), ...this.#segmented.values()]
    for (const it of all) it.first = undefined
    this.#dotted.clear()
    this.#segmented.clear()
    this.#last = this.root
    for (const it of all)
      if (it.listeners || it.before !== untouched)
        for (let node = it; node.parent && !this.#find(node.id); node = node.parent) {
          this.#keep(node)
          link(node, node.parent)
        }
    this.#most = Math.max(MOST, 2 * this.#size)
  }
}
