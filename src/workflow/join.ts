import type { EventOf, EventType } from './event'

/** Starts a step when one of each event is there; its handler gets them as a tuple, in this order. */
export interface AllOf<L extends readonly EventType[]> {
  readonly allOf: L
}

/** Runs a step once when every branch of a fan-out has ended; its handler gets the events in emission order. */
export interface Gather<F extends EventType> {
  readonly gather: F
}

/**
 * Starts a step when one of each of these events is there, in whatever order they come. Its handler gets them as a
 * tuple, in the order given here. Surplus events wait for the next round, through reloads.
 *
 * ```ts
 * .step('ship', { on: allOf(Paid, Packed), emits: [Shipped] }, (ctx, [paid, packed]) => Shipped(packed.data))
 * ```
 */
export function allOf<const L extends readonly EventType[]>(...events: L): AllOf<L> {
  return Object.freeze({ allOf: Object.freeze(events) })
}

/**
 * Runs a step once when every branch of a fan-out has ended, however it ended. Its handler gets the events of this type
 * that the branches have made, in the order in which the branches were emitted; `[]` when there are none.
 *
 * ```ts
 * .step('split', { on: Begin, emits: [Page] }, () => [Page(1), Page(2)])
 * .step('read', { on: Page, emits: [Text] }, async (ctx, page) => Text(await read(page.data)))
 * .step('join', { on: gather(Text), emits: [Done] }, (ctx, texts) => Done(texts.map((it) => it.data).join()))
 * ```
 */
export function gather<F extends EventType>(event: F): Gather<F> {
  return Object.freeze({ gather: event })
}

/** What starts a step. */
export type On = EventType | readonly EventType[] | AllOf<readonly EventType[]> | Gather<EventType>

type Tuple<L extends readonly EventType[]> = { [K in keyof L]: EventOf<L[K]> }

/** What the handler of a step is given. */
export type Accepted<O> =
  O extends AllOf<infer L>
    ? Tuple<L>
    : O extends Gather<infer F>
      ? EventOf<F>[]
      : O extends readonly (infer F)[]
        ? EventOf<F>
        : EventOf<O>

/** The events that a step consumes, one by one. */
export type Consumed<O> =
  O extends AllOf<infer L>
    ? EventOf<L[number]>
    : O extends Gather<infer F>
      ? EventOf<F>
      : O extends readonly (infer F)[]
        ? EventOf<F>
        : EventOf<O>

/** How the events of `on` come together: one at a time, one of each, or a whole fan-out. */
export type Join = 'any' | 'allOf' | 'gather'

/** `on` in one form. */
export function accepts(on: On): { readonly join: Join; readonly events: readonly EventType[] } {
  if (isOf(on, 'allOf')) return { join: 'allOf', events: on.allOf }
  if (isOf(on, 'gather')) return { join: 'gather', events: [on.gather] }
  return { join: 'any', events: Array.isArray(on) ? (on as readonly EventType[]) : [on as EventType] }
}

/** Also of what is no `On` at all, as a caller without types may give it. */
function isOf<K extends 'allOf' | 'gather'>(on: On, key: K): on is Extract<On, Record<K, unknown>> {
  return Object(on) === on && key in on
}
