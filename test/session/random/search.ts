import { expect } from 'vitest'
import { play as browse } from '../../storage/random/faults-play'
import {
  script as misfortune,
  smaller as milder,
  type Script as Misfortune,
} from '../../storage/random/faults-script'
import { random } from '../../support/random'
import { play } from './play'
import { scenario, smaller, type Scenario } from './program'
import { acts, fewerActs, strict, type Script as Story } from './schema'
import { compared } from './subflow-play'
import { script, smaller as less, type Script as Nesting } from './subflow-script'
import { easier, moves, travel, type Move } from './travel'

/** A script that went wrong, and the smallest one that still does. */
export interface Finding<Script> {
  readonly seed: number
  readonly wrong: readonly string[]
  readonly script: Script
}

/** Scripts of one kind: how they are made, played and made smaller. */
export interface Kind<Script> {
  script(seed: number): Script
  /** What goes wrong, in words; nothing when all is well. */
  play(script: Script): Promise<readonly string[]>
  /** Every script that is a piece smaller. */
  smaller(script: Script): Iterable<Script>
}

/** Workflows with crashes. */
export const flows: Kind<Scenario> = {
  script: (seed) => scenario(random(seed)),
  play: async (it) => (await play(it)).wrong,
  smaller,
}

/** Moves through a session's history. */
export const travels: Kind<readonly Move[]> = {
  script: moves,
  play: async (it) => (await travel(it), []),
  smaller: easier,
}

/** Sub-flows, with everything that can happen to a browser. */
export const subflows: Kind<Nesting> = { script: (seed) => script(seed), play: compared, smaller: less }

/** The same with code that changes under way. */
export const versions: Kind<Nesting> = { ...subflows, script: (seed) => script(seed, { versions: true }) }

/** The same with what is gathered, collected and waited for together, and with few workers. */
export const joins: Kind<Nesting> = {
  ...subflows,
  script: (seed) => script(seed, { joins: true, versions: seed % 3 === 0 }),
}

/** A strict schema, and whoever writes. */
export const schemas: Kind<Story> = { script: acts, play: strict, smaller: fewerActs }

/** A browser whose storage has trouble. */
export const faults: Kind<Misfortune> = { script: misfortune, play: browse, smaller: milder }

async function trouble<Script>(kind: Kind<Script>, it: Script): Promise<readonly string[]> {
  try {
    return await kind.play(it)
  } catch (error) {
    return [`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
  }
}

/** A script that still fails, with every piece needed. */
async function smallest<Script>(kind: Kind<Script>, it: Script): Promise<Script> {
  let tries = 0
  search: for (;;) {
    for (const candidate of kind.smaller(it)) {
      if (++tries > 2000) return it
      if ((await trouble(kind, candidate)).length === 0) continue
      it = candidate
      continue search
    }
    return it
  }
}

/** What the script of a seed does wrong; `undefined` when all is well. */
export async function findingOf<Script>(
  kind: Kind<Script>,
  seed: number,
): Promise<Finding<Script> | undefined> {
  const it = kind.script(seed)
  if ((await trouble(kind, it)).length === 0) return undefined
  const script = await smallest(kind, it)
  return { seed, wrong: await trouble(kind, script), script }
}

const wanted = process.env['FUZZ_SEEDS']

/** How many seeds are played even when the machine is so busy that the time is up before. */
const LEAST = 20

interface Extent {
  readonly seeds: number
  /** When they are up, fewer seeds must do. `npm run fuzz` knows no such limit. */
  readonly milliseconds: number
  /** The first seed. Default 1. */
  readonly first?: number
}

/** Plays so many seeds, unless FUZZ_SEEDS and FUZZ_FIRST say otherwise. Fails with the smallest scripts that go wrong. */
export async function expectNoFinding<Script>(
  kind: Kind<Script>,
  what: string,
  { seeds, milliseconds, first = 1 }: Extent,
): Promise<void> {
  const count = Number(wanted ?? seeds)
  const from = Number(process.env['FUZZ_FIRST'] ?? first)
  const until = wanted === undefined ? performance.now() + milliseconds : Infinity
  const findings: unknown[] = []
  let played = 0
  for (; played < count && findings.length < 3; played++) {
    if (played >= LEAST && performance.now() > until) break
    const finding = await findingOf(kind, from + played)
    if (finding) findings.push(finding)
  }
  console.log(`${played} of ${count} random ${what} played`)
  if (findings.length > 0) expect.fail(findings.map((it) => JSON.stringify(it, undefined, 1)).join('\n'))
}
