import { FORGOTTEN, link, Node, untouched } from './node'
import { checkKey, MOST_SEGMENTS, textOf, toPath, type Path } from './path'

const MOST = 50_000

/** The nodes of a tree, by the text of their path. The one that was asked for last is mostly asked for next. */
export class Nodes {
  readonly root: Node = new Node('', undefined, '')
  readonly #dotted = new Map<string, Node>()
  /** Apart, so that their texts are not taken for dotted ones. */
  readonly #segmented = new Map<string, Node>()
  #last: Node
  /** Whether the one that was asked for last was the one that came after its predecessor before. */
  #inOrder = false
  #most = MOST

  constructor() {
    // Not where it is declared: what makes CommonJS of this sets private fields before the others.
    this.#last = this.root
  }

  /** The node of what a user names: dotted text or segments. Throws a PathError for what is no path. */
  named(input: string | readonly (string | number)[]): Node {
    if (typeof input !== 'string') return this.of(toPath(input))
    const last = this.#last
    if (last.id === input) return last
    const { after } = last
    // Components render in the same order again, and loops write in it: to compare two texts takes a quarter of the time
    // that a look-up of a text takes which was put together just now.
    if (this.#inOrder && after?.id === input) return (this.#last = after)
    const found = this.#dotted.get(input) ?? (input === '' ? this.root : this.#grow(input, input))
    this.#inOrder = found === after
    return (this.#last = last.after = found)
  }

  /** The node of a checked path. */
  of(path: Path): Node {
    if (path === this.#last) return this.#last
    const { id } = path
    if (typeof id === 'string') return this.named(id)
    return (this.#last = this.#segmented.get(path.text) ?? this.#growSegmented(id))
  }

  /** The node of a path whose node one holds: another one when that was forgotten meanwhile. */
  held(node: Node): Node {
    return node.cut === FORGOTTEN ? this.of(node) : (this.#last = node)
  }

  /** The node of a list's item, if there is one. */
  item({ id }: Node, index: number): Node | undefined {
    if (typeof id !== 'string') return this.#segmented.get(textOf([...id, String(index)]))
    return this.#dotted.get(id === '' ? String(index) : `${id}.${index}`)
  }

  /** Checks every key before it makes any node; `whole` is the path that was named. */
  #grow(id: string, whole: string): Node {
    this.#makeRoom()
    // It may have too many keys, which are not counted here.
    if (id.length > MOST_SEGMENTS) toPath(whole)
    const end = id.lastIndexOf('.')
    const key = id.slice(end + 1)
    checkKey(key, whole)
    const above = id.slice(0, Math.max(end, 0))
    const parent = end < 0 ? this.root : (this.#dotted.get(above) ?? this.#grow(above, whole))
    return this.#keep(new Node(id, parent, key))
  }

  #growSegmented(keys: readonly string[]): Node {
    this.#makeRoom()
    const parent = this.of(toPath(keys.slice(0, -1)))
    return this.#keep(new Node(keys, parent, keys.at(-1) as string))
  }

  #keep(node: Node): Node {
    link(node)
    this.#among(node).set(node.text, node)
    return node
  }

  #among({ id }: Node): Map<string, Node> {
    return typeof id === 'string' ? this.#dotted : this.#segmented
  }

  /** Of too many, those that nobody listens to are forgotten: they are made again when they are named. */
  #makeRoom(): void {
    if (this.#dotted.size + this.#segmented.size < this.#most) return
    const all = [...this.#dotted.values(), ...this.#segmented.values()]
    for (const it of [this.root, ...all]) it.first = it.after = undefined
    this.#dotted.clear()
    this.#segmented.clear()
    this.#last = this.root
    const isKept = (it: Node): boolean => this.#among(it).get(it.text) === it
    for (const it of all)
      if (it.listeners || it.before !== untouched || it.batch?.isOpen)
        for (let node = it; node.parent && !isKept(node); node = node.parent) this.#keep(node)
    for (const it of all) if (!isKept(it)) it.cut = FORGOTTEN
    this.#most = Math.max(MOST, 2 * (this.#dotted.size + this.#segmented.size))
  }
}
