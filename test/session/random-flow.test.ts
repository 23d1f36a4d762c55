import { expect, test } from 'vitest'
import { random } from '../support/random'
import { play } from './random/play'
import { scenario, type Scenario } from './random/program'
import { expectNoFinding, flows } from './random/search'

const wanted = process.env['FUZZ_SEEDS']

test('random workflows with crashes / the state equals a strict replay; effects and sends happen once', async () => {
  await expectNoFinding(flows, 'workflows', { seeds: 3000, milliseconds: 45_000 })
}, 3_600_000)

/** The scenario without crashes, so that every page of it makes the same records. */
function calm({ actions, ...rest }: Scenario): Scenario {
  return { ...rest, actions: actions.filter((it) => it.act !== 'crash' && it.act !== 'die') }
}

test('random workflows, closed and opened again, with and without snapshots / the same session', async () => {
  const seeds = Number(wanted ?? 3000) / 2
  const first = Number(process.env['FUZZ_FIRST'] ?? 1)
  const until = wanted === undefined ? performance.now() + 7000 : Infinity
  let seed = first
  for (; seed < first + seeds && performance.now() < until; seed++) {
    const it = calm(scenario(random(seed)))
    const records = await play({ ...it, compact: false })
    const snapshots = await play({ ...it, compact: true })
    expect({ seed, ...snapshots }).toEqual({ seed, ...records })
    expect(records.wrong).toEqual([])
  }
  console.log(`${seed - first} of ${seeds} random workflows reopened`)
}, 3_600_000)

test('an edit begins between the end of another and a write that waited for it / the write goes first', async () => {
  const steps: Scenario['steps'] = [
    [
      { do: 'set', path: 'a', value: '' },
      { do: 'set', path: 'a', value: null },
    ],
    [{ do: 'edit', root: 'o', add: 1 }],
  ]
  const pair: Scenario['pair'] = [[], [{ do: 'commit' }, { do: 'edit', root: 'o', add: 4, ms: 5 }], []]
  const rest = { fans: [], lost: [], actions: [], edits: true, compact: false, lag: 0 }
  expect((await play({ steps, pair, ...rest })).wrong).toEqual([])
})

test('an edit begins as another one ends that a write waits for / the write goes first', async () => {
  const steps: Scenario['steps'] = [
    [
      { do: 'send', name: 'p1', path: 'o.y.z' },
      { do: 'edit', root: 'o', add: 3, ms: 0 },
    ],
    [{ do: 'set', path: 'a', value: 1 }, { do: 'commit' }, { do: 'edit', root: 'o', add: 1, ms: 40 }],
    [{ do: 'send', name: 'p6', path: 'a' }],
  ]
  const rest = { fans: [], pair: [], lost: [], actions: [], edits: true, compact: false, lag: 0 }
  expect((await play({ steps, ...rest })).wrong).toEqual([])
})
