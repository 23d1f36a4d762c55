import { expect, test } from 'vitest'
import { z } from 'zod'
import { createStore } from '../../src/state/create-store'
import { failuresOf } from '../support/seeds'
import { Generator } from './generate'

const part = {
  n: z.number().default(0),
  t: z.string().trim().optional(),
  tags: z.array(z.string()).default([]),
}
const Part = z.object(part)

const schema = z.object({
  plain: Part.prefault({}),
  strict: z.strictObject(part).prefault({}),
  loose: z.looseObject(part).prefault({}),
  judged: Part.refine((it) => it.n !== it.tags.length + 1).prefault({}),
  either: z
    .union([
      z.object({ k: z.literal('p'), part: Part.optional() }),
      z.object({ k: z.literal('q'), list: z.array(Part).default([]) }),
    ])
    .prefault({ k: 'p', part: {} }),
  list: z.array(Part).prefault([{}, { t: 'x' }]),
  by: z.record(z.string(), z.object({ deep: z.object({ part: Part }) })).default({}),
})

type Box = Record<string, unknown>

interface Loose {
  get(path?: readonly string[]): unknown
  set(path: readonly string[], value: unknown): void
  edit(recipe: (draft: unknown) => void): void
}

function pathsIn(value: unknown, at: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, it]) => [[...at, key], ...pathsIn(it, [...at, key])])
}

/** A value like another one, with something too much, too little or of another type. */
function like(generate: Generator, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((it: unknown) => like(generate, it))
    return generate.chance(0.4) ? [...items, like(generate, value[0] ?? {})] : items.slice(generate.below(2))
  }
  if (typeof value !== 'object' || value === null) return generate.chance(0.8) ? value : generate.value(2)
  const kept = Object.entries(value).filter(() => generate.chance(0.8))
  const key = generate.pick(['n', 't', 'tags', 'k', 'part', 'list', 'unknown'])
  const more = generate.chance(0.5) ? [[key, generate.pick<unknown>([2, ' x ', ['y'], 'q', {}])]] : []
  return Object.fromEntries([...kept.map(([name, it]) => [name, like(generate, it)]), ...more]) as unknown
}

function outcome(write: () => void): string {
  try {
    write()
    return 'written'
  } catch (error) {
    return (error as Error).name
  }
}

function play(seed: number): string[] {
  const generate = new Generator(seed)
  const set = createStore({ schema }) as unknown as Loose
  const assigned = createStore({ schema }) as unknown as Loose
  for (let at = 0; at < 12; at++) {
    const path = generate.pick(pathsIn(set.get()))
    const value = like(
      generate,
      path[0] === 'by' && path.length === 1 ? { a: { deep: { part: {} } } } : set.get(path),
    )
    const one = outcome(() => set.set(path, value))
    const other = outcome(() =>
      assigned.edit((draft) => {
        const holder = path.slice(0, -1).reduce((box, key) => box[key] as Box, draft as Box)
        holder[path.at(-1) as string] = value
      }),
    )
    // The order of keys may be another one.
    const same = outcome(() => expect(assigned.get()).toEqual(set.get())) === 'written'
    if (one !== other || !same)
      return [`${path.join('.')} = ${JSON.stringify(value)}: ${one} by a set, ${other} by a draft`]
  }
  return []
}

test('random values are assigned to a draft / as a set of each would write or refuse them', async () => {
  expect(await failuresOf(300, (seed) => Promise.resolve(play(seed)))).toEqual([])
})
