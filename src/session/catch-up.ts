import { nextTask } from '../clock'
import { CancelledError } from '../run-errors'
import type { WorkflowEvent } from '../workflow/event'
import type { Core } from './core'
import type { Gate } from './gate'
import { idOf } from './open-asks'
import type { Outcome } from './outcome'
import { goesOn } from './model/model'
import type { Finished } from './model/record'
import type { EventsOptions, Streams } from './stream'

/** A session, and those who look at it. */
export interface Watched {
  readonly core: Core
  readonly outcome: Outcome
  readonly streams: Streams
  /** What a step of the run that is shown said last. */
  progress: unknown
}

/**
 * Call it before another model replaces the one that is there, and the function that it returns after that. When the old one
 * was `shown`, not every record between the two was heard: a page in the back/forward cache hears none. Whoever waits for
 * the end of a run, or listens for asks or records, still hears what came of it.
 */
export function catchUp(watched: Watched, shown: boolean): () => void {
  const { core, outcome, streams } = watched
  const { run, seq, lineage } = core.model
  const ended = run?.end
  const asked = core.openAsks().map(idOf)
  const show = (end: Omit<Finished, 'kind'>): void =>
    streams.show({ kind: 'finished', seq: 0, at: 0, ...end }, core.definition.options.stop.type, false)
  return () => {
    const { run: now } = core.model
    streams.running = goesOn(core.model)
    const same = now?.id === run?.id
    if (!same || core.model.lineage !== lineage) watched.progress = undefined
    if (!shown) return
    for (const it of core.history.since(seq)) streams.record(it, core.options.privacy)
    if (run && !ended && !same) {
      const reason = 'another tab has started over'
      outcome.reject(new CancelledError(reason))
      show({ status: 'cancelled', reason })
    }
    if (!now?.end) {
      for (const it of core.openAsks())
        if (!asked.includes(idOf(it)) && it.point.event) streams.push(it.point.event as WorkflowEvent)
    } else if (!same || !ended) {
      outcome.settle()
      show(now.end)
    }
  }
}

/** One more consumer of a session's events. Nothing comes any more when it is closed, or its run is over and it is not followed. */
export function listen(
  watched: Watched,
  gate: Gate,
  options: EventsOptions,
): AsyncIterableIterator<WorkflowEvent> {
  const stream = watched.streams.subscribe(options)
  if (gate.phase === 'closed') watched.streams.end(true)
  else if (gate.phase !== 'loading') endIfOver(watched)
  return stream
}

/** The session can be used now. A `run()` that was called before begins first. */
export function endSoonIfOver(watched: Watched): void {
  if (watched.core.model.run?.end) nextTask(() => endIfOver(watched))
}

function endIfOver({ core, streams }: Watched): void {
  if (core.model.run?.end) streams.end(false)
}
