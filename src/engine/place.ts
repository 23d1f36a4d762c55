import type { LimitedStorage } from '../storage/limited'

/** Names a session in what a browser shares among its pages: locks, channels, `localStorage`. No two storages share a name. */
export function placeOf({ kind, name }: LimitedStorage, id: string): string {
  // oxlint-disable-next-line typescript/no-unnecessary-type-conversion -- callers without types give anything
  return `dogear:${kind}:${String(name).replace(/[:%]/g, encodeURIComponent)}:${id}`
}

/** Names the flow state of a workflow there. */
export function flowPlace(storage: LimitedStorage, workflow: string): string {
  return placeOf(storage, `flow:${workflow}`)
}

/** In place of `dogear:`, what followers have left of a session, and pages of a flow state: see {@link Unanswered}. */
export const ASKED = 'dogear-asked:'
export const FLOW = 'dogear-flow:'

/** The place of a list without the tab that it may name. */
export function listOf(key: string): string {
  return key.replace(/^([\w-]+)@[^:]*/, '$1')
}
