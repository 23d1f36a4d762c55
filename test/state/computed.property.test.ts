import { expect, test } from 'vitest'
import { z } from 'zod'
import { DogearError } from '../../src/errors'
import { apart } from '../../src/state/apart'
import { partsOf } from '../../src/state/create-plain-store'
import { createStore } from '../../src/state/create-store'
import { compileSchema } from '../../src/state/schema'
import { createStateStore } from '../../src/state/store'
import { random } from '../support/random'

const Part = z
  .object({ n: z.number().default(0), tags: z.array(z.string()).default([]), t: z.string().optional() })
  .extend({ size: z.number().default(0) })
  .overwrite((it) => ({ ...it, size: it.n + it.tags.length + (it.t ?? '').length }))

const Whole = z.object({
  a: z.number().default(0),
  text: z.string().default(''),
  list: z.array(z.number()).default([]),
  part: Part.optional(),
  parts: z.record(z.string(), Part).default({}),
  items: z.array(Part).default([]),
  newest: z
    .array(z.number())
    .default([])
    .overwrite((it) => it.slice(-3)),
  sum: z.number().default(0),
})

const Computed = Whole.overwrite((it) => ({
  ...it,
  sum: it.a + it.text.length + it.list.length + (it.part?.size ?? 0) + it.items.length + it.newest.length,
}))

/** Judges whole states, as those of other vendors do. */
const foreign = {
  '~standard': { ...Computed['~standard'], vendor: 'test' },
}

interface Loose {
  get(path?: string): unknown
  set(path: string, value: unknown): void
  append(path: string, item: unknown): void
  delete(path: string): void
  edit(recipe: (draft: z.infer<typeof Whole>) => void): void
  batch(writes: () => void): void
  reset(): void
}

/** One write, with what must stand at its path after it, where that can be said. */
type Write = readonly [run: (store: Loose) => void, path?: string, value?: unknown]

const writes = (n: number, text: string): readonly Write[] => [
  ...['a', 'list.0', 'part.n', `parts.k${n % 2}.n`, 'items.0.n'].map((path): Write => [
    (store) => store.set(path, n),
    path,
    n,
  ]),
  ...['text', 'part.t', 'items.0.t'].map((path): Write => [(store) => store.set(path, text), path, text]),
  ...['text', 'part.t', 'part.tags', `parts.k${n % 2}.tags`, 'items.0.t'].map((path): Write => [
    (store) => store.append(path, text),
  ]),
  [(store) => store.append('list', n)],
  [(store) => store.append('items', { n })],
  [(store) => store.append('newest', n)],
  ...['part', 'part.t', `parts.k${n % 2}`].map((path): Write => [
    (store) => store.delete(path),
    path,
    undefined,
  ]),
  ...['list.0', 'items.0', 'part.tags.0'].map((path): Write => [(store) => store.delete(path)]),
  [
    (store) =>
      store.edit((draft) => {
        draft.a = n
        draft.text += text
        if (draft.part) delete draft.part.t
        draft.items.splice(0, 1)
        draft.newest.push(n, n + 1)
        draft.parts['k1'] = Part.parse({ n })
      }),
    'parts.k1.size',
    n,
  ],
  [
    (store) =>
      store.batch(() => {
        store.append('text', text)
        store.set('part.n', n)
        store.delete('list.0')
      }),
    'part.n',
    n,
  ],
  [(store) => store.reset()],
]

test.each([
  ['zod that computes', Computed],
  ['zod that compares', Whole.refine((it) => it.a < 1000)],
  ['zod, path by path', Whole],
  ['another vendor', foreign],
])(
  '%s / after every write, whole or taken apart, the state passes the schema unchanged and holds what was written',
  (_, schema) => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed)
      const whole = createStore({ schema: schema as typeof Whole }) as unknown as Loose
      const parts = partsOf(compileSchema(schema), undefined)
      const store = createStateStore({ ...parts, apart }) as unknown as Loose
      for (let step = 0; step < 30; step++) {
        const all = writes(Math.floor(next() * 5), 'x'.repeat(Math.floor(next() * 3)))
        const [run, ...wanted] = all[Math.floor(next() * all.length)] as Write
        const before = store.get()
        try {
          run(store)
        } catch (error) {
          expect(error).toBeInstanceOf(DogearError)
          expect(store.get()).toBe(before)
          continue
        }
        run(whole)
        expect(store.get()).toEqual(whole.get())
        expect(schema['~standard'].validate(store.get())).toEqual({ value: store.get() })
        if (wanted.length > 0) expect(store.get(wanted[0])).toEqual(wanted[1])
      }
    }
  },
)
