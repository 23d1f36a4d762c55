import type { SessionStorage } from '../../storage/storage'

/** One thing that every storage must do. */
export interface StorageCase {
  /** What it is about, as a title for a test. */
  readonly name: string
  /** Does it on an empty storage of its own; rejects with an Error that says what was expected and what came. */
  run(): Promise<void>
}

/** Opens the same data each time it is called: another tab, or the next page. */
export type OpenStorage = () => SessionStorage

export type Cases = Readonly<Record<string, (open: OpenStorage) => Promise<void>>>
