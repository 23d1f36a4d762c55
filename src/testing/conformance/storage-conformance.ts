import { appends } from './appends'
import type { Cases, OpenStorage, StorageCase } from './case'
import { claims } from './claims'
import { compactions } from './compactions'
import { flows } from './flows'
import { lists } from './lists'
import { cloned, jsonOnly, odds } from './odds'
import { parts } from './parts'
import { removals } from './removals'

/** What the storage under test can do. */
export interface ConformanceOptions {
  /**
   * Which serialized values it keeps. `cloned`: all that structured clone can hold. `json`: text and what JSON can hold;
   * everything else must be refused whole. Default: `cloned`.
   */
  readonly values?: 'cloned' | 'json' | undefined
}

/**
 * What the engine relies on, as a list of cases for any test runner. A storage that passes them all can carry sessions.
 *
 * @param makeStorage makes an empty storage, once for each case, and returns a function that opens it.
 *
 * ```ts
 * for (const { name, run } of storageConformance(() => {
 *   const shelf = new Map()
 *   return () => myStorage(shelf)
 * })) test(name, run)
 * ```
 */
export function storageConformance(
  makeStorage: () => OpenStorage | Promise<OpenStorage>,
  options: ConformanceOptions = {},
): StorageCase[] {
  const values: Cases = options.values === 'json' ? jsonOnly : cloned
  const cases = {
    ...claims,
    ...appends,
    ...compactions,
    ...parts,
    ...lists,
    ...removals,
    ...flows,
    ...odds,
    ...values,
  }
  return Object.entries(cases).map(([name, run]) => ({ name, run: async () => run(await makeStorage()) }))
}
