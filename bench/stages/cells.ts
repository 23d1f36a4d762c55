import { createElement, memo } from 'react'
import { flushSync } from 'react-dom'
import { createRoot } from 'react-dom/client'
import type { Root } from 'react-dom/client'
import type { Adapter, Cells } from '../adapter.ts'
import { check, having } from './check.ts'
import { shuffled } from './order.ts'

/**
 * Components stand in groups, as in a page with sections: React copies all the siblings of a component that
 * renders, and with 10,000 of them that would be all that is measured.
 */
const groupSize = 100

/**
 * Section C, beside the adapter, in a page: `count` components, each with the value of one item as its text.
 * The container is hidden, so that React and the library are measured and the browser's layout is not.
 */
export function cellsStage(adapter: Adapter) {
  let cells: Cells
  let root: Root
  let container: HTMLElement
  let texts: Text[] = []
  let order: Uint32Array
  let cursor = 0
  let value = 0
  let renders = 0

  const Cell = memo(function Cell({ at }: { readonly at: number }) {
    renders++
    const now = cells.useCell(at)
    return createElement('i', null, now)
  })

  const Group = memo(function Group({ first, size }: { readonly first: number; readonly size: number }) {
    return Array.from({ length: size }, (_, n) => createElement(Cell, { at: first + n, key: n }))
  })

  function commit(work: () => void): void {
    flushSync(work)
  }

  /** Waits for a library that tells its components later than at the write. */
  async function shown(at: number, text: string): Promise<void> {
    for (let turn = 0; texts[at]!.data !== text; turn++) {
      check(turn < 100, `the text of item ${at} is ${texts[at]!.data}, not ${text}`)
      await Promise.resolve()
      commit(() => {})
    }
  }

  /** A new store, not mounted. */
  async function prepare(count: number): Promise<void> {
    cells = await having(adapter.cells, 'cells')(count)
    order = shuffled(count)
    cursor = 0
    container = document.createElement('div')
    container.hidden = true
    document.body.append(container)
    root = createRoot(container)
  }

  /** Milliseconds from the first render to the commit of all components; each has rendered once. */
  function mount(count: number): number {
    const groups = Array.from({ length: Math.ceil(count / groupSize) }, (_, n) =>
      createElement(Group, {
        first: n * groupSize,
        size: Math.min(groupSize, count - n * groupSize),
        key: n,
      }),
    )
    const tree = createElement('div', null, groups)
    const wrapped = cells.wrap ? cells.wrap(tree) : tree
    renders = 0
    const start = performance.now()
    commit(() => root.render(wrapped))
    const spent = performance.now() - start
    const shownCells = container.querySelectorAll('i')
    check(shownCells.length === count, `${shownCells.length} components shown, not ${count}`)
    texts = Array.from(shownCells, (cell) => cell.firstChild as Text)
    check(
      texts.every((text) => text.data === '0'),
      'a component does not show its first value',
    )
    return spent
  }

  async function unmount(): Promise<void> {
    root.unmount()
    container.remove()
    texts = []
    await cells.dispose?.()
  }

  return {
    prepare,
    unmount,
    mount: async (count: number) => ({ spent: mount(count), renders }),

    /** Lets go of the text nodes, which the heap of the components must not count. */
    async forgetTexts(): Promise<void> {
      texts = []
    },

    /** Renders that happened since they were last counted, once everything is quiet. */
    async settledRenders(): Promise<number> {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return renders
    },

    /** Milliseconds for so many writes, each until its text is in the DOM. */
    async writes(count: number): Promise<{ spent: number; renders: number }> {
      renders = 0
      const start = performance.now()
      for (let n = 0; n < count; n++) {
        const at = order[cursor++ % order.length]!
        value++
        const now = value
        commit(() => cells.write(at, now))
        if (texts[at]!.data !== String(now)) await shown(at, String(now))
      }
      const spent = performance.now() - start
      return { spent, renders }
    },

    /** Milliseconds from one write to every item to all the texts in the DOM. */
    async batch(): Promise<{ spent: number; renders: number }> {
      renders = 0
      value++
      const now = value
      const last = texts.length - 1
      const start = performance.now()
      commit(() => cells.writeAll(now))
      if (texts[last]!.data !== String(now)) await shown(last, String(now))
      const spent = performance.now() - start
      check(
        texts.every((text) => text.data === String(now)),
        'a component missed the batch',
      )
      return { spent, renders }
    },
  }
}
