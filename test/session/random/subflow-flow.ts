import { z } from 'zod'
import { defineWorkflow, gather, resource, StepFailed, type AnyWorkflow } from '../../../src/index'
import { JOINED, joinedSteps } from './joined'
import {
  Bell,
  Begin,
  Done,
  Ended,
  mappingOf,
  Nudge,
  Part,
  Player,
  Question,
  Sent,
  tracesOf,
  Worked,
} from './subflow-player'
import { bodiesOf, flat, type Flow, type Script } from './subflow-script'
import { sorted, type Any, type Page, type World } from './subflow-world'

/** What a flow at this path is given: its path, and the same for the flows in it. */
export function inputOf(
  flows: readonly Flow[],
  at: number,
  path: string,
): { readonly path: string; readonly kids: object } {
  const flow = flows[at] as Flow
  const subs = [...flat(bodiesOf(flow)).filter((it) => it.do === 'sub'), ...flow.subs]
  return {
    path,
    kids: Object.fromEntries(subs.map((it) => [it.name, inputOf(flows, it.flow, `${path}>${it.name}`)])),
  }
}

export function namesOf({ flows }: Script, kind: string): string[] {
  return flows.flatMap((flow) => flat(bodiesOf(flow)).flatMap((it) => (it.do === kind ? [it.name] : [])))
}

/** The workflows of a page, made from the last to the first. */
export function build(world: World, page: Page): AnyWorkflow[] {
  const { flows, history } = world.script
  const made: AnyWorkflow[] = []
  for (let at = flows.length - 1; at >= 0; at--)
    made[at] = flowOf(world, page, at, made, at === 0 ? history : undefined)
  return made
}

function flowOf(
  world: World,
  page: Page,
  at: number,
  made: readonly AnyWorkflow[],
  history: number | undefined,
): AnyWorkflow {
  const { flows } = world.script
  const own = flows[at] as Flow
  const { steps, joined, subs, fan, attempts, tool, fails } = own
  const retry = { attempts, delay: 10 }
  const sends = flat(bodiesOf(own)).filter((it) => it.do === 'send').length
  const { version } = page
  const extra = [fan, joined, fails].filter(Boolean).length
  const expected = 1 + steps.length + subs.length + sends + extra
  let flow: Any = defineWorkflow({
    name: `flow${at}`,
    version,
    ...(world.script.versions && { state: z.looseObject({ made: z.array(z.number()).default([version]) }) }),
    ...(version > 1 && { migrations: migrationsTo(version, world) }),
    ...(version > 1 && { renamedSteps: renamedIn(version, own) }),
    start: Begin,
    stop: Done,
    events: [Nudge, Bell],
    private: ['secret'],
    ...(history !== undefined && { history }),
    ...((tool || at === 0) && { resources: { tool: resource<object>() } }),
    skip: ['deadEnd', 'unconsumed', 'unproduced', 'unreachable', 'stop', 'start'],
  })
  flow = flow
    .step('first', { on: Begin, emits: [Ended] }, () => Ended('first'))
    .step(nameIn(version, 'sink'), { on: Sent, emits: [Ended], retry }, async (ctx: Any, { data }: Any) => {
      await ctx.state.set(`sunk.${data}`, (it: number | undefined) => (it ?? 0) + 1)
      return Ended(`sunk ${data}`)
    })
    .step('rescue', { on: StepFailed, emits: [Ended], retry }, async (ctx: Any, { data }: Any) => {
      // How far it came is another matter.
      const [own] = data.step.split('_')
      for (const layer of at > 0 ? [ctx.state, ctx.flowState] : [ctx.state])
        for (const path of tracesOf(own, steps[Number(own.slice(1))]?.body ?? [])) await layer.delete(path)
      return Ended('rescued')
    })
    .step('end', { on: Ended, emits: [Done], retry }, async (ctx: Any, event: Any) => {
      const all = await ctx.collect(
        event,
        Array.from({ length: expected }, () => Ended),
      )
      if (!all) return
      const logs = all.map((it: Any) => it.data as unknown)
      const { secret: _, made, pairs, ...state } = ctx.state.get()
      world.checkMigrations(made, version)
      world.checkPairs(pairs, joined)
      return Done({ logs: sorted(logs), state, flow: at > 0 ? ctx.flowState.get() : {} })
    })
  if (fails)
    flow = flow.step('fatal', { on: Begin, emits: [Ended] }, async (ctx: Any) => {
      await ctx.sleep(25)
      throw new Error('fatal')
    })
  for (const [n, { body, lost, timeout }] of steps.entries())
    flow = flow.step(
      nameIn(version, `s${n}`),
      {
        ...{ on: Begin, asks: [Question], emits: [Ended, Sent] },
        retry: lost ? { attempts: 2, delay: 10 } : retry,
        ...(timeout && { timeout: 200 }),
        ...(lost && { catchError: 'rescue' }),
      },
      async (ctx: Any, { data }: Any) => {
        if ((tool || at === 0) && ctx.getResource('tool') !== world.tool)
          world.complain(`${String(data.path)} runs without its tool`)
        const player = new Player(world, page, ctx, data, made, lost ? 2 : attempts)
        await player.play(body, `s${n}`)
        if (lost) throw new Error('lost')
        return Ended(player.notes)
      },
    )
  for (const { name, flow: child, input, back, timeout } of subs)
    flow = flow.subflow(name, {
      ...{ on: Begin, workflow: made[child], emits: [Ended], retry },
      ...(timeout && { timeout: 200 }),
      ...mappingOf(name, input, back),
    })
  if (joined)
    flow = joinedSteps(flow, { world, page, joined, retry, made, nameOf: (it) => nameIn(version, it) })
  if (fan) {
    flow = flow
      .step('fan', { on: Begin, emits: [Part] }, (_: Any, { data }: Any) =>
        Array.from({ length: fan.count }, (__, n) => Part(inputOf(flows, fan.flow, `${data.path}>fan${n}`))),
      )
      .subflow('part', { on: Part, workflow: made[fan.flow], emits: [Worked], retry })
      .step('gathered', { on: gather(Worked), emits: [Ended], retry }, (_: Any, parts: Any) =>
        Ended(parts.map((it: Any) => it.data)),
      )
  }
  return flow as AnyWorkflow
}

/** Each version has names of its own for the steps of its flows. */
function nameIn(version: number, step: string): string {
  return version === 1 ? step : `${step}_${version}`
}

function renamedIn(version: number, { steps, joined }: Flow): Record<string, string> {
  const names = ['sink', ...(joined ? JOINED : []), ...steps.map((_, n) => `s${n}`)]
  const older = Array.from({ length: version - 1 }, (_, n) => n + 1)
  return Object.fromEntries(older.flatMap((old) => names.map((it) => [nameIn(old, it), nameIn(version, it)])))
}

/** Every other one takes its time. */
function migrationsTo(version: number, world: World): Record<number, (state: Any) => Promise<object>> {
  const to =
    (next: number) =>
    async (state: Any): Promise<object> => {
      if (next % 2 === 0) await world.pass(10)
      return { ...state, made: [...state.made, next] }
    }
  return Object.fromEntries(Array.from({ length: version - 1 }, (_, n) => [n + 2, to(n + 2)]))
}
