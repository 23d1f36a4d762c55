import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/index'
import type { SessionRecord } from '../../src/session/model/record'
import type { StoredSession } from '../../src/storage/storage'
import { SESSION_FORMAT } from '../../src/storage/format'
import { checksum } from '../../src/storage/checksum'
import { shorten } from '../../src/session/model/short-records'
import { profile } from '../support/flows'
import { inParts } from '../support/parts'
import { live, today, tomorrow } from './golden/house'

const strict = { durability: 'strict' } as const
const fileOf = (name: string): URL => new URL(`golden/${name}.json`, import.meta.url)
const textOf = (name: string): string => readFileSync(fileOf(name), 'utf8')

/**
 * `GOLDEN=terse` makes those of format 5 anew, as long as that was never released: the same records in their short form. The
 * others are as older code has written them.
 */
async function remake(): Promise<void> {
  if (process.env['GOLDEN'] !== 'terse') return
  const write = (name: string, stored: StoredSession): void =>
    writeFileSync(fileOf(name), `${JSON.stringify(stored, undefined, 1)}\n`)
  write('house-terse', terse(JSON.parse(textOf('house')) as StoredSession))
  const migrated = terse(JSON.parse(textOf('house-migrated')) as StoredSession)
  write('house-terse-migrated', migrated)
  const { parts = [], ...session } = await inParts(migrated, 250, true)
  const encoded = parts.map(([n, data]) => [n, Buffer.from(data as Uint8Array).toString('base64')] as const)
  write('house-terse-bytes', { ...session, parts: encoded })
}

function terse({ head, snapshot, batches }: StoredSession): StoredSession {
  const format = SESSION_FORMAT
  const made = batches.map((batch) => {
    const data = JSON.stringify(shorten(JSON.parse(String(batch.data)) as SessionRecord[]))
    return { ...batch, format, data, sum: checksum(data) }
  })
  return { head: { ...head, format }, ...(snapshot && { snapshot: { ...snapshot, format } }), batches: made }
}

/** A profile in which a released version has stored this. */
async function storedAs(name: string) {
  const { head, snapshot, parts = [], batches } = JSON.parse(textOf(name)) as StoredSession
  const storage = memoryStorage()
  const { epoch = 1 } = await storage.claim('flow', head, 0)
  for (const [n, data] of parts) {
    const stored = [4, 6].includes(head.format) ? new Uint8Array(Buffer.from(String(data), 'base64')) : data
    await storage.keepPart?.('flow', epoch, [n, stored])
  }
  if (snapshot) await storage.compact('flow', epoch, snapshot)
  for (const batch of batches) await storage.append('flow', epoch, batch, strict)
  return { ...profile(undefined, { storage }), storage }
}

test('the golden session "house" / opens with the state, status and result that it had', async () => {
  await remake()
  const golden = await (await storedAs('house')).open(today)
  // What made it still leads there.
  for (const session of [golden, await live(profile())]) {
    expect([session.status, session.result]).toEqual(['completed', ['re outer', 're inner']])
    expect(session.state.get()).toEqual({ old: 'typed' })
  }
})

test('the golden session "house-migrated", a snapshot with a history and records after it / opens as it was', async () => {
  const session = await (await storedAs('house-migrated')).open(tomorrow)
  expect([session.status, session.result]).toEqual(['completed', ['re outer', 're inner']])
  expect(session.state.get()).toEqual({ fresh: 'typed later' })
  expect(session.history().map((it) => it.type)).toContain('migrated')
})

test.each([
  ['house-parts', 2],
  ['house-bytes', 4],
  ['house-terse-bytes', 6],
])(
  'the golden session "%s", of format %i / equals "house-migrated", and its next snapshot has no parts',
  async (name, format) => {
    expect((JSON.parse(textOf(name)) as StoredSession).head.format).toBe(format)
    const page = await storedAs(name)
    const session = await page.open(tomorrow)
    const whole = await (await storedAs('house-migrated')).open(tomorrow)
    expect(session.toJSON()).toEqual(whole.toJSON())
    expect(session.history()).toEqual(whole.history())
    session.state.set('fresh', 'x'.repeat(300_000))
    await session.flush()
    await page.clock.advance(1000)
    const stored = await page.storage.read('flow')
    expect([stored?.snapshot?.format, stored?.parts ?? []]).toEqual([5, []])
    expect((await page.engine.open(tomorrow)).state.get('fresh')).toHaveLength(300_000)
  },
)

test.each([
  ['house', 'house-short', 3, today],
  ['house', 'house-terse', 5, today],
  ['house-migrated', 'house-short-migrated', 3, tomorrow],
  ['house-migrated', 'house-terse-migrated', 5, tomorrow],
])(
  'the golden session "%s" is "%s" in records of format %i / opens the same',
  async (name, shorter, format, workflow) => {
    expect((JSON.parse(textOf(shorter)) as StoredSession).head.format).toBe(format)
    const session = await (await storedAs(shorter)).open(workflow)
    const whole = await (await storedAs(name)).open(workflow)
    expect(session.toJSON()).toEqual(whole.toJSON())
    expect(session.history()).toEqual(whole.history())
  },
)

test('the golden session "house", of format 1, is written by this code / it has format 5', async () => {
  const page = await storedAs('house')
  expect((await page.storage.read('flow'))?.head.format).toBe(1)
  const session = await page.open(today)
  session.state.set('old', 'typed on')
  await session.flush()
  expect((await page.storage.read('flow'))?.head.format).toBe(5)
})

test('the golden session "house", opened by newer code / is migrated', async () => {
  const session = await (await storedAs('house')).open(tomorrow)
  expect(session.state.get()).toEqual({ fresh: 'typed' })
})

test('the golden files hold every kind of record', () => {
  const kinds: Readonly<Record<SessionRecord['kind'], true>> = {
    ...{ created: true, started: true, sent: true, taken: true, wrote: true, saw: true, opened: true },
    ...{ done: true, flowWrote: true, child: true, answered: true, collected: true, attemptFailed: true },
    ...{ interrupted: true, ended: true, gathered: true, finished: true, retried: true, paused: true },
    ...{ resumed: true, rewound: true, reset: true, migrated: true },
  }
  const all = ['steady', 'wide', 'wizard', 'house', 'house-migrated'].map(textOf).join()
  const found = Object.keys(kinds).filter((kind) => new RegExp(`kind\\\\?": ?\\\\?"${kind}\\b`).test(all))
  expect(found).toEqual(Object.keys(kinds))
})
