import type { Model } from './model'
import { keepAfter } from './pages'
import type { SessionRecord } from './record'
import { fromPast, restoreModel } from './saved-model'

/** Everything is as it was, except that the numbers go on: none is given twice. */
export function foldRewound(
  model: Model,
  { to, lineage, past, back }: Extract<SessionRecord, { kind: 'rewound' }>,
): void {
  const { tree, seq, parent, heard, nextEvent, nextExec, nextScope } = model
  const paused = !back || model.paused
  const kept = keepAfter(model, to)
  const then = restoreModel(fromPast(past, tree.root()), tree)
  Object.assign(model, then, { seq, parent, heard, lineage, paused })
  // A reset has begun them anew: what was before it may have higher ones.
  model.nextEvent = Math.max(model.nextEvent, nextEvent)
  model.nextExec = Math.max(model.nextExec, nextExec)
  model.nextScope = Math.max(model.nextScope, nextScope)
  if (!back) return
  // Not quite as it was: people's writes since are there.
  model.changed = seq
  if (model.run) model.run.kept = kept
}
