import type { Op } from '../../state/op'
import type { CompiledSchema } from '../../state/schema'
import { towards } from '../../state/towards'
import type { Tree } from '../../state/tree'
import { hasAll, isNamed, named, type NamedWrite } from '../../storage/flow'
import { deferred, type Deferred } from '../../session/deferred'

/** Makes the operations of a write for a given state, which was made of the writes with these names. */
export type Change = (view: Tree, names: readonly string[]) => readonly Op[]

/** A write that is not known to be stored. */
export interface OwnWrite extends NamedWrite {
  readonly change: Change
  /** The operations that it made last. */
  ops: readonly Op[]
  /** Resolves when it may be stored. The execution that makes it must be stored first, else a crash would make it again. */
  after: Promise<void> | undefined
  /** Resolves when it is stored, or storage has failed: trouble there never stops a flow. */
  readonly tried: Deferred<void>
  /** The names of the lost writes that it makes again. It has none itself, so others see that no other write came with it. */
  readonly lost: readonly string[]
}

/** This page's writes to a flow state that are not known to be stored, in order. */
export class OwnWrites {
  /** Names this page in what is stored. */
  readonly page: string
  #pending: OwnWrite[] = []
  #count = 0

  constructor(page: string) {
    this.page = page
  }

  get all(): readonly OwnWrite[] {
    return this.#pending
  }

  /** The name of the newest. */
  get newest(): string {
    return `${this.page}#${this.#count}`
  }

  add(ops: readonly Op[], change: Change, of?: Partial<OwnWrite>): OwnWrite {
    const write = { by: this.page, n: ++this.#count, ...none, ...of, change, ops, tried: deferred<void>() }
    this.#pending.push(write)
    return write
  }

  /** Earlier writes of other pages, under their own names. They come before this page's own. */
  inherit(left: readonly Pick<OwnWrite, 'by' | 'n' | 'ops'>[]): void {
    const all = left.map((it) => ({ ...it, ...none, change: () => it.ops, tried: deferred<void>() }))
    const own = this.#pending.findIndex((it) => it.by === this.page)
    this.#pending.splice(own < 0 ? this.#pending.length : own, 0, ...all)
  }

  /** A write that makes lost ones again. It comes before all others. */
  recover(write: Pick<OwnWrite, 'lost' | 'change'>): void {
    this.#pending.unshift({ ...none, ...write, by: '', n: 0, ops: [], tried: deferred<void>() })
  }

  /** The names to store with these writes, when those were read. */
  names(read: readonly string[], batch: readonly OwnWrite[]): string[] {
    const lost = batch.flatMap((it) => it.lost).filter((it) => !hasAll(read, [it]))
    return named([...lost, ...read], batch)
  }

  /** Resolves when all of them may be stored. */
  async released(): Promise<void> {
    for (let it = this.#held; it; it = this.#held) {
      await it.after
      it.after = undefined
    }
  }

  get #held(): OwnWrite | undefined {
    return this.#pending.find((it) => it.after)
  }

  /** Those with these names are stored. Returns whether there were any. */
  stored(names: readonly string[]): boolean {
    const { length } = this.#pending
    this.settle((it) => (it.n > 0 ? isNamed(names, it) : hasAll(names, it.lost)))
    return this.#pending.length < length
  }

  /** Those that are stored, or lost, are no longer kept. */
  settle(isOver: (write: OwnWrite) => boolean): void {
    const over = this.#pending.filter(isOver)
    this.#pending = this.#pending.filter((it) => !over.includes(it))
    for (const { tried } of over) tried.resolve()
  }

  /** Makes them again on top of another state. One that no longer fits is lost, and reported. */
  again(
    tree: Tree,
    names: readonly string[],
    schema: CompiledSchema,
    report: (error: unknown) => void,
  ): void {
    this.settle((write) => {
      const before = tree.root()
      try {
        write.ops = write.change(tree, names)
        tree.apply(write.ops)
        const root = tree.root()
        // What another page has left was made for another state. A field that only newer code knows stays.
        tree.apply(towards(schema.initial(root), root, []).filter(([kind]) => kind !== 'delete'))
        return false
      } catch (error) {
        tree.restore(before)
        report(error)
        return true
      }
    })
  }

  /** Storage is in trouble: nobody has to wait any longer. */
  tried(): void {
    for (const { tried } of this.#pending) tried.resolve()
  }
}

const none = { key: undefined, after: undefined, lost: [] }
