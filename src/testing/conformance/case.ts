import type { SessionStorage } from '../../storage/storage'

/** One case that every storage must pass. */
export interface StorageCase {
  /** What it checks, as a title for a test. */
  readonly name: string
  /** Runs on an empty storage of its own. Rejects with an Error that says what was expected and what came. */
  run(): Promise<void>
}

/** Opens the same data each time it is called: another tab, or the next page. */
export type OpenStorage = () => SessionStorage

export type Cases = Readonly<Record<string, (open: OpenStorage) => Promise<void>>>
