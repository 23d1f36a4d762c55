import type { Definition } from '../workflow/workflow'
import type { LiveSession } from '../session/live-session'
import type { Keeping } from './keeping'
import { Leaving } from './leaving'
import { Membership } from './membership'
import type { MembershipOptions } from './membership-options'
import type { OpeningDeps } from './opening-deps'
import { placeOf } from './place'

/** What a session has around it: the other tabs, and the page that may be left. */
export class Surroundings {
  readonly tabs: Membership
  /** Only in a page. */
  readonly page: Leaving | undefined
  readonly #unwatch: () => void

  constructor(
    deps: OpeningDeps,
    { version }: Definition,
    live: LiveSession,
    keeping: Keeping,
    load: MembershipOptions['load'],
  ) {
    const { discreet: serializer } = keeping
    const { storage, clock, timeout, ids, locks, channels, page, report, onError } = deps
    const place = placeOf(storage, live.core.options.id)
    // Written out, as all that is made for each session: what is spread gets a hidden class of its own.
    this.tabs = new Membership({
      live,
      load,
      doubt: async () => keeping.tenure?.doubt(),
      clock,
      timeout,
      locks,
      channels,
      report,
      onError,
      place,
      version,
      by: ids(),
      keep: (known) => this.page?.keep(known) ?? false,
      left: () => this.page?.asked ?? [],
    })
    const { tabs } = this
    // While the page is left, another one may execute, and look.
    this.#unwatch = storage.watch(() => (tabs.shared && this.page?.away) || keeping.tenure?.look())
    if (page)
      this.page = new Leaving({ page, live, tabs, place, storage, serializer, version, clock, onError })
  }

  /** Whether something was asked of the session that comes before what was typed here while it was read. */
  get isAsked(): boolean {
    return this.tabs.outbox.isOwed || this.page?.isLeft === true
  }

  end(): void {
    this.page?.end()
    this.tabs.leave()
    this.#unwatch()
  }
}
