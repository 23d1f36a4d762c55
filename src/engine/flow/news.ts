import type { Clock } from '../../clock'
import type { Channel } from '../../tabs/channel'
import type { FlowDeps } from './deps'
import { placeOf } from '../leaving'

/** Milliseconds until a failed read of what another page has stored is tried again. */
const AGAIN = 1000

/** The pages of a browser tell each other the number of the flow state that they have stored; 0 when it was removed. */
export class FlowNews {
  readonly #channel: Channel | undefined
  readonly #clock: Clock
  #timer: unknown

  /** `read` reads what is stored, unless it has that number already, and returns whether it could. */
  constructor(
    { channels, storage, clock }: FlowDeps,
    workflow: string,
    read: (seq: unknown) => Promise<boolean>,
  ) {
    this.#channel = channels?.(placeOf(storage, `flow:${workflow}`))
    this.#clock = clock
    const hear = async (seq: unknown): Promise<void> => {
      if ((await read(seq)) || this.#timer !== undefined) return
      this.#timer = clock.setTimeout(() => {
        this.#timer = undefined
        void hear(seq)
      }, AGAIN)
    }
    if (this.#channel) this.#channel.onmessage = ({ data }) => void hear(data)
  }

  tell(seq: number): void {
    this.#channel?.postMessage(seq)
  }

  end(): void {
    this.#channel?.close()
    this.#clock.clearTimeout(this.#timer)
  }
}
