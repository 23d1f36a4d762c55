import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  SessionStateError,
  type Engine,
  type LoadError,
  type SessionStorage,
} from '../../src/index'
import { virtualClock } from '../../src/testing'
import { asking, Done, failure, flow, gate, Go, Item, profile, Question, Worked } from '../support/flows'
import { random as randomFrom } from '../support/random'

/** Something of everything: an open ask, a fan-out, kept events, effects, a retry, writes that are not committed. */
const busy = (stop: Promise<unknown> = gate().promise) =>
  defineWorkflow({
    ...flow,
    name: 'busy',
    state: z.object({
      note: z.string().default(''),
      list: z.array(z.number()).default([]),
      deep: z.record(z.string(), z.unknown()).default({}),
    }),
  })
    .step('begin', { on: Go, emits: [Item] }, () => [Item(1), Item(2), Item(3)])
    .step(
      'work',
      { on: Item, asks: [Question], emits: [Worked], retry: { attempts: 2, delay: 1000 } },
      async (ctx, item) => {
        await ctx.once('price', () => item.data * 10)
        await ctx.state.append('list', item.data)
        if (item.data === 1) return Worked(Number((await ctx.ask(Question(1))).data))
        if (item.data === 2 && ctx.attempt === 1) throw new Error('again')
        await stop
        return Worked(item.data)
      },
    )
    .step('end', { on: Worked, emits: [Done] }, async (ctx, worked) => {
      const all = await ctx.collect(worked, [Worked, Worked, Worked])
      return all && Done(all.map((it) => it.data))
    })

async function inTheMiddle() {
  const page = profile()
  const stop = gate<unknown>()
  const workflow = busy(stop.promise)
  const session = await page.open(workflow, { id: 'one' })
  session.run().catch(() => {})
  await page.settle()
  session.state.set('note', 'typed')
  return { page, stop, workflow, session }
}

/** An engine somewhere else. */
const elsewhere = (): Engine => createEngine({ storage: memoryStorage(), clock: virtualClock() })

describe('toJSON()', () => {
  test('at any moment, also with steps in flight / strict JSON, and disturbs nothing', async () => {
    const { page, stop, session } = await inTheMiddle()
    const json = session.toJSON()
    expect(JSON.parse(JSON.stringify(json))).toStrictEqual(json)
    expect(json).toMatchObject({ format: 1, workflow: 'busy', version: 1, id: 'one', resourceKeys: [] })
    await session.asks[0]?.reply(7)
    await page.clock.advance(1000)
    expect(session.toJSON()).not.toEqual(json)
    stop.open(undefined)
    await page.settle()
    expect(sortedList(session.result)).toEqual([2, 3, 7])
  })

  test('its result / is a copy of its own', async () => {
    const { session } = await inTheMiddle()
    const json = session.toJSON() as { state: { list: number[] } }
    const copy = structuredClone(json)
    session.state.set('list.0', 99)
    expect(json).toEqual(copy)
  })
})

describe('engine.import(workflow, json)', () => {
  test('restore(save(x)) / equals the save of x, also the second time', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.once('effect', () => 1)
        const one = await ctx.ask(Question(1))
        await ctx.state.set('one', one.data)
        const two = await ctx.ask(Question(2))
        return Done([one.data, two.data])
      },
    )
    const session = await page.open(workflow, { id: 'one' })
    session.run().catch(() => {})
    await page.settle()
    await session.asks[0]?.reply('a')
    await page.settle()
    session.state.set('note', 'typed')
    const saved = session.toJSON()
    let json = saved
    for (let n = 0; n < 2; n++) {
      const copy = await elsewhere().import(workflow, json)
      expect(copy.id).toBe('one')
      json = copy.toJSON()
      expect(json).toEqual(saved)
    }
    const last = await elsewhere().import(workflow, JSON.parse(JSON.stringify(json)))
    expect(last.asks[0]?.id).toBe(session.asks[0]?.id)
    expect(last.history()).toEqual(session.history())
    const result = last.run()
    await last.asks[0]?.reply('b')
    expect(await result).toEqual(['a', 'b'])
  })

  test('saved with steps in flight / they go on, and finished effects are not repeated', async () => {
    const { session } = await inTheMiddle()
    const clock = virtualClock()
    const engine = createEngine({ storage: memoryStorage(), clock })
    const copy = await engine.import(busy(Promise.resolve()), session.toJSON(), { id: 'two' })
    const result = copy.run()
    await clock.advance(1000)
    await copy.asks[0]?.reply(7)
    expect(sortedList(await result)).toEqual([2, 3, 7])
    expect(copy.state.get('note')).toBe('typed')
    expect(sortedList(copy.state.get('list'))).toEqual([1, 2, 3])
  })

  test('then the page dies / the session is stored', async () => {
    const { session, workflow } = await inTheMiddle()
    const page = profile()
    await page.engine.import(workflow, session.toJSON(), { id: 'two' })
    page.kill()
    expect((await page.open(workflow, { id: 'two' })).state.get('note')).toBe('typed')
  })

  test('an id that exists / SessionStateError, and the session there stays as it is', async () => {
    const { page, session, workflow } = await inTheMiddle()
    await session.flush()
    const json = session.toJSON()
    expect(await failure(page.engine.import(workflow, json))).toMatchObject({ code: 'SESSION_STATE' })
    await session.close()
    expect(await failure(page.engine.import(workflow, json))).toMatchObject({ code: 'SESSION_STATE' })
    expect((await page.open(workflow, { id: 'one' })).state.get('note')).toBe('typed')
    expect((await page.engine.import(workflow, json, { id: 'two' })).state.get('note')).toBe('typed')
  })

  test('an id whose head is damaged or lost / SessionStateError, and what is stored stays as it is', async () => {
    const page = profile()
    const { storage } = page
    const session = await page.open(asking, { id: 'one' })
    session.state.set('text', 'precious')
    await session.flush()
    const json = session.toJSON()
    const stored = await storage.read('one')
    const headless: SessionStorage = {
      ...memoryStorage(),
      read: async (id) => (id === 'one' ? ({ ...stored, head: undefined } as never) : undefined),
    }
    const claims = vi.spyOn(headless, 'claim')
    expect(await failure(createEngine({ storage: headless }).import(asking, json))).toBeInstanceOf(
      SessionStateError,
    )
    expect(claims).not.toHaveBeenCalled()
  })

  test('a deleted id, opened again and still empty / the import takes its place; with something typed / refused', async () => {
    const { page, session, workflow } = await inTheMiddle()
    const json = session.toJSON()
    await page.engine.delete('one')
    const blank = page.engine.session(workflow, { id: 'one' })
    const restored = await page.engine.import(workflow, json)
    expect([blank.status, restored.state.get('note')]).toEqual(['idle', 'typed'])
    expect(page.engine.session(workflow, { id: 'one' })).toBe(restored)
    const other = page.engine.session(workflow, { id: 'two' })
    other.state.set('note', 'mine')
    expect(await failure(page.engine.import(workflow, json, { id: 'two' }))).toMatchObject({
      code: 'SESSION_STATE',
    })
    page.kill()
    expect((await page.open(workflow, { id: 'one' })).state.get('note')).toBe('typed')
  })

  test('two with one id at the same time, as by a double click / one wins and is stored, the other rejects', async () => {
    const { page, session, workflow } = await inTheMiddle()
    const json = session.toJSON()
    const both = [1, 2].map(() => page.engine.import(workflow, json, { id: 'two' }))
    const outcomes = await Promise.allSettled(both)
    expect(outcomes.map((it) => it.status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find((it) => it.status === 'rejected')?.reason).toMatchObject({ code: 'SESSION_STATE' })
    page.kill()
    expect((await page.open(workflow, { id: 'two' })).state.get('note')).toBe('typed')
  })

  const cases: readonly (readonly [string, (json: Json) => unknown, string])[] = [
    ['nothing', () => undefined, 'UNREADABLE_RECORD'],
    ['null', () => null, 'UNREADABLE_RECORD'],
    ['an empty object', () => ({}), 'UNREADABLE_RECORD'],
    ['a list', () => [], 'UNREADABLE_RECORD'],
    ['text', (json) => JSON.stringify(json), 'UNREADABLE_RECORD'],
    ['a number', () => 5, 'UNREADABLE_RECORD'],
    ['another format', (json) => ({ ...json, format: 99 }), 'NEWER_FORMAT'],
    ['another workflow', (json) => ({ ...json, workflow: 'other' }), 'WRONG_WORKFLOW'],
    ['a newer version', (json) => ({ ...json, version: 2 }), 'NEWER_VERSION'],
    ['no version', (json) => without(json, 'version'), 'UNREADABLE_RECORD'],
    ['no state', (json) => without(json, 'state'), 'UNREADABLE_RECORD'],
    ['no queues', (json) => without(json, 'queues'), 'UNREADABLE_RECORD'],
    ['a state that the schema refuses', (json) => ({ ...json, state: { note: 5 } }), 'STATE_INVALID'],
    ['an id of another kind', (json) => ({ ...json, id: 5 }), 'UNREADABLE_RECORD'],
    ['a function in the state', (json) => ({ ...json, state: { note: () => {} } }), 'UNREADABLE_RECORD'],
    ['a cycle', (json) => Object.assign({ ...json }, { state: cycle() }), 'UNREADABLE_RECORD'],
    [
      'tabs that were heard up to no number',
      (json) => ({ ...json, heard: [['tab', 'x']] }),
      'UNREADABLE_RECORD',
    ],
    [
      'a fan-out that has passed no steps',
      (json) => ({ ...json, scopes: [{ id: 0, step: 'split', open: 1, gathered: [], passed: 5 }] }),
      'UNREADABLE_RECORD',
    ],
    ['a beginning without a state', (json) => withoutBeginning(json), 'UNREADABLE_RECORD'],
    ['a name in a list', (json) => ({ ...json, queues: Object.assign([], { x: 1 }) }), 'UNREADABLE_RECORD'],
    // The short form of a stored record counts from 1: one of execution 0 would come back as another record.
    ['a next execution 0', (json) => ({ ...json, nextExec: 0 }), 'UNREADABLE_RECORD'],
    ['a next event 0', (json) => ({ ...json, nextEvent: 0 }), 'UNREADABLE_RECORD'],
    ['a next fan-out 0', (json) => ({ ...json, nextScope: 0 }), 'UNREADABLE_RECORD'],
    [
      'a path into a prototype',
      (json) => ({ ...json, roots: [[['set', '__proto__.x', 1]]] }),
      'UNREADABLE_RECORD',
    ],
    [
      'a key that is one',
      (json) => ({ ...json, state: JSON.parse('{"deep":{"__proto__":{"x":1}}}') as unknown }),
      'UNREADABLE_RECORD',
    ],
  ]

  test.each(cases)('%s / its own typed error, and nothing is stored', async (_, change, code) => {
    const { session, workflow } = await inTheMiddle()
    const json = change(session.toJSON() as Json)
    const engine = elsewhere()
    const error: LoadError = await failure(engine.import(workflow, json))
    expect(error).toMatchObject({ name: 'LoadError', code })
    expect(error).not.toHaveProperty('advice')
    expect(await error.export()).toBe(json)
    expect(await failure(error.retry())).toMatchObject({ name: 'LoadError', code })
    expect(await engine.list()).toEqual([])
    expect(await engine.export('one')).toBeUndefined()
    expect(({} as { x?: unknown }).x).toBeUndefined()
    // The id is free.
    expect((await engine.import(workflow, session.toJSON())).state.get('note')).toBe('typed')
  })

  test('no session at all / the error has no id, and no advice that would do nothing', async () => {
    const { message } = await failure(elsewhere().import((await inTheMiddle()).workflow, 'backup'))
    expect(message).toBe(
      'imported session was not loaded: it is no object; give what toJSON() gave; nothing stored was changed',
    )
  })

  test('1,500 damaged ones / each opens, or is refused with a LoadError and nothing stored; no prototype is touched', async () => {
    const { session } = await inTheMiddle()
    session.pause()
    const text = JSON.stringify(session.toJSON())
    const outcomes = { opened: 0, refused: 0 }
    for (let seed = 1; seed <= 1500; seed++) {
      const json = damaged(JSON.parse(text) as Json, randomFrom(seed))
      const clock = virtualClock()
      const engine = createEngine({ storage: memoryStorage(), clock, onError: () => {} })
      try {
        const copy = await engine.import(busy(), json, { id: 'copy' })
        outcomes.opened++
        copy.resume()
        await clock.advance(2000)
        for (const ask of copy.asks) await ask.reply(1)
        copy.back()
        // One that lacked a field with a default was completed: what is before that is a wall.
        const past = copy.history()
        const wall = past.findLastIndex((it) => it.type === 'migrated')
        for (const { seq } of past.slice(Math.max(wall, 0))) copy.rewind(seq)
        copy.toJSON()
        await clock.advance(0)
      } catch (error) {
        expect([seed, error]).toEqual([seed, expect.objectContaining({ name: 'LoadError' })])
        outcomes.refused++
        expect(await engine.export('copy')).toBeUndefined()
      }
      await engine.close()
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(pristine)
    expect(outcomes.opened).toBeGreaterThan(100)
    expect(outcomes.refused).toBeGreaterThan(100)
  }, 3_600_000)
})

type Json = Record<string, unknown>

const pristine = Object.getOwnPropertyNames(Object.prototype)

function without({ ...json }: Json, key: string): Json {
  delete json[key]
  return json
}

function withoutBeginning(json: Json): Json {
  const { records } = json['history'] as { records: Json[] }
  return { ...json, history: { records: records.map((it) => without(it, 'state')) } }
}

function cycle(): unknown {
  const deep: Record<string, unknown> = {}
  deep['deep'] = deep
  return { deep }
}

function sortedList(list: unknown): unknown[] {
  return [...(list as number[])].sort((a, b) => a - b)
}

const odd: readonly unknown[] = [
  ...[null, -1, 0, 1.5, 1e21, 99, '', 'x', '__proto__', true, [], {}, [[]], [null], { kind: 'ended' }],
  ...[{ kind: 'wrote', ops: [['set', 'constructor.x', 1]] }, ['set', '__proto__', 1]],
]

/** One to three places of it are changed, taken out, doubled or moved. */
function damaged(json: Json, random: () => number): unknown {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  for (let n = 0; n <= Math.floor(random() * 3); n++) {
    const places: (readonly [holder: Record<string, unknown>, key: string])[] = []
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      for (const [key, inner] of Object.entries(value)) {
        places.push([value as Record<string, unknown>, key])
        walk(inner)
      }
    }
    walk(json)
    const [holder, key] = pick(places)
    const [other, otherKey] = pick(places)
    const change = Math.floor(random() * 5)
    if (change === 0 && Array.isArray(holder)) holder.splice(Number(key), 1)
    else if (change === 0) delete holder[key]
    else if (change === 1 && Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]))
    else if (change === 2) holder[key] = structuredClone(other[otherKey])
    else if (change === 3)
      Object.defineProperty(holder, '__proto__', {
        value: pick(odd),
        ...{ enumerable: true, configurable: true, writable: true },
      })
    else holder[key] = structuredClone(pick(odd))
  }
  return json
}
