import type { VirtualClock } from '../../../src/testing'

/** What befalls a storage. A number is how likely it is for each request, write or opening. */
export interface Weather {
  /** Writes are refused. */
  full: boolean
  /** So many characters have room beside what is stored when this weather begins. */
  room: number
  /** Nothing moves. */
  hung: boolean
  /** A write is refused as it is about to land, or its answer is lost. */
  abort: number
  /** A request fails. */
  fail: number
  /** What has landed says so late, */
  lateEvent: number
  /** lands late, */
  lateLanding: number
  /** or never says so. */
  mute: number
  openFails: number
  openSlow: number
  slow: number
}

export const fair: Weather = {
  full: false,
  room: Infinity,
  hung: false,
  abort: 0,
  fail: 0,
  lateEvent: 0,
  lateLanding: 0,
  mute: 0,
  openFails: 0,
  openSlow: 0,
  slow: 0,
}

/** Draws by the weather's chances. */
export class Luck {
  readonly #roll: () => number

  constructor(roll: () => number) {
    this.#roll = roll
  }

  hits(chance: number): boolean {
    return chance > 0 && this.#roll() < chance
  }

  between(from: number, to: number): number {
    return from + Math.floor(this.#roll() * (to - from))
  }

  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length)] as T
  }
}

/** What befalls a storage comes from here. */
export interface Outside {
  readonly clock: VirtualClock
  readonly luck: Luck
  readonly weather: Weather
}
