import { createEngine } from 'dogear'
import { asking } from '../../support/flows'

/** What the page is told of the worker's session whenever something of it changes. */
export interface Told {
  readonly role: string
  readonly status: string
  readonly note: unknown
}

/** A worker of a page: it opens the session of the name that it is sent, and begins. */
self.onmessage = async ({ data: id }: MessageEvent<string>) => {
  const session = await createEngine().open(asking, { id })
  const tell = (): void => {
    const { role, status, state } = session
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to the page that made it
    self.postMessage({ role, status, note: state.get('note') } satisfies Told)
  }
  session.subscribe(tell)
  session.state.subscribe('note', tell)
  session.run().catch(() => {})
}
