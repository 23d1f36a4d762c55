import { z } from 'zod'
import { defineEvent, TimeoutError, type AnyWorkflow } from '../../../src/index'
import type { Flow, Instruction, Program, Sub } from './subflow-script'
import type { Any, Page, World } from './subflow-world'

export const Begin = defineEvent('begin', z.looseObject({ path: z.string() }))
export const Done = defineEvent('done', z.unknown())
export const Answer = defineEvent('answer', z.unknown())
export const Question = defineEvent('question', z.string(), { reply: Answer })
export const Nudge = defineEvent('nudge', z.object({ for: z.string() }))
export const Bell = defineEvent('bell')
export const Sent = defineEvent('sent', z.string())
export const Side = defineEvent('side', z.string())
export const Part = defineEvent('part', z.unknown())
export const Worked = defineEvent('worked', z.unknown())
export const Ended = defineEvent('ended', z.unknown())

export class BadConditionError extends Error {
  override readonly name = 'BadConditionError'
}

/** Plays one step's program. */
export class Player {
  readonly notes: Record<string, unknown[]> = {}
  readonly #world: World
  readonly #page: Page
  readonly #ctx: Any
  readonly #path: string
  readonly #kids: Any
  readonly #workflows: readonly AnyWorkflow[]
  /** Attempts that it has. */
  readonly #most: number

  constructor(
    world: World,
    page: Page,
    ctx: Any,
    begin: Any,
    workflows: readonly AnyWorkflow[],
    most: number,
  ) {
    this.#most = most
    this.#world = world
    this.#page = page
    this.#ctx = ctx
    this.#path = begin.path
    this.#kids = begin.kids
    this.#workflows = workflows
  }

  async play(body: Program, own: string): Promise<void> {
    for (const it of body) {
      const value = await this.#do(it, own)
      ;(this.notes[own] ??= []).push(value === undefined ? it.name : [it.name, value])
    }
  }

  async #do(it: Instruction, own: string): Promise<unknown> {
    const ctx = this.#ctx
    const { state } = ctx
    const world = this.#world
    const name = `${this.#path} ${it.name}`
    switch (it.do) {
      case 'write':
        await state.append(own, it.name)
        // Newer code reads what older code wrote only later, because that is in the migrated state.
        return world.script.versions ? undefined : state.get(own)
      case 'flow':
        return ctx.flowState.append(own, it.name)
      case 'secret':
        return state.set('secret', `SECRET ${name}`)
      case 'commit':
        return ctx.commit()
      case 'send':
        return ctx.send(Sent(it.name))
      case 'wait':
        await ctx.waitFor(Nudge, {
          where({ data }: Any) {
            if (it.bad && data.for !== it.name) throw new BadConditionError()
            return data.for === it.name
          },
        })
        return
      case 'side':
        return ctx.send(Side(name))
      case 'bell':
        await ctx.waitFor(Bell)
        return
      case 'sleep':
        return ctx.sleep(it.ms)
      case 'raw':
        await (it.ms === 0 ? undefined : world.pass(it.ms))
        return
      case 'hang':
        if (world.hung.has(name)) return
        world.hung.add(name)
        void state.append(own, 'nothing')
        return new Promise(() => {})
      case 'throw':
        if (ctx.attempt > Math.min(it.until, this.#most - 1)) return
        // A branch beside this one could commit it.
        if (!/[ab]$/.test(own)) void state.append(own, 'nothing')
        throw new Error(`on purpose, attempt ${ctx.attempt}`)
      case 'ask':
        if (it.late)
          return ctx.ask(Question(`late ${name}`), { timeout: 35 }).then(
            () => 'answered',
            (error: unknown) => {
              if (error instanceof TimeoutError) return 'late'
              throw error
            },
          )
        return (await ctx.ask(Question(name))).data
      case 'once':
        return this.#once(it, name)
      case 'sub':
        return this.#sub(it, own)
      case 'all':
        await Promise.all([this.play(it.a, `${own}a`), this.play(it.b, `${own}b`)])
    }
  }

  #once(it: Instruction & { do: 'once' }, name: string): Promise<unknown> {
    const { how } = it
    const ms = how === 'slow' || how === 2 ? 30 : 0
    const fails = how === 'caught' ? Infinity : typeof how === 'number' ? how : 0
    const effect = this.#world.effect(this.#page, name, { ms, fails, result: `did ${it.name}` })
    const called: Promise<unknown> = this.#ctx.once(
      it.name,
      effect,
      how === 'asks' ? { onUnknownOutcome: 'ask' } : {},
    )
    if (how !== 'caught') return called
    return called.catch((error: Error) => {
      if (error.message === 'always') return 'caught'
      throw error
    })
  }

  async #sub({ name, flow, back, ...it }: Sub, own: string): Promise<unknown> {
    // A step of several events has the input of all flows in none of them.
    const input = own.startsWith('both') ? 'state' : it.input
    const { state } = this.#ctx
    const { fails } = this.#world.script.flows[flow] as Flow
    await state.append(own, name)
    if (input === 'state') await state.set(`in.${name}`, this.#kids[name])
    const called: Promise<unknown> = this.#ctx.subflow(
      this.#workflows[flow],
      mappingOf(name, input, back, own),
    )
    if (!fails) {
      const value = await called
      const written = state.get(`back.${name}`) as unknown
      if (back.includes('state') && written === undefined && !this.#ctx.signal.aborted)
        this.#world.complain(`${this.#path} ${name} wrote nothing back`)
      return value
    }
    return called.catch((error: Error) => {
      if (error.name === 'StepError') return 'failed'
      throw error
    })
  }
}

export function mappingOf(name: string, input: Sub['input'], back: Sub['back'], own?: string): object {
  return {
    capture: {
      input: input === 'value' ? `value.kids.${name}` : `state.in.${name}`,
      ...(own !== undefined && { state: { given: `state.${own}` } }),
      ...(input === 'state' && { resources: 'resources' }),
    },
    writeBack: {
      ...(back.includes('value') && { value: 'result.logs' }),
      ...(back.includes('state') && { state: { [`back.${name}`]: 'result.logs' } }),
      ...(back.includes('flowState') && { flowState: { [`back.${name}`]: 'result.logs' } }),
    },
  }
}

/** Where a step may have written. */
export function tracesOf(own: string, body: Program): string[] {
  return [
    own,
    ...body.flatMap((it) => {
      if (it.do === 'sub') return [`in.${it.name}`, `back.${it.name}`]
      return it.do === 'all' ? [...tracesOf(`${own}a`, it.a), ...tracesOf(`${own}b`, it.b)] : []
    }),
  ]
}
