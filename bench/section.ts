import type { AdapterName, SectionName } from './adapters/index.ts'
import type { Options } from './options.ts'
import type { Table } from './report/table.ts'
import type { Results } from './results.ts'

/** What a section needs to run. */
export interface Setting {
  readonly options: Options
  readonly results: Results
  /** The bundled script of the Node lanes. */
  readonly nodeScript: string
  /** Where the bundle of the page lanes is served. */
  readonly origin: string
  /** A folder for browser profiles, removed at the end. */
  readonly scratch: string
  /** One line about what is going on. */
  progress(text: string): void
  failed(section: SectionName, adapter: AdapterName, reason: string): void
}

export interface Section {
  readonly name: SectionName
  readonly title: string
  run(adapters: readonly AdapterName[], setting: Setting): Promise<void>
  tables(results: Results, adapters: readonly AdapterName[]): Table[]
}
