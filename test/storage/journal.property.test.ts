import { expect, it } from 'vitest'
import { memoryStorage } from '../../src/storage/adapters/memory'
import { StorageError } from '../../src/storage-errors'
import type { SessionStorage } from '../../src/storage/storage'
import { virtualClock } from '../../src/testing/virtual-clock'
import type { VirtualClock } from '../../src/testing/virtual-clock'
import { random } from '../support/random'
import { desk, notes, storedNotes } from './desk'
import type { Desk } from './desk'

/**
 * A storage with every kind of bad luck: it fails, answers late, lands after the call was given up, in another
 * order, or lands and never answers.
 */
function unlucky(
  inner: SessionStorage,
  clock: VirtualClock,
  next: () => number,
  bad: () => boolean,
): SessionStorage {
  // Like IndexedDB, where what is called later waits for what was called before; or like a network.
  const orderly = next() < 0.5
  let last: Promise<unknown> = Promise.resolve()
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms))
  const luck = async (land: () => Promise<void>): Promise<void> => {
    const fate = bad() ? next() : 1
    if (fate < 0.3) throw new StorageError('bad luck')
    if (fate < 0.4) return wait(1e9)
    if (fate < 0.6) return land().then(() => wait(1e9))
    const turn = Promise.all([fate < 0.9 && wait(Math.floor(next() * 12_000)), orderly && last]).then(land)
    last = turn.catch(() => {})
    return turn
  }
  return {
    ...inner,
    append: (...call) => luck(() => inner.append(...call)),
    compact: (...call) => luck(() => inner.compact(...call)),
    keepPart: (...call) => luck(async () => inner.keepPart?.(...call)),
  }
}

/** One page: writes, waits and flushes at random. Answers with the highest number that was acknowledged. */
async function live(page: Desk, clock: VirtualClock, next: () => number): Promise<() => number> {
  // (A burst of 2,100 records in an outage is more than the journal keeps; 60 kB soon make a snapshot due.)
  let acknowledged = notes(page.pages).at(-1) ?? 0
  const { journal } = page
  const remember = (upTo: number) => (): void => {
    acknowledged = Math.max(acknowledged, upTo)
  }
  for (let steps = Math.floor(next() * 60); steps > 0; steps--) {
    const last = page.pages.at(-1)?.notes.at(-1) ?? 0
    const dice = next()
    if (dice < 0.01) for (let n = 0; n < 2100; n++) page.write('strict')
    else if (dice < 0.3) page.write('strict', next() < 0.3 ? 60_000 : 0)
    else if (dice < 0.6) page.write('relaxed')
    else if (dice < 0.7) void journal.flush().then(remember(last), () => {})
    else if (dice < 0.8) {
      const seq = page.pages.length
      void journal.durable(seq).then(() => journal.persistence.error === undefined && remember(last)())
    } else await clock.advance(Math.floor(next() ** 4 * 10_000))
    if (journal.persistence.status === 'saved') remember(page.pages.at(-1)?.notes.at(-1) ?? 0)()
  }
  return () => acknowledged
}

async function life(seed: number): Promise<void> {
  const next = random(seed)
  const clock = virtualClock()
  let troubled = next() < 0.8
  const inner = memoryStorage()
  const storage = unlucky(inner, clock, next, () => troubled && next() < 0.4)
  for (let pages = 1 + Math.floor(next() * 4); pages > 0; pages--) {
    const page = await desk({ storage, clock, deps: next() < 0.5 ? { partSize: 20_000 } : {} })
    const acknowledged = await live(page, clock, next)
    if (next() < 0.3) {
      troubled = false
      // Half a minute of pause, four seconds for a call that hangs, twelve for one that is slow.
      await clock.advance(60_000)
      expect(page.journal.persistence.status).toBe('saved')
      expect(await storedNotes(inner)).toEqual(notes(page.pages))
      troubled = true
    }
    page.journal.abandon()
    const found = await storedNotes(inner)
    expect(found).toEqual(notes(page.pages).slice(0, found.length))
    expect(found.length).toBeGreaterThanOrEqual(acknowledged())
    expect(found.length).toBeLessThanOrEqual(notes(page.pages).length)
  }
}

it('what is stored is a prefix of what happened, with all that was acknowledged, whatever goes wrong', async () => {
  const seeds = Number(process.env['SEEDS'] ?? 150)
  const first = Number(process.env['SEED'] ?? 1)
  for (let seed = first; seed < first + seeds; seed++) {
    await life(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
  }
}, 3_600_000)
