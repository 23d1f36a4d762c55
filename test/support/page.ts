/** A window: its events, and the `localStorage` that all windows of a browser share. */
export class Page extends EventTarget {
  readonly document = { visibilityState: 'visible' }
  readonly #box: Map<string, string>
  forbidden = false
  full = false

  constructor(box: Map<string, string>) {
    super()
    this.#box = box
  }

  get localStorage() {
    if (this.forbidden) throw new DOMException('no', 'SecurityError')
    const box = this.#box
    const all = Object.fromEntries(box)
    return Object.assign(Object.create(null) as object, all, {
      getItem: (key: string) => box.get(key) ?? null,
      setItem: (key: string, value: string) => {
        if (this.full) throw new DOMException('full', 'QuotaExceededError')
        box.set(key, value)
      },
      removeItem: (key: string) => void box.delete(key),
    })
  }

  hide(persisted = false) {
    this.dispatchEvent(Object.assign(new Event('pagehide'), { persisted }))
  }

  show(persisted: boolean) {
    this.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }))
  }

  look(visibilityState: 'visible' | 'hidden') {
    this.document.visibilityState = visibilityState
    this.dispatchEvent(new Event('visibilitychange'))
  }
}
