import type { Args, EventType, WorkflowEvent } from './event'

/** The types of an ask that a workflow keeps: no factory and no schema, so that hovers stay short. */
export interface Ask<Type extends string = string, Data = unknown, Answer = WorkflowEvent, Typed = unknown> {
  readonly '~ask'?: readonly [Type, Data, Answer, Typed]
}

/** An event type that has a reply. */
export type AskType = EventType<string, unknown, unknown, EventType>

export type AskOf<F> =
  F extends EventType<infer Type, infer Data, unknown, infer R>
    ? R extends EventType<infer RT, infer RD, infer RI>
      ? Ask<Type, Data, WorkflowEvent<RT, RD>, RI>
      : never
    : never

/** The events that ask. */
export type AskEvent<A> = A extends Ask<infer Type, infer Data> ? WorkflowEvent<Type, Data> : never

/** The events that a step may ask. With nothing declared, the compiler's complaint says what to do, and not `never`. */
export type MayAsk<A> = [A] extends [never]
  ? WorkflowEvent<"declare it in the step's `asks`", never>
  : AskEvent<A>

/** The reply to an ask of type `Type`. */
export type ReplyTo<A, Type> = A extends Ask<infer T, unknown, infer R> ? (T extends Type ? R : never) : never

export type Reply<A> = A extends Ask<string, unknown, infer R> ? R : never

/** An ask that waits for its reply. Survives reloads; answered once. */
export interface OpenAsk<Type extends string = string, Data = unknown, In = never> {
  /** Unique in the session; `session.reply(id, data)` answers it. */
  readonly id: string
  readonly type: Type
  readonly data: Data
  /** The step that asks. */
  readonly step: string
  readonly replyType: string
  /** When it times out, in milliseconds since 1970. */
  readonly deadline?: number
  /**
   * Answers the ask. Resolves with true once the reply is recorded, with false when the ask is no longer open. Recorded is
   * not stored yet: `session.flush()` resolves when it is, and `onError` hears what was lost when somebody else has taken the
   * session over.
   *
   * @throws EventValidationError at the call, when the reply's schema refuses the data; then the ask stays open
   */
  readonly reply: (...data: Args<In>) => Promise<boolean>
}

/** Distributes: a union of asks becomes a union discriminated by `type`. */
export type Opened<A> =
  A extends Ask<infer Type, infer Data, unknown, infer In> ? OpenAsk<Type, Data, In> : never
