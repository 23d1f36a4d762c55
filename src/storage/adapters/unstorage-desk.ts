import { StorageError } from '../../storage-errors'
import { keptText } from './kept-text'
import { idOf, idSegment, leafOf, parseLeaf } from './unstorage-name'
import type { Name } from './unstorage-name'
import { trailOf } from './unstorage-trail'
import type { Trail } from './unstorage-trail'

/**
 * What Dogear needs of `unstorage`: any storage of `createStorage()`, or a driver alone. Every call may be async.
 */
export interface KeyValueStore {
  getItem(key: string, options: object): unknown
  setItem?(key: string, value: string, options: object): unknown
  removeItem?(key: string, options: object): unknown
  getKeys(base: string, options: object): unknown
}

/** What a session holds, with its values. */
export interface Contents {
  readonly trail: Trail
  readonly snapshot: unknown
  readonly batches: readonly unknown[]
}

/** Others write between two listings by accident, but not more often than this. */
const TRIES = 20

/** Whether no value of a session has come or gone. Claims under way do not matter. */
function same(one: readonly Name[], other: readonly Name[]): boolean {
  const leaves = (names: readonly Name[]): string =>
    names
      .filter((it) => /[cjs]/.test(it.kind))
      .map(leafOf)
      .sort()
      .join()
  return leaves(one) === leaves(other)
}

/** Reads and writes the keys of sessions. A key is written once, and never with another value. */
export class Desk {
  readonly #store: KeyValueStore
  readonly #base: string

  constructor(store: KeyValueStore, base: string) {
    this.#store = store
    this.#base = base
  }

  /** The keys of all sessions, by session. */
  async everything(): Promise<Map<string, Name[]>> {
    const sessions = new Map<string, Name[]>()
    for (const [part, name] of await this.#list('')) {
      sessions.set(part, [...(sessions.get(part) ?? []), name])
    }
    const named = await Promise.all(
      [...sessions].map(
        async ([part, names]) => [idOf(part) ?? (await this.#longId(part, names)), names] as const,
      ),
    )
    return new Map(named.filter((it): it is [string, Name[]] => it[0] !== undefined))
  }

  async names(id: string): Promise<Name[]> {
    return (await this.#list(idSegment(id))).map(([, name]) => name)
  }

  value(id: string, name: Name): Promise<unknown> {
    return this.#valueIn(idSegment(id), name)
  }

  /** The value; text that was cut off when its writer died is `undefined`, as if it had never been written. */
  async #valueIn(part: string, name: Name): Promise<unknown> {
    const stored = await this.#store.getItem(this.#key(part, name), {})
    if (typeof stored !== 'string') return stored ?? undefined
    try {
      return JSON.parse(stored)
    } catch {
      // Text that is damaged in another way is passed on as it is: the load refuses it.
      return stored.length < name.length ? undefined : stored
    }
  }

  /** Resolves with the name under which it is written now. */
  async put(id: string, name: Name, value: unknown): Promise<Name> {
    const text = keptText(value)
    const written = { ...name, length: text.length }
    const { setItem } = this.#writable()
    await setItem.call(this.#store, this.#key(idSegment(id), written), text, {})
    return written
  }

  async remove(id: string, names: readonly Name[]): Promise<void> {
    const { removeItem } = this.#writable()
    await Promise.all(names.map(async (it) => removeItem.call(this.#store, this.#key(idSegment(id), it), {})))
  }

  /** What is there, up to the last value that was written to its end. */
  async whole(id: string, names?: readonly Name[]): Promise<Trail> {
    let left = names ?? (await this.names(id))
    for (;;) {
      const trail = trailOf(left)
      const { last } = trail
      if (last === undefined || (await this.value(id, last)) !== undefined) return trail
      left = left.filter((it) => it !== last)
    }
  }

  /**
   * The trail with the values of its snapshot and batches, as they were together at one moment. Damage that stays is
   * shown as it is: what cannot be found is left out.
   */
  async contents(id: string): Promise<Contents> {
    for (let tries = 0; tries < TRIES; tries++) {
      const names = await this.names(id)
      const found = await this.#values(id, names)
      // A listing takes time. If two in a row are equal, all of it was there at one moment.
      if (same(names, await this.names(id))) return found
    }
    throw new StorageError(`others write session "${id}" all the time`)
  }

  async #values(id: string, names: readonly Name[]): Promise<Contents> {
    const trail = await this.whole(id, names)
    const snapshot = trail.snapshot && (await this.value(id, trail.snapshot))
    // The snapshot's writer died. The batches that it was to cover are still there.
    if (trail.snapshot && snapshot === undefined) {
      return this.#values(
        id,
        names.filter((it) => it !== trail.snapshot),
      )
    }
    const values = await Promise.all(trail.batches.map((it) => this.value(id, it)))
    return { trail, snapshot, batches: values.filter((it) => it !== undefined) }
  }

  #key(part: string, name: Name): string {
    return `${this.#base}:${part}:${leafOf(name)}`
  }

  async #list(part: string): Promise<[part: string, Name][]> {
    const base = part === '' ? this.#base : `${this.#base}:${part}`
    const keys = (await this.#store.getKeys(base, {})) as readonly string[]
    return keys.flatMap((key): [string, Name][] => {
      // A driver alone may return paths, and keys outside the base.
      const [own, found, leaf = '', ...rest] = key.replace(/[/\\]/g, ':').split(':')
      const name = own === this.#base && rest.length === 0 ? parseLeaf(leaf) : undefined
      return name && found !== undefined && (part === '' || found === part) ? [[found, name]] : []
    })
  }

  async #longId(part: string, names: readonly Name[]): Promise<string | undefined> {
    const name = names.find((it) => it.kind === 'n')
    const value = name && (await this.#valueIn(part, name))
    return (value as { id?: string } | undefined)?.id
  }

  #writable(): Required<KeyValueStore> {
    const { setItem, removeItem } = this.#store
    if (!setItem || !removeItem) throw new StorageError('this driver of unstorage can only read')
    return this.#store as Required<KeyValueStore>
  }
}
