import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, type HistoryError, type Session } from '../../src/index'
import { virtualClock } from '../../src/testing'
import { Done, failure, flow, gate, Go, Nudge, profile, Question, thrown, Worked } from '../support/flows'

/** Asks twice, and writes down what it hears. */
const twice = (options: { history?: number } = {}) =>
  defineWorkflow({ ...flow, ...options }).step(
    'ask',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      const first = await ctx.ask(Question('first?'))
      await ctx.state.set('first', first.data)
      const second = await ctx.ask(Question('second?'))
      await ctx.state.set('second', second.data)
      return Done([first.data, second.data])
    },
  )

type Twice = Session<ReturnType<typeof twice>>

const types = (session: Pick<Twice, 'history'>) => session.history().map((it) => it.type)
const seqOf = (session: Pick<Twice, 'history'>, type: string, nth = 1): number =>
  session.history().filter((it) => it.type === type)[nth - 1]?.seq ?? NaN
const question = (session: Twice) => session.asks[0]?.data

async function asked(history?: number) {
  const page = profile()
  const workflow = twice(history === undefined ? {} : { history })
  const session = await page.open(workflow)
  const result = session.run()
  result.catch(() => {})
  await page.settle()
  return { page, workflow, session, result }
}

describe('history()', () => {
  test('gives seq, at and type of each record, in order, frozen', async () => {
    const { page, session } = await asked()
    await page.clock.advance(5)
    await session.asks[0]?.reply('a')
    await page.settle()
    const history = session.history()
    expect(types(session)).toEqual(['created', 'started', 'taken', 'opened', 'answered', 'wrote', 'opened'])
    expect(history.map((it) => it.seq)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(history[4]).toMatchObject({ at: page.clock.now(), value: 'a' })
    expect(history[6]).toMatchObject({ point: 'ask', event: { type: 'question', data: 'second?' } })
    expect(Object.isFrozen(history) && history.every((it) => Object.isFrozen(it))).toBe(true)
  })

  test('an untouched session / no records', async () => {
    const session = await profile().open(twice())
    expect(session.history()).toEqual([])
  })

  test('history() while a field is being typed into / changes nothing, and shows no later key', async () => {
    const { session } = await asked()
    session.state.set('note', 'a')
    const before = session.history()
    const json = JSON.stringify(session.toJSON())
    session.history()
    expect(JSON.stringify(session.toJSON())).toBe(json)
    session.state.set('note', 'ab')
    expect(before.at(-1)).toMatchObject({ type: 'wrote', ops: [['set', 'note', 'a']] })
    expect(session.history().at(-1)).toMatchObject({ type: 'wrote', ops: [['set', 'note', 'ab']] })
  })

  test('a reload / the same history', async () => {
    const { page, workflow, session } = await asked()
    await session.asks[0]?.reply('a')
    await page.reload()
    const again = await page.open(workflow)
    expect(again.history()).toEqual(session.history())
  })

  test('more records than the limit / a snapshot replaces the oldest; never fewer than the limit, never more than twice', async () => {
    const { page, workflow, session } = await asked(10)
    for (let n = 0; n < 100; n++) {
      session.state.set(`field${n % 7}`, n)
      await session.flush()
      session.pause()
      session.resume()
    }
    const history = session.history()
    expect(history[0]?.type).toBe('snapshot')
    expect(history.length).toBeGreaterThan(10)
    expect(history.length).toBeLessThanOrEqual(21)
    for (const [index, it] of history.entries()) expect(it.seq).toBe((history[0]?.seq ?? 0) + index)
    await page.reload()
    expect((await page.open(workflow)).history()).toEqual(history)
  })

  test('two hundred edits in a row / one record, and the pages before are kept', async () => {
    const { page, workflow, session } = await asked(20)
    await session.asks[0]?.reply('a')
    for (let n = 0; n < 200; n++) {
      session.state.append('note', 'x')
      await page.clock.advance(200)
    }
    expect(session.history()[0]?.type).toBe('created')
    expect(session.back()).toBe(true)
    expect(session.state.get()).toEqual({ note: 'x'.repeat(200) })
    await page.reload()
    expect(question(await page.open(workflow))).toBe('first?')
  })

  test('history: 0 / no records are kept, and back() and rewind() go nowhere', async () => {
    const { session, page } = await asked(0)
    await session.asks[0]?.reply('a')
    await page.settle()
    expect(session.history()).toEqual([])
    expect(session.back()).toBe(false)
    expect(thrown<HistoryError>(() => session.rewind(2))).toMatchObject({ code: 'HISTORY' })
    expect(JSON.stringify(session.toJSON())).not.toContain('history')
  })

  test('history: -1, 1.5 or NaN / a WorkflowError', () => {
    for (const history of [-1, 1.5, NaN])
      expect(thrown(() => twice({ history }).validate())).toMatchObject({ code: 'WORKFLOW' })
  })
})

describe('rewind(seq)', () => {
  test('to the first ask / it is open again, the state is as it was, paused until resume()', async () => {
    const { page, session, result } = await asked()
    const seq = seqOf(session, 'opened')
    await session.asks[0]?.reply('a')
    session.state.set('note', 'typed')
    await page.settle()
    session.rewind(seq)
    expect(session.status).toBe('paused')
    expect(session.state.get()).toEqual({})
    expect(question(session)).toBe('first?')
    await page.settle()
    expect(session.history().at(-1)).toMatchObject({ type: 'rewound', to: seq })
    session.resume()
    await page.settle()
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply('b')
    await page.settle()
    await session.asks[0]?.reply('c')
    expect(await result).toEqual(['b', 'c'])
    expect(session.state.get()).toEqual({ first: 'b', second: 'c' })
  })

  test('to every record of a finished run, then resumed / the same end each time', async () => {
    const { page, session, result } = await asked()
    await session.asks[0]?.reply('a')
    await page.settle()
    await session.asks[0]?.reply('b')
    await result
    for (const { seq, type } of session.history()) {
      session.rewind(seq)
      session.resume()
      await page.settle()
      const again = session.run()
      again.catch(() => {})
      for (let n = 0; n < 2; n++) {
        await session.asks[0]?.reply(question(session) === 'first?' ? 'a' : 'b')
        await page.settle()
      }
      expect([type, await again, session.state.get()]).toEqual([
        type,
        ['a', 'b'],
        { first: 'a', second: 'b' },
      ])
    }
  })

  test('to before a reset / what begins then gets other numbers than what is at work again: a reply goes where it says', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
        Done((await ctx.ask(Question(1))).data),
      )
      .step('more', { on: Nudge, asks: [Question] }, async (ctx) => void (await ctx.ask(Question(2))))
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    const seq = seqOf(session, 'opened')
    session.reset()
    session.rewind(seq)
    session.resume()
    const result = session.run()
    await session.send(Nudge(1))
    await page.settle()
    const [one, more] = session.asks
    expect(one?.id).not.toBe(more?.id)
    expect(await one?.reply('a')).toBe(true)
    expect(await result).toBe('a')
  })

  test('between the stop event and the end / paused until resume(), then completed; a fork is completed at once', async () => {
    const { page, workflow, session, result } = await asked()
    for (const answer of ['a', 'b']) {
      await session.asks[0]?.reply(answer)
      await page.settle()
    }
    await result
    const seq = seqOf(session, 'ended')
    const fork = await session.fork(seq)
    expect([fork.status, fork.result]).toEqual(['completed', ['a', 'b']])
    session.rewind(seq)
    await page.reload()
    const again = await page.open(workflow)
    expect([again.status, again.result]).toEqual(['paused', undefined])
    again.resume()
    expect([again.status, again.result]).toEqual(['completed', ['a', 'b']])
  })

  test.each(['step()', 'a reply to another ask', 'a sent event'])(
    'between the stop event and the end, and then %s / it does nothing but end the run',
    async (what) => {
      const page = profile()
      const workflow = defineWorkflow({ ...flow, events: [Nudge] })
        .step('ask', { on: Go, asks: [Question] }, async (ctx) => void (await ctx.ask(Question(1))))
        .step('wait', { on: Go }, async (ctx) => void (await ctx.waitFor(Nudge)))
        .step('end', { on: Go, emits: [Done] }, async (ctx) => Done(await ctx.sleep(10)))
      const session = await page.open(workflow)
      const result = session.run()
      await page.clock.advance(10)
      await result
      session.rewind(session.history().find((it) => it.type === 'ended')?.seq ?? NaN)
      const [ask] = session.asks
      expect([session.status, ask?.data]).toEqual(['paused', 1])
      const done =
        what === 'step()'
          ? session.step()
          : ask && what !== 'a sent event'
            ? ask.reply()
            : session.send(Nudge(1))
      expect([await done, session.status]).toEqual([false, 'completed'])
      session.resume()
      await page.settle()
      expect(
        session
          .history()
          .map((it) => it.type)
          .slice(-3),
      ).toEqual(['rewound', 'finished', 'resumed'])
    },
  )

  test('to a seq that is not in the history or no number / HistoryError, and nothing changes', async () => {
    const { session } = await asked()
    const before = JSON.stringify(session.toJSON())
    for (const seq of [0, -1, 99, 1.5, NaN, Infinity, undefined, '4', null]) {
      const error = thrown<HistoryError>(() => session.rewind(seq as number))
      expect(error).toMatchObject({ name: 'HistoryError', code: 'HISTORY' })
      expect(error.message).toContain('1 to 4')
    }
    expect(JSON.stringify(session.toJSON())).toBe(before)
  })

  test('object keys set anew since then / are in their old order', async () => {
    const { session } = await asked()
    session.state.replace({ a: 1, b: { x: 1, y: 2 }, c: 3 })
    await session.flush()
    const then = session.history().at(-1)?.seq ?? NaN
    session.state.replace({ c: 3, 7: true, b: { y: 2, x: 1 }, a: 1 })
    await session.flush()
    session.rewind(then)
    expect(JSON.stringify(session.state.get())).toBe('{"a":1,"b":{"x":1,"y":2},"c":3}')
  })

  test('in a session that has never run / the state is as it was; paused, then idle', async () => {
    const page = profile()
    const session = await page.open(twice())
    session.state.set('name', 'Ada')
    await session.flush()
    const then = session.history().at(-1)?.seq ?? NaN
    session.state.delete('name')
    session.rewind(then)
    expect(session.state.get()).toEqual({ name: 'Ada' })
    expect(session.status).toBe('paused')
    session.resume()
    expect(session.status).toBe('idle')
  })

  test('to a record before an earlier rewind / undoes that rewind', async () => {
    const { page, session } = await asked()
    await session.asks[0]?.reply('a')
    await page.settle()
    const late = session.history().at(-1)?.seq ?? 0
    session.rewind(seqOf(session, 'opened'))
    session.rewind(late)
    session.resume()
    await page.settle()
    expect(session.state.get()).toEqual({ first: 'a' })
    expect(question(session)).toBe('second?')
  })

  test('idempotency keys and ask ids / are new; a reply to the old ask is told so', async () => {
    const keys: string[] = []
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        await ctx.once('effect', (key) => void keys.push(key))
        await ctx.ask(Question(2))
        return Done('end')
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    const old = session.asks[0]
    await old?.reply('a')
    await page.settle()
    session.rewind(seqOf(session, 'opened'))
    session.resume()
    expect(session.asks[0]?.id).not.toBe(old?.id)
    expect(await old?.reply('late')).toBe(false)
    await session.asks[0]?.reply('b')
    await page.settle()
    expect(keys).toHaveLength(2)
    expect(keys[0]).not.toBe(keys[1])
  })

  test('executions, events and fan-outs after it / have other numbers than those left behind', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow })
      .step('split', { on: Go, emits: [Worked] }, () => [Worked(1), Worked(2)])
      .step('work', { on: Worked, asks: [Question], emits: [Done] }, async (ctx) => {
        await ctx.ask(Question('go on?'))
        return Done('end')
      })
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    session.rewind(seqOf(session, 'started'))
    session.resume()
    await page.settle()
    const details = (key: string): unknown[] => session.history().flatMap((it) => it[key] ?? [])
    const split = session.history().filter((it) => it['opens'] !== undefined)
    expect(split).toHaveLength(2)
    expect(new Set(details('opens')).size).toBe(2)
    const events = (details('emits') as { id: number }[]).map((it) => it.id)
    expect(new Set(events).size).toBe(4)
    const taken = session.history().filter((it) => it.type === 'taken')
    expect(new Set(taken.map((it) => it['exec'])).size).toBe(6)
  })

  test('while a step is at work / its signal is aborted, and what it does afterwards has no effect', async () => {
    const page = profile()
    const work = gate()
    const signals: AbortSignal[] = []
    const late: unknown[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const { data } = await ctx.ask(Question(1))
        signals.push(ctx.signal)
        const value = await ctx.once('slow', () => work.promise.then(() => 'late'))
        late.push(value)
        await ctx.state.set('late', value)
        return Done(data)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await session.asks[0]?.reply('old')
    await page.settle()
    session.rewind(seqOf(session, 'opened'))
    expect(signals[0]?.aborted).toBe(true)
    work.open()
    await page.settle()
    expect(late).toEqual([])
    expect(session.state.get()).toEqual({})
    expect(types(session).at(-1)).toBe('rewound')
    session.resume()
    await session.asks[0]?.reply('new')
    await page.settle()
    expect(await result).toBe('new')
  })

  test('while an effect runs and storage is slow / the effect is called with a new key once that is stored', async () => {
    const memory = memoryStorage()
    let door = Promise.resolve()
    const append: typeof memory.append = async (...batch) => {
      await door
      return memory.append(...batch)
    }
    const clock = virtualClock()
    const engine = createEngine({ storage: { ...memory, append }, clock })
    const keys: string[] = []
    const workflow = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.once('charge', (key) => (keys.push(key), gate().promise))
      return Done('paid')
    })
    const session = await engine.open(workflow)
    session.run().catch(() => {})
    await clock.advance(0)
    const { promise, open } = gate()
    door = promise
    session.rewind(seqOf(session, 'opened'))
    session.resume()
    await clock.advance(0)
    expect(keys).toHaveLength(1)
    open()
    await clock.advance(0)
    expect(new Set(keys).size).toBe(2)
  })

  test('into the middle of a step / its uncommitted writes are taken out, and it runs again', async () => {
    const page = profile()
    let tries = 0
    const workflow = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Worked] }, async (ctx) => {
        tries++
        await ctx.state.append('list', { n: 1 })
        await ctx.state.append('list', { n: 2 })
        return Worked(1)
      })
      .step('end', { on: Worked, emits: [Done] }, () => Done('end'))
    const session = await page.open(workflow)
    await session.run()
    session.rewind(seqOf(session, 'wrote'))
    expect(session.state.get()).toEqual({})
    session.resume()
    expect(await session.run()).toBe('end')
    expect(tries).toBe(2)
    expect(session.state.get()).toEqual({ list: [{ n: 1 }, { n: 2 }] })
  })

  test('to a sleep with 20 s to go, an hour later / it has 20 s to go', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow })
      .step('sleep', { on: Go, emits: [Worked] }, async (ctx) => {
        await ctx.sleep(60_000)
        return Worked(1)
      })
      .step('end', { on: Worked, emits: [Done] }, () => Done('end'))
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(40_000)
    session.state.set('note', 1)
    const then = session.history().at(-1)?.seq ?? 0
    await page.clock.advance(3_600_000)
    expect(await result).toBe('end')
    session.rewind(then)
    session.resume()
    await page.clock.advance(19_000)
    expect(session.status).toBe('waiting')
    await page.clock.advance(1_000)
    expect(session.status).toBe('completed')
  })

  test('to a retry that was due in 20 s, an hour later / it is due in 20 s', async () => {
    const tries: number[] = []
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 60_000 } },
      () => {
        tries.push(page.clock.now())
        if (tries.length === 1) throw new Error('busy')
        return Done(1)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(40_000)
    session.state.set('note', 1)
    const then = session.history().at(-1)?.seq ?? 0
    await page.clock.advance(3_600_000)
    expect(await result).toBe(1)
    session.rewind(then)
    session.resume()
    await page.clock.advance(19_000)
    expect(tries).toHaveLength(2)
    await page.clock.advance(1_000)
    expect(tries).toHaveLength(3)
    expect(session.status).toBe('completed')
  })

  test("to before the run / the run's promise rejects, and the session is idle", async () => {
    const { session, result } = await asked()
    session.rewind(1)
    expect(await failure(result)).toMatchObject({ code: 'CANCELLED', reason: 'the session was rewound' })
    session.resume()
    expect(session.status).toBe('idle')
  })

  test("to a run before the last / the last run's promise rejects, and the earlier run goes on", async () => {
    const { page, session, result } = await asked()
    await session.asks[0]?.reply('a')
    await page.settle()
    const second = seqOf(session, 'opened', 2)
    await session.asks[0]?.reply('b')
    await result
    const next = session.run()
    await page.settle()
    session.rewind(second)
    expect(await failure(next)).toMatchObject({ code: 'CANCELLED' })
    session.resume()
    const old = session.run()
    await session.asks[0]?.reply('c')
    expect(await old).toEqual(['a', 'c'])
  })

  test('to before a failure / the run goes on from there', async () => {
    const page = profile()
    let broken = true
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Worked] }, () => Worked(1))
      .step('work', { on: Worked, emits: [Done] }, () => {
        if (broken) throw new Error('broken')
        return Done('mended')
      })
    const session = await page.open(workflow)
    await failure(session.run())
    broken = false
    session.rewind(seqOf(session, 'ended'))
    expect(session.error).toBeUndefined()
    session.resume()
    expect(await session.run()).toBe('mended')
  })

  test('to right before the end, then an event is sent / that is the end, and nobody takes the event', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('work', { on: Go, emits: [Done] }, () => Done('end'))
      .step('nudged', { on: Nudge }, () => {})
    const session = await page.open(workflow)
    await session.run()
    session.rewind(seqOf(session, 'ended'))
    expect(session.status).toBe('paused')
    expect(await session.send(Nudge(1))).toBe(false)
    expect([session.status, session.result]).toEqual(['completed', 'end'])
  })

  test("from a retry back to the failure / the retry's promise rejects with that error", async () => {
    let broken = true
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        if (broken) throw new Error('broken')
        return Done((await ctx.ask(Question('mended'))).data)
      },
    )
    const session = await page.open(workflow)
    await failure(session.run())
    const { seq } = session.history().at(-1) ?? { seq: NaN }
    broken = false
    const again = failure(session.retry())
    await page.settle()
    expect(session.asks).toHaveLength(1)
    session.rewind(seq)
    expect(await again).toMatchObject({ step: 'work', cause: { message: 'broken' } })
  })

  test('to before an answer, then forward() / false: only back() keeps answers', async () => {
    const { page, session } = await asked()
    const opened = seqOf(session, 'opened')
    await session.asks[0]?.reply('a')
    await page.settle()
    session.rewind(opened)
    session.resume()
    await page.settle()
    expect(session.forward()).toBe(false)
    expect(question(session)).toBe('first?')
  })

  test('a reload after it / still rewound and paused, and the history goes on', async () => {
    const { page, workflow, session } = await asked()
    const seq = seqOf(session, 'opened')
    await session.asks[0]?.reply('a')
    await page.settle()
    session.rewind(seq)
    const json = JSON.stringify(session.toJSON())
    await page.reload()
    const again = await page.open(workflow)
    expect(JSON.stringify(again.toJSON())).toBe(json)
    expect(again.status).toBe('paused')
    again.rewind(seqOf(again, 'opened', 2))
    again.resume()
    await page.settle()
    expect(again.state.get()).toEqual({ first: 'a' })
    expect(question(again)).toBe('second?')
  })

  test('back() leaves a state that fails the schema / it is repaired, as after a rollback', async () => {
    const page = profile()
    const workflow = defineWorkflow({
      ...flow,
      state: z.object({ person: z.object({ name: z.string(), age: z.number().optional() }).optional() }),
    }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      await ctx.ask(Question(1))
      await ctx.state.set('person', { name: 'Ada' })
      await ctx.ask(Question(2))
      return Done(1)
    })
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await session.asks[0]?.reply(1)
    await page.settle()
    session.state.set('person.age', 36)
    expect(session.back()).toBe(true)
    expect(session.state.get()).toEqual({})
  })

  test('in a closed session / SessionClosedError', async () => {
    const { session } = await asked()
    await session.close()
    expect(thrown(() => session.rewind(1))).toMatchObject({ code: 'SESSION_CLOSED' })
  })
})
