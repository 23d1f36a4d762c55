import { Privacy } from '../session/model/privacy'
import type { AnySession } from '../session/session'
import { definitionOf } from '../workflow/workflow'
import { actions } from './actions'
import { button, make, write } from './element'
import { factsView } from './facts'
import { isRemembered, remember } from './remembered'
import { STYLE } from './style'
import { timelineView } from './timeline'
import { listView } from './tree'

/**
 * The button at the edge of the page, and what it opens. It stands in a shadow root, so that neither the styles nor the
 * queries of the page reach into it. While it is closed, it reads nothing but the status.
 */
export class Panel {
  readonly #host = make('div', { 'data-dogear': 'inspector' })
  readonly #toggle = button('Dogear', () => this.#open(!this.#isOpen))
  readonly #section = make('section', { id: 'panel', 'aria-label': 'Dogear inspector' })
  readonly #choice = make('select', { 'aria-label': 'Session' })
  readonly #message = make('p', { role: 'status' })
  readonly #facts = factsView()
  readonly #state = listView()
  readonly #flow = listView()
  readonly #flowPart = part('Flow state', this.#flow.element)
  readonly #history = timelineView({
    rewind: (seq) => void this.#do('Rewind', () => this.#session.rewind(seq)),
    fork: (seq) => void this.#do('Fork', () => this.#fork(seq)),
  })
  readonly #buttons = actions().map((action) => {
    const element = button(action.name, () => void this.#do(action.name, () => action.act(this.#session)))
    element.title = action.title
    return { ...action, element }
  })
  readonly #sessions = new Set<AnySession>()
  #session: AnySession
  #forget: () => void = () => undefined
  #frame = 0

  constructor(session: AnySession, open: boolean) {
    this.#session = session
    this.#toggle.setAttribute('aria-controls', 'panel')
    this.#choice.addEventListener('change', () =>
      this.#choose([...this.#sessions][this.#choice.selectedIndex]),
    )
    this.#section.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return
      // A dialog of the page stays open.
      event.stopPropagation()
      this.#open(false)
      this.#toggle.focus()
    })
    this.#build()
    this.#open(open || isRemembered())
    this.add(session)
  }

  /** A session to choose from, and chosen now. */
  add(session: AnySession): void {
    this.#sessions.add(session)
    // In the head of a page there is no body yet, and some pages get another one when they go on.
    if (!this.#host.isConnected)
      (document.querySelector('body') ?? document.documentElement).append(this.#host)
    this.#choose(session)
  }

  /** No longer to choose from. */
  drop(session: AnySession): void {
    this.#sessions.delete(session)
    const [other] = this.#sessions
    if (other && session === this.#session) this.#choose(other)
    else this.#list()
  }

  remove(): void {
    this.#forget()
    this.#sessions.clear()
    cancelAnimationFrame(this.#frame)
    this.#host.remove()
  }

  #build(): void {
    const bar = make('div', { class: 'bar', role: 'group', 'aria-label': 'Actions' })
    bar.append(this.#choice, ...this.#buttons.map((it) => it.element))
    const columns = make(
      'div',
      { class: 'columns' },
      part('Session', this.#facts.element),
      part('State', this.#state.element, this.#flowPart),
      part('History', this.#history.element),
    )
    this.#section.append(bar, this.#message, columns)
    this.#toggle.className = 'toggle'
    const root = this.#host.attachShadow({ mode: 'open' })
    dress(root)
    root.append(this.#section, this.#toggle)
  }

  get #isOpen(): boolean {
    return !this.#section.hidden
  }

  #open(open: boolean): void {
    this.#section.hidden = !open
    this.#host.classList.toggle('open', open)
    this.#toggle.setAttribute('aria-expanded', String(open))
    remember(open)
    this.#draw()
  }

  #choose(session = this.#session): void {
    this.#forget()
    this.#session = session
    const soon = () => {
      this.#frame ||= requestAnimationFrame(() => this.#draw())
    }
    const heard = [
      session.subscribe(soon),
      session.subscribeResources(soon),
      session.state.subscribe('', soon),
      session.flowState.subscribe('', soon),
    ]
    this.#forget = () => heard.forEach((end) => end())
    this.#list()
    this.#draw()
  }

  #list(): void {
    this.#choice.replaceChildren(...[...this.#sessions].map((it) => make('option', {}, it.id)))
    this.#choice.selectedIndex = [...this.#sessions].indexOf(this.#session)
  }

  /** Whoever inspects a session in an effect must not fail because it cannot be shown. */
  #draw(): void {
    this.#frame = 0
    try {
      this.#show()
    } catch (error) {
      this.#say(error)
    }
  }

  #show(): void {
    const session = this.#session
    write(this.#toggle, `Dogear: ${session.status}`)
    if (!this.#isOpen) return
    for (const { element, fits } of this.#buttons)
      element.setAttribute('aria-disabled', String(!fits(session)))
    this.#facts.show(session)
    this.#state.show(publicState(session))
    const flow = session.flowState.get()
    this.#flowPart.hidden = Object.keys(flow as object).length === 0
    this.#flow.show(flow)
    this.#history.show(session.history())
  }

  async #fork(seq: number): Promise<void> {
    const fork = await this.#session.fork(seq)
    // The panel may be gone meanwhile.
    if (this.#sessions.size > 0) this.add(fork)
  }

  /** Does something to the session, and says what came of it. */
  async #do(name: string, act: () => unknown): Promise<void> {
    try {
      const done = await act()
      write(this.#message, done === false ? `${name}: there is nothing to do` : `${name}: done`)
    } catch (error) {
      this.#say(error, name)
    }
  }

  #say(error: unknown, what = 'Inspector'): void {
    write(this.#message, `${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A style sheet of this kind is not refused by a content security policy; jsdom and Safari before 16.4 have none. */
function dress(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    root.adoptedStyleSheets = [sheet]
  } catch {
    root.append(make('style', {}, STYLE))
  }
}

function part(name: string, ...content: readonly HTMLElement[]): HTMLElement {
  return make('section', { 'aria-label': name }, make('h2', {}, name), ...content)
}

/** A screenshot of the inspector goes into a bug report: what is private is not in it. */
function publicState({ workflow, state }: AnySession): unknown {
  return new Privacy(definitionOf(workflow).options.private).state(state.get())
}
