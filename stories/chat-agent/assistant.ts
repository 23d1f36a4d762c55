import { paymentsAt } from '../checkout/payments'
import { pause } from '../pause'
import type { Assistant, Part } from './workflow'

/** How many words are recorded together. */
const WORDS = 8

/**
 * A model in small. What it says follows from what it was told, so any word of it can be asked for again, as from a
 * service that keeps its replies. It writes a word every `pace` milliseconds, and pays refunds out at `paymentsUrl`.
 */
export function assistantAt(pace: number, paymentsUrl: string | undefined): Assistant {
  const payments = paymentsUrl === undefined ? undefined : paymentsAt(paymentsUrl)
  return {
    async read(prompt, from, heard, signal) {
      const { text, call } = replyTo(prompt)
      const words = text.split(/(?<= )/)
      const next = Math.min(from + WORDS, words.length)
      for (let number = from; number < next; number++) {
        await pause(pace, signal)
        heard(words[number]!, number)
      }
      const part: Part = { text: words.slice(from, next).join(''), next, end: next === words.length }
      return part.end && call ? { ...part, call } : part
    },
    refund: async (amount, key) => payments?.charge(amount * 100, key),
  }
}

function replyTo(prompt: string): { readonly text: string; readonly call?: { readonly amount: number } } {
  if (prompt === 'The refund was paid.') return { text: 'It is on its way, and takes two days.' }
  if (prompt === 'The refund was not allowed.') return { text: 'Then I leave it as it is.' }
  if (/refund|money/i.test(prompt))
    return { text: 'I am sorry. I can refund what you paid for it.', call: { amount: 25 } }
  return {
    text:
      `You said “${prompt.slice(0, 60)}”. A dog-eared page is where somebody left off: the corner is folded, the book ` +
      'is closed, and whoever opens it next finds the place at once. This reply is stored as it is written, a few ' +
      'words at a time, with the number of the last word. Reload now, and it goes on with the word after it; ' +
      'none is lost, and none is there twice.',
  }
}
