import { describe, expect, test } from 'vitest'
import { defineWorkflow, type StepError } from '../../src/index'
import { Done, failure, flow, gate, Go, Item, profile, Question, unhandled } from '../support/flows'

/** Counts the calls of effects by key. */
function counter() {
  const keys: Record<string, string[]> = {}
  return {
    keys,
    effect:
      <T>(name: string, value: T) =>
      (key: string): T => {
        ;(keys[name] ??= []).push(key)
        return value
      },
  }
}

describe('the page dies', () => {
  test('at any write to storage / the run completes, and at most one effect runs again, with the same key', async () => {
    for (let write = 1; write < 12; write++) {
      const page = profile({ crashAt: write })
      const { keys, effect } = counter()
      const workflow = defineWorkflow({ ...flow }).step('two', { on: Go, emits: [Done] }, async (ctx) => {
        const a = await ctx.once('a', effect('a', 1))
        const b = await ctx.once('b', effect('b', 2))
        return Done(a + b)
      })
      void (await page.open(workflow)).run()
      await page.settle()
      page.kill()
      const again = await page.open(workflow)
      await (again.status === 'idle' ? again.run() : page.settle())
      await page.settle()
      expect(again.result).toBe(3)
      // An effect whose result was not stored yet runs again, with the same key.
      for (const tries of Object.values(keys)) {
        expect(new Set(tries).size).toBe(1)
        expect(tries.length).toBeLessThanOrEqual(2)
      }
      const all = Object.values(keys).flat()
      expect(all.length).toBeLessThanOrEqual(3)
      expect(keys['a']?.[0]).not.toBe(keys['b']?.[0])
    }
  })

  test('while b runs, its intent stored / b runs again with the same key, a does not', async () => {
    const page = profile()
    const { keys, effect } = counter()
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step('two', { on: Go, emits: [Done] }, async (ctx) => {
      const a = await ctx.once('a', effect('a', 1))
      const b = await ctx.once('b', async (key) => {
        effect('b', 2)(key)
        if (stuck) await gate().promise
        return 2
      })
      return Done(a + b)
    })
    void (await page.open(workflow)).run()
    await page.settle()
    page.kill()
    stuck = false
    const again = await page.open(workflow)
    await page.settle()
    expect(again.result).toBe(3)
    expect(keys['a']).toHaveLength(1)
    expect(keys['b']).toHaveLength(2)
    expect(new Set(keys['b']).size).toBe(1)
  })

  test('before the intent is durable / the effect has not begun', async () => {
    const page = profile({ crashAt: 1 })
    const { keys, effect } = counter()
    const workflow = defineWorkflow({ ...flow }).step('one', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.once('a', effect('a', 1))),
    )
    void (await page.open(workflow)).run()
    await page.clock.advance(3000)
    expect(keys).toEqual({})
  })
})

describe('the record', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['false', false],
    ['0', 0],
    ['an empty text', ''],
    ['a nested object', { a: [1, { b: null }] }],
  ])('of %s / comes back as it was', async (_, value) => {
    const page = profile()
    const seen: unknown[] = []
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'one',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        seen.push(await ctx.once('a', () => (calls++, value)))
        await ctx.ask(Question(1))
        return Done(1)
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    await page.open(workflow)
    await page.settle()
    expect(seen).toEqual([value, value])
    expect(calls).toBe(1)
  })

  test('the same key twice in one execution, also at the same time / one effect, one record', async () => {
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step('one', { on: Go, emits: [Done] }, async (ctx) => {
      const effect = async () => ++calls
      const both = await Promise.all([ctx.once('a', effect), ctx.once('a', effect)])
      return Done([...both, await ctx.once('a', effect)])
    })
    expect(await (await profile().open(workflow)).run()).toEqual([1, 1, 1])
    expect(calls).toBe(1)
  })

  test('the same key in two executions, steps or runs / an effect for each, with its own idempotency key', async () => {
    const keys: string[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.once('a', (key) => keys.push(key))
        ctx.send(Item(1))
        ctx.send(Item(2))
      })
      .step('work', { on: Item, emits: [Done] }, async (ctx, { data }) => {
        await ctx.once('a', (key) => keys.push(key))
        return data === 2 ? Done(1) : undefined
      })
    const page = profile()
    const session = await page.open(workflow)
    await session.run()
    await session.run()
    const other = await page.open(workflow, { id: 'other' })
    await other.run()
    expect(keys).toHaveLength(9)
    expect(new Set(keys).size).toBe(9)
  })

  test('the value of an effect / is copied: the effect may change its own afterwards', async () => {
    const own = { list: [1] }
    const workflow = defineWorkflow({ ...flow }).step('one', { on: Go, emits: [Done] }, async (ctx) => {
      const got = await ctx.once('a', () => own)
      own.list.push(2)
      return Done([got, await ctx.once('a', () => own)])
    })
    expect(await (await profile().open(workflow)).run()).toEqual([{ list: [1] }, { list: [1] }])
  })

  test.each([
    ['a function', () => {}, 'function'],
    ['a Map', new Map([[1, 2]]), 'Map'],
    ['a BigInt', 10n, 'bigint'],
    ['NaN', Number.NaN, 'NaN'],
    ['a Date inside', { at: { time: new Date(0) } }, 'Date'],
    [
      'a cycle',
      (() => {
        const it: { self?: unknown } = {}
        it.self = it
        return it
      })(),
      'cycle',
    ],
    ['an own __proto__', JSON.parse('{"__proto__":{"bad":1}}') as unknown, '__proto__'],
  ])('of %s / refused, naming the once and the kind; no result is recorded', async (_, value, named) => {
    const workflow = defineWorkflow({ ...flow }).step('one', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.once('upload', () => value as never)
      return Done(1)
    })
    const session = await profile().open(workflow)
    const error: StepError = await failure(session.run())
    expect(error.message.toLowerCase()).toContain(named.toLowerCase())
    expect((error.cause as { code: string }).code).toMatch(/^(SERIALIZATION|PATH)$/)
    if ((error.cause as { code: string }).code === 'SERIALIZATION') expect(error.message).toContain('upload')
    expect(({} as { bad?: number }).bad).toBeUndefined()
  })
})

describe('an effect that throws', () => {
  test('the step does not catch it / the attempt fails, and the retry runs the effect again with the same key', async () => {
    const keys: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 3 } },
      async (ctx) =>
        Done(
          await ctx.once('charge', async (key) => {
            keys.push(key)
            if (keys.length < 3) throw new Error('no')
            return 'paid'
          }),
        ),
    )
    expect(await (await profile().open(workflow)).run()).toBe('paid')
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })

  test('a synchronous throw / treated like a rejection', async () => {
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) =>
        Done(
          await ctx.once('charge', () => {
            if (++calls === 1) throw new Error('no')
            return 'paid'
          }),
        ),
    )
    expect(await (await profile().open(workflow)).run()).toBe('paid')
  })

  test('the step wraps the error in its own / the retry runs the effect again', async () => {
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        try {
          return Done(
            await ctx.once('charge', () => {
              if (++calls === 1) throw new Error('no')
              return 'paid'
            }),
          )
        } catch (cause) {
          throw new Error('payment failed', { cause })
        }
      },
    )
    expect(await (await profile().open(workflow)).run()).toBe('paid')
  })

  test('the step catches the error and goes on / after a reload it catches it again, and the effect does not run again', async () => {
    const page = profile()
    let calls = 0
    class NoMoney extends Error {
      override readonly name = 'NoMoney'
      readonly code = 'NO_MONEY'
    }
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        let how = 'paid'
        try {
          await ctx.once('charge', () => {
            calls++
            throw new NoMoney('none left')
          })
        } catch (error) {
          const { name, message, code } = error as NoMoney
          how = `${name} ${code} ${message}`
        }
        await ctx.state.set('how', how)
        return Done([how, (await ctx.ask(Question(1))).data])
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.state.get('how')).toBe('NoMoney NO_MONEY none left')
    await again.asks[0]?.reply('fine')
    await page.settle()
    expect(again.result).toEqual(['NoMoney NO_MONEY none left', 'fine'])
    expect(calls).toBe(1)
  })

  test('the effect rejects without a reason, and the step goes on / that is a failure like another', async () => {
    const page = profile()
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const charge = ctx.once('charge', () => {
          calls++
          return Promise.reject()
        })
        const how = await charge.catch(() => 'refused')
        return Done([how, (await ctx.ask(Question(1))).data])
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(session.status).toBe('waiting')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    await again.asks[0]?.reply('fine')
    await page.settle()
    expect(again.result).toEqual(['refused', 'fine'])
    expect(calls).toBe(1)
  })

  test('the effect rejects without a reason, and the step does not catch that / the retry runs the effect again', async () => {
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => Done(await ctx.once('charge', () => (++calls === 1 ? Promise.reject() : 'paid'))),
    )
    expect(await (await profile().open(workflow)).run()).toBe('paid')
  })

  test('caught, and the attempt fails later for another reason / the retry takes the same way up to there', async () => {
    let calls = 0
    const seen: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        const how = await ctx
          .once('charge', () => {
            calls++
            throw new Error('none left')
          })
          .catch((error: Error) => error.message)
        seen.push(how)
        await ctx.once('noted', () => how)
        if (ctx.attempt === 1) throw new Error('something else')
        return Done(how)
      },
    )
    expect(await (await profile().open(workflow)).run()).toBe('none left')
    expect(seen).toEqual(['none left', 'none left'])
    expect(calls).toBe(1)
  })
})

describe('an effect in flight', () => {
  test.each([
    ['an error that they share', new Error('busy')],
    ['a text', 'busy'],
    ['nothing', undefined],
  ])('two effects throw %s, and only the first is caught / the retry takes the same way', async (_, busy) => {
    const calls: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        const call = (name: string): Promise<string> =>
          ctx.once(name, () => {
            calls.push(name)
            if (calls.length < 3) throw busy
            return name
          })
        const first = await call('first').catch(() => 'none')
        if (first === 'none') await ctx.once('note', () => 1)
        return Done([first, await call('second')])
      },
    )
    expect(await (await profile().open(workflow)).run()).toEqual(['none', 'second'])
    expect(calls).toEqual(['first', 'second', 'second'])
  })

  test('effects fail together, as when the network is gone / one retry runs all of them again', async () => {
    let online = false
    const calls: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'load',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 10 } },
      async (ctx) => {
        const load = (what: string): Promise<string> =>
          ctx.once(what, async () => {
            calls.push(what)
            if (!online) throw new Error('offline')
            return what
          })
        return Done(await Promise.all(['a', 'b', 'c'].map(load)))
      },
    )
    const page = profile()
    const session = await page.open(workflow)
    void session.run().catch(() => {})
    await page.settle()
    online = true
    await page.clock.advance(10)
    expect(session.result).toEqual(['a', 'b', 'c'])
    expect(calls).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  })

  test('effects fail with one error that they share, and the step waits for all before it throws it / the retry runs all of them again', async () => {
    const offline = new Error('offline')
    const calls: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'load',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        const load = (what: string): Promise<string> =>
          ctx.once(what, () => {
            calls.push(what)
            if (calls.length < 4) throw offline
            return what
          })
        // This one is caught, and the step goes on.
        await load('hint').catch(() => {})
        const both = await Promise.allSettled(['a', 'b'].map(load))
        const failed = both.find((it) => it.status === 'rejected')
        if (failed) throw failed.reason
        return Done(both.length)
      },
    )
    expect(await (await profile().open(workflow)).run()).toBe(2)
    expect(calls).toEqual(['hint', 'a', 'b', 'a', 'b'])
  })

  test('none of several effects succeeds, for Promise.any() / the retry runs them again', async () => {
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        const call = (server: string): Promise<string> =>
          ctx.once(server, async () => (++calls < 3 ? Promise.reject(new Error('busy')) : server))
        return Done(await Promise.any([call('one'), call('two')]))
      },
    )
    expect(await (await profile().open(workflow)).run()).toBe('one')
    expect(calls).toBe(4)
  })

  test('the attempt fails while the effect runs / the retry joins it: one call, and its late result counts', async () => {
    const page = profile()
    const boom = gate<never>()
    const effect = gate<string>()
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 10 } },
      async (ctx) => {
        const charge = ctx.once('charge', () => (calls++, effect.promise))
        if (ctx.attempt === 1) await boom.promise
        return Done(await charge)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    boom.fail(new Error('no'))
    await page.clock.advance(10)
    expect(calls).toBe(1)
    effect.open('paid')
    expect(await result).toBe('paid')
    expect(calls).toBe(1)
  })

  test('the effect ends between attempts / its result is recorded, and the retry gets it', async () => {
    const page = profile()
    const boom = gate<never>()
    const effect = gate<string>()
    let calls = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
      async (ctx) => {
        const charge = ctx.once('charge', () => (calls++, effect.promise))
        if (ctx.attempt === 1) await boom.promise
        return Done(await charge)
      },
    )
    void (await page.open(workflow)).run()
    await page.settle()
    boom.fail(new Error('no'))
    await page.settle()
    effect.open('paid')
    await page.reload()
    const again = await page.open(workflow)
    await page.clock.advance(1000)
    expect(again.result).toBe('paid')
    expect(calls).toBe(1)
  })

  test('the effect fails between attempts / the retry runs it again with the same key', async () => {
    const page = profile()
    const boom = gate<never>()
    const effect = gate<never>()
    const keys: string[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 3, delay: 1000 } },
      async (ctx) => {
        const charge = ctx.once('charge', (key) => {
          keys.push(key)
          return keys.length === 1 ? effect.promise : 'paid'
        })
        if (ctx.attempt === 1) await boom.promise
        return Done(await charge)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    boom.fail(new Error('no'))
    await page.settle()
    effect.fail(new Error('network'))
    await page.clock.advance(2000)
    expect(await result).toBe('paid')
    expect(new Set(keys).size).toBe(1)
  })

  test('the step ends without waiting for the effect / nothing breaks when it ends later', async () => {
    const page = profile()
    const effect = gate<string>()
    const heard = await unhandled(async () => {
      const workflow = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, (ctx) => {
        void ctx.once('left alone', () => effect.promise)
        return Done('done')
      })
      const session = await page.open(workflow)
      expect(await session.run()).toBe('done')
      const before = JSON.stringify(session.toJSON())
      effect.fail(new Error('late'))
      await page.settle()
      expect(JSON.stringify(session.toJSON())).toBe(before)
    })
    expect(heard).toEqual([])
  })

  test('storage is in trouble / the effect runs all the same', async () => {
    const page = profile({ failAt: () => true })
    const workflow = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.once('a', () => 1)),
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(100)
    expect(await result).toBe(1)
    expect(session.persistence.status).toBe('unsaved')
  })

  test('onUnknownOutcome fail, cut off in the middle / the step fails, and the effect does not run again', async () => {
    const page = profile()
    let calls = 0
    const workflow = defineWorkflow({ ...flow, onUnknownOutcome: 'fail' }).step(
      'pay',
      { on: Go, emits: [Done] },
      async (ctx) => Done(await ctx.once('charge', () => (calls++, gate<never>().promise))),
    )
    void (await page.open(workflow)).run()
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.status).toBe('failed')
    expect(again.error?.cause).toMatchObject({ code: 'OUTCOME_UNKNOWN', key: 'charge' })
    expect(calls).toBe(1)
  })

  test.each(['in the page that found it', 'after another reload'])(
    'onUnknownOutcome fail, retry() %s / the effect runs again with the same key; cut off again, it fails again',
    async (where) => {
      const page = profile()
      const keys: string[] = []
      const workflow = defineWorkflow({ ...flow, onUnknownOutcome: 'fail' }).step(
        'pay',
        { on: Go, emits: [Done], retry: { attempts: 2 } },
        async (ctx) =>
          Done(
            await ctx.once('charge', async (key) => {
              keys.push(key)
              return keys.length < 3 ? gate<never>().promise : 'charged'
            }),
          ),
      )
      void (await page.open(workflow)).run()
      for (const times of [1, 2]) {
        await page.reload()
        let session = await page.open(workflow)
        await page.settle()
        expect(session.status).toBe('failed')
        expect(keys).toHaveLength(times)
        if (where === 'after another reload') {
          await page.reload()
          session = await page.open(workflow)
        }
        const result = session.retry()
        await page.settle()
        if (times === 2) expect(await result).toBe('charged')
      }
      expect(keys).toEqual([keys[0], keys[0], keys[0]])
    },
  )

  test.each(['in the page that found it', 'after another reload'])(
    'onUnknownOutcome fail two sub-flows deep, retry() %s / the effect runs again with the same key',
    async (where) => {
      const page = profile()
      const keys: string[] = []
      const sub = (name: string, workflow: typeof child) =>
        defineWorkflow({ ...flow, name }).subflow(name, { on: Go, workflow, emits: [Done] })
      const child = defineWorkflow({ ...flow, name: 'child', onUnknownOutcome: 'fail' }).step(
        'pay',
        { on: Go, emits: [Done] },
        async (ctx) =>
          Done(
            await ctx.once('charge', async (key) => {
              keys.push(key)
              return keys.length < 2 ? gate<never>().promise : 'charged'
            }),
          ),
      )
      const workflow = sub('outer', sub('inner', child) as unknown as typeof child)
      void (await page.open(workflow)).run()
      await page.reload()
      let session = await page.open(workflow)
      await page.settle()
      expect(session.status).toBe('failed')
      expect(keys).toHaveLength(1)
      if (where === 'after another reload') {
        await page.reload()
        session = await page.open(workflow)
      }
      expect(await session.retry()).toBe('charged')
      expect(keys).toEqual([keys[0], keys[0]])
    },
  )
})
