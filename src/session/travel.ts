import { CancelledError } from '../run-errors'
import { rebase } from '../state/rebase'
import { sameJson } from '../state/same'
import type { Core } from './core'
import { quiet } from './gate'
import { addPoint } from './model/ledger'
import type { Model, Page } from './model/model'
import { answerAsk, type AskedPoint } from './open-asks'
import { isSamePlace } from './model/pages'
import { reduce } from './model/reduce'
import type { Running } from './runs'
import { restoreModel, saveModel, toPast } from './model/saved-model'
import { saveSession, type SavedSession } from './model/saved-session'

/* How somebody outside moves through a session's history. */

/** Takes everything back to what it was after that record, and pauses. */
export function rewind(of: Running, seq: number): void {
  const { core, gate } = of
  gate.mustBeOpen()
  const past = pastOf(core, seq)
  if (!elsewhere(core, 'rewind', seq)) go(of, past, seq)
}

/** Re-opens the ask that was answered last, with what people have written since. Returns whether there is one. */
export function back(of: Running): boolean {
  const { core, gate } = of
  const page = core.model.run?.pages.at(-1 - asked(core, 'back'))
  if (!gate.free || page === undefined || isOver(core.model)) return false
  const to = page.seq - 1
  if (core.history.timeOf(to) === undefined) return false
  if (elsewhere(core, 'back', page.seq)) return true
  const past = pastOf(core, to, core.history.timeOf(page.seq))
  past.tree.restore(rebase(past.tree.root(), core.history.writesSince(to)).root)
  go(of, past, to, true)
  return true
}

/** Answers an open ask with the answer that somebody went back from. Returns whether there is one. */
export function forward({ core, gate, scheduler }: Running): boolean {
  // An ask that is past its deadline is over, as for a reply.
  if (gate.free) core.expire()
  const next = gate.free && asked(core, 'forward') === 0 ? keptAnswer(core) : undefined
  if (next === undefined) return false
  if (elsewhere(core, 'forward')) return true
  const [open, { value }] = next
  answerAsk(open, value)
  scheduler.run()
  return true
}

/** The session as it was after a record, or as it is, for a snapshot under another id. */
export function branch({ core, gate }: Running, seq: number | undefined): SavedSession {
  gate.mustBeOpen()
  const at = seq ?? core.model.seq
  const past = pastOf(core, at)
  past.parent = { id: core.options.id, seq: at }
  past.lineage = core.options.ids()
  // A session that nobody has written to yet has no record: as a snapshot it needs a number.
  return { ...saveSession(core, past, at), seq: Math.max(1, at) }
}

/** Asks the leader to do it, when this tab does not execute. */
function elsewhere({ remote }: Core, ...call: [name: string, ...args: unknown[]]): boolean {
  if (remote) void quiet(remote.call(...call))
  return remote !== undefined
}

/** How often this tab has asked the leader for it, and shows nothing of it yet: a loop of calls must come to its end. */
function asked({ remote, model }: Core, name: string): number {
  return remote?.outbox.undoneOf(name, model.heard).length ?? 0
}

function go({ core, outcome, scheduler }: Running, past: Model, to: number, isBack?: true): void {
  const { run } = core.model
  const rewound = new CancelledError('the session was rewound')
  scheduler.stop(rewound)
  // Private values of before a reload are in no history.
  past.tree.apply(core.options.privacy.complete(past.tree, core.options.writer.schema))
  core.append({
    kind: 'rewound',
    to,
    lineage: core.options.ids(),
    past: toPast(saveModel(past), core.model.tree.root()),
    ...(isBack && { back: isBack }),
  })
  core.mend()
  // Whoever waits for a run that goes on waits on; whoever waits for another run gets the reason.
  if (run?.end) outcome.renew()
  else if (run && core.model.run?.id !== run.id) outcome.reject(rewound)
  if (run) outcome.settle()
  scheduler.run()
}

/**
 * The model after a record, folded on the side and ready to go on from there: steps are cut off as by a crash, and times are
 * as far away as they were then.
 */
function pastOf(core: Core, seq: number, at: number | undefined = core.history.timeOf(seq)): Model {
  const now = core.options.clock.now()
  const isNow = seq === core.model.seq
  const model = isNow ? restoreModel(saveModel(core.model)) : core.history.at(seq)
  if (isNow || at === undefined) at = now
  reduce(model, { seq: model.seq, at, kind: 'interrupted', execs: model.execs.keys() })
  later(model, now - at)
  return model
}

/** Times that have not come are as far away as they were; in sub-flows, too. */
function later(model: Model, by: number): void {
  for (const exec of model.execs.values()) {
    if (exec.retryAt !== undefined) exec.retryAt += by
    for (const point of exec.points.values()) {
      if (point.deadline !== undefined && point.result === undefined)
        addPoint(model, exec, { ...point, deadline: point.deadline + by })
      if (point.child) later(point.child, by)
    }
  }
}

function isOver({ run }: Model): boolean {
  return run?.end?.status === 'completed' || run?.end?.status === 'cancelled'
}

/** The first kept answer to an open ask: the same ask with the same data, in the same place, of the same branch if it is there. */
function keptAnswer(core: Core): readonly [AskedPoint, Page] | undefined {
  const { run } = core.model
  if (run === undefined || run.end) return undefined
  // Kept pages are not for a sub-flow, whose step may have the same name.
  const asks = core.openAsks().filter((it) => it.level.path.length === 0)
  for (const page of run.kept) {
    const fits = asks.filter(
      ({ exec, point }) => isSamePlace(page, exec.step, point.key) && sameJson(page.event, point.event),
    )
    const open = fits.find((it) => it.exec.id === page.exec) ?? fits[0]
    if (open) return [open, page]
  }
  return undefined
}
