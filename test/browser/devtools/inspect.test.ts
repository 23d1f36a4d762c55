import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  structuredCloneSerializer,
  type AnySession,
} from 'dogear'
import { inspect, type InspectOptions } from 'dogear/devtools'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { cdp, userEvent } from 'vitest/browser'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'

const Begin = defineEvent('begin', z.object({ country: z.string() }))
const Address = defineEvent('address', z.string())
const AskAddress = defineEvent('askAddress', undefined, { reply: Address })
const Ordered = defineEvent('ordered', z.string())

const order = defineWorkflow({
  name: 'order',
  version: 3,
  start: Begin,
  stop: Ordered,
  state: z.object({
    note: z.string().default(''),
    card: z.string().default(''),
    address: z.object({ street: z.string() }).optional(),
    lines: z.array(z.unknown()).default([]),
  }),
  private: ['card'],
}).step('address', { on: Begin, asks: [AskAddress], emits: [Ordered] }, async (ctx) => {
  const { data } = await ctx.ask(AskAddress())
  await ctx.state.set('address', { street: data })
  return Ordered(await ctx.once('charge', (key) => key))
})

const ends: (() => void)[] = []

beforeEach(() => sessionStorage.clear())

afterEach(() => {
  for (const end of ends.splice(0)) end()
})

async function opened(id = 'cart') {
  const engine = createEngine({ storage: memoryStorage() })
  const session = await engine.open(order, { id })
  session.run({ country: 'NL' }).catch(() => undefined)
  return session
}

function show(session: AnySession, options?: InspectOptions): () => void {
  const end = inspect(session, options)
  ends.push(end)
  return end
}

const host = () => document.querySelector('[data-dogear]')
const root = () => host()!.shadowRoot!
const toggle = () => root().querySelector<HTMLElement>('.toggle')!
const part = (name: string) => root().querySelector<HTMLElement>(`section[aria-label="${name}"]`)!
const text = (name: string) => part(name).innerText
const press = (name: string) => userEvent.click(named(name))
const named = (name: string, within: ParentNode = root()) =>
  [...within.querySelectorAll('button')].find((it) => it.textContent === name)!
const said = () => root().querySelector('[role=status]')!.textContent
const entries = () => [...part('History').querySelectorAll<HTMLDetailsElement>('.items > div > details')]
const branch = (name: string) =>
  [...part('State').querySelectorAll('details')].find(
    (it) => it.querySelector('.name')?.textContent === name,
  )!

test('a button says how the session stands, opens the panel, and closes it again', async () => {
  const session = await opened()
  show(session)
  expect(toggle().textContent).toBe('Dogear: waiting')
  expect(part('Dogear inspector').hidden).toBe(true)
  await userEvent.click(toggle())
  expect(toggle().getAttribute('aria-expanded')).toBe('true')
  expect(text('Session')).toContain('order, version 3')
  expect(text('Session')).toContain('askAddress (step address)')
  named('Pause').focus()
  const heard: string[] = []
  const hear = (event: KeyboardEvent) => heard.push(event.key)
  document.addEventListener('keydown', hear)
  await userEvent.keyboard('x')
  expect(part('Dogear inspector').hidden).toBe(false)
  await userEvent.keyboard('{Escape}')
  document.removeEventListener('keydown', hear)
  expect(heard).toEqual(['x'])
  expect(part('Dogear inspector').hidden).toBe(true)
  expect(root().activeElement).toBe(toggle())
  session.cancel()
  await expect.poll(() => toggle().textContent).toBe('Dogear: cancelled')
})

test('on a page that reads from right to left it reads from left to right, as its words do', async () => {
  document.documentElement.dir = 'rtl'
  ends.push(() => document.documentElement.removeAttribute('dir'))
  show(await opened(), { open: true })
  expect(getComputedStyle(part('Dogear inspector')).direction).toBe('ltr')
})

test('each line that opens is high enough for a finger: 24 pixels', async () => {
  show(await opened(), { open: true })
  await expect.poll(() => text('History')).toContain('opened')
  const heights = Array.from(root().querySelectorAll('summary'), (it) => it.getBoundingClientRect().height)
  expect(heights.length).toBeGreaterThan(1)
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(24)
})

test('it follows the state, and what somebody has opened stays open', async () => {
  const session = await opened()
  show(session, { open: true })
  session.state.set('lines', [{ name: 'tea', price: 3 }])
  await expect.poll(() => text('State')).toContain('lines [1]')
  await userEvent.click(branch('lines').querySelector('summary')!)
  await userEvent.click(branch('0').querySelector('summary')!)
  expect(text('State')).toContain('price 3')
  const before = branch('0')
  session.state.set('lines.0.price', 4)
  session.state.set('note', 'ring twice')
  await expect.poll(() => text('State')).toContain('note "ring twice"')
  expect(text('State')).toContain('price 4')
  expect(branch('0')).toBe(before)
  session.state.delete('lines.0')
  await expect.poll(() => text('State')).toContain('lines []')
  session.state.set('address', { street: 'Damrak' })
  await expect.poll(() => text('State')).toContain('address {1}')
})

test('a step that waits for its next try is shown with its time and its last error', async () => {
  const failing = defineWorkflow({ name: 'failing', version: 1, start: Begin, stop: Ordered }).step(
    'pay',
    { on: Begin, emits: [Ordered], retry: { attempts: 2, delay: 60_000 } },
    () => {
      throw new RangeError('too much')
    },
  )
  const session = await createEngine({ storage: memoryStorage() }).open(failing)
  session.run({ country: 'NL' }).catch(() => undefined)
  show(session, { open: true })
  await expect.poll(() => text('Session')).toMatch(/Retries\s+pay at [\d:]+ \(RangeError: too much\)/)
})

test('a private field is nowhere in it', async () => {
  const session = await opened()
  show(session, { open: true })
  session.state.set('card', '4111')
  session.state.replace({ note: 'seen', card: '4111', lines: [] })
  await expect.poll(() => text('State')).toContain('note "seen"')
  // All that can be opened, and what that brings.
  await expect
    .poll(() => [...root().querySelectorAll('details')].filter((it) => it.open !== (it.open = true)).length)
    .toBe(0)
  expect(text('History')).toContain('seen')
  expect(root().textContent).not.toContain('4111')
})

test('what happened is listed, newest first, and a moment of it can be gone back to', async () => {
  const session = await opened()
  show(session, { open: true })
  const before = session.history().at(-1)!
  await session.asks[0]!.reply('Damrak 1')
  await expect.poll(() => session.status).toBe('completed')
  await expect.poll(() => entries()[0]?.innerText).toMatch(/#\d+ [\d:]+ finished/)
  const seqs = entries().map((it) => Number(/#(\d+)/.exec(it.innerText)![1]))
  expect(seqs).toEqual(
    session
      .history()
      .map((it) => it.seq)
      .reverse(),
  )
  const entry = entries()[seqs.indexOf(before.seq)]!
  expect(entry.innerText).toContain('askAddress')
  await userEvent.click(entry.querySelector('summary')!)
  await expect.poll(() => entry.innerText).toContain('type "opened"')
  await userEvent.click(named('Rewind to here', entry))
  expect(session.status).toBe('paused')
  await expect.poll(said).toBe('Rewind: done')
  await press('Resume')
  await expect.poll(() => session.asks.length).toBe(1)
})

test('of a long history the newest is shown, and more with each click', async () => {
  const session = await opened()
  show(session, { open: true })
  // Once it is stored, a record does not grow any more.
  for (let round = 0; round < 130; round++) {
    session.state.set('note', String(round))
    await session.flush()
  }
  const all = session.history()
  await expect.poll(() => entries()[0]?.innerText).toContain(`#${all.at(-1)!.seq} `)
  expect(entries()).toHaveLength(100)
  await press(`${all.length - 100} more`)
  expect(entries()).toHaveLength(all.length)
})

test('a fork is shown beside the session that it was made from', async () => {
  const session = await opened()
  show(session, { open: true })
  const [newest] = entries()
  await userEvent.click(newest!.querySelector('summary')!)
  await userEvent.click(named('Fork from here', newest))
  await expect.poll(() => root().querySelectorAll('option').length).toBe(2)
  const choice = root().querySelector('select')!
  expect(choice.value).toMatch(/^cart-/)
  expect(text('Session')).toContain(`cart at #${session.history().at(-1)!.seq}`)
  await userEvent.selectOptions(choice, 'cart')
  expect(text('Session')).not.toContain('cart at')
})

test('its buttons do what they say, say what came of it, and keep the focus when they have nothing to do', async () => {
  const session = await opened()
  show(session, { open: true })
  await press('Back')
  await expect.poll(said).toBe('Back: there is nothing to do')
  await press('Pause')
  expect(session.status).toBe('paused')
  await expect.poll(() => named('Pause').getAttribute('aria-disabled')).toBe('true')
  expect(root().activeElement).toBe(named('Pause'))
  await press('Resume')
  expect(session.status).toBe('waiting')
  await expect.poll(() => named('Cancel').getAttribute('aria-disabled')).toBe('false')
  await press('Cancel')
  expect(session.status).toBe('cancelled')
  await expect.poll(() => text('Session')).toContain('cancelled in the inspector')
})

const copies = ['Copy session', 'Copy diagram']
const open = ['Cancel', 'Back', 'Forward', ...copies]

test.each([
  ['loading', ['Copy diagram']],
  ['error', ['Copy diagram']],
  ['idle', ['Pause', ...copies]],
  ['running', ['Pause', ...open]],
  ['waiting', ['Pause', ...open]],
  ['paused', ['Resume', 'Step', ...open]],
  ['stalled', open],
  ['completed', copies],
  ['failed', ['Retry', ...copies]],
  ['cancelled', copies],
])(
  'of a session that is %s only what has something to do can be pressed; each button has a title',
  async (status, names) => {
    show(Object.create(await opened(), { status: { value: status } }) as AnySession, { open: true })
    const buttons = [...root().querySelectorAll<HTMLElement>('[role=group] button')]
    const enabled = buttons.filter((it) => it.getAttribute('aria-disabled') === 'false')
    expect(enabled.map((it) => it.textContent)).toEqual(names)
    expect(buttons.filter((it) => it.title === '')).toEqual([])
  },
)

test('a paused run is taken on by one step', async () => {
  const session = await createEngine({ storage: memoryStorage() }).open(order, { id: 'cart' })
  session.pause()
  session.run({ country: 'NL' }).catch(() => undefined)
  show(session, { open: true })
  await press('Step')
  await expect.poll(said).toBe('Step: done')
  expect(session.asks).toHaveLength(1)
})

test('a failed run is tried again; nobody waits for its end', async () => {
  let declines = true
  const paying = defineWorkflow({ name: 'paying', version: 1, start: Begin, stop: Ordered }).step(
    'pay',
    { on: Begin, asks: [AskAddress], emits: [Ordered] },
    async (ctx) => {
      if (declines) throw new Error('declined')
      return Ordered((await ctx.ask(AskAddress())).data)
    },
  )
  const session = await createEngine({ storage: memoryStorage() }).open(paying)
  session.run({ country: 'NL' }).catch(() => undefined)
  show(session, { open: true })
  await expect.poll(() => text('Session')).toContain('declined')
  declines = false
  await press('Retry')
  await expect.poll(said).toBe('Retry: done')
  await expect.poll(() => session.status).toBe('waiting')
  // What the new try is rejected with reaches nobody, or this test would fail.
  await press('Cancel')
  await expect.poll(() => text('Session')).toContain('cancelled in the inspector')
})

test('the last answer is taken back, and given again', async () => {
  const Ask = defineEvent('ask', z.number(), { reply: Address })
  const pages = defineWorkflow({ name: 'pages', version: 1, start: Begin, stop: Ordered }).step(
    'ask',
    { on: Begin, asks: [Ask], emits: [Ordered] },
    async (ctx) => {
      await ctx.ask(Ask(1))
      return Ordered((await ctx.ask(Ask(2))).data)
    },
  )
  const session = await createEngine({ storage: memoryStorage() }).open(pages)
  session.run({ country: 'NL' }).catch(() => undefined)
  show(session, { open: true })
  const asked = () => session.asks.map((it) => it.data)
  await expect.poll(asked).toEqual([1])
  await session.asks[0]!.reply('Damrak 1')
  await expect.poll(asked).toEqual([2])
  await press('Back')
  await expect.poll(asked).toEqual([1])
  await press('Forward')
  await expect.poll(asked).toEqual([2])
})

test('a tab that follows takes over', async () => {
  const shared = { storage: memoryStorage(), ...virtualTabs() }
  await createEngine(shared).open(order)
  const follower = await createEngine(shared).open(order)
  show(follower, { open: true })
  expect(text('Session')).toContain('follower')
  await press('Take over')
  await expect.poll(() => follower.role).toBe('leader')
})

test('the session and the diagram of its workflow are copied; without a clipboard it says why not', async () => {
  const session = await opened()
  show(session, { open: true })
  const copied: string[] = []
  const writeText = async (it: string) => void copied.push(it)
  const give = (value: unknown) =>
    Object.defineProperty(navigator, 'clipboard', { value, configurable: true })
  ends.push(() => Reflect.deleteProperty(navigator, 'clipboard'))
  give({ writeText })
  await press('Copy session')
  await expect.poll(said).toBe('Copy session: done')
  await press('Copy diagram')
  await expect.poll(said).toBe('Copy diagram: done')
  expect(JSON.parse(copied[0]!)).toEqual(session.toJSON())
  expect(copied[1]).toMatch(/^flowchart/m)
  give(undefined)
  await press('Copy session')
  await expect.poll(said).toContain('serve it by https')
})

test('an entry of the history names what it is about, and grows with what is typed', async () => {
  // Time stands still, so that what is typed waits to be written.
  const engine = createEngine({ storage: memoryStorage(), clock: virtualClock() })
  const session = await engine.open(order)
  session.run({ country: 'NL' }).catch(() => undefined)
  show(session, { open: true })
  const newest = () => entries()[0]?.innerText.split('\n')[0]
  await expect.poll(newest).toMatch(/opened ask askAddress$/)
  session.state.set('note', 'r')
  await expect.poll(newest).toMatch(/wrote note$/)
  await session.flush()
  session.state.batch(() => {
    session.state.set('note', '')
    session.state.set('address.street', 'Damrak')
  })
  await expect.poll(newest).toMatch(/wrote note address$/)
  entries()[0]!.open = true
  session.state.set('address.street', 'Rokin')
  await expect.poll(newest).toMatch(/wrote note address address\.street$/)
  expect(entries()[0]!.innerText).toContain('ops [3]')
  await session.flush()
  session.state.replace({ note: '', card: '', lines: [] })
  await expect.poll(newest).toMatch(/wrote replace$/)
  await session.asks[0]!.reply('Damrak 1')
  await expect.poll(newest).toMatch(/finished/)
  expect(entries().map((it) => it.innerText.split('\n')[0]!.replace(/^#\d+ \S+ /, ''))).toEqual([
    'finished',
    'ended ordered',
    'done once once:charge',
    'opened once once:charge',
    'wrote address',
    'answered ask:askAddress#1',
    'wrote replace',
    'wrote note address address.street',
    'wrote note',
    'opened ask askAddress',
    'taken address',
    'started begin',
    'created',
  ])
})

test('flow state is shown where there is any', async () => {
  const session = await opened()
  show(session, { open: true })
  expect(part('Flow state').hidden).toBe(true)
  const shared = session.flowState as { set(path: string, value: unknown): void }
  shared.set('opened', 3)
  await expect.poll(() => text('Flow state')).toContain('opened 3')
})

test('while it is closed it does not read the history, and after its end it reads nothing', async () => {
  const session = await opened()
  const read = vi.fn(session.history)
  const end = show(Object.create(session, { history: { value: read } }) as AnySession)
  session.state.set('note', 'typed')
  session.cancel()
  await expect.poll(() => toggle().textContent).toBe('Dogear: cancelled')
  expect(read).not.toHaveBeenCalled()
  await userEvent.click(toggle())
  const before = read.mock.calls.length
  expect(before).toBeGreaterThan(0)
  session.state.set('note', 'typed as it ends')
  end()
  session.state.set('note', 'typed later')
  await new Promise(requestAnimationFrame)
  expect(read).toHaveBeenCalledTimes(before)
})

test('the session that somebody chose is shown on when another one ends', async () => {
  const [first, second, third] = [await opened('first'), await opened('second'), await opened('third')]
  const ending = [first, second, third].map((it) => show(it, { open: true }))
  await userEvent.selectOptions(root().querySelector('select')!, 'second')
  ending[0]!()
  ending[2]!()
  expect(root().querySelector('select')!.value).toBe('second')
  expect([...root().querySelectorAll('option')].map((it) => it.textContent)).toEqual(['second'])
})

test('users’ data is text, whatever it says', async () => {
  const session = await opened('<img src=x onerror=window.owned=1>')
  show(session, { open: true })
  session.state.set('lines', [{ '<b>key</b>': '<script>window.owned = 1</script>' }])
  await expect.poll(() => text('State')).toContain('lines [1]')
  await userEvent.click(branch('lines').querySelector('summary')!)
  await userEvent.click(branch('0').querySelector('summary')!)
  await expect.poll(() => text('State')).toContain('<b>key</b>')
  expect(root().querySelectorAll('img, script, b')).toHaveLength(0)
})

test('of many items a hundred are shown, and a hundred more with each click', async () => {
  const session = await opened()
  show(session, { open: true })
  session.state.set(
    'lines',
    Array.from({ length: 250 }, (_, at) => at),
  )
  await expect.poll(() => text('State')).toContain('lines [250]')
  const lines = branch('lines')
  await userEvent.click(lines.querySelector('summary')!)
  await expect.poll(() => lines.querySelectorAll('.leaf').length).toBe(100)
  await userEvent.click(named('150 more', lines))
  expect(lines.querySelectorAll('.leaf')).toHaveLength(200)
  await userEvent.click(named('50 more', lines))
  expect(lines.querySelectorAll('.leaf')).toHaveLength(250)
  expect(named('0 more', lines).checkVisibility()).toBe(false)
})

test('values beyond JSON are shown as what they are', async () => {
  const plain = defineWorkflow({ name: 'any', version: 1, start: Begin, stop: Ordered, events: [] }).step(
    'end',
    { on: Begin, emits: [Ordered] },
    () => Ordered(''),
  )
  const engine = createEngine({ storage: memoryStorage(), serializer: structuredCloneSerializer })
  const session = await engine.open(plain, { id: 'values' })
  show(session, { open: true })
  session.state.replace({
    date: new Date(0),
    file: new File(['abc'], 'a.txt'),
    map: new Map([['key', 1]]),
    bytes: new Uint8Array(3),
    big: 10n,
    nothing: null,
    none: {},
    pattern: /a+/gu,
    never: new Date(Number.NaN),
    full: 'y'.repeat(200),
    long: 'x'.repeat(5000),
    set: new Set(['tea']),
    keys: new Map([
      [{ n: 1 }, 'one'],
      [{ n: 2 }, 'two'],
    ]),
  })
  await expect.poll(() => text('State')).toContain('date 1970-01-01T00:00:00.000Z')
  for (const it of ['file File a.txt (3)', 'map Map(1)', 'bytes Uint8Array (3)', 'big 10n', 'nothing null'])
    expect(text('State')).toContain(it)
  for (const it of [
    'none {}',
    'pattern /a+/gu',
    'never Invalid Date',
    `full "${'y'.repeat(200)}"`,
    'set Set(1)',
  ])
    expect(text('State')).toContain(it)
  expect(text('State')).toContain('… (5000 characters)')
  // Keys that look alike have a row each.
  branch('keys').open = branch('set').open = true
  await expect.poll(() => text('State')).toContain('"one"')
  expect(text('State')).toContain('"two"')
  await expect.poll(() => text('State')).toContain('0 "tea"')
})

test('a fork that is made after it has ended does not bring it back', async () => {
  const session = await opened()
  const end = show(session, { open: true })
  let resolve: (fork: AnySession) => void = () => undefined
  const fork = () => new Promise<AnySession>((made) => (resolve = made))
  const forking = Object.create(session, { fork: { value: fork } }) as AnySession
  const endForking = show(forking)
  const [newest] = entries()
  newest!.open = true
  named('Fork from here', newest).click()
  end()
  endForking()
  const copy = await session.fork()
  const heard = vi.fn(copy.subscribe)
  resolve(Object.create(copy, { subscribe: { value: heard } }) as AnySession)
  await new Promise(requestAnimationFrame)
  expect(heard).not.toHaveBeenCalled()
  expect(host()).toBeNull()
})

test('an error while it draws is told in it, and reaches nobody else', async () => {
  const session = await opened()
  const fail = () => {
    throw new Error('no history')
  }
  show(Object.create(session, { history: { value: fail } }) as AnySession, { open: true })
  expect(said()).toContain('no history')
})

test('a full sessionStorage does not keep it from opening', async () => {
  const full = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  try {
    show(await opened(), { open: true })
  } finally {
    full.mockRestore()
  }
  expect(part('Dogear inspector').hidden).toBe(false)
})

test('all sessions share one panel, which goes with the last of them', async () => {
  const [first, second] = [await opened('first'), await opened('second')]
  const ending = [show(first), show(first), show(second)]
  expect(document.querySelectorAll('[data-dogear]')).toHaveLength(1)
  expect([...root().querySelectorAll('option')].map((it) => it.textContent)).toEqual(['first', 'second'])
  ending[0]!()
  ending[0]!()
  expect(root().querySelectorAll('option')).toHaveLength(2)
  ending[2]!()
  expect(root().querySelector('select')!.value).toBe('first')
  ending[1]!()
  expect(host()).toBeNull()
})

test('a browser without constructable style sheets shows it as well', async () => {
  vi.stubGlobal('CSSStyleSheet', undefined)
  try {
    show(await opened(), { open: true })
  } finally {
    vi.unstubAllGlobals()
  }
  expect(getComputedStyle(toggle()).position).toBe('fixed')
  expect(getComputedStyle(part('Dogear inspector')).position).toBe('fixed')
})

test('the page can be scrolled until nothing of it is behind the panel', async () => {
  show(await opened(), { open: true })
  const { height } = part('Dogear inspector').getBoundingClientRect()
  expect(host()!.getBoundingClientRect().height).toBe(height)
  await userEvent.click(toggle())
  expect(host()!.getBoundingClientRect().height).toBe(0)
})

test('it is as it was when the page is loaded again', async () => {
  const session = await opened()
  const end = show(session)
  await userEvent.click(toggle())
  end()
  const again = show(session)
  expect(part('Dogear inspector').hidden).toBe(false)
  await userEvent.click(toggle())
  again()
  show(session)
  expect(part('Dogear inspector').hidden).toBe(true)
})

/** Styles of the page while a test runs. */
function dressPage(css: string): void {
  const style = document.createElement('style')
  style.textContent = css
  document.head.append(style)
  ends.push(() => style.remove())
}

test('styles of the page do not reach it, and while it is closed the page lays nothing out for it', async () => {
  dressPage(
    'body > div { transform: scale(0.5); opacity: 0.2; padding: 20px } body { display: grid; gap: 50px }',
  )
  const before = document.documentElement.scrollHeight
  const height = document.body.offsetHeight
  show(await opened())
  const { transform, opacity, padding } = getComputedStyle(host()!)
  expect([transform, opacity, padding]).toEqual(['none', '1', '0px'])
  expect([document.documentElement.scrollHeight, document.body.offsetHeight]).toEqual([before, height])
})

test('it is not printed', async () => {
  show(await opened(), { open: true })
  const media = (media: string) => cdp().send('Emulation.setEmulatedMedia', { media })
  await media('print')
  try {
    expect(toggle().checkVisibility()).toBe(false)
  } finally {
    await media('')
  }
  expect(toggle().checkVisibility()).toBe(true)
})

test('a script in the head shows it, where there is no body yet; a page that has got another body shows it with the next session', async () => {
  const { body } = document
  body.remove()
  try {
    show(await opened('first'), { open: true })
    expect(toggle().checkVisibility()).toBe(true)
  } finally {
    document.documentElement.append(body)
  }
  host()!.remove()
  show(await opened('second'))
  expect(toggle().textContent).toBe('Dogear: waiting')
})
