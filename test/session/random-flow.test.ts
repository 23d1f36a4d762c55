import { expect, test } from 'vitest'
import { random } from '../support/random'
import { play } from './random/play'
import { scenario, smaller, type Scenario } from './random/program'

const seeds = Number(process.env['FUZZ_SEEDS'] ?? 300)
const first = Number(process.env['FUZZ_FIRST'] ?? 1)

/** What goes wrong, in words; nothing when all is well. */
async function trouble(it: Scenario): Promise<readonly string[]> {
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

test(`${seeds} random workflows with crashes / the state is the strict replay, effects and sends happen once`, async () => {
  const failures: unknown[] = []
  for (let seed = first; seed < first + seeds && failures.length < 3; seed++) {
    const it = scenario(random(seed))
    if ((await trouble(it)).length === 0) continue
    const script = await smallest(it)
    failures.push({ seed, wrong: await trouble(script), script })
  }
  if (failures.length > 0) expect.fail(failures.map((it) => JSON.stringify(it, undefined, 1)).join('\n'))
}, 3_600_000)

/** The scenario without crashes, so that every page of it makes the same records. */
function calm({ steps, actions }: Scenario): Omit<Scenario, 'compact'> {
  return { steps, actions: actions.filter((it) => it.act !== 'crash' && it.act !== 'die') }
}

test(`${seeds / 2} random workflows, closed and opened again, with snapshots and without / the same session`, async () => {
  for (let seed = first; seed < first + seeds / 2; seed++) {
    const it = calm(scenario(random(seed)))
    const records = await play({ ...it, compact: false })
    const snapshots = await play({ ...it, compact: true })
    expect({ seed, ...snapshots }).toEqual({ seed, ...records })
    expect(records.wrong).toEqual([])
  }
}, 3_600_000)
