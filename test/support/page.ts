/** A window: its events, and the `localStorage` that all windows of a browser share. */
export class Page extends EventTarget {
  /** Windows of one browser tell each other what they write. */
  static readonly #open = new WeakMap<Map<string, string>, Page[]>()
  readonly document = { visibilityState: 'visible' }
  readonly #box: Map<string, string>
  forbidden = false
  full = false
  /** What a hanging page has not heard yet. */
  #unheard: Event[] | undefined

  constructor(box: Map<string, string>) {
    super()
    this.#box = box
    Page.#open.set(box, [...(Page.#open.get(box) ?? []), this])
  }

  #tell(key: string) {
    for (const other of Page.#open.get(this.#box) ?? [])
      if (other !== this)
        queueMicrotask(() => other.dispatchEvent(Object.assign(new Event('storage'), { key })))
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
        this.#tell(key)
      },
      removeItem: (key: string) => {
        box.delete(key)
        this.#tell(key)
      },
    })
  }

  /** As in an endless loop: the page hears nothing until it wakes. */
  hang() {
    this.#unheard = []
  }

  wake() {
    const unheard = this.#unheard ?? []
    this.#unheard = undefined
    for (const event of unheard) this.dispatchEvent(event)
  }

  override dispatchEvent(event: Event): boolean {
    return this.#unheard ? this.#unheard.push(event) > 0 : super.dispatchEvent(event)
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
