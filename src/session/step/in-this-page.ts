import type { Model, Point } from '../model/model'

/*
 * What only this page knows; no journal keeps it. There is one weak table for all sessions, because one for each
 * would take most of the memory of a small session.
 */

/** What sub-flows have failed with: the error itself is richer than its record. */
export const failures: WeakMap<Point, Error> = new WeakMap()
/** Points that steps have made in this page: what becomes of such an effect is known here. */
export const made: WeakSet<Point> = new WeakSet()
/** Sub-flows that were at work in this page: what cuts them off again is no crash. */
export const begun: WeakSet<Model> = new WeakSet()
