import type { LoadErrorCode } from '../storage-errors'

/** Stored data that must not be loaded, or not by this code. The engine makes a LoadError of it. */
export class Refusal extends Error {
  readonly code: LoadErrorCode
  constructor(code: LoadErrorCode, reason: string, cause?: unknown) {
    super(reason, { cause })
    this.code = code
  }
}

/** Refuses what newer code has written, which this code does not understand. */
export function mustBeKnown(what: 'format' | 'version', theirs: number, ours: number, advice = ''): void {
  if (theirs > ours)
    throw new Refusal(
      what === 'format' ? 'NEWER_FORMAT' : 'NEWER_VERSION',
      `it has ${what} ${theirs}, this code knows ${ours}${advice}`,
    )
}

/** Refuses what cannot be read: damaged, or not what it says. */
export function unreadable(reason: string, cause?: unknown): never {
  throw new Refusal('UNREADABLE_RECORD', reason, cause)
}

/** Refuses data with a missing or damaged part: a record, by its number, or something else, by its name. */
export function mustBeWhole(whole: boolean, what: string | number): asserts whole {
  if (!whole)
    unreadable(`${typeof what === 'number' ? `record ${what}` : `its ${what}`} is damaged or missing`)
}
