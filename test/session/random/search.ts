import { random } from '../../support/random'
import { play } from './play'
import { scenario, smaller, type Scenario } from './program'

/** A scenario that went wrong, and the smallest one that still does. */
export interface Finding {
  readonly seed: number
  readonly wrong: readonly string[]
  readonly script: Scenario
}

/** What goes wrong, in words; nothing when all is well. */
export async function trouble(it: Scenario): Promise<readonly string[]> {
  try {
    return (await play(it)).wrong
  } catch (error) {
    return [`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
  }
}

/** A scenario that still fails, with every piece needed. */
async function smallest(it: Scenario): Promise<Scenario> {
  let tries = 0
  search: for (;;) {
    for (const candidate of smaller(it)) {
      if (++tries > 2000) return it
      if ((await trouble(candidate)).length === 0) continue
      it = candidate
      continue search
    }
    return it
  }
}

/** What the scenario of a seed does wrong; `undefined` when all is well. */
export async function findingOf(seed: number): Promise<Finding | undefined> {
  const it = scenario(random(seed))
  if ((await trouble(it)).length === 0) return undefined
  const script = await smallest(it)
  return { seed, wrong: await trouble(script), script }
}
