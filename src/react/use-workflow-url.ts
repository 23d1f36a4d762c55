import { useRef } from 'react'
import type { AnyWorkflow } from '../workflow/shape'
import { pagesOf } from '../session/face'
import type { Session } from '../session/session'
import { has, useSession } from './place'
import { useEffect } from './react'

/** A page of a wizard: an ask that is open, or was answered. */
export interface UrlPage {
  readonly type: string
  readonly data: unknown
  /** The step that asks. */
  readonly step: string
}

/** How pages are named in the URL. */
export interface WorkflowUrlOptions {
  /** The search parameter that names the page. Default `'step'`. */
  readonly param?: string | undefined
  /**
   * What a page is called in the URL. Default, also for a page to which it gives `undefined`: the type of the ask. Later
   * pages with the same name get `-2`, `-3`.
   */
  readonly name?: ((page: UrlPage) => string | undefined) | undefined
}

/**
 * Keeps the page of a wizard in the URL, so that the browser's Back and Forward turn its pages and a page can be linked
 * to. A move pushes an entry; a load replaces the entry that it finds. A link to a page that was reached goes there with
 * `back()` or `forward()`; a link to a later page goes as far as was reached. Between two pages the URL names the first.
 * What a router pushes is not heard: a link within the app calls `back()` or `forward()`, or dispatches a `popstate`.
 *
 * ```ts
 * useWorkflowUrl()                                     // ?step=askDelivery, of the nearest provider
 * useWorkflowUrl(checkout, { param: 'page', name: ({ type }) => names[type] })
 * ```
 *
 * @throws HookError without a provider
 */
export function useWorkflowUrl(options?: WorkflowUrlOptions): void
export function useWorkflowUrl<W extends AnyWorkflow>(of: W | Session<W>, options?: WorkflowUrlOptions): void
export function useWorkflowUrl(...args: readonly unknown[]): void {
  const of = has(args[0], 'steps') || has(args[0], 'state') ? args[0] : undefined
  const options = (of === undefined ? args[0] : args[1]) as WorkflowUrlOptions | undefined
  const session = useSession('useWorkflowUrl', of)
  const latest = useLatest(options)
  useEffect(() => new PageUrl(session, () => latest.current ?? {}).follow(), [session, latest])
}

/** The page in the URL, and the page of the session: whichever moves, the other one follows. */
class PageUrl {
  readonly #session: Session<AnyWorkflow>
  readonly #options: () => WorkflowUrlOptions
  /** Until the session is there, the URL says where to go and nothing is written to it. */
  #loaded = false
  /** The page that the URL and the session were last at together. */
  #shown: string | undefined
  /** How many pages had been answered before that one. */
  #answered = 0
  /** The page that the URL asks for, while the session is on its way there. */
  #wanted: string | undefined
  /** The page that was turned last on that way; undefined between two pages, null before the first turn. */
  #left: string | undefined | null = null

  constructor(session: Session<AnyWorkflow>, options: () => WorkflowUrlOptions) {
    this.#session = session
    this.#options = options
  }

  follow(): () => void {
    this.#go(this.#inUrl)
    const session = this.#session
    const end = session.subscribe(() => this.#moved())
    // An entry without a page is of another place of the app, or from before the first one; one with another session's mark
    // is on its way to that one, however long the router takes.
    const popped = (): void => {
      if (this.#inUrl !== undefined && (this.#mark ?? session.id) === session.id) this.#go(this.#inUrl)
    }
    window.addEventListener('popstate', popped)
    return () => {
      end()
      window.removeEventListener('popstate', popped)
    }
  }

  /** The URL has changed. */
  #go(wanted: string | undefined): void {
    const { status } = this.#session
    const { now, reached } = this.#pages()
    this.#wanted = wanted
    // A page that is being turned, by another tab or by a step at work, comes first: another turn would be one too far.
    if (this.#left !== null) return
    this.#loaded = status !== 'loading' && status !== 'error'
    if (!this.#loaded) return
    // Between two pages, as after a failure, the URL still names the one that was answered last: that is no way back to it.
    if (wanted !== undefined && wanted !== (now ?? reached.at(-1))) return this.#onwards()
    this.#wanted = undefined
    this.#write('replace', wanted)
  }

  /** The session has changed. */
  #moved(): void {
    if (!this.#loaded) return this.#go(this.#inUrl)
    const { now, reached } = this.#pages()
    if (this.#wanted !== undefined) this.#onwards()
    else if (now === this.#shown) return
    // An ask that came without an answer, as in a sub-flow, cannot be gone back to: it replaces the entry before.
    else if (now !== undefined)
      this.#write(this.#shown !== undefined && reached.length === this.#answered ? 'replace' : 'push')
    // Between two pages there is no page either, but one will come; after a reset none will.
    else if (this.#session.status === 'idle') this.#write('replace')
  }

  /** Nearer to the page that is wanted; when there is no way, the URL says where that ended. */
  #onwards(): void {
    const { reached, now } = this.#pages()
    // Between two pages the session works for a moment, and what another tab does comes a moment later.
    if (now === this.#left || (now === undefined && this.#session.status === 'running')) return
    const way = reached.includes(this.#wanted as string) ? 'back' : 'forward'
    if (now !== this.#wanted && this.#session[way]()) {
      this.#left = now
      return this.#onwards()
    }
    this.#wanted = undefined
    this.#left = null
    this.#write('replace')
  }

  #write(how: 'push' | 'replace', now = this.#pages().now): void {
    this.#shown = now
    this.#answered = [...this.#pages().reached, now].indexOf(now)
    if (now === this.#inUrl && (now === undefined || this.#mark === this.#session.id)) return
    const url = new URL(location.href)
    if (now === undefined) url.searchParams.delete(this.#param)
    else url.searchParams.set(this.#param, now)
    // By these marks the routers of Next.js know what they wrote themselves: one that is copied makes them pass over this
    // URL, and set it back at the next refresh.
    const { state } = history
    const kept = has(state, '__NA') || has(state, '__N') ? undefined : (state as object)
    try {
      history[`${how}State`]({ ...kept, [`dogear-${this.#param}`]: this.#session.id }, '', url)
    } catch {
      // A `blob:` or sandboxed page cannot rewrite its URL. Safari takes no more than 100 writes in half a minute.
    }
  }

  /** The session that has named this parameter's page in the entry that the browser is at. */
  get #mark(): string | undefined {
    return (history.state as Readonly<Record<string, string>> | null)?.[`dogear-${this.#param}`]
  }

  get #param(): string {
    return this.#options().param ?? 'step'
  }

  get #inUrl(): string | undefined {
    return new URLSearchParams(location.search).get(this.#param) ?? undefined
  }

  #pages(): { readonly reached: readonly string[]; readonly now: string | undefined } {
    const { name } = this.#options()
    const names: string[] = []
    const times = new Map<string, number>()
    const [ask] = this.#session.asks
    for (const page of [...pagesOf(this.#session), ...(ask ? [ask] : [])]) {
      // As text, because the URL gives text back. A table of names may lack one.
      const given: unknown = name?.(page) ?? page.type
      const plain = String(given)
      const count = (times.get(plain) ?? 0) + 1
      times.set(plain, count)
      names.push(count === 1 ? plain : `${plain}-${count}`)
    }
    return { now: ask && names.pop(), reached: names }
  }
}

/** The value of a component's last commit, for later use: it may be a new one in every render. */
function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value)
  useEffect(() => {
    latest.current = value
  })
  return latest
}
