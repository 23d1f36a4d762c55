import { button, make, Rows, write, type View } from './element'

/** How many are shown at first, and how many more with each click. */
const PAGE = 100

/** The first of many items by their keys, in order, and a way to more of them. */
export function pagesView<T>(viewOf: (key: string) => View<T>): View<readonly (readonly [string, T])[]> {
  const items = make('div')
  const rows = new Rows(items, viewOf)
  let most = PAGE
  let latest: readonly (readonly [string, T])[] = []
  const more = button('', () => {
    most += PAGE
    show(latest)
  })
  const show = (all: typeof latest): void => {
    latest = all
    rows.show(new Map(all.slice(0, most)))
    const left = Math.max(all.length - most, 0)
    more.hidden = left === 0
    write(more, `${left} more`)
  }
  return { element: make('div', { class: 'items' }, items, more), show }
}
