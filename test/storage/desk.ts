import { SESSION_FORMAT } from '../../src/storage/format'
import { Journal } from '../../src/storage/journal'
import type { JournalDeps } from '../../src/storage/journal-deps'
import { loadStored } from '../../src/storage/load'
import { memoryStorage } from '../../src/storage/adapters/memory'
import type { MemoryStorage } from '../../src/storage/adapters/memory'
import { jsonSerializer } from '../../src/storage/serializer'
import type { SessionStorage } from '../../src/storage/storage'
import { virtualClock } from '../../src/testing/virtual-clock'
import type { Clock } from '../../src/clock'

export const shape = { format: SESSION_FORMAT, workflow: 'checkout', version: 1 }

/** A record of the double: the numbers that were written into it. */
export interface Page {
  readonly seq: number
  readonly notes: number[]
  /** Makes the record heavy. */
  readonly ballast?: string
}

/** The smallest possible session: it writes rising numbers into records. */
export interface Desk {
  readonly journal: Journal
  readonly pages: Page[]
  /** The statuses shown, without repetitions. */
  readonly shown: string[]
  readonly errors: unknown[]
  readonly epoch: number
  /** Writes the next number, into the open record for `relaxed`. Answers with the record. */
  write(durability?: 'strict' | 'relaxed', ballast?: number): Page
}

export interface DeskSetting {
  readonly storage?: SessionStorage
  readonly clock?: Clock
  readonly deps?: Partial<JournalDeps>
}

/** Loads and claims what is stored, ready to write. */
export async function desk(setting: DeskSetting = {}): Promise<Desk> {
  const { storage = memoryStorage(), clock = virtualClock(), deps } = setting
  const loaded = await loadStored(storage, 'a', jsonSerializer)
  const found = [...((loaded?.snapshot?.value ?? []) as Page[]), ...((loaded?.records ?? []) as Page[])]
  const pages = structuredClone(found)
  const { epoch = NaN } = await storage.claim('a', shape, loaded?.head.seq ?? 0)
  const shown: string[] = []
  // Like a state: what has not changed is the same object in every copy.
  const copies = [...found]
  const copyOf = (page: Page, at: number): Page =>
    copies[at]?.notes.length === page.notes.length ? copies[at] : (copies[at] = structuredClone(page))
  const errors: unknown[] = []
  const journal: Journal = new Journal({
    ...{ storage, clock, shape, id: 'a', serializer: jsonSerializer, epoch: () => epoch },
    ...(loaded && { stored: loaded.sizes, parted: loaded.parted }),
    status: () => 'running',
    snapshot: () => ({ seq: pages.length, value: pages.map(copyOf) }),
    onChange() {
      const { status } = journal.persistence
      if (shown.at(-1) !== status) shown.push(status)
    },
    onError: (error) => errors.push(error),
    ...deps,
  })
  let note = notes(pages).at(-1) ?? 0
  return {
    ...{ journal, pages, shown, errors, epoch },
    write(durability = 'strict', ballast = 0) {
      const last = pages.at(-1)
      const open = durability === 'relaxed' && last && journal.isOpen(last) ? last : undefined
      const page = open ?? { seq: pages.length + 1, notes: [], ballast: 'x'.repeat(ballast) }
      page.notes.push(++note)
      if (!open) pages.push(page)
      journal.push(page, durability)
      return page
    },
  }
}

/** What a load finds. */
export async function stored(storage: SessionStorage): Promise<Page[]> {
  const loaded = await loadStored(storage, 'a', jsonSerializer)
  return [...((loaded?.snapshot?.value ?? []) as Page[]), ...((loaded?.records ?? []) as Page[])]
}

export function notes(pages: readonly Page[]): number[] {
  return pages.flatMap((it) => it.notes)
}

/** The numbers that are stored. */
export async function storedNotes(storage: SessionStorage): Promise<number[]> {
  return notes(await stored(storage))
}

/** A memory storage that keeps the appends it was asked for, as `from-to strict`. */
export function watched(inner: MemoryStorage = memoryStorage()): { storage: SessionStorage; log: string[] } {
  const log: string[] = []
  const storage: SessionStorage = {
    ...inner,
    append(id, epoch, batch, options) {
      log.push(`${batch.from}-${batch.to} ${options.durability}`)
      return inner.append(id, epoch, batch, options)
    },
    compact(id, epoch, snapshot) {
      log.push(`snapshot ${snapshot.seq}`)
      return inner.compact(id, epoch, snapshot)
    },
  }
  return { storage, log }
}
