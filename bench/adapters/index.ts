/** The sections of the benchmark. */
export type SectionName = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G'

/** Everything that is measured and where it takes part, in the order of the tables: floors, Dogear, peers. */
const sections = {
  'Map floor': 'ABCDEFG',
  useState: 'C',
  'dogear store': 'AB',
  'dogear session': 'A',
  'dogear, stored': 'A',
  dogear: 'CDEFG',
  zustand: 'ABCEF',
  'jotai, family': 'ABCE',
  'jotai, focus': 'A',
  '@xstate/store': 'ABCE',
  'legend-state': 'ABCE',
  xstate: 'ABCDE',
  'xstate, sync': 'D',
  'redux toolkit': 'ABC',
  nanostores: 'ABC',
  valtio: 'ABC',
  signals: 'ABC',
  'workflow-core': 'D',
} as const

export type AdapterName = keyof typeof sections

/** Who takes part in a section. */
export function adaptersOf(section: SectionName): AdapterName[] {
  return (Object.keys(sections) as AdapterName[]).filter((name) => sections[name].includes(section))
}
