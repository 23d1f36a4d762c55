import type { AdapterName } from '../adapters/index.ts'
import type { Lane } from './lane.ts'

/** All the lanes of a section, driven one at a time. One that fails is left out from there on, and said so. */
export class Field<L extends Lane> {
  #running: L[]
  readonly #all: readonly L[]
  readonly #failed: (adapter: AdapterName, reason: string) => void

  constructor(lanes: readonly L[], failed: (adapter: AdapterName, reason: string) => void) {
    this.#all = lanes
    this.#running = [...lanes]
    this.#failed = failed
  }

  /** The same work in every lane, one after the other. */
  async each(work: (lane: L) => Promise<void>): Promise<void> {
    for (const lane of this.#running) {
      try {
        await work(lane)
      } catch (error) {
        this.#running = this.#running.filter((it) => it !== lane)
        this.#failed(lane.name, reasonOf(error))
      }
    }
  }

  /**
   * Rounds of the same work, interleaved: what disturbs the machine for a second disturbs everybody. Each round
   * begins with another lane, so that nobody always follows the slowest.
   */
  async rounds(count: number, work: (lane: L, round: number) => Promise<void>): Promise<void> {
    for (let round = 0; round < count; round++) {
      await this.each((lane) => work(lane, round))
      const first = this.#running.shift()
      if (first) this.#running.push(first)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.close()))
  }
}

/** The message and where it came from; a browser that does not start brings its whole log along. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n').slice(0, 4).join('\n').slice(0, 600)
}

/** Collects what each lane measured, round by round. */
export class Samples {
  readonly #rounds = new Map<AdapterName, number[]>()

  add(adapter: AdapterName, value: number): void {
    const rounds = this.#rounds.get(adapter)
    if (rounds) rounds.push(value)
    else this.#rounds.set(adapter, [value])
  }

  *[Symbol.iterator](): Iterator<readonly [AdapterName, readonly number[]]> {
    yield* this.#rounds
  }
}
