import type { Channel, Channels } from './channel'

export interface LineOptions {
  readonly channels: Channels | undefined
  /** Names the channel. */
  readonly place: string
  /** Of the code: what another version says is not understood. */
  readonly version: number
  /** Told of messages that cannot be posted. */
  readonly report: (error: unknown) => void
}

interface Envelope<Message> {
  readonly message: Message
  readonly version: number
}

/** What one tab says to the others of a session, and hears of them, while its page is awake. */
export class Line<Message> {
  readonly #options: LineOptions
  readonly #hear: (message: Message, newer: boolean) => void
  #channel: Channel | undefined

  /** `newer`: newer code has said it. */
  constructor(options: LineOptions, hear: (message: Message, newer: boolean) => void) {
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
      // A channel that somebody brings may deliver within the call that posts.
      queueMicrotask(() => {
        if (this.#channel && theirs >= version) this.#hear(message, theirs > version)
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
    const channel = this.#channel
    this.#channel = undefined
    if (channel) channel.onmessage = null
    channel?.close()
  }
}
