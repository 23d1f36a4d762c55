import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, gather, memoryStorage, type SessionStorage } from '../../src/index'
import { checksum } from '../../src/storage/checksum'
import type { StoredPart, StoredSession, StoredSnapshot } from '../../src/storage/storage'
import { virtualClock } from '../../src/testing'
import { Done, flow, Go, Item, Question, unhandled, Worked } from '../support/flows'
import { inParts } from '../support/parts'
import { random } from '../support/random'

const State = z.object({
  name: z.string().default(''),
  list: z.array(z.number()).default([]),
  form: z.record(z.string(), z.unknown()).default({}),
})

/** Everything that a record can tell of: a fan-out, a point of each kind, a retry, writes before and after. */
const rich = defineWorkflow({ ...flow, state: State, maxSteps: 500 })
  .step('begin', { on: Go, emits: [Item] }, async (ctx) => {
    await ctx.state.set('name', await ctx.once('name', () => 'Ada'))
    return [Item(1), Item(2), Item(3)]
  })
  .step('work', { on: Item, emits: [Worked], retry: { attempts: 3, delay: 100 } }, async (ctx, { data }) => {
    await ctx.state.append('list', data)
    if (data === 2 && !ctx.state.has('form.failed')) {
      await ctx.sleep(50)
      throw new Error('once more')
    }
    await ctx.sleep(10)
    return Worked(data)
  })
  .step('ask', { on: gather(Worked), asks: [Question], emits: [Done] }, async (ctx) => {
    await ctx.state.set('form.asked', true)
    return Done((await ctx.ask(Question({ why: 'so' }))).data)
  })

/** Sessions as they are stored, cut off at many moments; with snapshots, whole and in parts, and without. */
async function samples(): Promise<StoredSession[]> {
  const found: StoredSession[] = []
  for (const moment of [1, 20, 70, 200, 3000]) {
    const clock = virtualClock()
    const storage = memoryStorage()
    const session = await createEngine({ storage, clock, ids: () => 'name' }).open(rich, { id: 'a' })
    session.state.set('form', { typed: 'before' })
    session.run().catch(() => {})
    await clock.advance(moment)
    const saved = session.toJSON() as { readonly seq: number }
    session.state.set('form.late', { deep: [1, null, 'text'] })
    session.state.delete('form.typed' as never)
    await clock.advance(2000)
    await session.flush()
    const stored = (await storage.read('a'))!
    const data = JSON.stringify(saved)
    const { seq } = saved
    const { head } = stored
    const envelope = { ...{ format: head.format, workflow: 'flow', version: 1, at: 1, status: 'running' } }
    const short: StoredSession = {
      head: { ...head, snapshot: seq },
      snapshot: { ...envelope, seq, data, sum: checksum(data) },
      batches: stored.batches.filter((it) => it.to > seq),
    }
    found.push(stored, short, await inParts(short, 40))
  }
  return found
}

const ODD: readonly unknown[] = [
  ...[null, undefined, 0, -1, 1.5, NaN, 2 ** 53, 1e9, '', 'x', '__proto__', 'constructor', 'toString'],
  ...[true, [], {}, [null], [[]], { length: 5 }, { __proto__: null }, { constructor: { prototype: 1 } }],
  ...[
    ['set', '__proto__.polluted', 1],
    ['set', 'constructor.prototype.polluted', 1],
    'begin',
    'ask',
    'a.b.c',
  ],
]

type Dice = () => number

function pick<T>(dice: Dice, list: readonly T[]): T {
  return list[Math.floor(dice() * list.length)] as T
}

/** One change somewhere in a value: another value, a missing one, a doubled one, two exchanged, a strange key. */
function mutate(value: unknown, dice: Dice): unknown {
  if (typeof value !== 'object' || value === null || dice() < 0.08) return structuredClone(pick(dice, ODD))
  const made = (Array.isArray(value) ? value.slice() : { ...value }) as Record<string, unknown>
  const keys = Object.keys(made)
  const key = pick(dice, keys) ?? '0'
  const kind = dice()
  if (kind < 0.08) {
    if (Array.isArray(made)) made.splice(Number(key), 1)
    else delete made[key]
  } else if (kind < 0.14 && Array.isArray(made)) made.push(made[Number(key)])
  else if (kind < 0.18) {
    const other = pick(dice, keys) ?? '0'
    ;[made[key], made[other]] = [made[other], made[key]]
  } else if (kind < 0.21 && !Array.isArray(made))
    Object.defineProperty(made, pick(dice, ['__proto__', 'constructor', 'state', 'extra']), {
      ...{ value: { polluted: 1 }, enumerable: true, configurable: true, writable: true },
    })
  else made[key] = mutate(made[key], dice)
  return made
}

/** A change of what is serialized, with a checksum that fits: what somebody would do on purpose. */
function tamper<T extends { data: unknown }>(stored: T, dice: Dice): T {
  const data = JSON.stringify(mutate(JSON.parse(stored.data as string), dice)) ?? 'null'
  return { ...stored, data, sum: checksum(data) }
}

/** A change of a text, as a damaged disk makes it. */
function damage<T extends { data: unknown }>(stored: T, dice: Dice): T {
  const text = stored.data as string
  const at = Math.floor(dice() * text.length)
  return { ...stored, data: text.slice(0, at) + pick(dice, ['', 'x', '{', '"', '\0']) + text.slice(at + 1) }
}

/** A change of a part, of what the snapshot knows about one, or of which there are. */
function mutatePart(stored: StoredSession, change: typeof tamper, dice: Dice): StoredSession {
  const snapshot = stored.snapshot as StoredSnapshot
  const [parts, infos] = [stored.parts!, snapshot.parts!]
  const how = dice()
  if (how < 0.1) return { ...stored, parts: mutate(parts, dice) as StoredPart[] }
  if (how < 0.2) return { ...stored, snapshot: { ...snapshot, parts: mutate(infos, dice) as typeof infos } }
  const [n, data] = pick(dice, parts)
  // Another part's data under this number, or changed data.
  const made = how < 0.3 ? pick(dice, parts)[1] : change({ data, sum: 0 }, dice).data
  const sum = dice() < 0.9 ? checksum(made as string) : undefined
  return {
    ...stored,
    parts: parts.map((it) => (it[0] === n ? [n, made] : it)),
    snapshot: { ...snapshot, parts: infos.map((it) => (it[0] === n ? [n, it[1], sum ?? it[2]] : it)) },
  }
}

function mutant(stored: StoredSession, dice: Dice): StoredSession {
  const how = dice()
  if (how < 0.15) return mutate(stored, dice) as StoredSession
  const change = how < 0.9 ? tamper : damage
  if (stored.parts && dice() < 0.6) return mutatePart(stored, change, dice)
  const at = Math.floor(dice() * (stored.batches.length + (stored.snapshot ? 2 : 0)))
  if (at >= stored.batches.length) return { ...stored, snapshot: change(stored.snapshot!, dice) }
  return { ...stored, batches: stored.batches.with(at, change(stored.batches[at]!, dice)) }
}

async function tryOpen(stored: StoredSession): Promise<string> {
  const clock = virtualClock()
  const inner = memoryStorage()
  let aside = 0
  const storage: SessionStorage = {
    ...inner,
    read: () => Promise.resolve(stored),
    claim: (_id, _shape, seq) => Promise.resolve({ epoch: 99, seq }),
    append: () => Promise.resolve(),
    compact: () => Promise.resolve(),
    keepPart: () => Promise.resolve(),
    quarantine: () => (aside++, Promise.resolve()),
  }
  const engine = createEngine({ storage, clock, ids: () => 'name', onError: () => {} })
  const session = engine.session(rich, { id: 'a' })
  let outcome = 'hang'
  session.ready.then(
    () => (outcome = 'opened'),
    (error: { name: string; code: string }) => (outcome = `${error.name} ${error.code}`),
  )
  for (let turn = 0; turn < 20 && outcome === 'hang'; turn++)
    await new Promise((resolve) => setImmediate(resolve))
  if (outcome === 'opened') {
    expect(State.safeParse(session.state.get()).success).toBe(true)
    const { status, asks, error, orphans, persistence } = session
    JSON.stringify([session.toJSON(), session.history(), status, asks, error, orphans, persistence])
    await new Promise((resolve) => setImmediate(resolve))
  } else if (outcome.startsWith('LoadError') && !outcome.includes('NEWER')) expect(aside).toBe(1)
  await session.close()
  return outcome.startsWith('LoadError') ? 'refused' : outcome
}

describe('damaged or forged records', () => {
  test.each([1, 20250101, 3_000_000_019, 77])(
    '2,600 mutations with seed %i / each session opens, or is refused with its bytes set aside; no other error',
    async (seed) => {
      const dice = random(seed)
      const seen: Record<string, number> = {}
      const originals = await samples()
      const heard = await unhandled(async () => {
        for (let round = 0; round < 2600; round++) {
          const stored = mutant(pick(dice, originals), dice)
          const outcome = await tryOpen(stored).catch((error: unknown) => `threw ${String(error)}`)
          seen[outcome] = (seen[outcome] ?? 0) + 1
          expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
        }
      })
      expect(Object.keys(seen).sort()).toEqual(['opened', 'refused'])
      expect(heard.map(String)).toEqual([])
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(200)
    },
    3_600_000,
  )
})
