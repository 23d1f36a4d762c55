import type { Point } from './model'

/*
 * What only this page knows of points; no journal keeps it. There is one weak table for all sessions, because one for each
 * would take most of the memory of a small session.
 */

/** What sub-flows have failed with: the error itself is richer than its record. */
export const failures: WeakMap<Point, Error> = new WeakMap()
/** Effects whose intent this page has recorded, so that their outcome is known here. */
export const intents: WeakSet<Point> = new WeakSet()
