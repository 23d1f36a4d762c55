import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { allOf, defineEvent, defineWorkflow, gather, StepFailed, type StepError } from '../../src/index'
import {
  Answer,
  answeredAfterReload,
  Done,
  failure,
  flow,
  Go,
  Item,
  profile,
  Question,
  Worked,
  sorted,
} from '../support/flows'

const Group = defineEvent('group', z.number())
const Grouped = defineEvent('grouped', z.array(z.number()))
const Numbers = defineEvent('numbers', z.array(z.number()))
const Lines = defineEvent('lines', z.array(z.array(z.number())))

/** Five items, worked on with the first ones slowest. */
const five = (page: { clock: { setTimeout(fn: () => void, ms: number): unknown } }, gathered: unknown[]) =>
  defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2, 3, 4].map((n) => Item(n)))
    .step('work', { on: Item, emits: [Worked], workers: 5 }, async (_, { data }) => {
      await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 100 - data * 10))
      return Worked(data * 10)
    })
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => {
      gathered.push(all.map((it) => it.data))
      return Done(all.map((it) => it.data))
    })

test('fan-out of 5 with delays reversed, gather / runs once, five members, in emission order', async () => {
  const page = profile()
  const gathered: unknown[] = []
  const session = await page.open(five(page, gathered))
  const result = session.run()
  await page.clock.advance(1000)
  expect(await result).toEqual([0, 10, 20, 30, 40])
  expect(gathered).toHaveLength(1)
})

test('a reload when some branches have ended / gathers all five; those that ended do not run again', async () => {
  const page = profile()
  const ran: number[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2, 3, 4].map((n) => Item(n)))
    .step('work', { on: Item, emits: [Worked], workers: 5 }, async (ctx, { data }) => {
      ran.push(data)
      await ctx.sleep(100 - data * 10)
      return Worked(data)
    })
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  void (await page.open(workflow)).run()
  await page.clock.advance(75)
  await page.reload()
  const again = await page.open(workflow)
  const result = again.run()
  await page.clock.advance(100)
  expect(await result).toEqual([0, 1, 2, 3, 4])
  expect(sorted(ran)).toEqual([0, 0, 1, 1, 2, 2, 3, 4])
})

test('fan-out of [] / the gather runs once with []', async () => {
  const gathered: unknown[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [])
    .step('work', { on: Item, emits: [Worked] }, (_, { data }) => Worked(data))
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => {
      gathered.push(all)
      return Done(all.length)
    })
  expect(await (await profile().open(workflow)).run()).toBe(0)
  expect(gathered).toEqual([[]])
})

test('fan-out of [] straight into a gather / runs once with []', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [])
    .step('join', { on: gather(Item), emits: [Done] }, (_, all) => Done(all))
  expect(await (await profile().open(workflow)).run()).toEqual([])
})

test('a fan-out straight into a gather / all of it, in emission order', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [3, 1, 2].map((n) => Item(n)))
    .step('join', { on: gather(Item), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  expect(await (await profile().open(workflow)).run()).toEqual([3, 1, 2])
})

test('a branch that returns nothing / has ended; the gather runs with the others', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2, 3].map((n) => Item(n)))
    .step('work', { on: Item, emits: [Worked] }, (_, { data }) => (data % 2 === 0 ? undefined : Worked(data)))
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  expect(await (await profile().open(workflow)).run()).toEqual([1, 3])
})

test('all branches return nothing / the gather runs once with []', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1].map((n) => Item(n)))
    .step('work', { on: Item, emits: [Worked] }, () => undefined)
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all))
  expect(await (await profile().open(workflow)).run()).toEqual([])
})

test('a branch that goes through two steps, and one that sends several events / all of them, branch by branch', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2].map((n) => Item(n)))
    .step('more', { on: Item, emits: [Group] }, async (ctx, { data }) => {
      await ctx.sleep(30 - data * 10)
      ctx.send(Group(data * 10))
      return Group(data * 10 + 1)
    })
    .step('work', { on: Group, emits: [Worked] }, (_, { data }) => Worked(data))
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  const page = profile()
  const result = (await page.open(workflow)).run()
  await page.clock.advance(100)
  expect(await result).toEqual([0, 1, 10, 11, 20, 21])
})

const nested = (inner: unknown[], outer: unknown[]) =>
  defineWorkflow({ ...flow })
    .step('outer split', { on: Go, emits: [Group] }, () => [1, 2, 3].map((n) => Group(n)))
    .step('inner split', { on: Group, emits: [Item] }, (_, { data }) => [
      Item(data * 10),
      Item(data * 10 + 1),
    ])
    .step('work', { on: Item, emits: [Worked] }, async (ctx, { data }) => {
      await ctx.sleep(100 - data)
      return Worked(data)
    })
    .step('inner join', { on: gather(Worked), emits: [Grouped] }, (_, all) => {
      inner.push(all.map((it) => it.data))
      return Grouped(all.map((it) => it.data))
    })
    .step('outer join', { on: gather(Grouped), emits: [Done] }, (_, all) => {
      outer.push(all.map((it) => it.data))
      return Done(all.map((it) => it.data))
    })

test('nested 3 x 2 / the inner gather runs three times, the outer once, in emission order', async () => {
  const page = profile()
  const inner: unknown[] = []
  const outer: unknown[] = []
  const result = (await page.open(nested(inner, outer))).run()
  await page.clock.advance(1000)
  const pairs = [
    [10, 11],
    [20, 21],
    [30, 31],
  ]
  expect(await result).toEqual(pairs)
  expect(sorted(inner)).toEqual(pairs)
  expect(outer).toEqual([pairs])
})

test('nested 3 x 2, with a reload every 10 ms / the same', async () => {
  const page = profile()
  let session = await page.open(nested([], []))
  void session.run()
  for (let pages = 0; session.status !== 'completed' && pages < 50; pages++) {
    await page.reload()
    session = await page.open(nested([], []))
    await page.clock.advance(10)
  }
  expect(session.result).toEqual([
    [10, 11],
    [20, 21],
    [30, 31],
  ])
})

test('an inner fan-out of [] / the inner gather runs once with [], in its branch', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('outer', { on: Go, emits: [Group] }, () => [1, 0, 2].map((n) => Group(n)))
    .step('inner', { on: Group, emits: [Item] }, (_, { data }) =>
      Array.from({ length: data }, (_x, n) => Item(n)),
    )
    .step('inner join', { on: gather(Item), emits: [Grouped] }, (_, all) => Grouped(all.map((it) => it.data)))
    .step('join', { on: gather(Grouped), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  expect(await (await profile().open(workflow)).run()).toEqual([[0], [], [0, 1]])
})

test.each([
  [[], []],
  [[0], []],
  [[0, 0], []],
  [[0, 2, 1], [[0, 1]]],
])(
  'inner fan-outs of %j, whose gather gives nothing for fewer than two / the outer one gets %j',
  async (lengths, expected) => {
    const workflow = defineWorkflow({ ...flow, start: Numbers })
      .step('outer', { on: Numbers, emits: [Group] }, (_, { data }) => data.map((n) => Group(n)))
      .step('inner', { on: Group, emits: [Item] }, (_, { data }) =>
        Array.from({ length: data }, (_x, n) => Item(n)),
      )
      .step('inner join', { on: gather(Item), emits: [Grouped] }, (_, all) =>
        all.length < 2 ? undefined : Grouped(all.map((it) => it.data)),
      )
      .step('join', { on: gather(Grouped), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    expect(await (await profile().open(workflow)).run(lengths)).toEqual(expected)
  },
)

describe('lists of lists, of which the outer one is empty', () => {
  const Lists = defineEvent('lists', z.array(z.unknown()))
  const Inner = defineEvent('inner', z.array(z.array(z.number())))
  const flow = { name: 'lists', version: 1, start: Lists, stop: Done } as const
  /** Adds 1 to each number, and puts all together again. */
  const threeLevels = () =>
    defineWorkflow(flow)
      .step('outer split', { on: Lists, emits: [Inner] }, (_, { data }) =>
        data.map((it) => Inner(it as number[][])),
      )
      .step('middle split', { on: Inner, emits: [Numbers] }, (_, { data }) => data.map((it) => Numbers(it)))
      .step('inner split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
      .step('work', { on: Item, emits: [Worked] }, (_, { data }) => Worked(data + 1))
      .step('inner join', { on: gather(Worked), emits: [Grouped] }, (_, all) =>
        Grouped(all.map((it) => it.data)),
      )
      .step('middle join', { on: gather(Grouped), emits: [Lines] }, (_, all) =>
        Lines(all.map((it) => it.data)),
      )
      .step('outer join', { on: gather(Lines), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))

  test.each([
    [[], []],
    [[[]], [[]]],
    [
      [[[1]], [], [[2, 3], []]],
      [[[2]], [], [[3, 4], []]],
    ],
    [
      [[], [[]], []],
      [[], [[]], []],
    ],
  ])('%j / each gather gets the list of its own level: %j', async (lists, expected) => {
    const session = await profile().open(threeLevels())
    expect(await session.run(lists)).toEqual(expected)
  })

  test('the gather of nothing fails, and is gone back to after a reload / the next one still gets []', async () => {
    let broken = true
    const workflow = defineWorkflow({ ...flow, start: Go })
      .step('split', { on: Go, emits: [Numbers] }, () => [])
      .step('inner split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
      .step('inner join', { on: gather(Item), asks: [Question], emits: [Worked] }, async (ctx) => {
        await ctx.ask(Question(1))
        if (broken) throw new Error('broken')
        return Worked(1)
      })
      .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    const page = profile()
    const first = await answeredAfterReload(page, workflow, 'yes')
    expect(first.status).toBe('failed')
    broken = false
    await page.reload()
    const session = await page.open(workflow)
    expect(await session.retry()).toEqual([])
    session.rewind(session.history().find((it) => it.type === 'opened')?.seq ?? 0)
    session.resume()
    await page.settle()
    await session.asks[0]?.reply('again')
    await page.settle()
    expect([session.status, session.result]).toEqual(['completed', []])
  })

  test('a step that asks is between the two gathers, with a reload / the outer gather gets [], and what follows runs once', async () => {
    const ran: string[] = []
    const workflow = defineWorkflow({ ...flow, start: Go })
      .step('split', { on: Go, emits: [Numbers] }, () => [])
      .step('inner split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
      .step('inner join', { on: gather(Item), emits: [Group] }, (_, { length }) => Group(length))
      .step('save', { on: Group, asks: [Question], emits: [Worked] }, async (ctx, { data }) => {
        await ctx.ask(Question(data))
        return Worked(data)
      })
      .step('join', { on: gather(Worked), emits: [Grouped] }, (_, { length }) => {
        ran.push(`join ${length}`)
        return Grouped([length])
      })
      .step('end', { on: Grouped, emits: [Done] }, (_, { data }) => Done(data))
    const session = await answeredAfterReload(profile(), workflow, 'yes')
    expect([session.status, session.result, ran]).toEqual(['completed', [0], ['join 0']])
  })

  test('a step between two gathers, that belongs to a fan-out of its own / one event of it is no fan-out, as ever', async () => {
    const workflow = defineWorkflow({ ...flow, start: Go })
      .step('split', { on: Go, emits: [Item] }, () => [])
      .step('join', { on: gather(Item), emits: [Numbers] }, (_, { length }) => Numbers([length]))
      .step('again', { on: Numbers, emits: [Group] }, (_, { data }) => data.map((it) => Group(it)))
      .step('join again', { on: gather(Group), emits: [Grouped] }, (_, { length }) => Grouped([length]))
      .step('one', { on: Grouped, emits: [Worked] }, () => Worked(1))
      .step('last', { on: gather(Worked), emits: [Done] }, () => Done(1))
    expect(await failure((await profile().open(workflow)).run())).toMatchObject({ unconsumed: ['worked'] })
  })

  test('one fan-out after another, the first of [] / what its gather makes of that goes on to the second', async () => {
    const workflow = defineWorkflow({ ...flow, start: Go })
      .step('split', { on: Go, emits: [Item] }, () => [])
      .step('join', { on: gather(Item), emits: [Numbers] }, (_, { length }) => Numbers([length, 7]))
      .step('again', { on: Numbers, emits: [Worked] }, (_, { data }) => data.map((it) => Worked(it)))
      .step('join again', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    expect(await (await profile().open(workflow)).run()).toEqual([0, 7])
  })
})

const failing = (options: { catchError?: 'rescue'; retry?: { attempts: number } }, broken: () => boolean) =>
  defineWorkflow({ ...flow, ...(options.catchError ? {} : { skip: ['unproduced', 'unreachable'] as const }) })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2].map((n) => Item(n)))
    .step('work', { on: Item, emits: [Worked], ...options }, (_, { data }) => {
      if (data === 1 && broken()) throw new Error('broken')
      return Worked(data)
    })
    .step('rescue', { on: StepFailed, emits: [Worked] }, (_, { data }) => {
      const { data: n } = data.event as { data: number }
      return Worked(n + 100)
    })
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))

test('a branch of a gather fails without recovery / the run fails', async () => {
  const session = await profile().open(failing({}, () => true))
  const error: StepError = await failure(session.run())
  expect(error).toMatchObject({
    code: 'STEP_FAILED',
    step: 'work',
    attempts: 1,
    event: { type: 'item', data: 1 },
  })
  expect(session.status).toBe('failed')
})

test('a branch of a gather fails and is retried with retry() / the gather completes with all, in order', async () => {
  let broken = true
  const session = await profile().open(failing({}, () => broken))
  await failure(session.run())
  broken = false
  expect(await session.retry()).toEqual([0, 1, 2])
})

test('with catchError returning an event / the gather completes with it in its place', async () => {
  const session = await profile().open(failing({ catchError: 'rescue' }, () => true))
  expect(await session.run()).toEqual([0, 101, 2])
})

test('with catchError returning nothing / the gather completes without that branch', async () => {
  const workflow = defineWorkflow({ ...flow, catchError: 'rescue', skip: ['deadEnd'] })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2].map((n) => Item(n)))
    .step('work', { on: Item, emits: [Worked] }, (_, { data }) => {
      if (data === 1) throw new Error('broken')
      return Worked(data)
    })
    .step('rescue', { on: StepFailed }, () => {})
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  expect(await (await profile().open(workflow)).run()).toEqual([0, 2])
})

test('branches that ask / each ask is open; the gather runs when the last one is answered', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2].map((n) => Item(n)))
    .step('work', { on: Item, asks: [Question], emits: [Worked] }, async (ctx, { data }) => {
      const answer = await ctx.ask(Question(data))
      return Worked(Number(answer.data))
    })
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  const page = profile()
  const session = await page.open(workflow)
  const result = session.run()
  await page.settle()
  for (const ask of [...session.asks].reverse()) await ask.reply(Number(ask.data) + 7)
  expect(await result).toEqual([7, 8, 9])
  expect(Answer.type).toBe('answer')
})

test('one event, not in a list / opens no scope, and a gather after it never starts', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => Item(1))
    .step('join', { on: gather(Item), emits: [Done] }, () => Done(1))
  const session = await profile().open(workflow)
  expect(await failure(session.run())).toMatchObject({ code: 'STALLED', unconsumed: ['item'] })
})

test('an event is sent, then a list returned / the sent event belongs to no branch', async () => {
  const page = profile()
  const gathered: unknown[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, (ctx) => {
      ctx.send(Item(7))
      return [Item(1), Item(2)]
    })
    .step('work', { on: Item, emits: [Worked] }, (_, { data }) => Worked(data))
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => {
      gathered.push(all.map((it) => it.data))
      return Done(all.map((it) => it.data))
    })
  expect(await (await page.open(workflow)).run()).toEqual([1, 2])
  expect(gathered).toEqual([[1, 2]])
})

test('one event, sent from outside to a gather by its name / belongs to no fan-out: nobody takes it', async () => {
  const page = profile()
  const gathered: unknown[] = []
  const session = await page.open(five(page, gathered))
  const result = session.run()
  await page.settle()
  const before = JSON.stringify(session.toJSON())
  expect(await session.send(Worked(99), { step: 'join' })).toBe(false)
  expect(JSON.stringify(session.toJSON())).toBe(before)
  await page.clock.advance(1000)
  expect(await result).toEqual([0, 10, 20, 30, 40])
  expect(gathered).toHaveLength(1)
})

test('a list of one / opens a scope', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [Item(1)])
    .step('join', { on: gather(Item), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  expect(await (await profile().open(workflow)).run()).toEqual([1])
})

test('two gathers of one fan-out / each gets its own type, once', async () => {
  const A = defineEvent('a', z.number())
  const B = defineEvent('b', z.number())
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [A, B] }, () => [A(1), B(2), A(3)])
    .step('as', { on: gather(A), emits: [Worked] }, (_, all) =>
      Worked(all.reduce((sum, it) => sum + it.data, 0)),
    )
    .step('bs', { on: gather(B), emits: [Worked] }, (_, all) =>
      Worked(all.reduce((sum, it) => sum + it.data, 0)),
    )
    .step('end', { on: Worked, emits: [Done] }, async (ctx, event) => {
      const both = await ctx.collect(event, [Worked, Worked])
      return both && Done(sorted(both.map((it) => it.data)))
    })
  expect(await (await profile().open(workflow)).run()).toEqual([2, 4])
})

describe('two gathers of one fan-out', () => {
  const Apples = defineEvent('apples', z.array(z.number()))
  const Pears = defineEvent('pears', z.array(z.number()))
  const Apple = defineEvent('apple', z.number())
  const Pear = defineEvent('pear', z.number())
  const flow = { name: 'fruit', version: 1, start: Numbers, stop: Done } as const

  test.each([
    [
      [1, 2, 3],
      [[1, 3], [2]],
    ],
    [
      [1, 3],
      [[1, 3], []],
    ],
    [[2], [[], [2]]],
    [[], [[], []]],
  ])('the events %j / each runs once, also without an event of its type: %j', async (numbers, expected) => {
    const workflow = defineWorkflow(flow)
      .step('sort', { on: Numbers, emits: [Apple, Pear] }, (_, { data }) =>
        data.map((it) => (it % 2 === 1 ? Apple(it) : Pear(it))),
      )
      .step('apples', { on: gather(Apple), emits: [Apples] }, (_, all) => Apples(all.map((it) => it.data)))
      .step('pears', { on: gather(Pear), emits: [Pears] }, (_, all) => Pears(all.map((it) => it.data)))
      .step('both', { on: allOf(Apples, Pears), emits: [Done] }, (_, both) => Done(both.map((it) => it.data)))
    expect(await (await profile().open(workflow)).run(numbers)).toEqual(expected)
  })

  test('two of one list, with an inner fan-out whose gather leads to one of them only / the other gets []', async () => {
    const workflow = defineWorkflow(flow)
      .step('split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
      .step('work', { on: Item, emits: [Worked] }, (_, { data }) => [Worked(data)])
      .step('sort', { on: gather(Worked), emits: [Apple, Pear] }, (_, [it]) =>
        it!.data % 2 === 1 ? Apple(it!.data) : Pear(it!.data),
      )
      .step('apples', { on: gather(Apple), emits: [Apples] }, (_, all) => Apples(all.map((it) => it.data)))
      .step('pears', { on: gather(Pear), emits: [Pears] }, (_, all) => Pears(all.map((it) => it.data)))
      .step('both', { on: allOf(Apples, Pears), emits: [Done] }, (_, both) => Done(both.map((it) => it.data)))
    expect(await (await profile().open(workflow)).run([1, 3])).toEqual([[1, 3], []])
  })

  test('two of one list, one of which begins a list anew / both run for each list', async () => {
    const ran: string[] = []
    const workflow = defineWorkflow(flow)
      .step('sort', { on: Numbers, emits: [Apple, Pear] }, (_, { data }) =>
        data.map((it) => (it % 2 === 1 ? Apple(it) : Pear(it))),
      )
      .step('apples', { on: gather(Apple), emits: [Apples, Numbers] }, (_, all) => {
        ran.push(`apples ${all.map((it) => it.data).join()}`)
        return all.length > 1 ? Numbers([all.length]) : Apples([])
      })
      .step('pears', { on: gather(Pear), emits: [Pears] }, (_, all) => {
        ran.push(`pears ${all.map((it) => it.data).join()}`)
        return Pears([all.length])
      })
      .step('both', { on: allOf(Apples, Pears), emits: [Done] }, (_, both) => Done(both.map((it) => it.data)))
    expect(await (await profile().open(workflow)).run([1, 3])).toEqual([[], [0]])
    expect(sorted(ran)).toEqual(['apples ', 'apples 1,3', 'pears ', 'pears 2'])
  })

  test('one of an inner fan-out, that some branches open / runs for those alone, and the outer one once', async () => {
    const ran: string[] = []
    const workflow = defineWorkflow(flow)
      .step('split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
      .step('work', { on: Item, emits: [Apple, Worked] }, (_, { data }) =>
        data === 1 ? Worked(1) : Array.from({ length: data }, () => Apple(1)),
      )
      .step('inner', { on: gather(Apple), emits: [Worked] }, (_, { length }) => {
        ran.push('inner')
        return Worked(length * 10)
      })
      .step('outer', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    const session = await profile().open(workflow)
    expect(await session.run([1, 1])).toEqual([1, 1])
    expect(ran).toEqual([])
    expect(await session.run([])).toEqual([])
    expect(ran).toEqual([])
    expect(await session.run([1, 2, 0])).toEqual([1, 20, 0])
  })

  test.each([
    [
      [1, 2],
      ['apples 2', 'pears 0'],
    ],
    [
      [1, -2],
      ['apples 1', 'pears 1'],
    ],
    [[-1], ['pears 1', 'apples 0']],
    [[], ['apples 0', 'pears 0']],
  ])(
    'one that only a recovery step leads to, the events %j / runs once, also with []: %j',
    async (numbers, expected) => {
      const ran: string[] = []
      const workflow = defineWorkflow({ ...flow, skip: ['deadEnd', 'stop'] })
        .step('split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
        .step('work', { on: Item, emits: [Apple], catchError: 'rescue' }, (_, { data }) => {
          if (data < 0) throw new Error('bad')
          return Apple(data)
        })
        .step('rescue', { on: StepFailed, emits: [Pear] }, () => Pear(0))
        .step('apples', { on: gather(Apple) }, (_, { length }) => void ran.push(`apples ${length}`))
        .step('pears', { on: gather(Pear) }, (_, { length }) => void ran.push(`pears ${length}`))
      await failure((await profile().open(workflow)).run(numbers))
      expect(ran).toEqual(expected)
    },
  )

  test.each([
    [[1, 2], 3],
    [[], 0],
    [[-1], 20],
  ])(
    'a fan-out with a recovery step of its own, which makes another list, %j / only one of the lists is gathered',
    async (numbers, expected) => {
      const ran: string[] = []
      const sum = (name: string, all: readonly { readonly data: number }[]): number => {
        ran.push(name)
        return all.reduce((total, it) => total + it.data, 0)
      }
      const workflow = defineWorkflow({ ...flow, start: Numbers })
        .step('split', { on: Numbers, emits: [Item], catchError: 'offline' }, (_, { data }) => {
          if (data.some((it) => it < 0)) throw new Error('offline')
          return data.map((it) => Item(it))
        })
        .step('offline', { on: StepFailed, emits: [Pear] }, () => [Pear(10), Pear(10)])
        .step('work', { on: Item, emits: [Apple] }, (_, { data }) => Apple(data))
        .step('apples', { on: gather(Apple), emits: [Group] }, (_, all) => Group(sum('apples', all)))
        .step('end', { on: Group, emits: [Done] }, (_, { data }) => Done(data))
        .step('pears', { on: gather(Pear), emits: [Done] }, (_, all) => Done(sum('pears', all)))
      expect(await (await profile().open(workflow)).run(numbers)).toBe(expected)
      expect(ran).toEqual([numbers[0] === -1 ? 'pears' : 'apples'])
    },
  )

  test.each([
    [[1, 2], 3, 'apples'],
    [[1, -2], 20, 'pears'],
    [[-1], 20, 'pears'],
    [[], 0, 'apples'],
  ])(
    'a branch with a recovery step, which makes a list that ends the run, %j / without a failure that list is not gathered',
    async (numbers, expected, last) => {
      const ran: string[] = []
      const sum = (name: string, all: readonly { readonly data: number }[]): number => {
        ran.push(name)
        return all.reduce((total, it) => total + it.data, 0)
      }
      const workflow = defineWorkflow(flow)
        .step('split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
        .step('work', { on: Item, emits: [Apple], catchError: 'give back' }, (_, { data }) => {
          if (data < 0) throw new Error('bad')
          return Apple(data)
        })
        .step('give back', { on: StepFailed, emits: [Pear] }, () => [Pear(10), Pear(10)])
        .step('apples', { on: gather(Apple), emits: [Group] }, (_, all) => Group(sum('apples', all)))
        .step('end', { on: Group, emits: [Done] }, async (ctx, { data }) => {
          await ctx.sleep(10)
          return Done([data])
        })
        .step('pears', { on: gather(Pear), emits: [Worked] }, (_, all) => Worked(sum('pears', all)))
        .step('refused', { on: Worked, emits: [Done] }, (_, { data }) => Done([data]))
      const page = profile()
      const session = await page.open(workflow)
      session.run(numbers).catch(() => {})
      await page.clock.advance(100)
      expect([session.status, session.result, ran]).toEqual(['completed', [expected], [last]])
    },
  )

  test.each([[1, 2], [1, -2], [-1], []].flatMap((it) => [[it, []] as const, [it, [Done]] as const]))(
    'all results and all failures, of which a recovery step tells, and which may end the run / whoever waits for both gets them: %j',
    async (numbers, ends) => {
      const Failure = defineEvent('failure', z.number())
      const workflow = defineWorkflow({ ...flow, catchError: 'rescue' })
        .step('split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
        .step('work', { on: Item, emits: [Apple] }, (_, { data }) => {
          if (data < 0) throw new Error('bad')
          return Apple(data)
        })
        .step('rescue', { on: StepFailed, emits: [Failure] }, (_, { data }) =>
          Failure((data.event as { data: number }).data),
        )
        .step('apples', { on: gather(Apple), emits: [Apples] }, (_, all) => Apples(all.map((it) => it.data)))
        .step('failures', { on: gather(Failure), emits: [Pears, ...ends] }, (_, all) =>
          Pears(all.map((it) => it.data)),
        )
        .step('both', { on: allOf(Apples, Pears), emits: [Done] }, (_, both) =>
          Done(both.map((it) => it.data)),
        )
      const expected = [numbers.filter((it) => it > 0), numbers.filter((it) => it < 0)]
      expect(await (await profile().open(workflow)).run(numbers)).toEqual(expected)
    },
  )

  test.each([
    [[], ['apples 0', 'pears 0']],
    [[2], ['apples 2', 'pears 2']],
    [
      [-1, 1],
      ['apples 2', 'pears 1'],
    ],
  ])(
    'one behind the other, and a recovery step of all that leads to both, %j / each runs once, in its turn: %j',
    async (numbers, expected) => {
      const ran: string[] = []
      const workflow = defineWorkflow({ ...flow, catchError: 'rescue' })
        .step('split', { on: Numbers, emits: [Item] }, (_, { data }) => data.map((it) => Item(it)))
        .step('work', { on: Item, emits: [Apple] }, (_, { data }) => {
          if (data < 0) throw new Error('bad')
          return Apple(data)
        })
        .step('rescue', { on: StepFailed, emits: [Apple, Pear] }, (_, { data }) =>
          data.step === 'work' ? Apple(0) : Pear(0),
        )
        .step('apples', { on: gather(Apple), emits: [Group] }, (_, all) => {
          ran.push(`apples ${all.reduce((sum, it) => sum + Math.max(it.data, 1), 0)}`)
          return Group(all.reduce((sum, it) => sum + it.data, 0))
        })
        .step('again', { on: Group, emits: [Pear] }, (_, { data }) =>
          Array.from({ length: data }, () => Pear(1)),
        )
        .step('pears', { on: gather(Pear), emits: [Done] }, (_, { length }) => {
          ran.push(`pears ${length}`)
          return Done(length)
        })
      await (await profile().open(workflow)).run(numbers)
      expect(ran).toEqual(expected)
    },
  )

  test.each([
    ['the fan-out itself', [], ['next 0']],
    ['the fan-out itself', [-1], ['refused 1', 'next 0']],
    ['the fan-out itself', [2, 1], ['next 2', 'refused 0', 'next 1']],
    ['another one', [], ['next 0']],
    ['another one', [2, 1], ['next 2', 'refused 0', 'next 1']],
  ])('one leads back to %s / that is not one around it: %j', async (where, numbers, expected) => {
    const Again = where === 'another one' ? defineEvent('again', z.array(z.number())) : Numbers
    const ran: string[] = []
    const split = (_: unknown, { data }: { data: number[] }) => data.map((it) => Item(it))
    const begun = defineWorkflow(flow).step('split', { on: Numbers, emits: [Item] }, split)
    const both = Again === Numbers ? begun : begun.step('anew', { on: Again, emits: [Item] }, split)
    const workflow = both
      .step('work', { on: Item, emits: [Apple, Pear] }, (_, { data }) =>
        data < 0 ? Pear(data) : Apple(data),
      )
      .step('next', { on: gather(Apple), emits: [Again, Done] }, (_, { length }) => {
        ran.push(`next ${length}`)
        return length > 1 ? Again([1]) : Done([])
      })
      .step('refused', { on: gather(Pear) }, (_, { length }) => void ran.push(`refused ${length}`))
    await (await profile().open(workflow)).run(numbers)
    expect(ran).toEqual(expected)
  })
})

test('a gather whose handler fails and is retried / gets the same events again', async () => {
  const seen: unknown[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => [1, 2].map((n) => Item(n)))
    .step('join', { on: gather(Item), emits: [Done], retry: { attempts: 3 } }, (ctx, all) => {
      seen.push(all.map((it) => it.data))
      if (ctx.attempt < 3) throw new Error('not yet')
      return Done(all.length)
    })
  expect(await (await profile().open(workflow)).run()).toBe(2)
  expect(seen).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ])
})

test('two fan-outs of one step at once / their branches are not mixed', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('start', { on: Go, emits: [Group] }, (ctx) => {
      ctx.send(Group(1))
      ctx.send(Group(2))
    })
    .step('split', { on: Group, emits: [Item] }, (_, { data }) => [Item(data * 10), Item(data * 10 + 1)])
    .step('work', { on: Item, emits: [Worked] }, async (ctx, { data }) => {
      await ctx.sleep(data % 10 === 0 ? 50 : 10)
      return Worked(data)
    })
    .step('join', { on: gather(Worked), emits: [Grouped] }, (_, all) => Grouped(all.map((it) => it.data)))
    .step('end', { on: Grouped, emits: [Done] }, async (ctx, event) => {
      const both = await ctx.collect(event, [Grouped, Grouped])
      return both && Done(both.map((it) => it.data))
    })
  const page = profile()
  const result = (await page.open(workflow)).run()
  await page.clock.advance(500)
  expect(await result).toEqual([
    [10, 11],
    [20, 21],
  ])
})

test('fan-out of 300 into 4 workers / gathers 300 in order', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('split', { on: Go, emits: [Item] }, () => Array.from({ length: 300 }, (_, n) => Item(n)))
    .step('work', { on: Item, emits: [Worked] }, async (ctx, { data }) =>
      Worked(await ctx.once('x', () => data)),
    )
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  expect(await (await profile().open(workflow)).run()).toEqual(Array.from({ length: 300 }, (_, n) => n))
})
