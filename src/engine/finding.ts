import { nextTask } from '../clock'
import { StorageError } from '../storage-errors'
import { development } from '../state/development'
import { freezeDeep } from '../state/tree'
import { isExpired } from '../storage/expiry'
import { loadStored, type Loaded } from '../storage/load'
import type { SessionStorage, StoredHead } from '../storage/storage'
import { never } from '../session/deferred'
import type { LiveSession } from '../session/live-session'
import { accept } from './migration'
import type { Keeping } from './keeping'
import { readOn } from './read-on'
import type { OpeningDeps } from './opening-deps'
import { continued, type Restored, type RestoringParts } from './restoring'
import type { Surroundings } from './surroundings'
import { isEmptied } from './tenure'

/** How often reading and claiming is tried when somebody else writes in between. */
const MOST_TRIES = 100

export interface FindingParts {
  readonly deps: OpeningDeps
  readonly id: string
  readonly live: LiveSession
  readonly keeping: Keeping
  readonly around: Surroundings
  readonly restoring: RestoringParts
}

/** What is known of a stored session, without its content. */
export type Known = Pick<Loaded, 'sizes' | 'parted'> & {
  readonly head: Pick<StoredHead, 'epoch' | 'seq' | 'savedAt'>
}

/** What was found in storage. */
export interface Found extends Restored {
  readonly loaded: Known | undefined
  /** The epoch under which this page may write; for a follower, that of the leader. `undefined`: not claimed yet. */
  readonly epoch: number | undefined
  /** Nothing is stored, because somebody emptied the storage while this tab followed. */
  readonly emptied?: boolean
}

/** Slow work that begins before it is known who executes the session. */
export interface Begun extends Look {
  readonly flow: Promise<void> | undefined
}

interface Look {
  readonly loaded: Promise<Loaded | undefined>
  /** The stored session; nothing when it must be migrated, which waits until it is known who executes it. */
  readonly restored: Promise<Restored | undefined>
}

/** What is stored of one session: read, checked and folded, and claimed for this page. */
export class Finding {
  readonly #parts: FindingParts
  /** How often it was looked for. */
  #looks = 0

  constructor(parts: FindingParts) {
    this.#parts = parts
  }

  begin(): Begun {
    const look = this.#look()
    const { live, around } = this.#parts
    const flow = live.core.options.flow.fresh?.()
    const { page } = around
    // The first look into `localStorage` takes long, so it comes while the browser opens its database and requests the lock.
    // Both first ask this thread whether they may; two tasks later that is over.
    if (page) nextTask(() => nextTask(() => page.prepare()))
    return { ...look, flow }
  }

  /**
   * Has no time limit, and never ends when it is called again meanwhile. Reading too early does no harm: the claim notices it,
   * and a leader tells its followers what they lack.
   */
  async find(begun: Begun = this.begin()): Promise<Found> {
    const { deps, id, live, around, restoring } = this.#parts
    const { tabs } = around
    const own = ++this.#looks
    let looked: Look = begun
    // Only newer code takes the lock from others. A tab that had it follows, or two would take it from each other for ever.
    let had = tabs.leads
    for (let tries = 0; tries < MOST_TRIES; tries++, looked = this.#look()) {
      const loaded = await looked.loaded
      const left = await around.page?.left()
      const tail = tabs.leads ? left : undefined
      const whole = (!tail && (await looked.restored)) || (await continued(restoring, loaded, tail))
      const found = { loaded, ...whole }
      await begun.flow
      // Of two claims the page must have the last one.
      if (own !== this.#looks) return never()
      if (!live.mayAttach) break
      // Migrated, or completed with new defaults: the leader has yet to store that record.
      const isAhead = !found.tail && loaded !== undefined && (found.model?.seq ?? 0) > loaded.head.seq
      const isOld = this.#isOld(loaded)
      // When storage was silent until now, this tab may follow a leader that it understands already.
      if (!tabs.leads && isOld && !had && !tabs.following?.heardOf) {
        had = true
        await tabs.seize()
        continue
      }
      // With epoch 0, what is ahead of storage continues nobody else's records.
      if (!tabs.leads) return { ...found, epoch: isAhead ? 0 : (loaded?.head.epoch ?? 0) }
      if (tabs.alone && !isOld && !isAhead && live.status === 'loading') return { ...found, epoch: undefined }
      const expected = loaded?.head.seq ?? 0
      const claimed = await this.#claim(expected)
      const { known } = tabs
      const emptied = loaded === undefined && known > 0 && (await isEmptied(deps.storage, known))
      if (claimed === 'refused') return { ...found, epoch: undefined, emptied }
      const { epoch, seq } = claimed
      if (Number.isSafeInteger(epoch)) return { ...found, epoch: epoch as number, emptied }
      // Else somebody has written between the read and the claim: what was read is old already.
      if (seq === expected) break
    }
    throw new StorageError(`session "${id}" cannot be claimed`)
  }

  /** A failed claim does not matter, as with a full disk: what was read is shown and executed all the same. */
  async #claim(expected: number): Promise<Awaited<ReturnType<SessionStorage['claim']>> | 'refused'> {
    const { deps, id, live, keeping } = this.#parts
    try {
      return await deps.storage.claim(id, keeping.shape, expected, deps.clock.now())
    } catch (error) {
      if (live.status === 'loading' || live.core.remote) return 'refused'
      throw error
    }
  }

  #look(): Look {
    const loaded = this.#load()
    const { restoring } = this.#parts
    const restored = loaded.then((it) => (this.#isOld(it) ? undefined : continued(restoring, it, undefined)))
    // `find` awaits it, and throws what went wrong.
    restored.catch(() => {})
    return { loaded, restored }
  }

  #isOld(loaded: Loaded | undefined): boolean {
    return loaded !== undefined && loaded.head.version < this.#parts.restoring.definition.version
  }

  /** The stored session; nothing when it has expired. */
  async #load(): Promise<Loaded | undefined> {
    const { deps, id, keeping, live, restoring } = this.#parts
    const { storage, clock } = deps
    let expired = false
    const look = (head: StoredHead): void => {
      expired = isExpired(head, clock.now(), keeping.shape.expireAfter)
      if (!expired) accept(restoring.definition, head)
    }
    // With a schema nothing is gained by reading lists late: the schema checks all of them anyway.
    const late = keeping.isPlain && restoring.definition.options.state === undefined ? asFrozen : undefined
    const loaded = await loadStored(storage, id, keeping.serializer, look, late)
    if (!expired) {
      if (loaded) readOn(loaded.unread, clock, live.ready)
      return loaded
    }
    await storage.delete(id)
    return undefined
  }
}

/** In development a list is frozen, also one that is read late. */
function asFrozen(list: unknown[]): void {
  if (development) freezeDeep(list)
}
