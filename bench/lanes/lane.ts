import type { AdapterName } from '../adapters/index.ts'
import type { StageName, StageTypes } from '../stages/index.ts'

/**
 * A place where one adapter lives alone: a Node process or a page. Libraries that share a process share its
 * heap, its collector and its compiled code; here the only thing they share is the machine, turn by turn.
 */
export interface Lane {
  readonly name: AdapterName
  stage<Name extends StageName>(name: Name): StageTypes[Name]
  close(): Promise<void>
}

export type Ask = (stage: StageName, method: string, args: readonly unknown[]) => Promise<unknown>

/** The methods of a stage, answered by the other side. */
export function remote<Name extends StageName>(stage: Name, ask: Ask): StageTypes[Name] {
  const method = (_target: object, name: string | symbol) =>
    // A remote stage is handed through promises, which look for `then`.
    typeof name === 'string' && name !== 'then'
      ? (...args: readonly unknown[]) => ask(stage, name, args)
      : undefined
  return new Proxy({}, { get: method }) as StageTypes[Name]
}
