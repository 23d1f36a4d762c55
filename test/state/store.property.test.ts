import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { createStore } from '../../src/state/create-store'
import { forSeeds, Generator } from './generate'
import { Boom, codeOf, containersOf, Model, mutate, update, valueAt, type Command, type Json } from './model'

/** A script runs on the store and on the model; `look` decides after which commands the whole state is read. */
interface Step {
  readonly command: Command
  readonly look: boolean
  readonly hold: readonly string[] | undefined
}

/** The store without the types of its paths. */
interface Store {
  get(path?: readonly string[], fallback?: unknown): unknown
  has(path: readonly string[]): boolean
  set(path: readonly string[], value: unknown): void
  append(path: readonly string[], item: unknown): void
  delete(path: readonly string[]): void
  edit(recipe: (draft: unknown) => void): void
  replace(state: unknown): void
  reset(): void
  batch(writes: () => void): void
  subscribe(path: readonly string[], listener: () => void): () => void
}

const LISTENED: readonly (readonly string[])[] = [
  [],
  ['a'],
  ['b'],
  ['b', 'list'],
  ['b', 'list', '1'],
  ['a', 'toString'],
  ['a', 'a.b'],
  ['list'],
  ['list', '0'],
  ['list', '1', 'a'],
  ['list', '2'],
  ['list', '3', '0', 'b'],
  ['items', '0', 'a'],
  ['items', '1', '0'],
  ['nowhere', 'at', 'all'],
]

test('a store does what the model does (1,200 seeds)', { timeout: 3_600_000 }, () => {
  forSeeds(
    1200,
    (it) =>
      Array.from({ length: 5 + it.below(25) }, (): Step => ({
        command: it.command(),
        look: it.chance(0.5),
        hold: it.chance(0.3) ? it.path() : undefined,
      })),
    (script, seed) => runScript(script, new Generator(seed + 70_000).root(), true),
  )
})

test('a store that nobody reads from in between ends up the same (600 seeds)', { timeout: 3_600_000 }, () => {
  forSeeds(
    600,
    (it) =>
      Array.from({ length: 5 + it.below(40) }, (): Step => ({
        command: it.command(),
        look: false,
        hold: undefined,
      })),
    (script, seed) => runScript(script, new Generator(seed + 90_000).root(), false),
  )
})

/** One change of a list of lists, which is also made by hand; then perhaps a look at an item. */
type Change = readonly [
  how: 'set' | 'inner' | 'append' | 'delete' | 'replace',
  at: number,
  value: number,
  look: number,
]

test(
  'a batch sees a list with its own writes, whenever it first looks (2,000 seeds)',
  { timeout: 3_600_000 },
  () => {
    forSeeds(
      2000,
      (it) =>
        Array.from({ length: 1 + it.below(8) }, (): Change => {
          const how = (['set', 'inner', 'append', 'delete', 'replace'] as const)[it.below(5)]!
          return [how, it.below(5), it.below(3), it.below(12)]
        }),
      (changes) => {
        const store = createStore({ initial: { l: [[0], [1], [2]] } }) as unknown as Store
        const plain = [[0], [1], [2]]
        store.batch(() => {
          for (const [how, at, value, look] of changes) {
            const path = ['l', String(at)]
            if (how === 'append') {
              store.append(['l'], [value])
              plain.push([value])
            } else if (how === 'replace') {
              store.set(['l'], [[value], [at]])
              plain.splice(0, plain.length, [value], [at])
            } else if (at >= plain.length) continue
            else if (how === 'delete') {
              store.delete(path)
              plain.splice(at, 1)
            } else if (how === 'set') store.set(path, (plain[at] = [value]))
            else store.set([...path, '0'], (plain[at]![0] = value))
            if (look < 6) expectEqual(store.get(['l', String(look), '0']), plain[look]?.[0], `l.${look}.0`)
          }
        })
        expectEqual(store.get(['l']), plain, 'the list')
      },
    )
  },
)

function runScript(script: readonly Step[], initial: Json, everyValue: boolean): void {
  const store = createStore({ initial }) as unknown as Store
  const model = new Model(initial)
  const calls = LISTENED.map(() => 0)
  for (const [i, path] of LISTENED.entries())
    store.subscribe(path, () => void (calls[i] = (calls[i] ?? 0) + 1))
  const held: [unknown, unknown][] = []
  let seen = { root: store.get(), cell: model.cell }
  for (const { command, look, hold } of script) {
    const before = model.cell
    const expected = model.run(command)
    expectEqual(run(store, command), expected, JSON.stringify(command))
    expectCalls(model, before, calls)
    if (everyValue) expectValues(store, model)
    if (hold) held.push(clone(store.get(hold)))
    if (!look) continue
    expectShared(model, seen, store.get())
    seen = { root: store.get(), cell: model.cell }
    held.push(clone(seen.root))
  }
  expect(store.get()).toEqual(model.get())
  for (const [value, copy] of held) expectEqual(value, copy, 'what was read earlier')
}

function clone(value: unknown): [unknown, unknown] {
  return [value, structuredClone(value)]
}

// `expect` is slow, and these are asked a million times.
function expectEqual(actual: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, wanted)) expect({ [what]: actual }).toEqual({ [what]: wanted })
}

function expectCalls(model: Model, before: Model['cell'], calls: number[]): void {
  for (const [i, path] of LISTENED.entries()) {
    const wanted = model.changed(before, path)
    const made = calls[i] ?? 0
    if (wanted !== 'maybe' || made > 1) {
      expectEqual(made, wanted === 'yes' ? 1 : 0, `calls of the listener on "${path.join('.')}"`)
    }
    calls[i] = 0
  }
}

function expectValues(store: Store, model: Model): void {
  for (const path of LISTENED) {
    const value = path.length === 0 ? model.get() : model.get(path)
    expectEqual(store.get(path), value, `get ${path.join('.')}`)
    expectEqual(
      store.get(path, 'fallback'),
      value === undefined ? 'fallback' : value,
      `get ${path.join('.')}`,
    )
    expectEqual(store.has(path), value !== undefined, `has ${path.join('.')}`)
  }
}

/** A container is the same object exactly when the model says so; seen from the paths that it had and has. */
function expectShared(model: Model, seen: { root: unknown; cell: Model['cell'] }, root: unknown): void {
  for (const [path] of [...containersOf(seen.root), ...containersOf(root)]) {
    const wanted = model.changed(seen.cell, path)
    if (wanted === 'maybe') continue
    const same = valueAt(seen.root, path) === valueAt(root, path)
    expectEqual(same, wanted === 'no', `"${path.join('.')}" is the same object`)
  }
}

function run(store: Store, command: Command): string | undefined {
  try {
    apply(store, command)
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

function apply(store: Store, command: Command): void {
  switch (command.do) {
    case 'set':
      return store.set(command.path, command.value)
    case 'update':
      return store.set(command.path, (previous: unknown) => update(previous as Json | undefined))
    case 'append':
      return store.append(command.path, command.value)
    case 'delete':
      return store.delete(command.path)
    case 'replace':
      return store.replace(command.value)
    case 'reset':
      return store.reset()
    case 'edit':
      return store.edit((draft) => {
        for (const mutation of command.mutations) mutate(draft, mutation)
        if (command.throws) throw new Boom()
      })
    case 'batch':
      return store.batch(() => {
        for (const inner of command.commands) {
          if (!command.swallows) apply(store, inner)
          else run(store, inner)
        }
        if (command.throws) throw new Boom()
      })
  }
}
