export interface Started {
  readonly binary: string
  readonly args: readonly string[]
  readonly env?: Record<string, string>
  /** Whether it has to be shown on a screen. */
  readonly screen?: boolean
}

export interface Tally {
  readonly kills: number
  /** Pages that told what they had found. */
  readonly opened: number
  /** Of them, pages whose storage took longer than the engine's time limit: what was stored came after it. */
  readonly degraded: number
  readonly acknowledged: number
  readonly lost: readonly string[]
  readonly torn: readonly string[]
  readonly effects: number
  readonly perKey: { readonly min: number; readonly max: number }
  /** Effects that were asked for under more than one key. */
  readonly otherKeys: number
  /** Effects that ran again after their result was acknowledged. */
  readonly repeated: number
  /** Pages that a browser asked for, and that told nothing within 30 s. */
  readonly silent: number
  /** Browsers that asked for no page within two minutes. */
  readonly unstarted: number
  /** Kept when something was lost or torn. */
  readonly profile: string
}

export function torture(
  engine: (profile: string) => Started,
  options?: { kills?: number; minutes?: number; log?: (line: string) => void },
): Promise<Tally>
