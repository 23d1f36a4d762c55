import { inputOf } from './subflow-flow'
import type { Flow, Instruction, Program, Script, Sub } from './subflow-script'
import { ordered, sorted, type Any } from './subflow-world'

/** What a flow comes to, and what is in its state by then. */
export interface End {
  readonly logs: readonly unknown[]
  readonly state: Any
  readonly flow: Any
}

/** Text that is appended to nothing is a text. */
function append(to: Any, key: string, text: string): void {
  to[key] = (to[key] ?? '') + text
}

type Input = ReturnType<typeof inputOf>

/** How a flow of the script ends: as if every program were done once, in one go. */
export function endOf(script: Script, at = 0, input: Input = inputOf(script.flows, 0, 'top'), own = {}): End {
  const { path } = input
  const kids: Any = input.kids
  const { steps, subs, fan, joined } = script.flows[at] as Flow
  const state: Any = { ...own }
  const flow: Any = {}
  const logs: unknown[] = ['first']

  const nested = ({ name, flow: child, back }: Sub, given = {}): unknown => {
    const end = endOf(script, child, kids[name], given)
    if ((script.flows[child] as Flow).fails) return 'failed'
    if (back.includes('state')) (state.back ??= {})[name] = end.logs
    if (back.includes('flowState')) (flow.back ??= {})[name] = end.logs
    return back.includes('value') ? end.logs : end
  }
  const done = (it: Instruction, key: string, notes: Any): unknown => {
    switch (it.do) {
      case 'write':
        append(state, key, it.name)
        return script.versions ? undefined : state[key]
      case 'flow':
        return append(flow, key, it.name)
      case 'send':
        ;(state.sunk ??= {})[it.name] = 1
        return void logs.push(`sunk ${it.name}`)
      case 'side':
        return void ((state.sided ??= {})[`${path} ${it.name}`] = 1)
      case 'ask':
        return it.late ? 'late' : `to ${path} ${it.name}`
      case 'once':
        return it.how === 'caught' ? 'caught' : `did ${it.name}`
      case 'sub':
        append(state, key, it.name)
        if (it.input === 'state' || key.startsWith('both')) (state.in ??= {})[it.name] = kids[it.name]
        return nested(it, { given: state[key] })
      case 'all':
        played(it.a, `${key}a`, notes)
        return void played(it.b, `${key}b`, notes)
      default:
        return undefined
    }
  }
  const played = (body: Program, key: string, notes: Any = {}): unknown => {
    for (const it of body) {
      const value = done(it, key, notes)
      ;(notes[key] ??= []).push(value === undefined ? it.name : [it.name, value])
    }
    return notes
  }

  for (const [n, { body, lost }] of steps.entries()) logs.push(lost ? 'rescued' : played(body, `s${n}`))
  for (const it of subs) logs.push(nested(it))
  if (fan) {
    const part = (n: number): End =>
      endOf(script, fan.flow, inputOf(script.flows, fan.flow, `${path}>fan${n}`))
    logs.push(Array.from({ length: fan.count }, (_, n) => part(n)))
  }
  if (joined) {
    const items = joined.items.map(({ lost, split, body }, n) =>
      lost ? [n, 'lost'] : [n, played(body, `i${n}`), ...(split > 0 ? [split] : [])],
    )
    logs.push([items, played(joined.beside, 'beside'), played(joined.both, 'both')])
  }
  return ordered({ logs: sorted(logs), state, flow }) as End
}
