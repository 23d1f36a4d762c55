import type { Input, Output, Schema } from './standard-schema'

/** What has no paths below it. */
type Leaf =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | Date
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | BlobLike
  | ((...args: never) => unknown)

/** `Blob` and `File` by their shape: a name that a project's lib does not know would turn into any. */
interface BlobLike {
  readonly size: number
  readonly type: string
  arrayBuffer(): unknown
}

/** Counts down: the depth to which paths are listed. */
type Previous = [never, 0, 1, 2, 3, 4, 5]

/** True for any and unknown: everything may be below. */
type Open<T> = unknown extends T ? true : false

/**
 * What stands under keys that are spelled out, as texts: also numbers and members of an enum. (An object without keys fits
 * an index signature, also one of texts with a pattern or a brand.)
 */
type Spelled<T> = {
  [K in keyof T as {} extends Record<K, 1> ? never : `${K & (string | number)}`]: T[K]
}
type Known<T> = keyof Spelled<T> & string

/** Keys with a brand, which no text in a path has. */
type Marked<K> = K extends object ? K : never

/**
 * The dotted paths of a state, for completion: every path down to a depth, any text below it. {@link Read}
 * decides whether a path exists.
 */
export type Path<T, Depth extends number = 5> = Open<T> extends true ? string : PathOf<T, Depth>

type PathOf<T, Depth extends number> = T extends Leaf
  ? never
  : T extends readonly unknown[]
    ? PathOfList<T, Depth>
    : { [K in Known<T>]: Join<K, Spelled<T>[K], Depth> }[Known<T>] | PathOfIndex<T, Depth>

type PathOfList<T extends readonly unknown[], Depth extends number> = number extends T['length']
  ? Join<`${number}`, T[number], Depth>
  : { [K in keyof T & `${number}`]: Join<K, T[K], Depth> }[keyof T & `${number}`]

type PathOfIndex<T, Depth extends number> = string extends keyof T
  ? Join<string & {}, T[string & keyof T], Depth>
  : PathOfKey<T, Exclude<keyof T, keyof Spelled<T>>, Depth>

type PathOfKey<T, K, Depth extends number> = K extends keyof T
  ? Join<K extends object ? string & {} : `${K & (string | number)}`, T[K], Depth>
  : never

type Join<K extends string, V, Depth extends number> = Depth extends 0
  ? K | `${K}.${string}`
  : K | `${K}.${Path<V, Previous[Depth]>}`

declare const missing: unique symbol
type Missing = typeof missing

/** The value under one key; Missing when there is no such key. Distributes over unions. */
type At<T, K extends string> = Open<T> extends true ? unknown : AtOf<T, K>

type AtOf<T, K extends string> = T extends null | undefined
  ? undefined
  : T extends Leaf
    ? Missing
    : T extends readonly unknown[]
      ? AtOfList<T, K>
      : K extends Known<T>
        ? Spelled<T>[K]
        : AtOfIndex<T, K> | (Missing extends AtOfIndex<T, K> ? never : undefined)

type AtOfList<T extends readonly unknown[], K extends string> = K extends keyof T
  ? K extends `${number}`
    ? T[K]
    : Missing
  : K extends `${number}`
    ? number extends T['length']
      ? T[number] | undefined
      : Missing
    : Missing

type AtOfIndex<T, K extends string> = string extends keyof T
  ? T[string & keyof T]
  : K extends keyof T
    ? T[K]
    : K extends `${number & keyof T}`
      ? T[number & keyof T]
      : [Marked<keyof T>] extends [never]
        ? Missing
        : T[Marked<keyof T>]

type Walk<T, P> = P extends `${infer Head}.${infer Rest}`
  ? Walk<At<T, Head>, Rest>
  : P extends string
    ? At<T, P>
    : never

type Fold<T, P> = P extends readonly [infer Head extends string | number, ...infer Rest]
  ? Fold<At<T, `${Head}`>, Rest>
  : T

/** Missing in every member of a union: no such path. Missing in some: maybe absent. Any has every member there is. */
type Settle<V> =
  Open<V> extends true
    ? V
    : [V] extends [Missing | undefined]
      ? Missing extends V
        ? never
        : V
      : Missing extends V
        ? Exclude<V, Missing> | undefined
        : V

/** A path as segments, for keys with dots. */
export type Keys = readonly (string | number)[]

type Found<T, P> = P extends ''
  ? T
  : P extends Keys
    ? number extends P['length']
      ? unknown
      : Fold<T, P>
    : Walk<T, P>

/**
 * The type of the value read at a path. It includes undefined when a part of the path may be absent; it is never when
 * there is no such path.
 *
 * A conditional type by itself: as a mere name for `Settle<...>` a declaration file has all of it written out, for which
 * the compiler took half a minute and gave up.
 */
export type Read<T, P> = Found<T, P> extends infer V ? Settle<V> : never

/** What may be written under one key. */
type Put<T, K extends string> = Open<T> extends true ? unknown : PutOf<T, K>

type PutOf<T, K extends string> = T extends Leaf
  ? never
  : T extends readonly unknown[]
    ? K extends keyof T
      ? T[K]
      : T[number]
    : K extends Known<T>
      ? Spelled<T>[K]
      : Exclude<AtOfIndex<T, K>, Missing>

/** The value written at a path: like {@link Read}, without the undefined of "maybe absent". */
export type Write<T, P> = P extends Keys
  ? number extends P['length']
    ? unknown
    : WriteKeys<T, P>
  : WriteText<T, P>

type WriteKeys<T, P> = P extends readonly [...infer Head extends Keys, infer Last extends string | number]
  ? Put<Fold<T, Head>, `${Last}`>
  : never

type WriteText<T, P> = P extends `${infer Head}.${infer Rest}`
  ? WriteText<At<T, Head>, Rest>
  : P extends string
    ? Put<T, P>
    : never

/** What `append` takes at a path: an item for a list, text for a text, else the text of the compile error. */
export type Item<V> = Open<V> extends true ? unknown : Told<ItemOf<NonNullable<V>>>

type Told<V> = [V] extends [never] ? 'only a list and a text can be appended to' : V

type ItemOf<V> = V extends string
  ? string
  : V extends readonly never[]
    ? 'this list is never[]: the type of the state must say what it holds'
    : V extends readonly (infer One)[]
      ? One
      : never

/** The path itself when it exists, else a text: so a wrong path is a compile error with a message. */
export type Exact<T, P> = [Read<T, P>] extends [never] ? 'there is no such path in the state' : P

/**
 * What `set` takes: the next value, or a function of the previous one. (In a union `unknown` would swallow the function, and
 * the compiler would not know its parameter, so an open type is spelled out.)
 */
export type Next<R, W> = (Open<W> extends true ? {} | null | undefined : W) | ((previous: R) => W)

/**
 * A schema for stored values. They must pass it again when they are loaded, so defaults and coercion are fine, and
 * transforms are a compile error.
 */
export type Stable<S extends Schema> =
  Output<S> extends Input<S> ? S : 'the output of a stored schema must be valid input: no transform'
