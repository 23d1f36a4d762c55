import type { AnyWorkflow } from '../workflow/shape'

/**
 * Types the bare hooks of an app with one main workflow. Without it they answer `unknown`.
 *
 * ```ts
 * declare module 'dogear/react' {
 *   interface Register { workflow: typeof checkout }
 * }
 * ```
 */
export interface Register {}

/** The workflow that the app has registered. */
export type Registered = Register extends { workflow: infer W extends AnyWorkflow } ? W : AnyWorkflow
