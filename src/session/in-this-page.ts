import type { Point } from './model'

/*
 * What only this page can know of points; no journal keeps it. One weak table for all sessions: one for each would be most of
 * what a small session takes.
 */

/** What sub-flows have failed with: the error itself is richer than its record. */
export const failures: WeakMap<Point, Error> = new WeakMap()
/** Effects whose intent this page has recorded, so that their outcome is known here. */
export const intents: WeakSet<Point> = new WeakSet()
