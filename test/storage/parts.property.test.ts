import { expect, it } from 'vitest'
import { assembled } from '../../src/storage/assembly'
import { cut, storedRun } from '../../src/storage/cutting'
import { Parts } from '../../src/storage/part'
import type { Part } from '../../src/storage/part'
import type { StoredPartInfo } from '../../src/storage/storage'
import { random } from '../support/random'

type Value = string | number | boolean | null | Value[] | { [key: string]: Value }

/** What a storage of texts would hold. */
interface Shelf {
  readonly texts: Map<number, string>
  envelope: string
  infos: StoredPartInfo[]
  newest: number
}

const SIZE = 100

function made(next: () => number, depth: number): Value {
  const dice = next()
  const length = Math.floor(next() ** 2 * 16)
  if (depth > 0 && dice < 0.35) return Array.from({ length }, () => made(next, depth - 1))
  if (depth > 0 && dice < 0.75)
    return Object.fromEntries(Array.from({ length }, (_, at) => [keyAt(next, at), made(next, depth - 1)]))
  if (dice < 0.85) return 'x'.repeat(Math.floor(next() ** 4 * 300))
  return dice < 0.95 ? Math.floor(next() * 4) : next() < 0.5
}

function keyAt(next: () => number, at: number): string {
  return next() < 0.1 ? String(at) : next() < 0.1 ? `a.${at}` : `key ${at}`
}

/** Another value that shares with the first what has not changed, as a state does. */
function changed(next: () => number, value: Value): Value {
  if (typeof value !== 'object' || value === null || next() < 0.1) return made(next, 2)
  const keys = Object.keys(value)
  const at = Math.floor(next() * keys.length)
  if (Array.isArray(value)) {
    const dice = next()
    if (dice < 0.2) return [...value, made(next, 1)]
    if (dice < 0.3) return value.toSpliced(at, 1)
    if (dice < 0.4) return value.toSpliced(at, 0, made(next, 1))
    // The same object may stand in two places.
    if (dice < 0.5 && value.length > 0) return [...value, value[at] as Value]
    return value.length === 0 ? value : value.with(at, changed(next, value[at] as Value))
  }
  const key = keys[at]
  if (key === undefined || next() < 0.2) return { ...value, [`new ${Math.floor(next() * 9)}`]: made(next, 2) }
  return { ...value, [key]: changed(next, value[key] as Value) }
}

interface Stored {
  readonly written: number
  readonly parts: readonly Part[]
}

/** Stores a value as a snapshot does. Answers how many parts were written, and what is known afterwards. */
function stored(shelf: Shelf, value: Value, known: readonly Part[]): Stored | undefined {
  const cutting = cut(value, new Parts(known, SIZE))
  let step = cutting.next()
  let written = 0
  while (!step.done) {
    const text = JSON.stringify(storedRun(step.value))
    shelf.texts.set(++shelf.newest, text)
    written++
    step = cutting.next({ ...step.value, n: shelf.newest, size: text.length, sum: 0 })
  }
  if (step.value === undefined) return undefined
  const { parts, places } = step.value
  shelf.envelope = JSON.stringify({ value: step.value.value, places })
  shelf.infos = parts.map(({ n, size, sum }) => [n, size, sum])
  for (const n of shelf.texts.keys()) if (!parts.some((it) => it.n === n)) shelf.texts.delete(n)
  return { written, parts }
}

async function read({ envelope, infos, texts }: Shelf): Promise<{ value: Value; parts: readonly Part[] }> {
  const found = await assembled(JSON.parse(envelope), infos, async ([n]) =>
    JSON.parse(texts.get(n) as string),
  )
  return found as { value: Value; parts: readonly Part[] }
}

/** How many parts may be written again: those too small to stay apart, and some whose borders have moved slightly. */
const small = ({ infos }: Shelf): number =>
  infos.filter(([, size]) => size < SIZE / 4).length + infos.length / 10 + 1

function writtenAgain(shelf: Shelf, value: Value, known: readonly Part[]): number {
  return stored({ ...shelf, texts: new Map(shelf.texts) }, value, known)?.written ?? 0
}

async function life(seed: number): Promise<number> {
  const next = random(seed)
  const shelf: Shelf = { texts: new Map(), envelope: '', infos: [], newest: 0 }
  let value: Value = { state: made(next, 4), history: made(next, 2) }
  let known: readonly Part[] = []
  let cuts = 0
  for (let rounds = 8; rounds > 0; rounds--) {
    const first = stored(shelf, value, known)
    // Small enough to be whole.
    if (first === undefined) expect(JSON.stringify(value).length).toBeLessThan(SIZE * 18)
    else {
      cuts++
      const found = await read(shelf)
      expect(JSON.stringify(found.value)).toBe(JSON.stringify(value))
      // Only what is too small to be used again.
      expect(writtenAgain(shelf, value, first.parts)).toBeLessThanOrEqual(small(shelf))
      known = first.parts
      if (next() < 0.3) {
        // A page that comes back goes on with what it has read.
        value = found.value
        known = found.parts
        expect(writtenAgain(shelf, value, known)).toBeLessThanOrEqual(small(shelf))
      }
    }
    value = { ...(value as object), state: changed(next, (value as { state: Value }).state) }
  }
  return cuts
}

it('a value cut into parts comes back the same, and unchanged parts are not written again', async () => {
  const first = Number(process.env['SEED'] ?? 1)
  const seeds = Number(process.env['SEEDS'] ?? 100)
  let cuts = 0
  for (let seed = first; seed < first + seeds; seed++)
    cuts += await life(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
  expect(cuts).toBeGreaterThan(seeds)
}, 3_600_000)
