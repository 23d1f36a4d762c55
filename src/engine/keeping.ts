import { StaleEpochError } from '../storage-errors'
import { copyJson, copyKeeping, nameOf, type CopyValue } from '../state/json'
import type { Definition } from '../workflow/workflow'
import { SESSION_FORMAT } from '../storage/format'
import { Journal } from '../storage/journal'
import { jsonSerializer, type Serializer } from '../storage/serializer'
import type { StoredShape } from '../storage/storage'
import type { SessionCopy } from '../storage/writer'
import type { LiveSession } from '../session/live-session'
import { Privacy } from '../session/model/privacy'
import type { SessionRecord } from '../session/model/record'
import { lengthen, shorten, shortHistory } from '../session/model/short-records'
import type { Known } from './finding'
import type { OpeningDeps } from './opening-deps'
import { lostOf, unstoredOf } from './overtaken'
import { Tenure, type Told } from './tenure'

/** What is particular to one session's storing. */
export interface Storing {
  readonly initialState?: unknown
  readonly serializer?: Serializer | undefined
  readonly expireAfter?: number | undefined
}

/** What a journal begins with. */
export interface Attaching {
  /** `undefined`: the journal claims the session itself, and `lead` gets the epoch, or nothing when there is none for now. */
  readonly epoch: number | undefined
  readonly lead: (epoch: number | undefined) => void
  readonly loaded: Known | undefined
  readonly tabs: Told
}

type Deps = Pick<OpeningDeps, 'storage' | 'clock' | 'timeout' | 'onError'>

/** How one session is stored: what is kept, in which form, by which journal. */
export class Keeping {
  readonly privacy: Privacy
  /** The serializer of records, which never sees what is private. */
  readonly discreet: Serializer
  /** The same for the session's storage, where records are short. */
  readonly serializer: Serializer
  readonly shape: StoredShape
  /** Whether plain JSON is stored, a piece of which can be read at any time, at once. */
  readonly isPlain: boolean
  readonly #deps: Deps
  readonly #id: string
  /** Since this page writes the session. */
  tenure: Tenure | undefined

  constructor(
    deps: Deps,
    { name: workflow, version, options }: Definition,
    id: string,
    { serializer, expireAfter }: { serializer: Serializer; expireAfter: number | undefined },
  ) {
    this.#deps = deps
    this.#id = id
    this.privacy = new Privacy(options.private)
    this.isPlain = serializer === jsonSerializer
    const told = (records: SessionRecord[]): SessionRecord[] => records.map((it) => this.privacy.record(it))
    this.discreet = around(serializer, told)
    this.serializer = around(serializer, (records) => shorten(told(records)), lengthen)
    // Infinity is a way to say "for ever", and text cannot hold it.
    const expires = expireAfter != null && { expireAfter: Math.min(expireAfter, Number.MAX_VALUE) }
    this.shape = { format: SESSION_FORMAT, workflow, version, ...expires }
  }

  journal(live: LiveSession, { epoch, lead, loaded, tabs }: Attaching): Journal {
    const { storage, clock, timeout, onError } = this.#deps
    // Written out, here and below: an object with a spread in it gets a hidden class of its own.
    const journal: Journal = new Journal({
      storage,
      clock,
      timeout,
      id: this.#id,
      shape: this.shape,
      bytes: this.isPlain && storage.keepsBytes,
      serializer: this.serializer,
      stored: loaded?.sizes,
      parted: loaded?.parted,
      epoch: () => tenure.epoch ?? tenure.begin(),
      unclaimed: () => tenure.epoch === undefined,
      remedied: (error) => tenure.remedied(error),
      status: () => live.status,
      snapshot: (brief) => (brief ? withoutHistory(live) : copyOf(live)),
      onChange: () => live.changed(),
      onError: (error) => {
        // Before anybody who waits for storage goes on.
        if (error instanceof StaleEpochError && !tabs.fenced(error)) fence(live, error)
        onError(error)
      },
    })
    const tenure: Tenure = new Tenure({
      storage,
      clock,
      timeout,
      onError,
      live,
      shape: this.shape,
      epoch,
      journal,
      found: loaded?.head,
      begun: lead,
      tabs,
    })
    this.tenure = tenure
    if (epoch === undefined) tenure.start()
    return journal
  }
}

/** Somebody else writes the session from now on, and this page cannot follow them. */
function fence(live: LiveSession, error: StaleEpochError): void {
  error.lost = lostOf(unstoredOf(live))
  live.fence(error)
}

/** How a session copies the values it is given, so that its serializer can keep them. Without a `check`: strict JSON. */
export function copyFor(serializer: Serializer): CopyValue {
  if (serializer.check === undefined) return copyJson
  const copy = copyKeeping(() => true)
  return (value, where, before) => {
    serializer.check?.(value, nameOf(where))
    return copy(value, where, before)
  }
}

function copyOf(live: LiveSession): SessionCopy {
  return { seq: live.core.model.seq, value: shortHistory(live.save()) }
}

/** Once this is stored, the session keeps no more history than the next page will find. */
function withoutHistory(live: LiveSession): SessionCopy {
  const { model, history } = live.core
  const { history: past, ...value } = live.save()
  return { seq: model.seq, value, taken: past && history.beginAnew(model) }
}

/** A serializer that is given lists of records as `before` makes them, and gives them back as `after` does. */
function around(
  serializer: Serializer,
  before: (records: SessionRecord[]) => unknown[],
  after: (records: unknown[]) => unknown[] = (it) => it,
): Serializer {
  return {
    ...serializer,
    serialize: (value) =>
      serializer.serialize(Array.isArray(value) ? before(value as SessionRecord[]) : value),
    async deserialize(stored) {
      const value = await serializer.deserialize(stored)
      return Array.isArray(value) ? after(value) : value
    },
  }
}
