import type { Channel } from '../../tabs/channel'
import { placeOf } from '../place'
import type { OpeningDeps } from '../opening-deps'

/**
 * The pages of a browser tell each other the number of the flow state that they have stored; 0 when it was removed. Without
 * channels a page sees what others have stored at its own next save, or when a session is opened.
 */
export class FlowNews {
  readonly #channel: Channel | undefined

  constructor({ channels, storage }: OpeningDeps, workflow: string, hear: (seq: unknown) => void) {
    this.#channel = channels?.(placeOf(storage, `flow:${workflow}`))
    if (this.#channel) this.#channel.onmessage = ({ data }) => hear(data)
  }

  tell(seq: number): void {
    this.#channel?.postMessage(seq)
  }

  end(): void {
    this.#channel?.close()
  }
}
