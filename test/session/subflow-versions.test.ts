import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, type DogearError } from '../../src/index'
import { Done, flow, Go, profile, Question, type Profile } from '../support/flows'

/** What the child's effects were called with, in all pages. */
type World = string[]

type Migrations = NonNullable<Parameters<typeof defineWorkflow>[0]['migrations']>

interface Person {
  readonly name: string
}

/** A child whose first version keeps one name, and whose second keeps two. It asks twice, and does something in between. */
function one(world: World) {
  return defineWorkflow({
    ...{ name: 'person', version: 1, start: Go, stop: Done },
    state: z.object({ name: z.string().default(''), log: z.array(z.string()).default([]) }),
  }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
    await ctx.state.set('name', 'Ada Lovelace')
    const first = await ctx.ask(Question('first'))
    await ctx.state.append('log', String(first.data))
    await ctx.once('effect', async (key) => void world.push(key))
    await ctx.state.append('log', 'cut off')
    const second = await ctx.ask(Question('second'))
    return Done([ctx.state.get(), second.data])
  })
}

const Names = z.object({
  first: z.string().default(''),
  born: z.date().optional(),
  last: z.string().default(''),
  log: z.array(z.string()).default([]),
})

const split = ({ name, ...rest }: Person): unknown => {
  const [first = '', last = ''] = name.split(' ')
  return { ...rest, first, last }
}

function two(
  world: World,
  migrations: Migrations = { 2: split },
  paths?: readonly ['last'],
  step: 'ask' | 'question' = 'ask',
) {
  return defineWorkflow({
    ...{ name: 'person', version: 2, start: Go, stop: Done, state: Names, migrations },
    ...(paths && { private: paths }),
    ...(step !== 'ask' && { renamedSteps: { ask: step } }),
  }).step(step, { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
    await ctx.state.set('first', 'Ada')
    const first = await ctx.ask(Question('first'))
    await ctx.state.append('log', String(first.data))
    await ctx.once('effect', async (key) => void world.push(key))
    await ctx.state.append('log', 'cut off')
    const second = await ctx.ask(Question('second'))
    return Done([ctx.state.get(), second.data])
  })
}

type Child = ReturnType<typeof one> | ReturnType<typeof two>

/** The same parent around it; `deep` puts another workflow in between. */
function around(child: Child, deep = false) {
  const workflow = deep
    ? defineWorkflow({ ...flow, name: 'between' }).subflow('inside', {
        on: Go,
        workflow: child as ReturnType<typeof one>,
        emits: [Done],
      })
    : (child as ReturnType<typeof one>)
  return defineWorkflow(flow).subflow('person', { on: Go, workflow, emits: [Done] })
}

/** A page in which the first question is answered and the second one asked, by the first version. */
async function begun(page: Profile, world: World, deep = false): Promise<void> {
  const session = await page.open(around(one(world), deep))
  void session.run().catch(() => {})
  await page.settle()
  await session.asks[0]?.reply('a')
  await page.settle()
  expect(session.asks[0]).toMatchObject({ data: 'second' })
  await page.reload()
}

const whole = [{ first: 'Ada', last: 'Lovelace', log: ['a', 'cut off'] }, 'b']

/** Newer code goes on with it to its end. */
async function goneOn(page: Profile, child: Child, deep = false): Promise<unknown> {
  const session = await page.open(around(child, deep))
  const done = session.status === 'failed' ? session.retry() : session.run()
  await page.settle()
  expect(session.asks).toMatchObject([{ data: 'second' }])
  await session.asks[0]?.reply('b')
  return done
}

describe('a running child whose code has a new version', () => {
  const depths = [
    ['directly', false],
    ['two levels down', true],
  ] as const

  test.each(depths)('%s / it is migrated and goes on, and nothing is done twice', async (_, deep) => {
    const page = profile()
    const world: World = []
    await begun(page, world, deep)
    expect(await goneOn(page, two(world), deep)).toEqual(whole)
    expect(world.length).toBe(1)
  })

  test.each(depths)(
    '%s, and its step has a new name / its work goes on in that, also for the next page',
    async (_, deep) => {
      const page = profile()
      const world: World = []
      await begun(page, world, deep)
      const renamed = two(world, { 2: split }, undefined, 'question')
      await page.open(around(renamed, deep))
      await page.settle()
      await page.reload()
      expect((await page.open(around(renamed, deep))).orphans).toEqual([])
      expect(await goneOn(page, renamed, deep)).toEqual(whole)
      expect(world.length).toBe(1)
    },
  )

  test.each(depths)(
    '%s, in a paused session / a step with a new name is no orphan, one that is gone is',
    async (_, deep) => {
      const page = profile()
      await begun(page, [], deep)
      const session = await page.open(around(one([]), deep))
      session.pause()
      await session.flush()
      const orphans = async (child: Child): Promise<unknown> => {
        await page.reload()
        return (await page.open(around(child, deep))).orphans
      }
      expect(await orphans(two([], { 2: split }, undefined, 'question'))).toEqual([])
      const gone = defineWorkflow({ ...flow, name: 'person', version: 2, renamedSteps: { other: 'ask2' } })
      const without = gone.step('ask2', { on: Go, emits: [Done] }, () => Done(0)) as unknown as Child
      expect(await orphans(without)).toMatchObject([{ step: 'ask', event: { type: 'go' } }])
    },
  )

  test.each([
    ['which has asked', false],
    ['which has only been opened', true],
  ])('%s, and what it began with holds names of steps / no new name changes that', async (_, opened) => {
    const page = profile()
    const Named = z.object({ step: z.string(), to: z.array(z.string()) })
    const named = { step: 'old', to: ['old'] }
    const Begin = defineEvent('begin', Named)
    const child = (step: string, renamed?: object) =>
      defineWorkflow({ ...flow, name: 'kept', start: Begin, flowState: Named, ...renamed }).step(
        step as 'named',
        { on: Begin, asks: [Question], emits: [Done] },
        async (ctx, { data }) => {
          await ctx.ask(Question(1))
          const now = ctx.flowState.get()
          await ctx.flowState.reset()
          return Done([data, now, ctx.flowState.get()])
        },
      )
    const parent = (step: string, workflow: ReturnType<typeof child>, renamed?: object) =>
      defineWorkflow({ ...flow, ...renamed, state: z.object({ first: Named.default(named) }) }).subflow(
        step as 'named',
        {
          ...{ on: Go, workflow, emits: [Done] },
          capture: { input: 'state.first', flowState: 'state.first' },
        },
      )
    const session = await page.open(parent('old', child('old')))
    void session.run().catch(() => {})
    await page.settle()
    if (opened) session.rewind(session.history().find((it) => it.type === 'opened')!.seq)
    const renamedSteps = { old: 'new' }
    const newer = child('new', { version: 2, renamedSteps, migrations: { 2: (it: unknown) => it } })
    const copy = await page.engine.import(parent('new', newer, { renamedSteps }), session.toJSON(), {
      id: 'copy',
    })
    copy.resume()
    await page.settle()
    await copy.asks[0]?.reply(1)
    await page.settle()
    expect(copy.result).toEqual([named, named, named])
  })

  test("a slow migration / the child's ask waits, and an answer given meanwhile counts", async () => {
    const page = profile()
    const world: World = []
    await begun(page, world)
    let go = (): void => {}
    const wait = new Promise<void>((resolve) => (go = resolve))
    const migrations = { 2: (old: Person) => wait.then(() => split(old)) }
    const session = await page.open(around(two(world, migrations)))
    const done = session.run()
    await page.settle()
    const answered = session.asks[0]?.reply('b')
    await page.settle()
    go()
    expect(await answered).toBe(true)
    expect(await done).toEqual(whole)
  })

  test('once migrated / the next page migrates nothing', async () => {
    const page = profile()
    const world: World = []
    await begun(page, world)
    await page.open(around(two(world)))
    await page.reload()
    let calls = 0
    expect(await goneOn(page, two(world, { 2: (old: Person) => (calls++, split(old)) }))).toEqual(whole)
    expect(calls).toBe(0)
  })

  test("a new field with a default, in the same version / the child's steps find it, and nothing is done twice", async () => {
    const page = profile()
    const seen: unknown[] = []
    const make = (more: { readonly tags?: z.ZodType }) =>
      around(
        defineWorkflow({
          ...{ name: 'person', version: 1, start: Go, stop: Done, private: ['pin'] as const },
          state: z.object({
            pin: z.string().default(''),
            log: z.array(z.string()).default([]),
            ...more,
          }),
        }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
          await ctx.state.append('log', 'once')
          await ctx.ask(Question('first'))
          seen.push(ctx.state.get())
          await ctx.ask(Question('second'))
          return Done(ctx.state.get())
        }) as unknown as Child,
      )
    const newer = make({ tags: z.array(z.string()).default(['new']) })
    const session = await page.open(make({}))
    session.run().catch(() => {})
    await page.settle()
    await session.asks[0]?.reply('a')
    for (let reload = 0; reload < 2; reload++) {
      await page.reload()
      const { asks } = await page.open(newer)
      await page.settle()
      expect(asks).toMatchObject([{ data: 'second' }])
    }
    const complete = { pin: '', log: ['once'], tags: ['new'] }
    expect(seen).toEqual([{ pin: '', log: ['once'] }, complete, complete])
    const last = await page.open(newer)
    expect(last.history().filter((it) => JSON.stringify(it).includes('"migrated"'))).toHaveLength(1)
    await last.asks[0]?.reply('b')
    expect(await last.run()).toEqual(complete)
  })

  test('a migration that fails / nothing is written, and retry() goes on with code that can', async () => {
    const page = profile()
    const world: World = []
    await begun(page, world)
    const broken = {
      2: () => {
        throw new TypeError('no name')
      },
    }
    const second = await page.open(around(two(world, broken)))
    await expect(second.run()).rejects.toMatchObject({
      step: 'person',
      cause: {
        code: 'SESSION_STATE',
        message:
          'sub-flow "person" cannot go on: the migration to version 2 failed: TypeError: no name; `retry()` goes on with it once it can, `run()` begins anew',
      },
    })
    await page.reload()
    expect(await goneOn(page, two(world))).toEqual(whole)
    expect(world.length).toBe(1)
  })

  test.each([
    ['no migration', {}, 'it has version 1, and `migrations` has no entry for version 2'],
    [
      'a result that the schema refuses',
      { 2: () => ({ first: 1 }) },
      'its state is refused: the state is not valid: first',
    ],
    [
      'a result that the serializer cannot keep',
      { 2: () => ({ first: '', last: '', born: new Date(0) }) },
      'its state is refused: state.born is a Date; put it in resources',
    ],
  ])('%s / the step fails and says why', async (_, migrations, reason) => {
    const page = profile()
    await begun(page, [])
    const session = await page.open(around(two([], migrations)))
    const error = await session.run().catch((it: { cause: DogearError }) => it.cause)
    expect((error as Error).message).toContain(`sub-flow "person" cannot go on: ${reason}`)
  })

  test('cut off at work / its uncommitted writes are undone before the migration, and made again', async () => {
    const page = profile()
    const log = z.object({ log: z.array(z.string()).default([]) })
    const make = (version: number, hangs: boolean) =>
      around(
        defineWorkflow({
          ...{ name: 'person', version, start: Go, stop: Done, state: log },
          migrations: { 2: (old) => ({ log: [...old.log, 'migrated'] }) },
        }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
          await ctx.state.append('log', 'kept')
          await ctx.commit()
          await ctx.state.append('log', 'lost')
          if (hangs) await new Promise(() => {})
          return Done(ctx.state.get('log'))
        }) as unknown as Child,
      )
    void (await page.open(make(1, true))).run().catch(() => {})
    await page.reload()
    const session = await page.open(make(2, false))
    expect(await session.run()).toEqual(['kept', 'migrated', 'lost'])
  })

  test('older code opens it / the step fails; the right code goes on', async () => {
    const page = profile()
    const world: World = []
    await begun(page, world)
    await page.open(around(two(world)))
    await page.reload()
    const older = await page.open(around(one(world)))
    await expect(older.run()).rejects.toThrow('it has version 2, this code knows 1; reload the page')
    await page.reload()
    expect(await goneOn(page, two(world))).toEqual(whole)
  })

  test('a rewind to before the migration / it is migrated again', async () => {
    const page = profile()
    const world: World = []
    await begun(page, world)
    const session = await page.open(around(two(world)))
    await page.settle()
    const answered = session.history().find((it) => JSON.stringify(it).includes('"answered"'))
    session.rewind(answered?.seq ?? 0)
    session.resume()
    await page.settle()
    for (const data of ['a', 'b']) {
      await session.asks.find((it) => (it.data === 'first' ? data === 'a' : data === 'b'))?.reply(data)
      await page.settle()
    }
    expect(session.status).toBe('completed')
    expect(session.result).toEqual(whole)
  })

  test('a path that is private now / is in no storage, and at its default after a reload', async () => {
    const page = profile()
    const world: World = []
    await begun(page, world)
    const hidden = two(world, { 2: split }, ['last'])
    await page.open(around(hidden))
    await page.reload()
    expect(JSON.stringify((await page.storage.read('flow'))?.snapshot ?? '')).not.toContain('"last"')
    expect(await goneOn(page, hidden)).toEqual([{ ...(whole[0] as object), last: '' }, 'b'])
  })

  test('the page dies at any write / the next page goes on all the same', async () => {
    for (let write = 1; write <= 4; write++) {
      const page = profile()
      const world: World = []
      await begun(page, world)
      page.kill({ crashAt: write })
      void page.open(around(two(world))).catch(() => {})
      await page.clock.advance(100)
      page.kill()
      expect(await goneOn(page, two(world)), `write ${write}`).toEqual(whole)
      expect(world.length).toBe(1)
    }
  })
})
