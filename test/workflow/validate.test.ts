import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  defineEvent,
  defineWorkflow,
  gather,
  resource,
  StepFailed,
  type AnyWorkflow,
  type WorkflowError,
} from '../../src/index'
import {
  Answer,
  Done,
  failure,
  flow,
  Go,
  Item,
  Nudge,
  profile,
  Question,
  thrown,
  Worked,
} from '../support/flows'

type Checked = AnyWorkflow & { validate(options?: { skip?: readonly never[] }): void }

/** The findings of a workflow, as `check: message`; none when it is valid. */
function findings(workflow: Checked): string[] {
  try {
    workflow.validate()
  } catch (error) {
    expect(error).toMatchObject({ name: 'WorkflowError', code: 'WORKFLOW' })
    return (error as WorkflowError).findings.map((it) => `${it.check}: ${it.message}`)
  }
  return []
}

const Other = defineEvent('other', z.string())
const done = (): ReturnType<typeof Done> => Done(1)
const nothing = (): void => {}
const simple = (options: object = {}, step: object = {}) =>
  defineWorkflow({ ...flow, ...options }).step('work', { on: Go, emits: [Done], ...step }, done)

describe('all findings in one error', () => {
  test('a mistake of every kind / one error lists them all, by name', () => {
    const Twin = defineEvent('item', z.string())
    const Orphan = defineEvent('orphan')
    const workflow = defineWorkflow({ ...flow, version: 0, catchError: 'nobody' })
      .step('work', { on: Go, emits: [Item, Other], workers: 0 }, nothing)
      .step('work' as 'work2', { on: Twin, emits: [] }, nothing)
      .step('lonely', { on: Orphan, emits: [Worked] }, nothing)
    const error: WorkflowError = thrown(() => workflow.validate())
    expect(error.workflow).toBe('flow')
    expect(new Set(error.findings.map((it) => it.check))).toEqual(
      new Set([
        'numbers',
        'duplicateStep',
        'duplicateEvent',
        'stop',
        'unconsumed',
        'unproduced',
        'catchError',
        'unreachable',
        'deadEnd',
      ]),
    )
    for (const { message } of error.findings) expect(error.message).toContain(message)
    expect(error.message).toContain(`${error.findings.length} mistakes`)
  })

  test('a valid workflow / no findings', () => {
    expect(findings(simple())).toEqual([])
  })
})

describe('numbers', () => {
  test.each([
    ['version 0', { version: 0 }, 'version'],
    ['version 1.5', { version: 1.5 }, 'version'],
    ['version as text', { version: '1' }, 'version is "1"'],
    ['no version', { version: undefined }, 'version'],
    ['no name', { name: '' }, 'name'],
    ['a name that is no text', { name: 5 }, 'name'],
    ['maxSteps 0', { maxSteps: 0 }, 'maxSteps'],
    ['maxSteps NaN', { maxSteps: Number.NaN }, 'maxSteps'],
    ['timeout 0', { timeout: 0 }, 'timeout'],
    ['timeout negative', { timeout: -1 }, 'timeout'],
  ])('%s / reported', (_, options, named) => {
    const found = findings(simple(options))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('numbers: ')
    expect(found[0]).toContain(named)
  })

  test.each([
    ['workers 0', { workers: 0 }, 'workers'],
    ['workers 1.5', { workers: 1.5 }, 'workers'],
    ['workers NaN', { workers: Number.NaN }, 'workers'],
    ['workers -1', { workers: -1 }, 'workers'],
    ['step timeout 0', { timeout: 0 }, 'timeout'],
    ['attempts 0', { retry: { attempts: 0 } }, 'retry.attempts'],
    ['attempts 2.5', { retry: { attempts: 2.5 } }, 'retry.attempts'],
    ['no attempts', { retry: { delay: 5 } }, 'retry.attempts'],
    ['delay -1', { retry: { attempts: 2, delay: -1 } }, 'retry.delay'],
    ['delay NaN', { retry: { attempts: 2, delay: Number.NaN } }, 'retry.delay'],
    ['factor -1', { retry: { attempts: 2, factor: -1 } }, 'retry.factor'],
    ['maxDelay -1', { retry: { attempts: 2, maxDelay: -1 } }, 'retry.maxDelay'],
    ['a retryIf that is no function', { retry: { attempts: 2, retryIf: true } }, 'retry.retryIf'],
    ['a misspelt delay', { retry: { attempts: 2, delai: 100 } }, 'retry.delai'],
    ['recoveries -1', { recoveries: -1 }, 'recoveries'],
    ['recoveries NaN', { recoveries: Number.NaN }, 'recoveries'],
  ])("%s / reported with the step's name", (_, step, named) => {
    const found = findings(simple({}, step))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('"work"')
    expect(found[0]).toContain(named)
  })

  test('several mistakes in one retry policy / all are reported', () => {
    expect(
      findings(
        simple({}, { retry: { attempts: 0, delay: -1, factor: Number.NaN, delai: 5, max: 1, retryIf: 3 } }),
      ),
    ).toEqual(
      [
        'retry.delai is no option; they are attempts, delay, factor, maxDelay, jitter, retryIf',
        'retry.max is no option; they are attempts, delay, factor, maxDelay, jitter, retryIf',
        'retry.attempts is 0; it is a whole number from 1',
        'retry.delay is -1; it is 0 or more',
        'retry.factor is NaN; it is 0 or more',
        'retry.retryIf is 3; it is a function',
      ].map((it) => `numbers: step "work": ${it}`),
    )
  })

  test.each([
    { workers: 1 },
    { workers: 1000 },
    { timeout: 0.5 },
    { retry: { attempts: 1 } },
    { retry: { attempts: 3, delay: 0, factor: 0, maxDelay: 0, jitter: true } },
    { retry: { attempts: 3, maxDelay: Infinity } },
    { retry: () => undefined },
  ])('%o / fine', (step) => {
    expect(findings(simple({}, step))).toEqual([])
  })
})

describe('names', () => {
  test('two steps with one name / reported once', () => {
    const workflow = simple().step('work' as 'other', { on: Go, emits: [Done] }, done)
    expect(findings(workflow)).toEqual([expect.stringContaining('duplicateStep: ')])
  })

  test('two different events with one name / reported, wherever they are used', () => {
    const Twin = defineEvent('item', z.string())
    const places = [
      defineWorkflow({ ...flow })
        .step('a', { on: Go, emits: [Item] }, nothing)
        .step('b', { on: Twin, emits: [Done] }, done),
      defineWorkflow({ ...flow, events: [Twin] }).step('a', { on: [Go, Item], emits: [Item, Done] }, done),
      defineWorkflow({ ...flow })
        .step('a', { on: Go, emits: [Item] }, nothing)
        .step('b', { on: allOf(Twin), emits: [Done] }, done),
      defineWorkflow({ ...flow })
        .step('a', { on: Go, emits: [Item] }, nothing)
        .step('b', { on: gather(Twin), emits: [Done] }, done),
    ]
    for (const workflow of places) expect(findings(workflow).join()).toContain('duplicateEvent: ')
  })

  test("an ask's reply with the same name as another event / reported, since replies would pass the wrong schema", () => {
    const OtherAnswer = defineEvent('answer', z.number())
    const workflow = defineWorkflow({ ...flow, events: [OtherAnswer] }).step(
      'ask',
      { on: [Go, OtherAnswer], asks: [Question], emits: [Done] },
      done,
    )
    expect(findings(workflow).join()).toContain('duplicateEvent: ')
  })

  test('two asks whose different replies have one name / reported', () => {
    const Twin = defineEvent('answer', z.number())
    const AskTwin = defineEvent('askTwin', z.string(), { reply: Twin })
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question, AskTwin], emits: [Done] },
      done,
    )
    expect(findings(workflow).join()).toContain('duplicateEvent: ')
  })

  test('the same event in many places / accepted', () => {
    const workflow = defineWorkflow({ ...flow, events: [Item, Item] })
      .step('a', { on: [Go, Item], emits: [Item, Item, Worked] }, nothing)
      .step('b', { on: [Item, Worked], asks: [Question, Question], emits: [Done] }, done)
    expect(findings(workflow)).toEqual([])
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a.b', ' ', '名前'])(
    'a step and an event called "%s" / work like any other',
    async (name) => {
      const Odd = defineEvent(name, z.number())
      const workflow = defineWorkflow({ ...flow })
        .step('start', { on: Go, emits: [Odd] }, () => Odd(1))
        .step(name as 'odd', { on: Odd, emits: [Done] }, (_, { data }) => Done(data + 1))
      expect(await (await profile().open(workflow)).run()).toBe(2)
    },
  )

  test('a session, a buffer and a once called __proto__ / work like any other', async () => {
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, (ctx) => [1, 2].forEach((n) => ctx.send(Item(n))))
      .step('pair', { on: Item, emits: [Done] }, async (ctx, event) => {
        const pair = await ctx.collect(event, [Item, Item], { buffer: '__proto__' })
        return pair && Done([...pair.map((it) => it.data), await ctx.once('__proto__', () => 'once')])
      })
    const page = profile()
    const session = await page.open(workflow, { id: '__proto__' })
    expect(await session.run()).toEqual([1, 2, 'once'])
    await page.reload()
    expect((await page.open(workflow, { id: '__proto__' })).result).toEqual([1, 2, 'once'])
  })
})

describe('start and stop', () => {
  test('no step accepts the start event / reported', () => {
    const workflow = defineWorkflow({ ...flow, events: [Item] }).step(
      'work',
      { on: Item, emits: [Done] },
      done,
    )
    expect(findings(workflow)).toEqual([expect.stringMatching(/^start: .*"go"/)])
  })

  test('no step emits the stop event / reported', () => {
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go }, nothing)
    expect(findings(workflow).join()).toMatch(/stop: .*"done"/)
  })

  test('a loop that emits no stop event / told what to skip, if it shall never end; with that it is valid', () => {
    const loop = (skip: readonly ('stop' | 'deadEnd')[]) =>
      defineWorkflow({ ...flow, skip }).step('work', { on: [Go, Item], emits: [Item] }, () => Item(1))
    const [missing] = findings(loop([]))
    expect(missing).toMatch(/where none is meant, skip: \['stop', 'deadEnd'\]$/)
    expect(findings(loop(['stop', 'deadEnd']))).toEqual([])
  })

  test('no start, no stop, no steps at all / reported, no crash', () => {
    expect(findings(defineWorkflow({ name: 'empty', version: 1 } as never))).toEqual([
      'start: there is no `start` event',
      'stop: there is no `stop` event',
    ])
    const started = defineWorkflow({ name: 'endless', version: 1, start: Go } as never)
    expect(findings(started.step('work', { on: Go, emits: [Item] }, nothing as never))).toEqual([
      'stop: there is no `stop` event',
      expect.stringMatching(/^unconsumed: .*"work".*"item"/),
      expect.stringMatching(/^deadEnd: .*"work"/),
    ])
    expect(findings(defineWorkflow({ ...flow }))).not.toEqual([])
  })

  test('a step that accepts the stop event of its own workflow / no crash', () => {
    const workflow = simple().step('after', { on: Done }, nothing)
    expect(() => findings(workflow)).not.toThrow()
  })
})

describe('produced and consumed', () => {
  test('an event that no step accepts / reported with step and event', () => {
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done, Item] }, done)
    // It may be what a `waitFor` waits for, which a definition cannot show.
    expect(findings(workflow)).toEqual([expect.stringMatching(/^unconsumed: .*"work".*"item".*`events`/)])
  })

  test('a declared event or a reply that is emitted and accepted by no step / accepted: a step may wait for it', () => {
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('ask', { on: Go, asks: [Question], emits: [Done, Item] }, done)
      .step('answers', { on: Item, emits: [Answer, Nudge] }, nothing)
    expect(findings(workflow)).toEqual([])
    const endless = defineWorkflow({ ...flow, events: [Item] })
      .step('work', { on: Go, emits: [Done, Item] }, done)
      .step('turns', { on: Item, emits: [Item] }, nothing)
    expect(findings(endless)).toEqual([expect.stringMatching(/^deadEnd: .*"turns".*cycle/)])
  })

  test('an event that nothing produces / reported with step and event', () => {
    const workflow = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Done] }, done)
      .step('never', { on: [Go, Item], emits: [Done] }, done)
    expect(findings(workflow)).toEqual([expect.stringMatching(/^unproduced: .*"never".*"item".*`events`/)])
  })

  test('replies of asks, declared events, and StepFailed with a catchError / count as produced', () => {
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('ask', { on: Go, asks: [Question], emits: [Done], catchError: 'rescue' }, done)
      .step('replies', { on: Answer, emits: [Done] }, done)
      .step('nudged', { on: Nudge, emits: [Done] }, done)
      .step('rescue', { on: StepFailed, emits: [Done] }, done)
    expect(findings(workflow)).toEqual([])
  })

  test('StepFailed without any catchError / counts as not produced', () => {
    const workflow = simple().step('rescue', { on: StepFailed, emits: [Done] }, done)
    expect(findings(workflow).join()).toMatch(/unproduced: .*"rescue".*`catchError`/)
  })

  test('events accepted only by allOf or gather / count as consumed', () => {
    const both = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item, Worked] }, nothing)
      .step('both', { on: allOf(Item, Worked), emits: [Done] }, done)
    const joined = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, () => [])
      .step('join', { on: gather(Item), emits: [Done] }, done)
    expect(findings(both)).toEqual([])
    expect(findings(joined)).toEqual([])
  })
})

describe('catchError', () => {
  test('names no step / reported, on the step and on the workflow', () => {
    expect(findings(simple({}, { catchError: 'nope' }))).toEqual([
      expect.stringMatching(/^catchError: .*"work".*"nope"/),
    ])
    expect(findings(simple({ catchError: 'nope' }))).toEqual([
      expect.stringMatching(/^catchError: .*workflow.*"nope"/),
    ])
  })

  test('names a step that does not accept StepFailed / reported', () => {
    const workflow = simple({}, { catchError: 'other' }).step('other', { on: Go, emits: [Done] }, done)
    expect(findings(workflow).join()).toMatch(/catchError: .*"other".*StepFailed/)
  })

  test('a recovery step that names itself / no crash', () => {
    const workflow = simple({}, { catchError: 'rescue' }).step(
      'rescue',
      { on: StepFailed, emits: [Done], catchError: 'rescue' },
      done,
    )
    expect(() => findings(workflow)).not.toThrow()
  })
})

describe('reachable steps, and a way to the end', () => {
  test('a step that nothing leads to / reported', () => {
    const workflow = simple()
      .step('island', { on: Item, emits: [Worked] }, nothing)
      .step('shore', { on: Worked, emits: [Item, Done] }, nothing)
    expect(findings(workflow).filter((it) => it.startsWith('unreachable: '))).toEqual([
      expect.stringContaining('"island"'),
      expect.stringContaining('"shore"'),
    ])
  })

  test('a cycle that nothing leads to / reported as that alone', () => {
    const workflow = simple()
      .step('ping', { on: Item, emits: [Worked] }, nothing)
      .step('pong', { on: Worked, emits: [Item] }, nothing)
    expect(findings(workflow)).toEqual([
      expect.stringMatching(/^unreachable: .*"ping"/),
      expect.stringMatching(/^unreachable: .*"pong"/),
    ])
  })

  test('a step from which nothing leads to the stop event / a dead end', () => {
    const workflow = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Done, Item] }, done)
      .step('dead', { on: Item, emits: [Worked] }, nothing)
      .step('deader', { on: Worked }, nothing)
    expect(
      findings(workflow)
        .filter((it) => it.startsWith('deadEnd: '))
        .join(),
    ).toContain('"dead"')
  })

  test('a cycle without a way out / reported as a cycle', () => {
    const workflow = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Done, Item] }, done)
      .step('ping', { on: Item, emits: [Worked] }, nothing)
      .step('pong', { on: Worked, emits: [Item] }, nothing)
    const found = findings(workflow)
    expect(found).toHaveLength(2)
    for (const it of found) expect(it).toMatch(/^deadEnd: .*cycle/)
  })

  test('a cycle with a way out, a step that returns to itself / accepted', () => {
    const workflow = defineWorkflow({ ...flow })
      .step('ping', { on: [Go, Worked], emits: [Item] }, nothing)
      .step('pong', { on: Item, emits: [Worked, Item, Done] }, nothing)
    expect(findings(workflow)).toEqual([])
  })

  test('a step that emits nothing, beside a way to the stop event / no dead end', () => {
    const beside = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Item] }, nothing)
      .step('goes on', { on: Item, emits: [Done] }, done)
      .step('logs', { on: Item }, nothing)
    const fedBeside = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Item, Done] }, nothing)
      .step('logs', { on: Item }, nothing)
    expect(findings(beside)).toEqual([])
    expect(findings(fedBeside)).toEqual([])
  })

  test('steps one after another, started together with a way to the stop event / no dead end; a loop of them is one', () => {
    const beside = defineWorkflow({ ...flow })
      .step('fast', { on: Go, emits: [Done] }, done)
      .step('slow', { on: Go, emits: [Item] }, nothing)
      .step('writes', { on: Item, emits: [Worked] }, nothing)
      .step('counts', { on: Worked }, nothing)
    expect(findings(beside)).toEqual([])
    const loop = defineWorkflow({ ...flow })
      .step('fast', { on: Go, emits: [Done] }, done)
      .step('slow', { on: [Go, Item], emits: [Item] }, nothing)
    expect(findings(loop)).toEqual([expect.stringMatching(/^deadEnd: .*"slow".*cycle/)])
  })

  test('a step that emits nothing, for an outside event or a reply / no dead end', () => {
    const nudged = simple({ events: [Nudge] }).step('nudged', { on: Nudge }, nothing)
    expect(findings(nudged as unknown as Checked)).toEqual([])
    const replied = defineWorkflow({ ...flow })
      .step('ask', { on: Go, asks: [Question], emits: [Done] }, done)
      .step('replies', { on: Answer }, nothing)
    expect(findings(replied)).toEqual([])
  })

  test('steps that only an outside event leads to, one after another / no dead end; a cycle of them is one', () => {
    const beside = simple({ events: [Nudge] })
      .step('nudged', { on: Nudge, emits: [Item] }, nothing)
      .step('logs', { on: Item, emits: [Worked] }, nothing)
      .step('counts', { on: Worked }, nothing)
    expect(findings(beside as unknown as Checked)).toEqual([])
    const cycle = simple({ events: [Nudge] })
      .step('nudged', { on: [Nudge, Item], emits: [Worked] }, nothing)
      .step('again', { on: Worked, emits: [Item] }, nothing)
    expect(findings(cycle as unknown as Checked)).toHaveLength(2)
  })

  test('a start step that emits nothing, and an outside event that leads to the stop event / no dead end', () => {
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('prepare', { on: Go }, nothing)
      .step('work', { on: Nudge, emits: [Done] }, done)
    expect(findings(workflow)).toEqual([])
  })

  test('steps one after another, or a loop, until an outside event leads to the stop event / no dead end', async () => {
    const after = defineWorkflow({ ...flow, events: [Nudge] })
      .step('load', { on: Go, emits: [Item] }, nothing)
      .step('index', { on: Item }, nothing)
      .step('work', { on: Nudge, emits: [Done] }, done)
    const chat = defineWorkflow({ ...flow, events: [Nudge] })
      .step('turn', { on: [Go, Item], asks: [Question], emits: [Item] }, async (ctx) => {
        await ctx.ask(Question(1))
        return Item(1)
      })
      .step('leave', { on: Nudge, emits: [Done] }, done)
    expect([...findings(after), ...findings(chat)]).toEqual([])
    const session = await profile().open(chat)
    const result = session.run()
    for (let turn = 0; turn < 3; turn++) await session.asks[0]?.reply(turn)
    await session.send(Nudge('enough'))
    expect(await result).toBe(1)
  })

  test('a step beside the run takes an outside event that ends nothing / dead ends and cycles are found all the same', () => {
    const dead = defineWorkflow({ ...flow, events: [Nudge] })
      .step('work', { on: Go, emits: [Done, Item] }, done)
      .step('logs', { on: Nudge }, nothing)
      .step('dead', { on: Item, emits: [Worked] }, nothing)
    expect(findings(dead.step('deader', { on: Worked }, nothing))).toEqual([
      expect.stringMatching(/^deadEnd: .*"dead" is a dead end/),
      expect.stringMatching(/^deadEnd: .*"deader" is a dead end/),
    ])
    expect(findings(dead.step('again', { on: Worked, emits: [Item] }, nothing))).toHaveLength(2)
    const beside = defineWorkflow({ ...flow, events: [Nudge] })
      .step('work', { on: Go, emits: [Done] }, done)
      .step('logs', { on: [Go, Nudge] }, nothing)
      .step('spins', { on: [Go, Item], emits: [Item] }, nothing)
    expect(findings(beside)).toEqual([expect.stringMatching(/^deadEnd: .*"spins".*cycle/)])
  })

  test('an event that one step waits for and another only logs / no dead end', async () => {
    const workflow = defineWorkflow({ ...flow, events: [Worked] })
      .step('waits', { on: Go, emits: [Item, Done] }, async (ctx) => {
        return Done((await ctx.waitFor(Worked, { emit: Item(1) })).data)
      })
      .step('works', { on: Item, emits: [Worked] }, (_, { data }) => Worked(data + 1))
      .step('logs', { on: Worked }, nothing)
    expect(findings(workflow)).toEqual([])
    expect(await (await profile().open(workflow)).run()).toBe(2)
  })

  test('a reply that one step waits for and another only logs / no dead end', async () => {
    const workflow = defineWorkflow(flow)
      .step('waits', { on: Go, asks: [Question], emits: [Item, Done] }, async (ctx) =>
        Done((await ctx.waitFor(Answer, { emit: Item(1) })).data),
      )
      .step('answers', { on: Item, emits: [Answer] }, (_, { data }) => Answer(data + 1))
      .step('logs', { on: Answer }, nothing)
    expect(findings(workflow)).toEqual([])
    expect(await (await profile().open(workflow)).run()).toBe(2)
  })

  test('a loop that emits until what another step waits for is there / no dead end; the loop is one where it is only logged', async () => {
    const waits = defineWorkflow({ ...flow, events: [Nudge] })
      .step('waits', { on: Go, emits: [Item, Done] }, async (ctx) =>
        Done((await ctx.waitFor(Nudge, { emit: Item(1) })).data),
      )
      .step('polls', { on: Item, emits: [Item, Nudge] }, (_, { data }) =>
        data < 3 ? Item(data + 1) : Nudge(data),
      )
    expect(findings(waits)).toEqual([])
    expect(await (await profile().open(waits)).run()).toBe(3)
    expect(findings(waits.step('logs', { on: Nudge }, nothing))).toEqual([
      expect.stringMatching(/^deadEnd: .*"polls" is in a cycle/),
    ])
  })

  test('a fan-out branch that ends in nothing, and is gathered / no dead end', () => {
    const workflow = defineWorkflow({ ...flow })
      .step('split', { on: Go, emits: [Item, Other] }, () => [])
      .step('work', { on: Item, emits: [Worked] }, nothing)
      .step('drop', { on: Other }, nothing)
      .step('join', { on: gather(Worked), emits: [Done] }, done)
    expect(findings(workflow)).toEqual([])
  })

  test('a recovery that emits nothing, of a step that leads on, of a branch or of one that only logs / no dead end', async () => {
    const split = defineWorkflow({ ...flow }).step('split', { on: Go, emits: [Item] }, () => [1, 2].map(Item))
    const branch = split
      .step('work', { on: Item, emits: [Worked], catchError: 'skip' }, (_, { data }) => {
        if (data === 1) throw new Error('the first is broken')
        return Worked(data)
      })
      .step('skip', { on: StepFailed }, nothing)
      .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    const logs = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Done, Item] }, done)
      .step('logs', { on: Item, catchError: 'never mind' }, nothing)
      .step('never mind', { on: StepFailed }, nothing)
    const any = defineWorkflow({ ...flow, catchError: 'report' })
      .step('work', { on: Go, emits: [Done] }, done)
      .step('report', { on: StepFailed }, nothing)
    expect([branch, logs, any].flatMap((it) => findings(it as unknown as Checked))).toEqual([])
    expect(await (await profile().open(branch)).run()).toEqual([2])
  })

  test('a recovery that leads on to no end / a dead end, also beside one that leads to the stop event', () => {
    const workflow = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Item], catchError: 'gives up' }, nothing)
      .step('goes on', { on: Item, emits: [Done], catchError: 'rescue' }, done)
      .step('rescue', { on: StepFailed, emits: [Done] }, done)
      .step('gives up', { on: StepFailed, emits: [Worked] }, nothing)
      .step('mails', { on: Worked }, nothing)
    expect(findings(workflow)).toEqual([
      expect.stringMatching(/^deadEnd: .*"gives up" is a dead end/),
      expect.stringMatching(/^deadEnd: .*"mails" is a dead end/),
    ])
  })

  test('a way that only a recovery takes / counts', () => {
    const workflow = defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Done], catchError: 'rescue' }, done)
      .step('rescue', { on: StepFailed, emits: [Item] }, nothing)
      .step('after', { on: Item, emits: [Done] }, done)
    expect(findings(workflow)).toEqual([])
  })

  test('a chain of 300 steps / checked in one go', () => {
    const events = Array.from({ length: 300 }, (_, n) => defineEvent(`e${n}`))
    let workflow = defineWorkflow({ ...flow }) as unknown as {
      step(name: string, options: object, handler: () => void): typeof workflow
    } & Checked
    workflow = workflow.step('first', { on: Go, emits: [events[0]] }, nothing)
    for (let n = 0; n < 299; n++)
      workflow = workflow.step(`s${n}`, { on: events[n], emits: [events[n + 1]] }, nothing)
    expect(findings(workflow.step('last', { on: events[299], emits: [Done] }, nothing))).toEqual([])
    expect(findings(workflow.step('last', { on: events[299] }, nothing))).not.toEqual([])
  })
})

describe('options', () => {
  const broken = () =>
    defineWorkflow({ ...flow })
      .step('work', { on: Go, emits: [Done, Item] }, done)
      .step('never', { on: Worked, emits: [Done] }, done)

  test('skip / leaves out one check, not the others', () => {
    const workflow = broken()
    expect(
      thrown<WorkflowError>(() => workflow.validate({ skip: ['unconsumed'] })).findings.map((it) => it.check),
    ).toEqual(expect.arrayContaining(['unproduced']))
    const error: WorkflowError = thrown(() => workflow.validate({ skip: ['unconsumed'] }))
    expect(error.findings.map((it) => it.check)).not.toContain('unconsumed')
    expect(() => workflow.validate({ skip: ['unconsumed', 'unproduced', 'unreachable'] })).not.toThrow()
    // Skipping for one call does not make it valid.
    expect(() => workflow.validate()).toThrow('mistakes')
  })

  test('skip in the definition / holds for every validate and for open', async () => {
    const workflow = defineWorkflow({ ...flow, skip: ['unconsumed'] }).step(
      'work',
      { on: Go, emits: [Done, Item] },
      done,
    )
    expect(findings(workflow)).toEqual([])
    expect(await (await profile().open(workflow)).run()).toBe(1)
  })

  test('a wrong onUnknownOutcome, migration and private path, from a caller without types / found', () => {
    const options = { onUnknownOutcome: 'retry', migrations: { 1: 'up' }, private: ['card..number'] }
    const workflow = defineWorkflow({ ...flow, ...(options as object) }).step(
      'work',
      { on: Go, emits: [Done] },
      done,
    )
    expect(findings(workflow)).toEqual([
      expect.stringContaining('onUnknownOutcome is "retry"; it is "rerun", "ask" or "fail"'),
      expect.stringContaining('migrations: 1 is no function'),
      expect.stringContaining('private path "card..number"'),
    ])
  })

  test('a step without a handler, and values that are no schema / found', () => {
    const Odd = defineEvent('odd', { a: 'number' } as never)
    const workflow = defineWorkflow({
      ...flow,
      state: { n: 1 } as never,
      flowState: { n: 1 } as never,
      events: [Odd],
    }).step('work', { on: Go, emits: [Done] }, undefined as never)
    expect(findings(workflow)).toEqual([
      'options: step "work" has no handler',
      expect.stringContaining('event "odd": its schema is no Standard Schema'),
      expect.stringContaining('state: its schema is no Standard Schema'),
      expect.stringContaining('flowState: its schema is no Standard Schema'),
    ])
  })

  test.each<readonly [string, object]>([
    ['a start that is a name', { start: 'go' }],
    ['an event without a name', { events: [defineEvent('')] }],
    ['an event whose name is no text', { events: [defineEvent(5 as never)] }],
  ])('%s, from a caller without types / found', (_, options) => {
    expect(findings(simple(options))).toContainEqual(
      'options: `start`, `stop`, `events` or a `reply` is no event',
    )
  })

  test('a renamed step that is still there, or whose new name is no step / found', () => {
    expect(findings(simple({ renamedSteps: { work: 'gone', before: 'work' } }))).toEqual([
      'renamedSteps: renamedSteps: there still is a step "work"',
      'renamedSteps: renamedSteps: "work" becomes "gone", which is no step',
    ])
  })

  test('a sub-flow that is no workflow / found', () => {
    const sub = { on: Go, emits: [Done] } as never
    expect(findings(defineWorkflow(flow).subflow('child', sub))).toEqual([
      'subflow: sub-flow "child": `workflow` is no workflow',
    ])
  })

  test('a client where its declaration belongs / found; without types it would be waited for until the end of time', () => {
    const resources = { client: { call() {} }, log: resource(), made: console.log } as never
    expect(
      findings(defineWorkflow({ ...flow, resources }).step('work', { on: Go, emits: [Done] }, done)),
    ).toEqual([
      'options: resource "client" is not declared with resource(); a client is given at open()',
      'options: resource "made" is not declared with resource(); a client is given at open()',
    ])
  })

  test('a step without a name, an ask without a reply / found', () => {
    const workflow = defineWorkflow(flow)
      .step('', { on: Go, emits: [Done], asks: [Item as never] }, done)
      .step(5 as never, { on: Go, emits: [Done] }, done)
    expect(findings(workflow)).toEqual([
      'options: a step has no name',
      'options: step "" asks "item", which has no reply',
      'options: a step has no name',
    ])
  })

  test('values that a check cannot read / found, with the rest', () => {
    const workflow = defineWorkflow({ ...flow, events: [null as never], maxSteps: Symbol('many') as never })
    expect(findings(workflow.step('work', { on: Go, emits: [Done] }, done))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^numbers: .*Symbol/),
        expect.stringMatching(/^duplicateEvent: /),
      ]),
    )
  })

  test.each<readonly [string, object | undefined]>([
    ['no options', undefined],
    ['no `on`', { emits: [Done] }],
    ['an `on` that was not imported yet', { on: undefined, emits: [Done] }],
    ['an `on` that is a name', { on: 'go', emits: [Done] }],
    ['an `emits` with a hole', { on: Go, emits: [undefined] }],
    ['an `asks` with a hole', { on: Go, emits: [Done], asks: [null] }],
    ['an event without a name', { on: defineEvent(''), emits: [Done] }],
    ['a function for an event', { on: () => Go, emits: [Done] }],
  ])('a step with %s / WorkflowError at its definition, naming the step', (_, options) => {
    const error: Error & { code: string } = thrown(() =>
      defineWorkflow(flow).step('work', options as never, done as never),
    )
    expect(error.code).toBe('WORKFLOW')
    expect(error.message).toMatch(/step "work": .*is no event/)
    expect(error.message).not.toContain('=>')
  })

  test('emits that is one event, not a list / counts as a list of one', async () => {
    const workflow = defineWorkflow(flow).step('work', { on: Go, emits: Done as never }, done as never)
    expect(findings(workflow)).toEqual([])
    expect(await (await profile().open(workflow)).run()).toBe(1)
  })

  test('emits of a sub-flow that is one event, not a list / counts as a list of one, and the run goes on', async () => {
    const child = defineWorkflow({ ...flow, name: 'child' }).step('work', { on: Go, emits: [Done] }, done)
    const workflow = defineWorkflow(flow).subflow('child', {
      on: Go,
      workflow: child,
      emits: Done as never,
    })
    expect(findings(workflow)).toEqual([])
    expect(await (await profile().open(workflow)).run()).toBe(1)
  })

  test('open() / rejects with the WorkflowError; nothing is stored, no session is left', async () => {
    const page = profile()
    expect(await failure(page.open(broken()))).toMatchObject({ code: 'WORKFLOW' })
    expect(thrown(() => page.engine.session(broken()))).toMatchObject({ code: 'WORKFLOW' })
    await page.clock.advance(1000)
    expect(await page.engine.list()).toEqual([])
    expect(await (await page.open(simple())).run()).toBe(1)
  })

  test('a definition / never changes: .step() returns a wider one', () => {
    const base = simple()
    const wider = base.step('more', { on: Item, emits: [Done] }, done)
    expect(wider).not.toBe(base)
    expect(Object.isFrozen(base)).toBe(true)
    expect(findings(base)).toEqual([])
    expect(findings(wider)).not.toEqual([])
    expect(findings(base)).toEqual([])
  })

  test('what was given to defineWorkflow() / may be changed afterwards without effect', async () => {
    const options = { ...flow, events: [Nudge] as const }
    const emits = [Done]
    const workflow = defineWorkflow(options).step('work', { on: Go, emits }, done)
    emits.length = 0
    Object.assign(options, { name: 'changed', start: Item })
    expect(await (await profile().open(workflow)).run()).toBe(1)
    expect(workflow.name).toBe('flow')
  })
})
