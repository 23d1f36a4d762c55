/** What Dogear needs of a BroadcastChannel: every other channel of the same name hears what is posted, in order. */
export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: unknown): void
  close(): void
}

/** Makes the channel of a name. */
export type Channels = (name: string) => Channel

/** The page's own channels. A page in a sandbox, or one that may store nothing, has the class but may not use it. */
export function pageChannels(): Channels | undefined {
  try {
    new BroadcastChannel('dogear').close()
  } catch {
    return undefined
  }
  return (name) => {
    const channel = new BroadcastChannel(name) as unknown as Channel & { unref?(): void }
    // Node's keeps its process alive until it is closed: Jest would not exit while a session is open.
    channel.unref?.()
    return channel
  }
}
