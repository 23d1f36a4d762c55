import type { Adapter, Chat, Talk } from '../adapter.ts'
import { check, having } from './check.ts'
import { storageMeter } from './storage-meter.ts'

/** What the tokens of a stream do: they are stored, they are only shown, or there are none and the page just waits. */
export type Streaming = 'stored' | 'unstored' | 'waiting'

/** Section F, beside the adapter, in a page: a chat of so many messages whose last one is streamed. */
export function chatStage(adapter: Adapter) {
  const meter = storageMeter()
  let chat: Chat
  let talk: Talk
  let text = ''
  let shown = ''

  return {
    async setup(messages: number): Promise<void> {
      const line = 'It was agreed that the parcel is left with the neighbours, unless it rains. '
      const texts = Array.from({ length: messages }, (_, at) => `${at}: ${line.repeat(13)}`)
      text = shown = texts.at(-1)!
      chat = await having(adapter.chat, 'chat')(texts)
      talk = having(adapter.talk, 'talk')(texts)
      await meter.quiet()
    },

    /** So many tokens at the pace of a fast model, until all is done; or the same waiting without a token. */
    async stream(tokens: number, streaming: Streaming): Promise<void> {
      for (let n = 0; n < tokens; n++) {
        const token = `token ${n} `
        if (streaming === 'stored') {
          text += token
          chat.token(token)
        } else if (streaming === 'unstored') {
          shown += token
          talk.token(token)
        }
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      await meter.quiet()
    },

    async verify(): Promise<void> {
      const stored = await chat.stored()
      check(stored === text, `storage holds ${String(stored).length} of ${text.length} characters`)
      check(talk.text() === shown, 'the chat without storage shows another text')
    },
  }
}
