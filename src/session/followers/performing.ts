import type { Op } from '../../state/op'
import { bringObjects } from '../../state/sharing'
import { vouched, type WorkflowEvent } from '../../workflow/event'
import { heard, takerClear } from '../dispatch'
import { answer, send } from '../inbox'
import type { LiveSession } from '../live-session'
import type { Asked } from './message'
import { goesOn } from '../model/model'
import { cancel, pause, reset, resume, retry, run, step } from '../runs'
import type { Target } from '../session'
import { back, forward, rewind } from '../travel'

type Call = (live: LiveSession, asked: Asked) => unknown

/** The calls that a tab may ask of the leader. They are looked up here, and nowhere else. */
const calls: { readonly [name: string]: Call } = {
  write: ({ core }, { args, by, seen }) => {
    // It was checked against another tab's state, so it is checked again.
    const others = !core.history.isOwnSince(seen, by)
    const { privacy, writer } = core.options
    const { tree } = core.model
    const ops = args[0] as Op[]
    // Asked for only where it is needed: what was handed out is copied at the next write.
    const shown = privacy.none && !bringObjects(ops) ? undefined : tree.root()
    core.write(ops, shown)
    // The asking tab left its private values out; this tab keeps its own.
    const own = privacy.complete(tree, writer.schema, shown)
    if (own.length > 0) core.write(own)
    if (others) core.mend()
  },
  send(live, asked) {
    const [sent, to, checked] = asked.args as [WorkflowEvent, Target, boolean?]
    const event = checked ? vouched(sent) : heard(live.core, sent)
    const deliver = (): unknown => named(live.core, asked, () => send(live, event, to))
    return (to.ask === undefined && takerClear(live.core, event, to.step)?.then(deliver)) || deliver()
  },
  reply(live, { args: [ask, data, checked] }) {
    const event = { type: '', data }
    const factory = live.core.definition.eventsByType.get(checked as string)
    return answer(live, ask as string, checked === true || factory ? vouched(event, factory) : event)
  },
  run(live, { args: [input, joined] }) {
    // That a run to be joined is over by now is no reason to begin another one.
    const { model } = live.core
    if (!joined || goesOn(model) || joined !== model.run?.id) void run(live, input)
  },
  // That another tab has retried since is no reason to do it once more, should the step have failed again.
  retry: (live, { seen }) =>
    (seen > 0 && live.core.history.since(seen).some((it) => it.kind === 'retried')) || void retry(live),
  cancel(live, { args: [reason, shown] }) {
    if (!shown || shown === live.core.model.run?.id) cancel(live, reason as string | undefined)
  },
  pause,
  resume,
  reset,
  step,
  // Another tab may have gone back from that page at the same time.
  back: (live, { args: [page] }) =>
    (!page || live.core.model.run?.pages.some((it) => it.seq === page)) && back(live),
  forward,
  rewind: (live, { args: [seq] }) => rewind(live, seq as number),
  flush: (live) => live.flush(),
}

/** Calls that may take long and hold up no other. */
export const lasting: ReadonlySet<string> = new Set(['step', 'flush'])

/** Does what was asked. The first record that it makes carries the name of the operation. */
export function perform(live: LiveSession, asked: Asked): unknown {
  const { core } = live
  const call = Object.hasOwn(calls, asked.call) ? calls[asked.call] : undefined
  if (call === undefined) throw new TypeError(`there is no "${asked.call}" to ask for`)
  return named(core, asked, () => call(live, asked))
}

function named<T>(core: LiveSession['core'], { by, n, call }: Asked, action: () => T): T {
  // What is over by now ends in nobody's name: nobody takes an event or a reply that comes too late, and no record carries it.
  if (call === 'send' || call === 'reply') for (const level of core.levels) level.expire()
  core.origin = { by, n }
  try {
    return action()
  } finally {
    core.origin = undefined
  }
}
