import { soon } from '../clock'
import type { Channel, Channels } from './channel'

export interface LineOptions {
  readonly channels: Channels | undefined
  /** Names the channel. */
  readonly place: string
  /** The version of the code. Messages of another version are not understood. */
  readonly version: number
  /** Called when a message cannot be posted. */
  readonly report: (error: unknown) => void
}

interface Envelope<Message> {
  readonly message: Message
  readonly version: number
}

/** What one tab says to the other tabs of a session, and hears from them, while its page is awake. */
export class Line<Message> {
  readonly #options: LineOptions
  readonly #hear: (message: Message, ahead: number) => void
  #channel: Channel | undefined

  /** `ahead`: by how many versions the code of the message is newer; below 0 it is older. */
  constructor(options: LineOptions, hear: (message: Message, ahead: number) => void) {
    this.#options = options
    this.#hear = hear
  }

  get open(): boolean {
    return this.#channel !== undefined
  }

  connect(): void {
    const { channels, place, version } = this.#options
    if (this.#channel || !channels) return
    this.#channel = channels(place)
    this.#channel.onmessage = ({ data }) => {
      const { message, version: theirs } = data as Envelope<Message>
      // A channel from outside may deliver within the call that posts.
      soon(() => {
        if (this.#channel) this.#hear(message, theirs - version)
      })
    }
  }

  post(message: Message): void {
    const { version, report } = this.#options
    try {
      this.#channel?.postMessage({ message, version } satisfies Envelope<Message>)
    } catch (error) {
      report(error)
    }
  }

  disconnect(): void {
    this.#channel?.close()
    this.#channel = undefined
  }
}
