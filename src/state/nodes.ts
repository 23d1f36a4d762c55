import { FORGOTTEN, Node, untouched } from './node'
import type { OpPath } from './op'
import { checkKey, dottedText, MOST_SEGMENTS, parentOf, textOf, toPath, type Path } from './path'

const MOST = 50_000

/** The nodes of a tree, by the text of their path. The one that was asked for last is mostly asked for next. */
export class Nodes {
  readonly root: Node = new Node('', undefined, '')
  readonly #all = new Map<string, Node>()
  #last: Node
  /** Whether the node that was asked for last came after its predecessor the last time, too. */
  #inOrder = false
  #most = MOST

  constructor() {
    // Not where it is declared: the CommonJS build sets private fields before the others.
    this.#last = this.root
  }

  /** The node of what a user names: dotted text or segments. Throws a PathError for what is no path. */
  named(input: string | readonly (string | number)[]): Node {
    if (typeof input !== 'string') {
      if (Array.isArray(input) && isNamedBy(this.#last, input)) return this.#last
      const text = dottedText(input)
      return text === '' ? this.of(toPath(input)) : this.named(text)
    }
    const last = this.#last
    const { after } = last
    // Components render again in the same order, and loops write in it. Comparing two texts takes a quarter of the time of
    // looking up a text that was put together just now.
    if (this.#inOrder && after?.id === input) return (this.#last = after)
    if (last.id === input) return last
    const found = this.#dotted(input) ?? (input === '' ? this.root : this.#grow(input, input))
    this.#inOrder = found === after
    return (this.#last = last.after = found)
  }

  /** The node of a checked path. */
  of(path: Path): Node {
    if (path === this.#last) return this.#last
    const { id } = path
    if (typeof id === 'string') return this.named(id)
    return (this.#last = this.#all.get(path.text) ?? this.#growSegmented(path, id))
  }

  /** The present node of a held node's path: another one when the held one was forgotten meanwhile. */
  held(node: Node): Node {
    return node.cut === FORGOTTEN ? this.of(node) : (this.#last = node)
  }

  /** The node of a list's item, if there is one. */
  item({ id }: Node, index: number): Node | undefined {
    return this.#all.get(typeof id === 'string' ? (id && `${id}.`) + index : textOf([...id, String(index)]))
  }

  /** Checks a dotted text, which may look like a text by which segments are kept. */
  #dotted(text: string): Node | undefined {
    const found = this.#all.get(text)
    return typeof found?.id === 'string' ? found : undefined
  }

  /** Checks every key before it makes any node; `whole` is the path that was named. */
  #grow(id: string, whole: string): Node {
    this.#makeRoom()
    // The path may have too many keys, which are not counted here.
    if (id.length > MOST_SEGMENTS) toPath(whole)
    const end = id.lastIndexOf('.')
    const key = id.slice(end + 1)
    checkKey(key, whole)
    const above = id.slice(0, Math.max(end, 0))
    return this.#keep(id, end < 0 ? this.root : (this.#dotted(above) ?? this.#grow(above, whole)), key)
  }

  #growSegmented(path: Path, id: readonly string[]): Node {
    this.#makeRoom()
    return this.#keep(id, this.of(parentOf(path)), id.at(-1) as string)
  }

  #keep(id: OpPath, parent: Node, key: string): Node {
    const node = new Node(id, parent, key)
    this.#all.set(node.text, node)
    return node
  }

  /** When there are too many, forgets the nodes that nobody listens to; they are made again when they are named. */
  #makeRoom(): void {
    if (this.#all.size < this.#most) return
    const all = [...this.#all.values()]
    this.#all.clear()
    for (const it of [(this.#last = this.root), ...all]) it.first = it.after = undefined
    // From behind, because a node with a kept node below it is kept as well.
    const kept = all.reverse().filter((it) => {
      const isKept = it.first || it.listeners || it.before !== untouched || it.batch?.isOpen
      if (isKept) it.link()
      else it.cut = FORGOTTEN
      return isKept
    })
    for (const it of kept.reverse()) this.#all.set(it.text, it)
    this.#most = Math.max(MOST, 2 * kept.length)
  }
}

/** Whether segments lead to a node. One token after the other goes to one place, so no text need be made to see that. */
function isNamedBy(node: Node, segments: readonly unknown[]): boolean {
  let here = node
  for (let at = segments.length - 1; at >= 0; at--) {
    if (here.parent === undefined || here.key !== segments[at]) return false
    here = here.parent
  }
  return here.parent === undefined
}
