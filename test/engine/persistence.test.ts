import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  type Persistence,
  type SessionStorage,
} from '../../src/index'
import { virtualClock } from '../../src/testing'
import { Done, failure, flow, gate, Go, profile, Question, unhandled } from '../support/flows'

const asking = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    await ctx.state.set('asked', true)
    return Done((await ctx.ask(Question(1))).data)
  },
)

/** A storage that fails while it is told to. */
function moody(kinds: readonly string[] = ['append', 'compact']) {
  const clock = virtualClock()
  const inner = memoryStorage()
  const mood = { bad: false, words: 'disk is full' }
  let tries = 0
  const fail = <T>(kind: string, call: () => Promise<T>): Promise<T> => {
    if (!kinds.includes(kind)) return call()
    tries++
    return mood.bad ? Promise.reject(new DOMException(mood.words, 'QuotaExceededError')) : call()
  }
  const storage: SessionStorage = {
    ...inner,
    append: (...args) => fail('append', () => inner.append(...args)),
    compact: (...args) => fail('compact', () => inner.compact(...args)),
  }
  const errors: unknown[] = []
  const engine = createEngine({ storage, clock, onError: (error) => errors.push(error) })
  return { clock, inner, mood, errors, engine, tries: () => tries }
}

describe('session.persistence', () => {
  test('saved, saving, saved; savedAt is the time of the save; listeners are told', async () => {
    const page = profile()
    const session = await page.open(asking)
    const seen: Persistence[] = []
    session.subscribe(() => {
      if (seen.at(-1) !== session.persistence) seen.push(session.persistence)
    })
    expect(session.persistence.status).toBe('saved')
    session.state.set('typed', 1)
    expect(session.persistence.status).toBe('saving')
    await page.clock.advance(1000)
    expect(session.persistence.status).toBe('saved')
    expect(session.persistence.savedAt).toBeGreaterThan(page.clock.now() - 1000)
    expect(seen.map((it) => it.status)).toEqual(['saving', 'saved'])
    const idle = session.persistence
    await page.clock.advance(60_000)
    expect(session.persistence).toBe(idle)
  })

  test('the date stands still, as tests let it / what is typed is saved when nothing more comes, and after a second at most', async () => {
    const clock = virtualClock()
    const now = clock.now()
    const engine = createEngine({ storage: memoryStorage(), clock: { ...clock, now: () => now } })
    const session = await engine.open(asking)
    session.state.set('typed', 1)
    await clock.advance(1000)
    expect(session.persistence.status).toBe('saved')
    for (let n = 2; n < 12; n++) {
      session.state.set('typed', n)
      await clock.advance(100)
    }
    await clock.advance(200)
    expect(session.persistence.status).toBe('saved')
  })

  test('memory storage passed to the engine / counts as saved', async () => {
    const clock = virtualClock()
    const session = await createEngine({ storage: memoryStorage(), clock }).open(asking)
    session.state.set('typed', 1)
    await session.flush()
    expect(session.persistence.status).toBe('saved')
  })

  test('a schema that computes a field, and something is deleted / the session opens again', async () => {
    const page = profile()
    const state = z
      .object({
        list: z.array(z.number()).default([1, 2]),
        extra: z.string().optional(),
        size: z.number().default(2),
      })
      .overwrite((it) => ({ ...it, size: it.list.length + (it.extra ?? '').length }))
    const workflow = defineWorkflow({ ...flow, state }).step('a', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    session.state.set('extra', 'four')
    session.state.delete('list.0')
    session.state.delete('extra')
    expect(session.state.get()).toEqual({ list: [2], size: 1 })
    await page.reload()
    expect((await page.open(workflow)).state.get()).toEqual({ list: [2], size: 1 })
  })

  test('field edits coalesce: 150 ms after the last one, at most 1 s after the first', async () => {
    const page = profile()
    const session = await page.open(asking)
    const stored = async (): Promise<unknown> => (await page.storage.read('flow'))?.head.seq
    session.state.set('typed', 'a')
    await page.clock.advance(149)
    expect(await stored()).toBeUndefined()
    await page.clock.advance(1)
    expect(await stored()).toBeGreaterThan(0)
    const before = await stored()
    for (let n = 0; n < 9; n++) {
      session.state.append('typed', 'b')
      await page.clock.advance(100)
    }
    expect(await stored()).toBe(before)
    session.state.append('typed', 'b')
    await page.clock.advance(100)
    expect(await stored()).not.toBe(before)
  })

  test("a step's end, a commit point, a reply and run() / are written at once, with the edits before them", async () => {
    const page = profile()
    const session = await page.open(asking)
    session.state.set('typed', 'first')
    void session.run()
    await page.settle()
    page.kill()
    const again = await page.open(asking)
    expect(again.state.get()).toEqual({ typed: 'first', asked: true })
    await page.settle()
    again.state.set('typed', 'second')
    void again.asks[0]?.reply('yes')
    await page.settle()
    page.kill()
    const last = await page.open(asking)
    expect(last.result).toBe('yes')
    expect(last.state.get('typed')).toBe('second')
  })
})

describe('storage fails for a while', () => {
  test('the state is intact, `unsaved`, onError once per outage, saved later; nothing is thrown into the app', async () => {
    const { clock, inner, mood, errors, engine } = moody()
    const heard = await unhandled(async () => {
      const session = await engine.open(asking)
      mood.bad = true
      for (let outage = 1; outage <= 2; outage++) {
        mood.bad = true
        session.state.set('outage', outage)
        void session.run().catch(() => {})
        await clock.advance(10_000)
        expect(session.persistence.status).toBe('unsaved')
        expect(session.persistence.error).toMatchObject({ code: 'STORAGE' })
        expect(session.persistence.error?.message).toContain('disk is full')
        expect(session.state.get('outage')).toBe(outage)
        expect(session.status).toBe('waiting')
        expect(errors).toHaveLength(outage)
        mood.bad = false
        await clock.advance(60_000)
        expect(session.persistence.status).toBe('saved')
        expect(session.persistence.error).toBeUndefined()
        expect(errors).toHaveLength(outage)
      }
      const again = await createEngine({ storage: inner, clock }).open(asking)
      expect(again.state.get()).toEqual({ outage: 2, asked: true })
      expect(again.asks).toHaveLength(1)
    })
    expect(heard).toEqual([])
  })

  test('an error without words, as of a full disk in Chromium / is told by its name alone', async () => {
    const { engine, mood } = moody()
    const session = await engine.open(asking)
    Object.assign(mood, { bad: true, words: '' })
    session.state.set('typed', 1)
    await expect(session.flush()).rejects.toThrow(/^storage failed: QuotaExceededError$/)
  })

  test('flush() / tries at once, rejects with the storage error while it fails, resolves when it works again', async () => {
    const { clock, mood, engine } = moody()
    const session = await engine.open(asking)
    mood.bad = true
    session.state.set('typed', 1)
    expect(await failure(session.flush())).toMatchObject({ code: 'STORAGE' })
    expect(await failure(session.flush())).toMatchObject({ code: 'STORAGE' })
    mood.bad = false
    await session.flush()
    expect(session.persistence.status).toBe('saved')
    await clock.advance(1000)
  })

  test('a whole flow runs through the outage / its effects run once, and all is saved in the end', async () => {
    const { clock, inner, mood, engine } = moody()
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      for (let n = 0; n < 5; n++) {
        await ctx.once(`part ${n}`, () => ++calls)
        await ctx.state.append('list', { n })
        await ctx.sleep(100)
      }
      return Done(calls)
    })
    const session = await engine.open(workflow)
    mood.bad = true
    const result = session.run()
    await clock.advance(1000)
    expect(await result).toBe(5)
    mood.bad = false
    await clock.advance(60_000)
    const again = await createEngine({ storage: inner, clock }).open(workflow)
    expect(again.result).toBe(5)
    expect(again.state.get('list')).toHaveLength(5)
  })

  test('text is typed letter by letter meanwhile / all of it is stored once there is room', async () => {
    const { clock, inner, mood, engine } = moody()
    const session = await engine.open(asking)
    mood.bad = true
    for (const letter of 'a dog-eared page') {
      session.state.append('text', letter)
      await clock.advance(40)
    }
    await clock.advance(2000)
    expect(session.persistence.status).toBe('unsaved')
    for (const letter of ' is kept') session.state.append('text', letter)
    mood.bad = false
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
    await engine.close()
    const again = await createEngine({ storage: inner, clock }).open(asking)
    expect(again.state.get('text')).toBe('a dog-eared page is kept')
  })

  test('for ten minutes / the tries back off: no storm of writes', async () => {
    const { clock, mood, engine, tries } = moody()
    const session = await engine.open(asking)
    mood.bad = true
    session.state.set('typed', 1)
    await clock.advance(600_000)
    expect(tries()).toBeLessThan(40)
    expect(tries()).toBeGreaterThan(5)
  })

  test('close() / rejects, and closes the session all the same; no unhandled rejection', async () => {
    const { clock, mood, engine } = moody()
    const heard = await unhandled(async () => {
      const session = await engine.open(asking)
      mood.bad = true
      session.state.set('typed', 1)
      expect(await failure(session.close())).toMatchObject({ code: 'STORAGE' })
      expect(await failure(session.run())).toMatchObject({ code: 'SESSION_CLOSED' })
      await clock.advance(600_000)
      const again = await engine.open(asking)
      expect(again).not.toBe(session)
      await engine.close()
    })
    expect(heard).toEqual([])
  })

  test('for snapshots only / everything is saved all the same, with at most one call of onError', async () => {
    const { clock, inner, mood, engine, errors } = moody(['compact'])
    mood.bad = true
    const session = await engine.open(asking)
    for (let n = 0; n < 8; n++) {
      session.state.set('blob', `${n}${'x'.repeat(100_000)}`)
      await clock.advance(1000)
    }
    expect(session.persistence.status).toBe('saved')
    expect(errors.length).toBeLessThanOrEqual(1)
    expect(String((await createEngine({ storage: inner, clock }).open(asking)).state.get('blob'))[0]).toBe(
      '7',
    )
  })

  test('a serializer that throws / `unsaved` with a code, no unhandled rejection; saved when it works again', async () => {
    const clock = virtualClock()
    let broken = true
    const heard = await unhandled(async () => {
      const engine = createEngine({
        storage: memoryStorage(),
        clock,
        serializer: {
          serialize: (value) => {
            if (broken) throw new Error('no key')
            return JSON.stringify(value)
          },
          deserialize: (it) => JSON.parse(it as string) as unknown,
        },
      })
      const session = await engine.open(asking)
      session.state.set('typed', 1)
      await clock.advance(5000)
      expect(session.persistence).toMatchObject({ status: 'unsaved', error: { code: 'STORAGE' } })
      broken = false
      await clock.advance(60_000)
      expect(session.persistence.status).toBe('saved')
    })
    expect(heard).toEqual([])
  })

  test('an onError that throws / breaks nothing', async () => {
    const clock = virtualClock()
    let bad = true
    const inner = memoryStorage()
    const storage: SessionStorage = {
      ...inner,
      append: (...args) => (bad ? Promise.reject(new Error('no')) : inner.append(...args)),
    }
    const session = await createEngine({
      storage,
      clock,
      onError: () => {
        throw new Error('onError is broken')
      },
    }).open(asking)
    session.state.set('typed', 1)
    await clock.advance(2000)
    bad = false
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
  })

  test('a session listener that throws while storage fails / breaks nothing', async () => {
    const { clock, mood, engine } = moody()
    const session = await engine.open(asking)
    session.subscribe(() => {
      throw new Error('listener')
    })
    mood.bad = true
    session.state.set('typed', 1)
    await clock.advance(2000)
    mood.bad = false
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
  })
})

describe('once waits for its intent', () => {
  test('slow storage / the effect begins when the intent is stored, not before', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const door = gate()
    let began = false
    const storage: SessionStorage = {
      ...inner,
      append: async (...args) => {
        await door.promise
        return inner.append(...args)
      },
    }
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.once('a', () => (began = true))),
    )
    const session = await createEngine({ storage, clock }).open(workflow)
    const result = session.run()
    await clock.advance(3000)
    expect(began).toBe(false)
    door.open()
    await clock.advance(0)
    expect(began).toBe(true)
    expect(await result).toBe(true)
  })

  test.each(['a step', 'a node', 'a sub-flow'])(
    'storage does not answer for longer than the timeout of %s / it does not fail for that, and has its whole time for the effect',
    async (what) => {
      const clock = virtualClock()
      const inner = memoryStorage()
      const storage: SessionStorage = { ...inner, append: () => new Promise(() => {}) }
      const options = { on: Go, emits: [Done], timeout: 100 } as const
      const effect = async (): Promise<string> => {
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 90))
        return 'done'
      }
      const child = defineWorkflow({ ...flow, name: 'child' }).step(
        'work',
        { on: Go, emits: [Done] },
        async (ctx) => Done(await ctx.once('a', effect)),
      )
      const workflow =
        what === 'a step'
          ? defineWorkflow(flow).step('work', options, async (ctx) => Done(await ctx.once('a', effect)))
          : what === 'a sub-flow'
            ? defineWorkflow(flow).subflow('work', { ...options, workflow: child })
            : defineWorkflow(flow).node('work', options, {
                execute: effect,
                cleanup: (_state, _prepared, result) => Done(result),
              })
      const session = await createEngine({ storage, clock, onError: () => {} }).open(workflow)
      const result = session.run()
      await clock.advance(4100)
      expect(session.persistence.status).toBe('unsaved')
      expect(await result).toBe('done')
    },
  )

  const counter = { ...flow, flowState: z.object({ n: z.number().default(0) }) }
  const impatient = { on: Go, emits: [Done], timeout: 100 } as const

  test('storage does not take a write to flow state for longer than the timeout of its step / the step does not fail for that', async () => {
    const clock = virtualClock()
    const workflow = defineWorkflow(counter).step('work', impatient, async (ctx) => {
      await Promise.all([ctx.flowState.set('n', 1), ctx.flowState.set('n', (it) => it + 1)])
      return Done(ctx.flowState.get('n'))
    })
    const storage = { ...memoryStorage(), writeFlow: () => new Promise<boolean>(() => {}) }
    const session = await createEngine({ storage, clock, onError: () => {} }).open(workflow)
    const result = session.run()
    await clock.advance(4100)
    expect(await result).toBe(2)
  })

  test('an edit of flow state takes longer than the timeout of its step / the step fails', async () => {
    const page = profile()
    const workflow = defineWorkflow(counter).step('work', impatient, async (ctx) => {
      await ctx.flowState.edit(() => new Promise(() => {}))
      return Done(1)
    })
    const session = await page.open(workflow)
    const failed = failure(session.run())
    await page.clock.advance(100)
    expect(await failed).toMatchObject({ code: 'STEP_FAILED', cause: { code: 'TIMEOUT' } })
  })

  test('the effect takes longer than the timeout, after storage has answered / the step fails', async () => {
    const page = profile()
    const workflow = defineWorkflow(flow).step('work', { on: Go, emits: [Done], timeout: 100 }, async (ctx) =>
      Done(await ctx.once('a', () => new Promise(() => {}))),
    )
    const session = await page.open(workflow)
    const failed = failure(session.run())
    await page.clock.advance(100)
    expect(await failed).toMatchObject({ code: 'STEP_FAILED', cause: { code: 'TIMEOUT' } })
  })
})
