/** Whether the page is here, or was left and may be frozen at any moment. */
export interface Presence {
  readonly away: boolean
  leave(): void
  /** Begins nothing while the page is away. Work that fails then was given up, and is done again when the page is back. */
  here<T>(work: () => Promise<T>): Promise<T>
}

/** Milliseconds until a page that was left, and is not frozen, counts as staying. */
const STAYS = 1000

export function presence(): Presence {
  let back: Promise<unknown> | undefined
  return {
    get away() {
      return back !== undefined
    },
    leave() {
      back ??= shown().finally(() => (back = undefined))
    },
    async here(work) {
      for (;;) {
        if (back) await back
        try {
          return await work()
        } catch (error) {
          // oxlint-disable-next-line no-unnecessary-condition -- leave() sets it during the awaits above
          if (!back) throw error
        }
      }
    },
  }
}

function shown(): Promise<unknown> {
  return new Promise((resolve) => {
    globalThis.addEventListener?.('pageshow', resolve, { once: true })
    setTimeout(resolve, STAYS)
  })
}
