import type { Clock } from '../../../src/clock'

/** The clock of one page, which stands still while the page is frozen. */
export class PageClock implements Clock {
  readonly #clock: Clock
  #due: Map<object, () => void> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now = (): number => this.#clock.now()

  setTimeout = (fn: () => void, ms: number): unknown => {
    const handle: { inner: unknown } = { inner: undefined }
    handle.inner = this.#clock.setTimeout(() => (this.#due ? void this.#due.set(handle, fn) : fn()), ms)
    return handle
  }

  clearTimeout = (handle: unknown): void => {
    this.#due?.delete(handle as object)
    this.#clock.clearTimeout((handle as { readonly inner: unknown } | undefined)?.inner)
  }

  freeze(): void {
    this.#due ??= new Map()
  }

  thaw(): void {
    const due = [...(this.#due ?? [])]
    this.#due = undefined
    for (const [, fn] of due) fn()
  }
}
