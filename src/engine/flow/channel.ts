import type { Channel } from '../../tabs/channel'
import { flowPlace } from '../place'
import type { OpeningDeps } from '../opening-deps'

/**
 * On it the pages of a browser tell each other the number of the flow state that they have stored; 0 when it was removed. Without
 * channels a page sees what others have stored at its own next save, or when a session is opened.
 */
export function flowChannel(
  { channels, storage }: OpeningDeps,
  workflow: string,
  hear: (seq: unknown) => void,
): Channel | undefined {
  const channel = channels?.(flowPlace(storage, workflow))
  if (channel) channel.onmessage = ({ data }) => hear(data)
  return channel
}
