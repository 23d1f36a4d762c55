import { heed, isLoading, ROUNDS, shownBy, type Browser, type Shown, type Tab } from './faults-browser'
import { orphansIn, tornIn, turnPages } from './large'

/** What a story knows of what must be there at its end. */
export interface Expected {
  /** What was called saved, or acknowledged. */
  acked: ReadonlySet<string>
  /** What was typed before a page was left that could keep it. */
  readonly left: Set<string>
  /** Writes to the flow state in the moments before storage was emptied: nobody may have read them. */
  readonly unread: Set<string>
  /** A backup or another database has taken the place of what was stored. */
  restored: boolean
  /** That happened under open pages, which learn of it by their next write. */
  setBack: boolean
}

/** A page says within a few seconds how it stands. `typedAt`: when somebody has typed last. */
export function checkStatus({ open, clock, wrong }: Browser, typedAt: number): void {
  for (const tab of open) {
    const { session, name } = tab
    const { status } = session.persistence
    heed(tab)
    const since = clock.now() - tab.since
    if (isLoading(tab) && since > 10_000) wrong.push(`${name} is loading for ${since}`)
    const isQuiet = clock.now() - typedAt > 10_000
    if (status === 'saving' && since > 20_000 && isQuiet) wrong.push(`${name} is saving for ${since}`)
  }
}

/** Everything that is wrong with what the tabs show at the end. */
export function checkEnd(browser: Browser, expected: Expected): void {
  const { open, gone, wrong } = browser
  const [first] = open as [Tab]
  const equal = (what: string, views: readonly unknown[]): void => {
    const texts = views.map((it) => JSON.stringify(it))
    if (new Set(texts).size > 1) wrong.push(`${what} differ: ${texts.join(' | ')}`)
  }
  const view = ({ session: it }: Tab) => [it.status, it.state.get(), it.asks.length, it.result]
  equal('the tabs', open.map(view))
  equal(
    'the flow states',
    open.map((it) => browser.flowLog(it)),
  )
  const roles = open.map((it) => it.session.role)
  if (roles.filter((it) => it === 'leader').length !== 1) wrong.push(`roles: ${roles.join()}`)
  for (const { name, session } of open)
    if (session.persistence.status !== 'saved') wrong.push(`${name}: ${troubleOf(session)}`)
  if (first.session.status !== 'completed') wrong.push(`it ends ${troubleOf(first.session)}`)
  const { text = '', answers = [] } = shownBy(first)
  const log = browser.flowLog(first)
  for (const tab of [...open, ...gone]) {
    const isOpen = open.includes(tab)
    checkTyped(browser, expected, tab, text, isOpen && !browser.lost)
    checkFlow(browser, expected, tab, log, isOpen)
  }
  checkAnswers(browser, expected, answers)
  wrong.push(...tornIn(shownBy(first)))
}

function checkTyped(
  { wrong, lost }: Browser,
  { acked, left, setBack }: Expected,
  tab: Tab,
  text: string,
  isHeld: boolean,
): void {
  // What a leader of silent storage had typed comes after what it has asked since, if it is left once more meanwhile.
  const isOrdered = tab.left < 2
  const places = tab.typed.filter((it) => text.includes(it)).map((it) => text.indexOf(it))
  if (isOrdered && places.some((it, at) => at > 0 && it < (places[at - 1] ?? 0)))
    wrong.push(`${tab.name} is out of order: ${text}`)
  for (const it of tab.typed) {
    const count = text.split(it).length - 1
    const isDue = isHeld || (acked.has(it) && !setBack) || (left.has(it) && !lost)
    if (count > 1 || (count === 0 && isDue)) wrong.push(`${it} is there ${count} times: ${text}`)
  }
}

function checkFlow(
  { wrong, flowLost }: Browser,
  { acked, unread, restored }: Expected,
  tab: Tab,
  log: string,
  isOpen: boolean,
): void {
  for (const it of tab.flows) {
    const count = log.split(it).length - 1
    const isDue = !restored && !flowLost && !unread.has(it) && (isOpen || acked.has(it))
    if (count > 1 || (count === 0 && isDue)) wrong.push(`flow ${it} is there ${count} times: ${log}`)
  }
}

/** Runs follow one another, each from its beginning to its end, and no effect counts twice. */
function checkAnswers(
  { wrong }: Browser,
  { restored }: Expected,
  answers: NonNullable<Shown['answers']>,
): void {
  const numbers = answers.map(([n]) => n)
  const goesOn = (it: number, at: number): boolean =>
    it === (at === 0 ? 0 : ((numbers[at - 1] ?? 0) + 1) % (ROUNDS + 1))
  if (!restored && !numbers.every(goesOn)) wrong.push(`answers in the order ${numbers.join()}`)
  if (new Set(answers.map(([, , key]) => key)).size < answers.length) wrong.push('an effect counts twice')
}

/** What is stored is what was shown, and takes new writes. */
export async function checkReload(browser: Browser): Promise<void> {
  const { open, clock, wrong } = browser
  const before = JSON.stringify(open[0]?.session.state.get())
  for (const tab of [...open]) browser.end(tab)
  await clock.advance(100)
  browser.enter()
  await clock.advance(5000)
  const [last] = open as [Tab]
  const after = JSON.stringify(last.session.state.get())
  if (after !== before) wrong.push(`stored is ${last.session.status} ${after}, and not ${before}`)
  last.session.state.append('text', 'again;')
  await clock.advance(5000)
  if (last.session.persistence.status !== 'saved') wrong.push(`reloaded: ${troubleOf(last.session)}`)
  if (browser.isLarge) await checkParts(browser, last)
  browser.end(last)
  await clock.advance(100)
}

/** Once a snapshot was made in peace, all stored parts belong to it. */
async function checkParts(browser: Browser, tab: Tab): Promise<void> {
  const { databases, clock, wrong } = browser
  let found: string[] = []
  for (let n = 0; n < 20; n++) {
    turnPages({ tab, size: browser.pageSize, next: () => n }, 0)
    await clock.advance(3000)
    found = orphansIn(databases.database('dogear').data)
    if (found.length === 0 && n > 3) return
  }
  wrong.push(...found)
}

function troubleOf({ status, error, persistence }: Tab['session']): string {
  return `${status} ${persistence.status} ${persistence.error?.message ?? error?.message ?? ''}`
}
