import { EventValidationError } from '../errors'
import { copyOnlyJson } from '../state/json'
import { validate, type Input, type Output, type Schema } from '../state/standard-schema'

/** What steps exchange: a type and its data. Plain JSON, frozen. */
export interface WorkflowEvent<Type extends string = string, Data = unknown> {
  readonly type: Type
  readonly data: Data
}

/** A type of event, for code that need not make one. */
export interface EventType<Type extends string = string, Out = unknown, In = unknown, Reply = unknown> {
  readonly type: Type
  readonly '~types'?: { readonly data: Out; readonly input: In; readonly reply: Reply }
  /** Whether an event is of this type. It also keeps out events and schemas, which have a `type` as well. */
  is(event: unknown): boolean
}

/** The arguments of something that takes `In`: none are needed when `undefined` will do. */
export type Args<In> = undefined extends In ? [data?: In] : [data: In]

/**
 * Makes events of one type.
 *
 * @throws EventValidationError when the schema refuses the data
 * @throws SerializationError when the data is not plain JSON
 */
export interface EventFactory<
  Type extends string,
  Out,
  In = Out,
  Reply = undefined,
  S = unknown,
> extends EventType<Type, Out, In, Reply> {
  (...data: Args<In>): WorkflowEvent<Type, Out>
  /** Whether an event is of this type. Takes anything, such as the `event` of a `StepFailed`. */
  is(event: unknown): event is WorkflowEvent<Type, Out>
  readonly schema: S
  /** The event that answers this one when a step asks it. */
  readonly reply: Reply
}

/** The events that a factory makes. */
export type EventOf<F> = F extends EventType<infer Type, infer Out> ? WorkflowEvent<Type, Out> : never
export type DataOf<E> = E extends WorkflowEvent<string, infer D> ? D : unknown
export type InputOf<F> = F extends EventType<string, unknown, infer In> ? In : never

/** An event type as the engine sees it: callable, with everything unknown. */
export interface AnyEvent extends EventType {
  (data?: unknown): WorkflowEvent
  readonly schema: Schema | undefined
  readonly reply: AnyEvent | undefined
}

/** A base whose instance is the event itself. */
const Given = function (event: object): object {
  return event
} as unknown as new (event: object) => object

/**
 * Invisibly marks an event with the schema that its data has passed, before it is frozen. A set of all events would cost more
 * than making them.
 */
class Made extends Given {
  readonly #schema: unknown

  constructor(event: object, schema: unknown) {
    super(event)
    this.#schema = schema
  }

  static by(event: WorkflowEvent, schema: unknown): boolean {
    return #schema in event && (event.#schema === schema || event.#schema === everything)
  }
}

/** A mark in place of a schema: the data has passed the right one. */
const everything = Symbol('everything')

/**
 * Defines a type of event.
 *
 * ```ts
 * const Address = defineEvent('address', z.object({ street: z.string(), zip: z.string() }))
 * const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
 * Address({ street: 'Damrak 1', zip: '1012' }) // { type: 'address', data: { street, zip } }, frozen
 * ```
 *
 * Without a schema the event has no data; for an ask without data, give `undefined` as the schema. The schema may
 * transform: an event holds its output.
 */
export function defineEvent<const Type extends string>(type: Type): EventFactory<Type, undefined>
export function defineEvent<const Type extends string, S extends Schema>(
  type: Type,
  schema: S,
): EventFactory<Type, Output<S>, Input<S>, undefined, S>
export function defineEvent<const Type extends string, R extends EventType>(
  type: Type,
  schema: undefined,
  options: { reply: R },
): EventFactory<Type, undefined, undefined, R>
export function defineEvent<const Type extends string, S extends Schema, R extends EventType>(
  type: Type,
  schema: S,
  options: { reply: R },
): EventFactory<Type, Output<S>, Input<S>, R, S>
export function defineEvent(type: string, schema?: Schema, options?: { reply: EventType }): unknown {
  const create = (data?: unknown): WorkflowEvent => trusted(type, parse(type, schema, data), schema)
  const is = (event: unknown): boolean => (event as WorkflowEvent | undefined)?.type === type
  // One by one: a document of 1,000 nodes makes as many, and `Object.assign` takes several times as long.
  const event = create as { type?: string; schema?: unknown; is?: unknown; reply?: unknown }
  event.type = type
  event.schema = schema
  event.is = is
  event.reply = options?.reply ?? undefined
  return event
}

/** An event whose data is known to be good for `schema`, and nobody else's to change. */
function trusted(type: string, data: unknown, schema: unknown): WorkflowEvent {
  return Object.freeze(new Made({ type, data }, schema) as unknown as WorkflowEvent)
}

/** Takes any JSON. */
export const anything: Schema = {
  '~standard': { version: 1, vendor: 'dogear', validate: (value) => ({ value }) },
}

/** Data for an event as the schema gives it, checked to be plain JSON. */
function parse(type: string, schema: Schema | undefined, data: unknown): unknown {
  if (schema === undefined && data === undefined) return undefined
  if (schema === undefined)
    throw new EventValidationError(type, [{ path: '', message: 'it has no schema, so it takes no data' }])
  const result = validate(schema, data, `event "${type}"`)
  if ('issues' in result) throw new EventValidationError(type, result.issues)
  return result.value === undefined ? undefined : copyOnlyJson(result.value, `the data of event "${type}"`)
}

/** Whether a factory with this one's schema has made it. */
export function isGenuine(event: WorkflowEvent, { schema }: AnyEvent): boolean {
  return Made.by(event, schema)
}

/** The event as the journal may keep it: as it is when it has passed its type's schema, otherwise passed through it. */
export function genuine(event: WorkflowEvent, factory: AnyEvent): WorkflowEvent {
  return isGenuine(event, factory) ? event : factory(event.data)
}

/**
 * An event whose schema was applied elsewhere: in another tab, before it was journaled, or by a schema of the state. With a
 * factory it was that one's.
 */
export function vouched({ type, data }: WorkflowEvent, by?: AnyEvent): WorkflowEvent {
  return trusted(type, data, by ? by.schema : everything)
}

/** Whether something has the shape of an event. */
export function isEvent(value: unknown): value is WorkflowEvent {
  return typeof value === 'object' && value !== null && typeof (value as WorkflowEvent).type === 'string'
}
