import type { Adapter, Chat } from '../adapter.ts'
import { check, having } from './check.ts'
import { storageMeter } from './storage-meter.ts'

/** Section F, beside the adapter, in a page: a chat of so many messages whose last one is streamed. */
export function chatStage(adapter: Adapter) {
  const meter = storageMeter()
  let chat: Chat
  let text = ''

  return {
    async setup(messages: number): Promise<void> {
      const line = 'It was agreed that the parcel is left with the neighbours, unless it rains. '
      const texts = Array.from({ length: messages }, (_, at) => `${at}: ${line.repeat(13)}`)
      text = texts.at(-1)!
      chat = await having(adapter.chat, 'chat')(texts)
      await meter.quiet()
    },

    /** So many tokens at the pace of a fast model, until all is stored; or the same waiting without a token. */
    async stream(tokens: number, streaming: boolean): Promise<void> {
      for (let n = 0; n < tokens; n++) {
        const token = `token ${n} `
        if (streaming) {
          text += token
          chat.token(token)
        }
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      await meter.quiet()
    },

    async verify(): Promise<void> {
      const stored = await chat.stored()
      check(stored === text, `storage holds ${String(stored).length} of ${text.length} characters`)
    },
  }
}
