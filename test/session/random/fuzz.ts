import { parseArgs } from 'node:util'
import { faults, findingOf, flows, joins, schemas, subflows, travels, versions } from './search'

/** What goes wrong with a seed, by what it is a script of. */
const kinds: Readonly<Record<string, (seed: number) => Promise<unknown>>> = {
  flows: (seed) => findingOf(flows, seed),
  travels: (seed) => findingOf(travels, seed),
  subflows: (seed) => findingOf(subflows, seed),
  versions: (seed) => findingOf(versions, seed),
  joins: (seed) => findingOf(joins, seed),
  schema: (seed) => findingOf(schemas, seed),
  faults: (seed) => findingOf(faults, seed),
}

/** `npm run fuzz`: random sessions against their models until told to stop. Says how far it is every ten seconds. */
export async function fuzz(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      first: { type: 'string' },
      minutes: { type: 'string' },
      of: { type: 'string', default: 'flows' },
    },
  })
  const first = Number(values.first ?? 1)
  const seeds = Number(values.seeds ?? Infinity)
  const begun = performance.now()
  const until = begun + Number(values.minutes ?? Infinity) * 60_000
  const find = kinds[values.of]
  if (find === undefined || [first, seeds, until].some(Number.isNaN)) {
    console.error(
      'usage: npm run fuzz -- [--of flows|travels|subflows|versions|joins|schema|faults] [--seeds 1000] [--first 1] [--minutes 5]',
    )
    return 2
  }
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
