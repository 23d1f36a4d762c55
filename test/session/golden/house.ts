import { z } from 'zod'
import { defineEvent, defineWorkflow, type Session } from '../../../src/index'
import { Done, flow, Go, Question, type Profile } from '../../support/flows'

const Inner = defineEvent('inner', z.unknown())
const shared = { flowState: z.object({ count: z.number().default(0) }) }

const child = defineWorkflow({ ...flow, ...shared, name: 'child', start: Go, stop: Inner }).step(
  'inner',
  { on: Go, asks: [Question], emits: [Inner] },
  async (ctx) => {
    await ctx.flowState.set('count', (it) => it + 1)
    await ctx.state.set('seen', true)
    return Inner((await ctx.ask(Question('inner'))).data)
  },
)

/** Of the page that lives through it: its steps get stuck, and then fail. Nothing of that is stored. */
const weather = { stuck: false, fails: false }

const house = (version: number) =>
  defineWorkflow({
    ...flow,
    ...shared,
    version,
    state: z.object({ [version === 1 ? 'old' : 'fresh']: z.string().default('') }),
    ...(version > 1 && { migrations: { 2: (state: Record<string, unknown>) => ({ fresh: state['old'] }) } }),
  })
    .step('outer', { on: Go, asks: [Question], emits: [Inner] }, async (ctx) => {
      await ctx.flowState.set('count', (it) => it + 1)
      const { data } = await ctx.ask(Question('outer'))
      await ctx.state.set(version === 1 ? 'old' : 'fresh', 'half a step')
      if (weather.stuck) await new Promise(() => {})
      await ctx.once('flaky', () => {
        if (weather.fails) throw new Error('rain')
      })
      return Inner([data, await ctx.subflow(child)])
    })
    .step('end', { on: Inner, emits: [Done] }, (_, inner) => Done(inner.data))

export const [today, tomorrow] = [house(1), house(2)] as const

async function reply(page: Profile, session: Session<typeof today>): Promise<void> {
  await page.settle()
  await session.asks[0]?.reply(`re ${String(session.asks[0].data)}`)
  await page.settle()
}

/** Through every kind of record that the journeys do not have: cut off, failed and retried, paused, reset, with a child. */
export async function live(page: Profile): Promise<Session<typeof today>> {
  Object.assign(weather, { stuck: true, fails: true })
  const first = await page.open(today)
  first.run().catch(() => {})
  await page.settle()
  first.reset()
  first.run().catch(() => {})
  await reply(page, first)
  await page.reload()
  weather.stuck = false
  const session = await page.open(today)
  await page.settle()
  weather.fails = false
  session.retry().catch(() => {})
  await page.settle()
  session.pause()
  await page.settle()
  session.resume()
  await reply(page, session)
  session.state.set('old', 'typed')
  await session.flush()
  return session
}
