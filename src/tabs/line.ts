import type { Channel, Channels } from './channel'

export interface LineOptions<Message> {
  readonly channels: Channels | undefined
  readonly name: string
  /** Of the code: what another version says is not understood. */
  readonly version: number
  readonly hear: (message: Message) => void
  /** Newer code has said something. */
  readonly hearNewer: (message: Message) => void
  /** Told of messages that cannot be posted. */
  readonly report: (error: unknown) => void
}

interface Envelope<Message> {
  readonly message: Message
  readonly version: number
}

/** What one tab says to the others of a session, and hears of them, while its page is awake. */
export class Line<Message> {
  readonly #options: LineOptions<Message>
  #channel: Channel | undefined

  constructor(options: LineOptions<Message>) {
    this.#options = options
  }

  get open(): boolean {
    return this.#channel !== undefined
  }

  connect(): void {
    const { channels, name, version, hear, hearNewer } = this.#options
    if (this.#channel || !channels) return
    this.#channel = channels(name)
    this.#channel.onmessage = ({ data }) => {
      const { message, version: theirs } = data as Envelope<Message>
      // A channel that somebody brings may deliver within the call that posts.
      queueMicrotask(() => {
        if (!this.#channel) return
        if (theirs === version) hear(message)
        else if (theirs > version) hearNewer(message)
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
