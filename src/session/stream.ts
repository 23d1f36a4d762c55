import type { WorkflowEvent } from '../workflow/event'
import { Fifo } from './model/fifo'
import { entryOf } from './model/history-entry'
import type { Privacy } from './model/privacy'
import type { SessionRecord } from './model/record'

/** Options of `session.events()`. */
export interface EventsOptions {
  /** Goes on after the run, until the session is closed. Default false. */
  readonly follow?: boolean | undefined
  /** Also every record, as an event of type `record` with the entry of `history()` as its data. Default false. */
  readonly records?: boolean | undefined
  /**
   * How many events may wait for a slow consumer. Beyond that the oldest are lost, and one event of type `missed` says
   * how many. Default 10,000.
   */
  readonly buffer?: number | undefined
}

const BUFFER = 10_000

/** The consumers of what a session shows, each from the moment it began to listen. */
export class Streams {
  readonly #open = new Set<Stream>()
  /** Whether a run is going on, as far as was read or shown. */
  running = false

  subscribe(options: EventsOptions): AsyncIterableIterator<WorkflowEvent> {
    const stream = new Stream(options, () => this.#open.delete(stream))
    this.#open.add(stream)
    return stream
  }

  record(record: SessionRecord, privacy: Privacy): void {
    if (this.#open.size === 0) return
    for (const stream of this.#open)
      if (stream.records) stream.push(Object.freeze({ type: 'record', data: entryOf(record, privacy) }))
  }

  push(event: WorkflowEvent): void {
    for (const stream of this.#open) stream.push(event)
  }

  /** Shows what a record means to somebody who watches the run. `running`: whether a run is going on after the record. */
  show(record: SessionRecord, stop: string, running: boolean): void {
    const ran = this.running
    this.running = running
    if (this.#open.size === 0) return
    if (record.kind === 'opened' && record.event) return this.push(record.event as WorkflowEvent)
    if (record.kind !== 'finished' && (running || !ran)) return
    this.push(Object.freeze(lastOf(record, stop)))
    this.end(false)
  }

  /** The run is over: consumers that follow the session go on, the others end. */
  end(all: boolean): void {
    for (const stream of [...this.#open]) if (all || !stream.follow) stream.end()
  }
}

/** The last event of a run. A run that is gone without an end was reset, or rewound to before it. */
function lastOf(record: SessionRecord, stop: string): WorkflowEvent {
  if (record.kind !== 'finished')
    return { type: 'cancelled', data: { reason: `the session was ${record.kind}` } }
  const { kind: _kind, seq: _seq, at: _at, by: _by, n: _n, exec: _exec, status, ...data } = record
  return status === 'completed' ? { type: stop, data: data.result } : { type: status, data }
}

export class Stream implements AsyncIterableIterator<WorkflowEvent> {
  readonly follow: boolean
  readonly records: boolean
  readonly #buffer: number
  readonly #leave: () => void
  readonly #events = new Fifo<WorkflowEvent>()
  /** How many events were lost before the oldest one that waits. */
  #missed = 0
  readonly #waiting: ((result: IteratorResult<WorkflowEvent, undefined>) => void)[] = []
  #ended = false

  constructor({ follow = false, records = false, buffer }: EventsOptions, leave: () => void) {
    this.follow = follow
    this.records = records
    this.#buffer = Math.max(1, buffer ?? BUFFER)
    this.#leave = leave
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<WorkflowEvent, undefined>> {
    const event = this.#next()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #next(): WorkflowEvent | undefined {
    const count = this.#missed
    this.#missed = 0
    return count > 0 ? Object.freeze({ type: 'missed', data: { count } }) : this.#events.shift()
  }

  /** `break` and `return` in a loop end this consumer alone. */
  return(): Promise<IteratorResult<WorkflowEvent, undefined>> {
    this.#missed = 0
    while (this.#events.shift());
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  push(event: WorkflowEvent): void {
    const waiter = this.#waiting.shift()
    if (waiter) return waiter({ done: false, value: event })
    this.#events.push(event)
    if (this.#events.size <= this.#buffer) return
    this.#events.shift()
    this.#missed++
  }

  /** Nothing more comes. What waits for a slow consumer is still read. */
  end(): void {
    this.#ended = true
    this.#leave()
    for (const waiter of this.#waiting.splice(0)) waiter({ done: true, value: undefined })
  }
}
