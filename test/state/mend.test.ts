import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { mend } from '../../src/state/mend'
import { compileSchema } from '../../src/state/schema'
import { Tree } from '../../src/state/tree'

/** A state that its schema refuses, as a rollback may leave it, and what is left of it. */
function mended(schema: z.ZodType, state: unknown): unknown {
  const compiled = compileSchema(schema)
  const tree = new Tree(state)
  tree.apply(mend(compiled, state))
  expect(compiled.initial(tree.root())).toEqual(tree.root())
  return tree.root()
}

describe('a state that its schema refuses', () => {
  test('wrong items before and behind the tenth / exactly these go', () => {
    const list = Array.from({ length: 12 }, (_, n) => (n === 2 || n === 10 ? 'wrong' : n))
    expect(mended(z.object({ list: z.array(z.number()) }), { list })).toEqual({
      list: [0, 1, 3, 4, 5, 6, 7, 8, 9, 11],
    })
  })

  test('a wrong value that has a default / the default, and not its container', () => {
    const schema = z.object({ box: z.object({ n: z.number().default(7), m: z.number() }).optional() })
    expect(mended(schema, { box: { n: 'wrong', m: 1 } })).toEqual({ box: { n: 7, m: 1 } })
  })

  test('a wrong value that must be there / the nearest container that may be absent goes', () => {
    const schema = z.object({
      kept: z.number(),
      box: z.object({ in: z.object({ n: z.number() }) }).optional(),
    })
    expect(mended(schema, { kept: 1, box: { in: { n: 'wrong' } } })).toEqual({ kept: 1 })
  })

  test('a list that is refused as a whole / keeps what it can hold', () => {
    const schema = z.object({ list: z.array(z.number()).refine((it) => new Set(it).size === it.length) })
    expect(mended(schema, { list: [1, 2, 1, 3] })).toEqual({ list: [1, 2, 3] })
  })

  test('a list that may not be empty and whose only item is wrong / its default', () => {
    const schema = z.object({ list: z.array(z.number()).min(1).default([5]) })
    expect(mended(schema, { list: ['wrong'] })).toEqual({ list: [5] })
  })

  test('a list of which the schema keeps the newest items / these', () => {
    const schema = z.object({ list: z.array(z.number()).overwrite((it) => it.slice(-2)) })
    expect(mended(schema, { list: [1, 2, 3, 4] })).toEqual({ list: [3, 4] })
  })

  test('a key with a dot in it / found by its own name', () => {
    const schema = z.object({ files: z.record(z.string(), z.number()) })
    expect(mended(schema, { files: { 'a.txt': 'wrong', b: 1 } })).toEqual({ files: { b: 1 } })
  })

  test('nothing that would help / left as it is', () => {
    const schema = compileSchema(z.object({ n: z.number() }))
    expect(mend(schema, { n: 'wrong' })).toEqual([])
  })
})
