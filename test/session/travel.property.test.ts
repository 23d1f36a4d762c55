import { expect, test } from 'vitest'
import { findingOf, travels, type Kind } from './random/search'
import { travel } from './random/travel'

const seeds = Number(process.env['FUZZ_SEEDS'] ?? 100)
const first = Number(process.env['FUZZ_FIRST'] ?? 1)

test(`${seeds} seeds / the session is what the model says, after every move`, async () => {
  for (let seed = first; seed < first + seeds; seed++) expect(await findingOf(travels, seed)).toBeUndefined()
}, 3_600_000)

test('a failing seed / is reduced to the fewest moves that still fail', async () => {
  // As if a session must not go back once something was typed.
  const strict: Kind<ReturnType<typeof travels.script>> = {
    ...travels,
    play: async (script) => {
      await travel(script)
      const typed = script.findIndex((it) => it.move === 'type')
      return typed >= 0 && script.slice(typed).some((it) => it.move === 'back') ? ['went back'] : []
    },
  }
  const finding = await findingOf(strict, 1)
  expect(finding).toMatchObject({ seed: 1, wrong: ['went back'] })
  expect(finding?.script.map((it) => it.move)).toEqual(['type', 'back'])
  expect(finding?.script.every((it) => it.rest === 0)).toBe(true)
})
