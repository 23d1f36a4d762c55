import type { Clock } from '../clock'
import type { Message } from '../session/message'
import type { Line } from '../tabs/line'

/** Milliseconds that a tab waits for another one to say that it is there. */
const ANYBODY = 300

/** Asks whether another tab is there, where no lock tells. */
export class RollCall {
  readonly #line: Line<Message>
  readonly #clock: Clock
  readonly #tab: string
  #answered: ((there: boolean) => void) | undefined

  constructor(line: Line<Message>, clock: Clock, tab: string) {
    this.#line = line
    this.#clock = clock
    this.#tab = tab
  }

  isAnybodyThere(): Promise<boolean> {
    if (!this.#line.open) return Promise.resolve(false)
    this.#line.post({ kind: 'hello', tab: this.#tab, epoch: -1, seq: -1 })
    return new Promise((resolve) => {
      this.#answered = resolve
      this.#clock.setTimeout(() => resolve(false), ANYBODY)
    })
  }

  hear({ kind }: Message): void {
    if (kind === 'welcome') this.#answered?.(true)
  }
}
