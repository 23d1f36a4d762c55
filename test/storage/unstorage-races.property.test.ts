import { expect, it, onTestFinished, vi } from 'vitest'
import { StaleEpochError, type SessionStorage } from 'dogear'
import { random } from '../support/random'
import { race, remains } from './race'
import { slowStore } from './slow-store'

const shape = { format: 1, workflow: 'race', version: 1 }
/** When whatever was claimed is past its time. */
const LATER = 40 * 86_400_000
const strict = { durability: 'strict' } as const

/** What happened in a session, one text a record. Checked by whoever reads it. */
interface Seen {
  readonly texts: readonly string[]
  readonly epoch: number
}

/** Everything that a storage has acknowledged, over all writers. */
class Promised {
  readonly #texts: string[] = []
  readonly epochs = new Set<number>()
  count = 0

  acknowledge(at: number, texts: readonly string[]): void {
    this.count += texts.length
    for (const [index, text] of texts.entries()) {
      if ((this.#texts[at + index] ?? text) !== text) throw new Error(`record ${at + index} twice`)
      this.#texts[at + index] = text
    }
  }

  claim(epoch: number): void {
    if (this.epochs.has(epoch)) throw new Error(`epoch ${epoch} was given out twice`)
    this.epochs.add(epoch)
  }

  /** All that was acknowledged before the reading began must be in what was read. */
  get known(): readonly string[] {
    return [...this.#texts]
  }
}

async function look(storage: SessionStorage, promised: Promised): Promise<Seen> {
  const known = promised.known
  const stored = await storage.read('a')
  if (stored === undefined) {
    expect(known).toEqual([])
    return { texts: [], epoch: 0 }
  }
  const texts = stored.snapshot ? (JSON.parse(stored.snapshot.data as string) as string[]) : []
  for (const batch of stored.batches) {
    expect(batch.from).toBeLessThanOrEqual(texts.length + 1)
    texts.splice(batch.from - 1, Infinity, ...(JSON.parse(batch.data as string) as string[]))
  }
  expect(texts).toHaveLength(stored.head.seq)
  for (const [at, text] of known.entries()) if (text !== undefined) expect(texts[at]).toBe(text)
  return { texts, epoch: stored.head.epoch }
}

/** A page: reads, claims, appends and compacts until it is overtaken; then it looks again. */
async function page(
  storage: SessionStorage,
  name: string,
  promised: Promised,
  chance: () => number,
  sweeps: number,
): Promise<void> {
  let written = 0
  for (let rounds = 0; rounds < 6 && written < 12; rounds++) {
    const { texts } = await look(storage, promised)
    const { epoch } = await storage.claim('a', shape, texts.length, 1)
    if (chance() < sweeps) await storage.sweep?.(LATER)
    if (epoch === undefined) continue
    promised.claim(epoch)
    const own = [...texts]
    try {
      while (written < 12) {
        const more = Array.from({ length: 1 + Math.floor(chance() * 3) }, () => `${name}${++written}`)
        const [from, to] = [own.length + 1, own.length + more.length]
        const batch = { from, to, at: to, status: 'running', data: JSON.stringify(more), sum: 0 }
        await storage.append('a', epoch, batch, strict)
        promised.acknowledge(own.length, more)
        own.push(...more)
        if (chance() < 0.2) {
          const snapshot = { ...shape, seq: own.length, at: 1, status: 'running', sum: 0 }
          await storage.compact('a', epoch, { ...snapshot, data: JSON.stringify(own) })
        }
      }
    } catch (error) {
      expect(error).toBeInstanceOf(StaleEpochError)
    }
  }
}

it.each([
  ['two pages', 2, 0, 0],
  ['four pages', 4, 0, 0],
  ['two pages, and three deaths', 2, 3, 0],
  ['three pages, and eight deaths', 3, 8, 0],
  ['four pages, which also sweep away what was only claimed,', 4, 0, 0.4],
])(
  '%s write one session at the same time / nothing acknowledged is lost, nothing is torn, no epoch repeats',
  async (_, pages, deaths, sweeps) => {
    let acknowledged = 0
    let claims = 0
    const dice = vi.spyOn(Math, 'random')
    onTestFinished(() => dice.mockRestore())
    for (let seed = 1; seed <= Number(process.env['RACES'] ?? 40); seed++) {
      const chance = random(seed * 7919 + pages)
      const store = slowStore(chance)
      dice.mockImplementation(chance)
      try {
        const promised = new Promised()
        const work = (storage: SessionStorage, name: string) => page(storage, name, promised, chance, sweeps)
        await race({ store, chance, writers: pages, deaths, risk: 0.005, work })
        const { texts } = await look(await remains(store), promised)
        expect(new Set(texts).size, 'no record is there twice').toBe(texts.length)
        acknowledged += promised.count
        claims += promised.epochs.size
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
    }
    // Else the test would show nothing.
    expect(acknowledged).toBeGreaterThan(300)
    expect(claims).toBeGreaterThan(80)
  },
  3_600_000,
)
