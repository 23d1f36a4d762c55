import { z } from 'zod'
import { allOf, defineEvent, gather, StepFailed, type AnyWorkflow } from '../../../src/index'
import { Begin, Ended, Player, Question, Sent, Side, tracesOf } from './subflow-player'
import type { Joined } from './subflow-script'
import type { Any, Page, World } from './subflow-world'

const Item = defineEvent('item', z.looseObject({ n: z.number() }))
const Worked = defineEvent('itemWorked', z.unknown())
const Piece = defineEvent('piece', z.unknown())
const Left = defineEvent('left', z.unknown())
const Right = defineEvent('right', z.unknown())

/** The names of its steps. */
export const JOINED = ['plan', 'work', 'pieces', 'instead', 'side', 'sum', 'beside', 'both']

interface Surroundings {
  readonly world: World
  readonly page: Page
  readonly joined: Joined
  readonly retry: { readonly attempts: number; readonly delay: number }
  /** The workflows of the page. */
  readonly made: readonly AnyWorkflow[]
  readonly nameOf: (step: string) => string
}

/** Adds a fan-out that is gathered, a step that collects pairs of what comes out of it, and one that waits for all (`allOf`). */
export function joinedSteps(flow: Any, { world, page, joined, retry, made, nameOf }: Surroundings): Any {
  const { items, beside, both, workers, timeout } = joined
  const limit = timeout ? { timeout: 200 } : {}
  /** Lost is what fails for good after its program. */
  const policy = { ...retry, attempts: 60, retryIf: (error: unknown) => (error as Error).message !== 'lost' }
  const playerOf = (ctx: Any, begin: Any, most = retry.attempts): Player => {
    world.checkBegin(page, `${begin.path} ${ctx.step}`)
    return new Player(world, page, ctx, begin, made, most)
  }
  return flow
    .step(nameOf('plan'), { on: Begin, emits: [Item] }, (_: Any, { data }: Any) =>
      items.map((__, n) => Item({ ...data, n })),
    )
    .step(
      nameOf('work'),
      {
        ...{ on: Item, asks: [Question], emits: [Sent, Side, Worked, Piece], workers },
        ...{ ...limit, retry: policy, catchError: nameOf('instead') },
      },
      async (ctx: Any, { data }: Any) => {
        const player = playerOf(ctx, data, 60)
        const { body, lost, split } = items[data.n] as (typeof items)[number]
        const active = (page.active ??= new Map()).get(data.path) ?? new Set()
        page.active.set(data.path, active.add(ctx))
        ctx.signal.addEventListener('abort', () => active.delete(ctx))
        if (page.alive && active.size > workers) world.complain(`${active.size} at work in ${data.path}`)
        try {
          await player.play(body, `i${data.n}`)
          if (lost) throw new Error('lost')
          const done = [data.n, player.notes]
          return split === 0 ? Worked(done) : Array.from({ length: split }, (__, at) => Piece([done, at]))
        } finally {
          active.delete(ctx)
        }
      },
    )
    .step(nameOf('pieces'), { on: gather(Piece), emits: [Worked], retry }, (_: Any, all: Any): Any => {
      const [[done]] = all.map((it: Any) => it.data)
      if (all.some(({ data: [other, n] }: Any, at: number) => n !== at || other[0] !== done[0]))
        world.complain(`gathered ${JSON.stringify(all)}`)
      return Worked([...done, all.length])
    })
    .step(
      nameOf('instead'),
      { on: StepFailed, emits: [Worked], retry },
      async (ctx: Any, { data: { event, error } }: Any) => {
        const { n } = event.data
        for (const layer of [ctx.state, ctx.flowState])
          for (const path of tracesOf(`i${n}`, items[n]?.body ?? [])) await layer.delete(path)
        return Worked([n, error.message])
      },
    )
    .step(nameOf('side'), { on: Side, retry }, async (ctx: Any, event: Any) => {
      await ctx.once('side', world.effect(page, `side ${event.data}`, { ms: 5 }))
      await ctx.state.set(`sided.${event.data}`, (it: number | undefined) => (it ?? 0) + 1)
      const pair = await ctx.collect(event, [Side, Side])
      world.failOnce(`${event.data} is collected`)
      if (pair?.at(-1).data !== event.data && pair)
        world.complain(`${event.data} is not the last of ${JSON.stringify(pair)}`)
      if (pair)
        await ctx.state.append(
          'pairs',
          pair.map((it: Any) => it.data),
        )
    })
    .step(nameOf('sum'), { on: gather(Worked), emits: [Left], retry }, (_: Any, all: Any) => {
      const order = all.map((it: Any) => it.data[0])
      if (order.length !== items.length || order.some((it: number, at: number) => it !== at))
        world.complain(`gathered ${order.join()} of ${items.length}`)
      return Left(all.map((it: Any) => it.data))
    })
    .step(
      nameOf('beside'),
      { on: Begin, asks: [Question], emits: [Sent, Right], retry, ...limit },
      async (ctx: Any, { data }: Any) => {
        const player = playerOf(ctx, data)
        await player.play(beside, 'beside')
        return Right({ begin: data, notes: player.notes })
      },
    )
    .step(
      nameOf('both'),
      { on: allOf(Left, Right), asks: [Question], emits: [Sent, Ended], retry, ...limit },
      async (ctx: Any, [left, right]: Any) => {
        const player = playerOf(ctx, right.data.begin)
        await player.play(both, 'both')
        return Ended([left.data, right.data.notes, player.notes])
      },
    )
}
