import type { Name } from './unstorage-name'

/** What the keys of one session say. */
export interface Trail {
  /** Who may write, or `undefined` when nobody has claimed. */
  readonly top: Name | undefined
  /** The top claim's own claim under way, if it is left. */
  readonly under: Name | undefined
  /** The highest claim, also one under way. Writers below it are fenced. */
  readonly highest: number
  /** The highest epoch of all keys: the next one is above it. */
  readonly newest: number
  readonly snapshot: Name | undefined
  /** The batches after the snapshot, in order. */
  readonly batches: readonly Name[]
  /** The newest sequence number; 0 when nothing is there. */
  readonly seq: number
  /** The newest key that counts. */
  readonly last: Name | undefined
}

/**
 * Follows the claims downwards from the highest. Each says up to which number it took over what was there. What a lower epoch
 * has beyond that was written by a fenced writer, and is not part of the session.
 */
export function trailOf(names: readonly Name[]): Trail {
  const claims = names.filter((it) => it.kind === 'c').sort((a, b) => b.epoch - a.epoch)
  const pieces = takenOver(names, claims)
  const snapshot = highest(pieces.filter((it) => it.kind === 's'))
  const batches: Name[] = []
  let seq = snapshot?.to ?? 0
  for (const batch of pieces.filter((it) => it.kind === 'j').sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (batch.to <= seq) continue
    batches.push(batch)
    seq = batch.to
  }
  const top = claims[0]
  const fencing = names.filter((it) => it.kind === 'c' || it.kind === 'p')
  return {
    top,
    under: names.find((it) => it.kind === 'p' && it.epoch === top?.epoch),
    highest: Math.max(0, ...fencing.map((it) => it.epoch)),
    newest: Math.max(0, ...names.map((it) => it.epoch)),
    snapshot,
    batches,
    seq,
    last: batches.at(-1) ?? snapshot,
  }
}

function takenOver(names: readonly Name[], claims: readonly Name[]): Name[] {
  const pieces: Name[] = []
  let limit = Infinity
  let claim = claims[0]
  while (claim) {
    const { epoch, from, to } = claim
    pieces.push(...names.filter((it) => /[js]/.test(it.kind) && it.epoch === epoch && it.to <= limit))
    limit = Math.min(limit, to)
    claim = claims.find((it) => it.epoch === from && from < epoch && limit > 0)
  }
  return pieces
}

function highest(names: readonly Name[]): Name | undefined {
  return names.reduce<Name | undefined>((best, it) => (best && best.to >= it.to ? best : it), undefined)
}

/** The keys that nobody needs any more once the top claim has a snapshot. */
export function covered(names: readonly Name[], { top, snapshot, batches }: Trail): Name[] {
  if (!top || snapshot?.epoch !== top.epoch) return []
  const kept = new Set<Name>([snapshot, ...batches])
  return names.filter(
    (it) =>
      it.epoch <= top.epoch &&
      !kept.has(it) &&
      (/[js]/.test(it.kind) || (/[cp]/.test(it.kind) && it.epoch < top.epoch && snapshot.to >= top.to)),
  )
}
