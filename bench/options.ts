import { parseArgs } from 'node:util'
import type { SectionName } from './adapters/index.ts'

export interface Options {
  readonly sections: readonly SectionName[]
  /** Parts of adapter names; none means all. The Map floor is always there, for the ratios. */
  readonly adapters: readonly string[]
  /** Fewer rounds and no largest sizes: for a look while working, not for figures to print. */
  readonly quick: boolean
  /** A folder for CPU profiles of the Node lanes, to look into a miss. */
  readonly profile: string | undefined
  /** Also write RESULTS.md, which is committed. */
  readonly write: boolean
}

export const every: readonly SectionName[] = ['A', 'B', 'C', 'D', 'E', 'F', 'G']

export const help = `npm run bench -- [options]

  --only A,C          sections: A subscribers, B get and set, C React, D events, E persistence, F coming back,
                      G graphs
  --adapter dogear    only adapters with this in their name (repeatable), beside the floor
  --quick             fewer rounds, for a look while working
  --profile folder    write a CPU profile of each Node process there
  --write             also write bench/RESULTS.md
  --help              this text`

/** Undefined when only the help is wanted. */
export function parse(argv: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      adapter: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const wanted = values.only?.toUpperCase().split(',') ?? every
  const unknown = wanted.filter((name) => !every.includes(name as SectionName))
  if (unknown.length > 0)
    throw new Error(`--only: no section ${unknown.join(', ')}; there are ${every.join(', ')}`)
  return {
    sections: every.filter((name) => wanted.includes(name)),
    adapters: values.adapter,
    quick: values.quick,
    profile: values.profile,
    write: values.write,
  }
}
