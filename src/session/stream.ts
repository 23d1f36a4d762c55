import type { WorkflowEvent } from '../workflow/event'

/** Many consumers of what a session shows, each from the moment it began to listen. */
export class Streams {
  readonly #open = new Set<Stream>()

  subscribe(follow: boolean): AsyncIterableIterator<WorkflowEvent> {
    const stream = new Stream(follow, () => this.#open.delete(stream))
    this.#open.add(stream)
    return stream
  }

  push(event: WorkflowEvent): void {
    for (const stream of this.#open) stream.push(event)
  }

  /** The run is over: those who follow the session go on, the others are at their end. */
  end(all: boolean): void {
    for (const stream of [...this.#open]) if (all || !stream.follow) stream.end()
  }
}

class Stream implements AsyncIterableIterator<WorkflowEvent> {
  readonly follow: boolean
  readonly #leave: () => void
  readonly #events: WorkflowEvent[] = []
  readonly #waiting: ((result: IteratorResult<WorkflowEvent, undefined>) => void)[] = []
  #ended = false

  constructor(follow: boolean, leave: () => void) {
    this.follow = follow
    this.#leave = leave
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<WorkflowEvent, undefined>> {
    const event = this.#events.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** `break` and `return` in a loop end this consumer alone. */
  return(): Promise<IteratorResult<WorkflowEvent, undefined>> {
    this.#events.length = 0
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  push(event: WorkflowEvent): void {
    const waiter = this.#waiting.shift()
    if (waiter) waiter({ done: false, value: event })
    else this.#events.push(event)
  }

  end(): void {
    this.#ended = true
    this.#leave()
    for (const waiter of this.#waiting.splice(0)) waiter({ done: true, value: undefined })
  }
}
