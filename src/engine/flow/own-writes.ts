import type { Op } from '../../state/op'
import type { CompiledSchema } from '../../state/schema'
import { towards } from '../../state/towards'
import type { FlowCode } from './code'
import { emptied, overwritten } from '../tenure'
import { sameContent } from '../../state/same'
import { Tree } from '../../state/tree'
import { hasAll, isNamed, named, shareAny, type LoadedFlow, type NamedWrite } from '../../storage/flow'
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

  /**
   * Storage was emptied: what the page holds is stored again, before all else. It takes the place of what a page that held less
   * was faster to store. What a page that knew nothing of it has written goes over it. `onError` hears of all that, once.
   */
  owe(
    { state, applied: lost }: LoadedFlow,
    { initial, definition }: FlowCode,
    onError: (error: unknown) => void,
  ): void {
    const of = `flow state of workflow "${definition.name}"`
    let isTold = false
    const change: Change = (view, names) => {
      const root = view.root()
      const isOlder = shareAny(lost, names)
      const made = hasAll(lost, names) ? state : isOlder ? root : overlaid(state, root, initial)
      const paths = isTold ? [] : missing(state, made, initial)
      isTold ||= paths.length > 0
      if (paths.length > 0) onError(overwritten(of, paths))
      return towards(made, root, [])
    }
    this.#pending.unshift({ ...none, lost, by: '', n: 0, change, ops: [], tried: deferred<void>() })
    onError(emptied(of))
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

  /** Those with these names are stored. */
  stored(names: readonly string[]): void {
    this.settle((it) => (it.n > 0 ? isNamed(names, it) : hasAll(names, it.lost)))
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

/** A state with all that another one has, besides what each begins with. */
function overlaid(state: unknown, other: unknown, initial: unknown): unknown {
  const both = new Tree(state)
  both.apply(towards(other, initial, []))
  return both.root()
}

/** The paths of what a state has, besides what each begins with, and another one lacks. */
function missing(state: unknown, other: unknown, initial: unknown): string[] {
  const begins = towards(initial, other, [])
  return towards(state, other, [])
    .filter((it) => it[0] === 'set' || (it[0] === 'splice' && it[4].length > 0))
    .filter((it) => !begins.some((one) => sameContent(one, it)))
    .map((it) => String(it[1]))
}
