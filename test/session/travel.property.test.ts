import { test } from 'vitest'
import { travel } from './random/travel'

const seeds = Number(process.env['FUZZ_SEEDS'] ?? 100)
const first = Number(process.env['FUZZ_FIRST'] ?? 1)

test(
  `${seeds} seeds / the session is what the model says, after every move`,
  async () => {
    for (let seed = first; seed < first + seeds; seed++) await travel(seed)
  },
  120_000 + seeds * 1000,
)
