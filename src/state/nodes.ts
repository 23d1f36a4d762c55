import { link, nodeBelow, nodesBelow } from './below'
import { disown, FORGOTTEN, isHeard, Node } from './node'
import { toPath, type Path } from './path'

const MOST = 50_000

/** The nodes of a tree. The one that was asked for last is mostly asked for next. */
export class Nodes {
  readonly root: Node = new Node(undefined, '')
  /** Those that were named by a text. */
  readonly #named = new Map<string, Node>()
  #last: Node
  /** Whether the node that was asked for last came after its predecessor the last time, too. */
  #inOrder = false
  #count = 0
  #most = MOST

  constructor() {
    // Not where it is declared: the CommonJS build sets private fields before the others.
    this.#last = this.root
  }

  /**
   * The node of what a user names: dotted text or segments. Throws a PathError for what is no path. `anew`: the text was put
   * together just now and goes with the call. Then it is not kept, as going from key to key takes no longer than a look-up.
   */
  named(input: string | readonly (string | number)[], anew?: boolean): Node {
    if (typeof input !== 'string') return (this.#last = this.#ofSegments(input))
    const last = this.#last
    const { after } = last
    // Components render again in the same order, and loops write in it. Comparing two texts takes a quarter of the time of
    // looking up a text that was put together just now.
    if (this.#inOrder && after?.name === input) return (this.#last = after)
    if (last.name === input) return last
    const found = anew ? this.#ofText(input) : (this.#named.get(input) ?? this.#keep(input))
    this.#inOrder = found === after
    return (this.#last = last.after = found)
  }

  /** The node of a checked path. A node may be that of another tree, or one that was forgotten meanwhile. */
  of(path: Path): Node {
    if (path === this.#last) return path as Node
    const isHere = path instanceof Node && path.moment !== FORGOTTEN && topOf(path) === this.root
    return isHere ? (this.#last = path) : this.named(path.id)
  }

  #keep(text: string): Node {
    const node = this.#ofText(text)
    this.#named.set((node.name = text), node)
    return node
  }

  #ofText(text: string): Node {
    let node: Node | undefined = this.root
    for (let start = 0, dot = text ? 0 : -1; node && dot >= 0; start = dot + 1) {
      dot = text.indexOf('.', start)
      const key = text.slice(start, dot < 0 ? undefined : dot)
      // Segments may be empty.
      node = key ? nodeBelow(node, key) : undefined
    }
    return node ?? this.#grow(toPath(text))
  }

  #ofSegments(segments: readonly (string | number)[]): Node {
    let node: Node | undefined = Array.isArray(segments) ? this.root : undefined
    for (let at = 0; node && at < segments.length; at++) node = nodeBelow(node, segments[at] as string)
    return node ?? this.#grow(toPath(segments))
  }

  #grow({ keys }: Path): Node {
    this.#makeRoom()
    let node = this.root
    for (const key of keys) node = nodeBelow(node, key) ?? this.#make(node, key)
    return node
  }

  #make(parent: Node, key: string): Node {
    this.#count++
    return link(new Node(parent, key), parent)
  }

  /** When there are too many, forgets the nodes that nobody listens to; they are made again when they are named. */
  #makeRoom(): void {
    if (this.#count < this.#most) return
    this.#named.clear()
    this.#last = this.root
    this.#count = 0
    this.#prune(this.root)
    this.#most = Math.max(MOST, 2 * this.#count)
  }

  #prune(node: Node): void {
    const all = nodesBelow(node)
    node.below = node.after = undefined
    for (const it of all) {
      this.#prune(it)
      if (it.below || isHeard(it) || it.batch?.isOpen) {
        this.#count++
        link(it, node)
      } else disown(it, FORGOTTEN)
    }
  }
}

function topOf(node: Node): Node {
  let top = node
  while (top.parent) top = top.parent
  return top
}
