import type { AdapterName, SectionName } from './adapters/index.ts'
import { median, minimum, ratio } from './statistics.ts'

/** One adapter at one piece of work: every round that was measured. */
export interface Measurement {
  readonly section: SectionName
  /** What was measured, such as `one write, list, 10000`. The key that tables and bars look up. */
  readonly work: string
  readonly adapter: AdapterName
  readonly unit: string
  readonly rounds: readonly number[]
}

/** All measurements of a run. */
export class Results {
  readonly measurements: Measurement[] = []
  /** What an adapter could not do, and why: a row that is missing must say so. */
  readonly failures: { section: SectionName; adapter: AdapterName; reason: string }[] = []

  add(
    section: SectionName,
    work: string,
    adapter: AdapterName,
    unit: string,
    rounds: readonly number[],
  ): void {
    if (rounds.length > 0) this.measurements.push({ section, work, adapter, unit, rounds })
  }

  find(work: string, adapter: AdapterName): Measurement | undefined {
    return this.measurements.find((it) => it.work === work && it.adapter === adapter)
  }

  median(work: string, adapter: AdapterName): number | undefined {
    const found = this.find(work, adapter)
    return found && median(found.rounds)
  }

  minimum(work: string, adapter: AdapterName): number | undefined {
    const found = this.find(work, adapter)
    return found && minimum(found.rounds)
  }

  /** `adapter` against `other` at the same work, round by round. */
  ratio(work: string, adapter: AdapterName, other: AdapterName): number | undefined {
    const [a, b] = [this.find(work, adapter), this.find(work, other)]
    return a && b && ratio(a.rounds, b.rounds)
  }

  /**
   * How many times more the same adapter needs for the larger work. The two were measured at different moments,
   * which cannot be paired, so the best rounds are compared.
   */
  growth(larger: string, smaller: string, adapter: AdapterName): number | undefined {
    const [a, b] = [this.minimum(larger, adapter), this.minimum(smaller, adapter)]
    return a !== undefined && b !== undefined ? a / b : undefined
  }
}
