import type { Clock } from '../../clock'
import { Outage } from '../../storage/outage'
import type { Channel } from '../../tabs/channel'
import { placeOf } from '../place'
import type { OpeningDeps } from '../opening-deps'

/**
 * The pages of a browser tell each other the number of the flow state that they have stored; 0 when it was removed. Without
 * channels a page sees what others have stored at its own next save, or when a session is opened.
 */
export class FlowNews {
  readonly #channel: Channel | undefined
  readonly #clock: Clock
  readonly #hear: (seq: unknown) => Promise<void>
  readonly #outage = new Outage()
  #timer: unknown

  /** `read` reads what is stored, unless it has that number already, and returns whether it could. */
  constructor(
    { channels, storage, clock }: OpeningDeps,
    workflow: string,
    read: (seq: unknown) => Promise<boolean>,
  ) {
    this.#channel = channels?.(placeOf(storage, `flow:${workflow}`))
    this.#clock = clock
    this.#hear = async (seq) => {
      if (await read(seq)) this.#outage.failures = 0
      else this.again(seq)
    }
    if (this.#channel) this.#channel.onmessage = ({ data }) => void this.#hear(data)
  }

  /** A read has failed: it is tried again, less and less often. */
  again(seq?: unknown): void {
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined
      void this.#hear(seq)
    }, this.#outage.pause())
  }

  tell(seq: number): void {
    this.#channel?.postMessage(seq)
  }

  end(): void {
    this.#channel?.close()
    this.#clock.clearTimeout(this.#timer)
  }
}
