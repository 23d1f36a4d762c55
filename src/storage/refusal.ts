import type { LoadErrorCode } from '../storage-errors'

/** Stored data that must not be loaded, or not by this code: the engine makes a LoadError of it. */
export class Refusal extends Error {
  readonly code: LoadErrorCode
  constructor(code: LoadErrorCode, reason: string, cause?: unknown) {
    super(reason, { cause })
    this.code = code
  }
}

/** Refuses what newer code has written: nothing of it is known here. */
export function mustBeKnown(what: 'format' | 'version', theirs: number, ours: number, advice = ''): void {
  if (theirs > ours)
    throw new Refusal(
      what === 'format' ? 'NEWER_FORMAT' : 'NEWER_VERSION',
      `it has ${what} ${theirs}, this code knows ${ours}${advice}`,
    )
}
