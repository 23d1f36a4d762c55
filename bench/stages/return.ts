import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import type { Adapter } from '../adapter.ts'
import { check, having } from './check.ts'

/** Section F, beside the adapter, in a page that has just been loaded: how long until what was stored is shown. */
export function returnStage(adapter: Adapter) {
  return {
    /** Milliseconds from the app's first statement, its libraries being there, until the note is in the DOM. */
    async shown(at: number, longest = 10_000): Promise<{ text: string; spent: number }> {
      const container = document.createElement('div')
      document.body.append(container)
      const there = new Promise<number>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`nothing was shown within ${longest} ms`)), longest)
        new MutationObserver(() => {
          if (container.textContent === '') return
          clearTimeout(late)
          resolve(performance.now())
        }).observe(container, { childList: true, subtree: true, characterData: true })
      })
      const start = performance.now()
      const { Note } = having(adapter.comeBack, 'comeBack')()
      createRoot(container).render(createElement(Note, { at }))
      const spent = (await there) - start
      check(container.textContent !== '', 'the note has vanished again')
      return { text: container.textContent, spent }
    },
  }
}
