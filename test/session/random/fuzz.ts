import { faults, findingOf, flows, joins, schemas, subflows, travels, versions } from './search'

/** What goes wrong with a seed, by what it is a script of. */
const findings: Readonly<Record<string, (seed: number) => Promise<unknown>>> = {
  flows: (seed) => findingOf(flows, seed),
  travels: (seed) => findingOf(travels, seed),
  subflows: (seed) => findingOf(subflows, seed),
  versions: (seed) => findingOf(versions, seed),
  joins: (seed) => findingOf(joins, seed),
  schema: (seed) => findingOf(schemas, seed),
  faults: (seed) => findingOf(faults, seed),
}

export const kinds: readonly string[] = Object.keys(findings)

export interface Play {
  readonly of: string
  readonly first: number
  readonly seeds: number
  readonly minutes: number
}

/** `npm run fuzz`: random sessions against their models until told to stop. Says how far it is every ten seconds. */
export async function fuzz({ of, first, seeds, minutes }: Play): Promise<number> {
  const find = findings[of] as (seed: number) => Promise<unknown>
  const begun = performance.now()
  const until = begun + minutes * 60_000
  let seed = first
  let failed = 0
  let told = begun
  const report = (): void => {
    const spent = (performance.now() - begun) / 1000
    console.log(`${seed - first} seeds from ${first}, ${failed} failed, ${spent.toFixed(0)} s`)
  }
  for (; seed < first + seeds && performance.now() < until; seed++) {
    const finding = await find(seed)
    if (finding) {
      failed++
      console.log(JSON.stringify(finding, undefined, 1))
    }
    if (performance.now() < told + 10_000) continue
    told = performance.now()
    report()
  }
  report()
  return failed > 0 ? 1 : 0
}
