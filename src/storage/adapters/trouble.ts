import { ArgumentError } from '../../errors'
import { StorageError } from '../../storage-errors'
import type { SessionStorage } from '../storage'

/** A write as `failAt` and `crashAt` see it: `discard` and `clear` count as `delete`, a part of a snapshot as `compact`. */
export interface WriteOperation {
  readonly kind: 'append' | 'compact' | 'delete' | 'flow'
  /** The session; of `clear` the prefix, of `flow` the workflow. */
  readonly id: string
}

/** Picks writes: by number, from 1, or by a predicate. */
export type WritePick = number | ((n: number, operation: WriteOperation) => boolean)

/** Trouble on demand. By default there is none. */
export interface Trouble {
  /** These writes reject with a StorageError and change nothing. */
  readonly failAt?: WritePick | undefined
  /**
   * The page dies right before this write: neither this nor any later write of its engine lands, and no call of it settles
   * any more. The next engine that reads is the next page: it finds what was stored, and has no trouble.
   */
  readonly crashAt?: WritePick | undefined
}

/** Whether a page is still there. */
export interface Life {
  dead: boolean
}

/** The pages that use one storage, one after another, and the trouble of the first. */
class Pages {
  readonly #open: (life: Life) => SessionStorage
  readonly #trouble: Trouble
  #life: Life = { dead: false }
  #writes = 0
  #newest = 0
  /** Epochs up to this one were claimed by a page that is dead; -1: no page is dead. */
  #grave = -1
  #ended = false
  page: SessionStorage

  constructor(open: (life: Life) => SessionStorage, trouble: Trouble) {
    this.#open = open
    this.#trouble = trouble
    this.page = open(this.#life)
  }

  end(): void {
    this.#life.dead = this.#ended = true
  }

  /** After a crash, whoever reads is the next page, and has no trouble. */
  next(): void {
    if (!this.#life.dead || this.#ended) return
    this.#life = { dead: false }
    this.page = this.#open(this.#life)
  }

  /** The call's answer, unless the page dies before: then it never settles. */
  heard<T>(call: () => Promise<T>): Promise<T> {
    const life = this.#life
    return new Promise((resolve, reject) => {
      if (life.dead) return
      call().then(
        (result) => life.dead || resolve(result),
        (error: unknown) => life.dead || reject(error as Error),
      )
    })
  }

  async claim(call: ReturnType<SessionStorage['claim']>): ReturnType<SessionStorage['claim']> {
    const claim = await call
    this.#newest = claim.epoch ?? this.#newest
    return claim
  }

  write<T>(operation: WriteOperation, epoch: number, call: () => Promise<T>): Promise<T> {
    if (epoch <= this.#grave) return new Promise(() => {})
    const n = ++this.#writes
    const picks = (pick?: WritePick): boolean =>
      this.#grave < 0 && (typeof pick === 'function' ? pick(n, operation) : pick === n)
    const failed = picks(this.#trouble.failAt)
    if (picks(this.#trouble.crashAt)) {
      this.#life.dead = true
      this.#grave = this.#newest
    }
    const { kind, id } = operation
    return this.heard(async () => {
      if (failed) throw new StorageError(`${kind} of "${id}" failed, as failAt wants it`)
      return call()
    })
  }
}

/** A storage with the trouble that was asked for. `open` makes a page, whose writes do not land once it is dead. */
export function troubled(
  open: (life: Life) => SessionStorage,
  trouble: Trouble,
): SessionStorage & { readonly end: () => void } {
  check(trouble)
  const pages = new Pages(open, trouble)
  const remove = (id: string, call: () => Promise<void>): Promise<void> =>
    pages.write({ kind: 'delete', id }, Infinity, call)
  return {
    kind: pages.page.kind,
    read(id) {
      pages.next()
      return pages.heard(() => pages.page.read(id))
    },
    claim: (...call) => pages.heard(() => pages.claim(pages.page.claim(...call))),
    append: (id, epoch, ...rest) =>
      pages.write({ kind: 'append', id }, epoch, () => pages.page.append(id, epoch, ...rest)),
    compact: (id, epoch, snapshot) =>
      pages.write({ kind: 'compact', id }, epoch, () => pages.page.compact(id, epoch, snapshot)),
    keepPart: (id, epoch, part) =>
      pages.write({ kind: 'compact', id }, epoch, async () => pages.page.keepPart?.(id, epoch, part)),
    sweep: (now) => pages.heard(async () => pages.page.sweep?.(now)),
    list: (filter) => pages.heard(() => pages.page.list(filter)),
    delete: (id) => remove(id, () => pages.page.delete(id)),
    discard: (id) => remove(id, () => pages.page.discard(id)),
    clear: (prefix) => remove(prefix ?? '', () => pages.page.clear(prefix)),
    readFlow(name) {
      pages.next()
      return pages.heard(() => pages.page.readFlow(name))
    },
    writeFlow: (flow, expected) =>
      pages.write({ kind: 'flow', id: flow.workflow }, Infinity, () => pages.page.writeFlow(flow, expected)),
    quarantineFlow: (...call) => pages.heard(() => pages.page.quarantineFlow(...call)),
    quarantine: (id) => pages.heard(() => pages.page.quarantine(id)),
    export: (id) => pages.heard(() => pages.page.export(id)),
    close: () => pages.heard(() => pages.page.close()),
    end: () => pages.end(),
  }
}

/** Trouble that never comes would let a test pass that shows nothing. */
function check(trouble: Trouble | null): void {
  for (const [name, pick] of Object.entries(trouble ?? {}) as [string, unknown][]) {
    if (!['failAt', 'crashAt'].includes(name))
      throw new ArgumentError('memoryStorage()', name, 'the options failAt, crashAt', name)
    if (pick != null && !['number', 'function'].includes(typeof pick))
      throw new ArgumentError(`memoryStorage(): ${name}`, pick, 'a number from 1 or a function')
  }
}
