/** A part of the inspector, and how it is brought up to date. */
export interface View<T> {
  readonly element: HTMLElement
  show(value: T): void
}

type Child = Node | string

/** Makes an element. Nothing is ever parsed: what users' data holds is text. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** A button that stays where it is, and keeps the focus, when it has nothing to do. */
export function button(name: string, press: () => void): HTMLButtonElement {
  const element = make('button', { type: 'button' }, name)
  element.addEventListener('click', () => {
    if (element.getAttribute('aria-disabled') !== 'true') press()
  })
  return element
}

/** Writes a text, unless it stands there: a screen reader would say it again, and a selection would be gone. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/**
 * One view for each key, in the order of what is shown. A key that was there keeps its view, with all that somebody has
 * opened or focused in it.
 */
export class Rows<T> {
  readonly #parent: HTMLElement
  readonly #viewOf: (key: string) => View<T>
  readonly #views = new Map<string, View<T>>()

  constructor(parent: HTMLElement, viewOf: (key: string) => View<T>) {
    this.#parent = parent
    this.#viewOf = viewOf
  }

  show(items: ReadonlyMap<string, T>): void {
    for (const [key, { element }] of this.#views) {
      if (items.has(key)) continue
      element.remove()
      this.#views.delete(key)
    }
    let next = this.#parent.firstElementChild
    for (const [key, value] of items) {
      const view = this.#view(key)
      view.show(value)
      if (view.element === next) next = next.nextElementSibling
      else this.#parent.insertBefore(view.element, next)
    }
  }

  #view(key: string): View<T> {
    const known = this.#views.get(key)
    if (known) return known
    const view = this.#viewOf(key)
    this.#views.set(key, view)
    return view
  }
}
