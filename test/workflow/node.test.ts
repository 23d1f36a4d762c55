import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  type SessionStorage,
  type StepError,
  type StepStore,
} from '../../src/index'
import { virtualClock } from '../../src/testing'
import { Answer, Done, failure, flow, gate, Go, profile, Question, type Profile } from '../support/flows'

const state = z.object({
  text: z.string().default('hello'),
  kind: z.string().default(''),
  prepared: z.number().default(0),
})
const base = { ...flow, state } as const
type Store = StepStore<z.output<typeof state>>

/** Notes the calls of every phase; `execute` fails as often as it is told. */
function phases({ failures = 0, error = new Error('no answer') }: { failures?: number; error?: Error } = {}) {
  const calls: string[] = []
  let left = failures
  return {
    calls,
    prepare: (it: Store) => {
      calls.push('prepare')
      return { text: it.get('text') }
    },
    execute: ({ text }: { text: string }, run: { attempt: number }) => {
      calls.push(`execute ${run.attempt} ${text}`)
      if (left-- > 0) throw error
      return text.length
    },
    cleanup: async (it: Store, _: unknown, result: number) => {
      calls.push(`cleanup ${result}`)
      await it.set('kind', `of ${result}`)
      return Done(result)
    },
  }
}

async function result<T>(page: Profile, promise: Promise<T>): Promise<T> {
  await page.settle()
  return promise
}

describe('the three phases', () => {
  test('prepare returns X / execute gets X alone; cleanup gets state, X, result; its event is emitted', async () => {
    const seen: unknown[][] = []
    const page = profile()
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], config: { model: 'small' } },
      {
        prepare: (store, ctx) => {
          seen.push(['prepare', store.get('text'), ctx.event.type])
          return { x: 1 }
        },
        execute: (...args) => {
          const [prepared, { config, attempt, signal, idempotencyKey, resources, ...rest }] = args
          seen.push(['execute', prepared, config, attempt, signal.aborted, resources, rest, args.length])
          seen.push([idempotencyKey.split('/')[0]])
          return 2
        },
        cleanup: async (store, prepared, found) => {
          seen.push(['cleanup', prepared, found])
          await store.set('kind', 'done')
          return Done([prepared.x, found])
        },
      },
    )
    const session = await page.open(workflow, { id: 's' })
    expect(await result(page, session.run())).toEqual([1, 2])
    expect(seen).toEqual([
      ['prepare', 'hello', 'go'],
      ['execute', { x: 1 }, { model: 'small' }, 1, false, {}, {}, 2],
      ['s'],
      ['cleanup', { x: 1 }, 2],
    ])
    expect(session.state.get('kind')).toBe('done')
  })

  test('no cleanup / what execute returns is emitted; no prepare / execute gets undefined', async () => {
    const page = profile()
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done] },
      { execute: (prepared) => Done({ prepared: prepared === undefined }) },
    )
    expect(await result(page, (await page.open(workflow)).run())).toEqual({ prepared: true })
  })

  test.each([['', 0, false, null, [{ deep: [] }]]])(
    'prepared and result are %j / handed on unchanged',
    async (value) => {
      const page = profile()
      const seen: unknown[] = []
      const workflow = defineWorkflow(base).node(
        'work',
        { on: Go, emits: [Done] },
        {
          prepare: (): unknown => value,
          execute: (prepared): unknown => (seen.push(prepared), value),
          cleanup: (_, prepared, found) => (seen.push(prepared), Done(found)),
        },
      )
      expect(await result(page, (await page.open(workflow)).run())).toEqual(value)
      expect(seen).toEqual([value, value])
    },
  )

  test('prepare returns no JSON / the step fails, naming it', async () => {
    const page = profile()
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done] },
      { prepare: () => new Map(), execute: () => 1, cleanup: () => Done(1) },
    )
    const error = await failure(result(page, (await page.open(workflow)).run()))
    expect(error).toMatchObject({ cause: { code: 'SERIALIZATION' } })
    expect((error as Error).message).toContain('what prepare of step "work" gave is a Map')
  })

  test('cleanup returns an undeclared event / the step fails', async () => {
    const page = profile()
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done] },
      { execute: () => 1, cleanup: () => Answer('x') as never },
    )
    expect(await failure(result(page, (await page.open(workflow)).run()))).toMatchObject({
      cause: { code: 'UNKNOWN_EVENT' },
    })
  })
})

describe('retry', () => {
  test('execute fails twice of three / prepare and cleanup once', async () => {
    const page = profile()
    const own = phases({ failures: 2 })
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 3, delay: 100 } },
      own,
    )
    const run = (await page.open(workflow)).run()
    await page.clock.advance(1000)
    expect(await run).toBe(5)
    expect(own.calls).toEqual([
      'prepare',
      'execute 1 hello',
      'execute 2 hello',
      'execute 3 hello',
      'cleanup 5',
    ])
  })

  test('every attempt fails / the run fails with the last error, the state is as before', async () => {
    const page = profile()
    const own = phases({ failures: 3 })
    const workflow = defineWorkflow(base).node('work', { on: Go, emits: [Done], retry: { attempts: 3 } }, own)
    const session = await page.open(workflow)
    const error = (await failure(result(page, session.run()))) as StepError
    expect(error).toMatchObject({ step: 'work', attempts: 3, cause: { message: 'no answer' } })
    expect(own.calls).toHaveLength(4)
    // By hand it goes on where it failed.
    void session.retry()
    await page.settle()
    expect(session.result).toBe(5)
    expect(own.calls.slice(4)).toEqual(['execute 1 hello', 'cleanup 5'])
  })

  test.each(['prepare', 'cleanup'] as const)('%s throws / it is not retried', async (phase) => {
    const page = profile()
    const own = phases()
    const broken = vi.fn(() => {
      throw new Error('broken')
    })
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 3 } },
      {
        ...own,
        [phase]: broken,
      },
    )
    const error = (await failure(result(page, (await page.open(workflow)).run()))) as StepError
    expect(error).toMatchObject({ attempts: 1, cause: { message: 'broken' } })
    expect(broken).toHaveBeenCalledTimes(1)
  })

  test('every attempt has the same idempotency key', async () => {
    const page = profile()
    const keys = new Set<string>()
    let tries = 0
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 3 } },
      {
        execute: (_, { idempotencyKey }) => {
          keys.add(idempotencyKey)
          if (++tries < 3) throw new Error('again')
          return Done(tries)
        },
      },
    )
    expect(await result(page, (await page.open(workflow)).run())).toBe(3)
    expect(keys.size).toBe(1)
  })

  test('an attempt times out / its signal is aborted, execute runs again; the late result is dropped', async () => {
    const page = profile()
    const late = gate<number>()
    const signals: AbortSignal[] = []
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], timeout: 100, retry: { attempts: 2 } },
      {
        execute: (_, { signal, attempt }) => {
          signals.push(signal)
          return attempt === 1 ? late.promise : 2
        },
        cleanup: (_store, _prepared, found) => Done(found),
      },
    )
    const run = (await page.open(workflow)).run()
    await page.clock.advance(100)
    late.open(1)
    await page.settle()
    expect(await run).toBe(2)
    expect(signals.map((it) => it.aborted)).toEqual([true, false])
  })
})

/** Hands out its signal, and never ends by itself. */
const hanging = (signals: AbortSignal[]) => (_: unknown, ctx: { readonly signal: AbortSignal }) => {
  signals.push(ctx.signal)
  return gate<number>().promise
}

describe('fallback', () => {
  test('the only attempt times out / its signal is aborted by then', async () => {
    const page = profile()
    const signals: AbortSignal[] = []
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], timeout: 100 },
      {
        execute: hanging(signals),
        fallback: () => signals.map((it) => it.aborted),
        cleanup: (_store, _prepared, found) => Done(found),
      },
    )
    const run = (await page.open(workflow)).run()
    await page.clock.advance(100)
    expect(await run).toEqual([true])
  })

  test('the last attempt fails / fallback gets (X, last error), and its result goes to cleanup', async () => {
    const page = profile()
    const own = phases({ failures: 9 })
    const fallback = vi.fn(() => 0)
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      { ...own, fallback },
    )
    expect(await result(page, (await page.open(workflow)).run())).toBe(0)
    expect(fallback.mock.calls).toEqual([
      [{ text: 'hello' }, expect.objectContaining({ message: 'no answer' })],
    ])
    expect(own.calls).toEqual(['prepare', 'execute 1 hello', 'execute 2 hello', 'cleanup 0'])
  })

  test('no retry policy / fallback comes after the first failure, with that error', async () => {
    const page = profile()
    const error = new TypeError('mine')
    const own = phases({ failures: 1, error })
    const seen: unknown[] = []
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done] },
      { ...own, fallback: (_, failed) => (seen.push(failed), 7) },
    )
    expect(await result(page, (await page.open(workflow)).run())).toBe(7)
    expect(seen[0]).toBe(error)
  })

  test('the last attempt times out / fallback gets the TimeoutError', async () => {
    const page = profile()
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], timeout: 100 },
      {
        execute: () => gate<string>().promise,
        fallback: (_, error) => (error as { code: string }).code,
        cleanup: (_store, _prepared, found) => Done(found),
      },
    )
    const run = (await page.open(workflow)).run()
    await page.clock.advance(100)
    expect(await run).toBe('TIMEOUT')
  })

  test('cleanup after an attempt that has timed out / its signal is a new one, and is aborted with the run', async () => {
    const page = profile()
    const signals: AbortSignal[] = []
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], timeout: 100 },
      {
        execute: hanging(signals),
        fallback: () => 7,
        cleanup: async (_store, _prepared, _found, { signal }) => {
          signals.push(signal)
          return gate<never>().promise
        },
      },
    )
    const session = await page.open(workflow)
    const run = failure(session.run())
    await page.clock.advance(100)
    expect(signals.map((it) => it.aborted)).toEqual([true, false])
    session.cancel()
    await run
    expect(signals.map((it) => it.aborted)).toEqual([true, true])
  })

  test('prepare throws / no fallback; fallback throws / the step fails, and retry() begins with execute', async () => {
    const page = profile()
    const fallback = vi.fn((): number => {
      throw new Error('no fallback')
    })
    const options = { on: Go, emits: [Done] } as const
    const broken = defineWorkflow(base).node('work', options, {
      ...phases(),
      prepare: (): { text: string } => {
        throw new Error('early')
      },
      fallback,
    })
    await failure(result(page, (await page.open(broken, { id: 'a' })).run()))
    expect(fallback).not.toHaveBeenCalled()
    const own = phases({ failures: 1 })
    const session = await page.open(defineWorkflow(base).node('work', options, { ...own, fallback }), {
      id: 'b',
    })
    expect(await failure(result(page, session.run()))).toMatchObject({ cause: { message: 'no fallback' } })
    void session.retry()
    await page.settle()
    expect(own.calls).toEqual(['prepare', 'execute 1 hello', 'execute 1 hello', 'cleanup 5'])
    expect(session.result).toBe(5)
  })

  test('cancelled during execute / no fallback, no cleanup', async () => {
    const page = profile()
    const running = gate<number>()
    const own = phases()
    const fallback = vi.fn(() => 1)
    const session = await page.open(
      defineWorkflow(base).node(
        'work',
        { on: Go, emits: [Done] },
        { ...own, execute: () => running.promise, fallback },
      ),
    )
    const run = session.run().catch(() => {})
    await page.settle()
    session.cancel()
    running.fail(new Error('aborted'))
    await page.settle()
    await run
    expect(session.status).toBe('cancelled')
    expect(fallback).not.toHaveBeenCalled()
    expect(own.calls).toEqual(['prepare'])
  })

  test('cancelled before the intent to execute is durable / execute does not run', async () => {
    const clock = virtualClock()
    const [inner, disk] = [memoryStorage(), gate()]
    const storage: SessionStorage = {
      ...inner,
      append: async (...call) => {
        await disk.promise
        return inner.append(...call)
      },
    }
    const own = phases()
    const workflow = defineWorkflow(base).node('work', { on: Go, emits: [Done] }, own)
    const session = await createEngine({ storage, clock }).open(workflow)
    session.run().catch(() => {})
    await clock.advance(100)
    session.cancel()
    disk.open()
    await clock.advance(1000)
    expect(session.persistence.status).toBe('saved')
    expect(own.calls).toEqual(['prepare'])
  })
})

describe('a reload', () => {
  /** Ends the page at the given phase, every time it is reached for the first time. */
  test.each(['prepare', 'execute', 'fallback', 'cleanup'] as const)(
    'in %s / no finished phase runs again',
    async (stuck) => {
      const page = profile()
      const calls: string[] = []
      let cut = true
      const at = async <T>(phase: string, value: T): Promise<T> => {
        calls.push(phase)
        if (phase === stuck && cut) await gate().promise
        return value
      }
      const workflow = defineWorkflow(base).node(
        'work',
        { on: Go, emits: [Done] },
        {
          prepare: async (store) => {
            // Its own writes count once, whatever is cut off after them.
            await store.set('prepared', (it) => it + 1)
            return at('prepare', store.get('prepared'))
          },
          execute: async (prepared) => {
            await at('execute', 0)
            if (stuck === 'fallback') throw new Error('down')
            return prepared
          },
          fallback: async (prepared, error) => at('fallback', `${prepared} ${(error as Error).message}`),
          cleanup: async (store, prepared, found) => {
            await store.set('kind', `${found}`)
            return Done(await at('cleanup', [prepared, found]))
          },
        },
      )
      void (await page.open(workflow, { id: 's' })).run()
      await page.settle()
      await page.reload()
      cut = false
      const session = await page.open(workflow, { id: 's' })
      await page.settle()
      const found = stuck === 'fallback' ? '1 down' : 1
      expect(session.result).toEqual([1, found])
      expect(session.state.get()).toMatchObject({ prepared: 1, kind: `${found}` })
      const once = ['prepare', 'execute', ...(stuck === 'fallback' ? ['fallback'] : []), 'cleanup']
      expect(calls).toEqual(once.flatMap((it) => (it === stuck ? [it, it] : [it])))
    },
  )

  test('in a backoff / waits only the rest, keeps the attempt count, and prepare does not run again', async () => {
    const page = profile()
    const own = phases({ failures: 2 })
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 3, delay: 1000 } },
      own,
    )
    void (await page.open(workflow, { id: 's' })).run()
    await page.clock.advance(400)
    await page.reload()
    const session = await page.open(workflow, { id: 's' })
    await page.clock.advance(599)
    expect(own.calls).toEqual(['prepare', 'execute 1 hello'])
    await page.clock.advance(1)
    expect(own.calls.at(-1)).toBe('execute 2 hello')
    await page.clock.advance(1000)
    expect(session.result).toBe(5)
    expect(own.calls).toEqual([
      'prepare',
      'execute 1 hello',
      'execute 2 hello',
      'execute 3 hello',
      'cleanup 5',
    ])
  })

  test('prepare and cleanup ask / each ask is shown once, and the answers are kept', async () => {
    const page = profile()
    const execute = vi.fn((text: unknown) => `${String(text)}!`)
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], asks: [Question] },
      {
        prepare: async (_, ctx) => (await ctx.ask(Question('first'))).data,
        execute,
        cleanup: async (_store, _prepared, found, ctx) =>
          Done([found, (await ctx.ask(Question('second'))).data]),
      },
    )
    const open = async () => {
      const session = await page.open(workflow, { id: 's' })
      await page.settle()
      return session
    }
    let session = await open()
    void session.run()
    await page.settle()
    await page.reload()
    session = await open()
    expect(session.asks.map((it) => it.data)).toEqual(['first'])
    await session.asks[0]?.reply('a')
    await page.settle()
    await page.reload()
    session = await open()
    expect(session.asks.map((it) => it.data)).toEqual(['second'])
    await session.asks[0]?.reply('b')
    await page.settle()
    expect(session.result).toEqual(['a!', 'b'])
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test('a sleep and an ask in prepare and in cleanup, and a reload in cleanup / its recorded points are found again', async () => {
    const page = profile()
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done], asks: [Question] },
      {
        prepare: async (_, ctx) => {
          await ctx.sleep(10)
          return (await ctx.ask(Question('first'))).data
        },
        execute: (text) => text,
        cleanup: async (_store, _prepared, found, ctx) => {
          await ctx.sleep(10)
          return Done([found, (await ctx.ask(Question('second'))).data])
        },
      },
    )
    const first = await page.open(workflow, { id: 's' })
    void first.run()
    await page.clock.advance(10)
    await first.asks[0]?.reply('a')
    await page.clock.advance(10)
    await page.reload()
    const session = await page.open(workflow, { id: 's' })
    await page.settle()
    await session.asks[0]?.reply('b')
    await page.settle()
    expect(session.error).toBeUndefined()
    expect(session.result).toEqual(['a', 'b'])
  })

  test('while cleanup asks / what every phase has written and sent counts once', async () => {
    const Told = defineEvent('told', z.string())
    const state = z.object({ log: z.array(z.string()).default([]) })
    const workflow = defineWorkflow({ ...flow, state, skip: ['deadEnd'] })
      .node(
        'node',
        { on: Go, asks: [Question], emits: [Done, Told] },
        {
          async prepare(it, ctx) {
            await it.append('log', 'prepare')
            ctx.send(Told('prepared'))
          },
          execute: () => {},
          async cleanup(it, _, __, ctx) {
            await it.append('log', 'cleanup')
            ctx.send(Told('cleaned up'))
            await ctx.ask(Question(1))
            await it.append('log', 'answered')
            return Done(1)
          },
        },
      )
      .step('told', { on: Told }, (ctx, { data }) => ctx.state.append('log', data))
    const page = profile()
    void (await page.open(workflow)).run()
    await page.reload()
    await page.open(workflow)
    await page.reload()
    const session = await page.open(workflow)
    await page.settle()
    await session.asks[0]?.reply(1)
    await page.settle()
    expect(session.state.get('log').toSorted()).toEqual(
      ['prepare', 'prepared', 'cleanup', 'cleaned up', 'answered'].toSorted(),
    )
  })

  test('during cleanup, and then somebody types / cleanup sees what was typed', async () => {
    const page = profile()
    let work = gate()
    const workflow = defineWorkflow(base).node(
      'work',
      { on: Go, emits: [Done] },
      {
        prepare: (it) => it.set('kind', 'prepared'),
        execute: () => {},
        async cleanup(it) {
          await work.promise
          return Done([it.get('kind'), it.get('text')])
        },
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    work = gate()
    const session = await page.open(workflow)
    await page.settle()
    session.state.set('text', 'typed')
    work.open()
    expect(await result(page, session.run())).toEqual(['prepared', 'typed'])
  })

  test('or a crash at any storage operation / the same end and key, no finished phase twice', async () => {
    for (let write = 1; write <= 16; write++) {
      const page = profile({ crashAt: write })
      const keys: string[] = []
      let prepared = 0
      const workflow = defineWorkflow(base).node(
        'work',
        { on: Go, emits: [Done], retry: { attempts: 3, delay: 10 } },
        {
          prepare: async (store) => {
            prepared++
            await store.set('prepared', (it) => it + 1)
            return 'x'
          },
          execute: (_, { idempotencyKey, attempt }) => {
            keys.push(idempotencyKey)
            if (attempt < 3) throw new Error('again')
            return attempt
          },
          cleanup: async (store, text, attempt) => {
            await store.set('kind', `${text}${attempt}`)
            return Done(attempt)
          },
        },
      )
      const first = await page.open(workflow, { id: 's' })
      void first.run()
      await page.clock.advance(100)
      page.kill()
      const session = await page.open(workflow, { id: 's' })
      if (session.status === 'idle') void session.run()
      await page.clock.advance(100)
      expect(session.result).toBe(3)
      expect(session.state.get()).toEqual({ text: 'hello', prepared: 1, kind: 'x3' })
      expect(prepared).toBeLessThanOrEqual(2)
      expect(new Set(keys).size).toBe(1)
      expect(keys.length).toBeLessThanOrEqual(6)
    }
  })
})

describe('definition', () => {
  test('an instance of a class / its methods are the phases, and see its private fields', async () => {
    class Greeter {
      readonly #word = 'hello'
      execute = (name: string): string => `${this.#word} ${name}`
      prepare(): string {
        return this.#word
      }
      cleanup(_: unknown, prepared: string, result: string): ReturnType<typeof Done> {
        return Done([this.#word, prepared, result])
      }
    }
    const workflow = defineWorkflow(flow).node('greet', { on: Go, emits: [Done] }, new Greeter())
    expect(await (await profile().open(workflow)).run()).toEqual(['hello', 'hello', 'hello hello'])
  })

  test.each(['prepare', 'execute', 'fallback', 'cleanup'])(
    'a %s that is no function / ArgumentError',
    (phase) => {
      const define = (): unknown =>
        defineWorkflow(flow).node(
          'work',
          { on: Go, emits: [Done] },
          { execute: () => Done(1), [phase]: 'later' },
        )
      expect(define).toThrow(`node(): ${phase} takes a function, not string`)
    },
  )

  test('the same mistakes as in a step are found', () => {
    const Other = defineEvent('other')
    const workflow = defineWorkflow(flow).node(
      'work',
      { on: Go, emits: [Done, Other], retry: { attempts: 0 } },
      { execute: () => Done(1) },
    )
    expect(() => workflow.validate()).toThrow(/retry.attempts is 0[^]*"other", which no step accepts/)
  })
})
