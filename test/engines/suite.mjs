/**
 * What every engine must do with the checkout of the stories: plain async functions over a browser that can open a
 * tab, go somewhere, reload, and evaluate a script. `needs` names what not every driver can.
 */
const halfTyped = 'Ring the be'

const quote = JSON.stringify

/** Waits in the page, and answers with what the script gives once that is truthy. */
async function until(tab, script, what = script) {
  const deadline = Date.now() + 30_000
  for (;;) {
    const value = await tab.evaluate(script).catch(() => undefined)
    if (value) return value
    if (Date.now() > deadline) {
      const shown = await tab.evaluate('document.body.innerText').catch(String)
      throw new Error(`waited for ${what}; the page shows: ${String(shown).slice(0, 300)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const field = (label) =>
  `[...document.querySelectorAll('label')].map((it) => it.control ?? it.querySelector('input, textarea, select')).find((it, at) => it && document.querySelectorAll('label')[at].innerText.startsWith(${quote(label)}))`
const button = (name) =>
  `[...document.querySelectorAll('button')].find((it) => it.innerText.startsWith(${quote(name)}))`

async function click(tab, name) {
  await until(tab, `!!${button(name)} && !${button(name)}.disabled`, `the button "${name}"`)
  await tab.evaluate(`void ${button(name)}.click()`)
}

/** As React hears it: through the setter of the element's own class. */
async function type(tab, label, text) {
  await until(tab, `!!${field(label)}`, `the field "${label}"`)
  await tab.evaluate(
    `(() => { const it = ${field(label)}; Object.getOwnPropertyDescriptor(Object.getPrototypeOf(it), 'value').set.call(it, ${quote(text)}); it.dispatchEvent(new Event('input', { bubbles: true })) })()`,
  )
}

const saved = (tab, since) =>
  until(
    tab,
    `(() => { const time = document.querySelector('[data-status=saved] time'); return time && Date.parse(time.dateTime) >= ${since} })()`,
    'the page to say that all is saved',
  )
const note = (tab) =>
  until(tab, `(() => { const it = ${field('Note')}; return it && { text: it.value } })()`, 'the note')
const shows = (tab, text) => until(tab, `document.body.innerText.includes(${quote(text)})`, quote(text))

async function equal(tab, expected) {
  const { text } = await note(tab)
  if (text !== expected) throw new Error(`the note is ${quote(text)} and not ${quote(expected)}`)
}

const address = {
  Name: 'Ada',
  Email: 'ada@example.org',
  'Street and number': 'Damrak 1',
  Postcode: '1012 LG',
  City: 'Amsterdam',
}

async function fillHalf(tab, url) {
  await tab.goto(url)
  await click(tab, 'Check out')
  for (const [label, text] of Object.entries(address)) await type(tab, label, text)
  await click(tab, 'Continue to delivery')
  await note(tab)
  await tab.evaluate('void (window.since = Date.now())')
  const since = await tab.evaluate('window.since')
  await type(tab, 'Note', halfTyped)
  await saved(tab, since)
}

async function pay(tab) {
  await click(tab, 'Continue to payment')
  await type(tab, 'Name on the card', 'A Lovelace')
  await until(tab, `!!document.querySelector('input[type=checkbox]')`)
  await tab.evaluate(`void document.querySelector('input[type=checkbox]').click()`)
  await click(tab, 'Pay')
  await shows(tab, '€ 21.85')
  await until(
    tab,
    `[...document.querySelectorAll('h2')].some((it) => it.innerText === 'Receipt')`,
    'the receipt',
  )
}

function chargedOnce(charges) {
  if (charges.length !== 1 || charges[0].charged !== 1) throw new Error(`charges: ${quote(charges)}`)
}

export const cases = [
  {
    suite: 'resume',
    name: 'half a form, saved / a reload / it is there, and ends with one charge',
    async run({ browser, url, payments }) {
      const tab = await browser.tab()
      await fillHalf(tab, url)
      await tab.reload()
      await equal(tab, halfTyped)
      await pay(tab)
      chargedOnce(payments.charges())
    },
  },
  {
    suite: 'resume',
    name: 'half a form, saved / the tab is closed and another one opened / it is there',
    async run({ browser, url }) {
      const first = await browser.tab()
      await fillHalf(first, url)
      const second = await browser.tab()
      await first.close()
      await second.goto(url)
      await equal(second, halfTyped)
    },
  },
  {
    suite: 'resume',
    name: 'half a form, saved / SIGKILL of the browser / it is there',
    needs: 'kill',
    async run({ browser, url }) {
      await fillHalf(await browser.tab(), url)
      await browser.kill()
      const tab = await browser.tab()
      await tab.goto(url)
      await equal(tab, halfTyped)
    },
  },
  ...['a reload', 'another page, and the address again'].map((way) => ({
    suite: 'exit',
    name: `typed, and at once ${way} / twelve times / the last key is there`,
    async run({ browser, url, site }) {
      const tab = await browser.tab()
      await fillHalf(tab, url)
      for (let n = 1; n <= 12; n++) {
        const text = `${halfTyped} ${n}`
        await type(tab, 'Note', text)
        if (way === 'a reload') await tab.reload()
        else {
          await tab.goto(`${site}elsewhere.html`)
          await tab.goto(url)
        }
        await equal(tab, text)
      }
    },
  })),
  {
    suite: 'exit',
    name: 'away and back by the history / it goes on, and saves',
    async run({ browser, url, site }) {
      const tab = await browser.tab()
      await fillHalf(tab, url)
      await tab.goto(`${site}elsewhere.html`)
      await tab.back()
      await equal(tab, halfTyped)
      const since = await tab.evaluate('Date.now()')
      await type(tab, 'Note', `${halfTyped}ll`)
      await saved(tab, since)
    },
  },
  {
    suite: 'exit',
    name: 'away, and another tab goes on / back by the history / from the cache where the engine can, with what the other has typed',
    async run({ browser, url, site }) {
      const first = await browser.tab()
      await fillHalf(first, url)
      await first.evaluate(
        `void addEventListener('pageshow', ({ persisted }) => { window.restored = persisted })`,
      )
      await type(first, 'Note', `${halfTyped}l`)
      await first.goto(`${site}elsewhere.html`)
      const second = await browser.tab()
      await second.goto(url)
      await equal(second, `${halfTyped}l`)
      const since = await second.evaluate('Date.now()')
      await type(second, 'Note', `${halfTyped}ll, `)
      await saved(second, since)
      await first.back()
      const why = `JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)`
      await until(
        first,
        `${field('Note')}?.value === ${quote(`${halfTyped}ll, `)}`,
        'the first tab to follow',
      )
      if ((await first.evaluate('!!window.restored')) !== browser.restores)
        throw new Error(
          `it was expected ${browser.restores ? '' : 'not '}to be restored: ${await first.evaluate(why)}`,
        )
      await type(first, 'Note', `${halfTyped}ll, please`)
      await until(
        second,
        `${field('Note')}?.value === ${quote(`${halfTyped}ll, please`)}`,
        'the second tab to follow',
      )
      await second.close()
      const then = await first.evaluate('Date.now()')
      await type(first, 'Note', 'Knock')
      await saved(first, then)
      await first.reload()
      await equal(first, 'Knock')
    },
  },
  {
    suite: 'tab',
    name: 'two tabs / what is typed in one shows in the other, both ways; the first closes, the second goes on',
    async run({ browser, url, payments }) {
      const first = await browser.tab()
      await fillHalf(first, url)
      const second = await browser.tab()
      await second.goto(url)
      await equal(second, halfTyped)
      await type(second, 'Note', `${halfTyped}l`)
      await until(first, `${field('Note')}?.value === ${quote(`${halfTyped}l`)}`, 'the first tab to follow')
      await type(first, 'Note', `${halfTyped}ll`)
      await until(
        second,
        `${field('Note')}?.value === ${quote(`${halfTyped}ll`)}`,
        'the second tab to follow',
      )
      await first.close()
      await pay(second)
      chargedOnce(payments.charges())
    },
  },
  {
    suite: 'fault',
    name: 'the database is deleted under an open page / the page goes on, and is saved again',
    async run({ browser, url }) {
      const tab = await browser.tab()
      await fillHalf(tab, url)
      const outcome = await tab.evaluate(
        `new Promise((resolve) => { const it = indexedDB.deleteDatabase('dogear'); it.onsuccess = () => resolve('deleted'); it.onblocked = () => resolve('blocked'); it.onerror = () => resolve('failed') })`,
      )
      if (outcome !== 'deleted') throw new Error(`deleting the database: ${outcome}`)
      await type(tab, 'Note', `${halfTyped}ll`)
      await equal(tab, `${halfTyped}ll`)
    },
  },
  {
    suite: 'fault',
    name: 'a damaged head / the page says so, and starts over when it is asked to',
    async run({ browser, url, site }) {
      const tab = await browser.tab()
      await fillHalf(tab, url)
      await tab.goto(`${site}elsewhere.html`)
      await tab.evaluate(
        `new Promise((resolve) => { const open = indexedDB.open('dogear'); open.onsuccess = () => { const db = open.result; const tx = db.transaction('sessions', 'readwrite'); const store = tx.objectStore('sessions'); store.getAllKeys().onsuccess = ({ target }) => { for (const key of target.result) if (key[0] === 'h') store.put('garbage', key) }; tx.oncomplete = () => { db.close(); resolve(true) } } })`,
      )
      await tab.goto(url)
      await shows(tab, 'could not be opened')
      await click(tab, 'Start over')
      await click(tab, 'Check out')
      await until(tab, `${field('Name')}?.value === ''`, 'an empty form')
    },
  },
]
