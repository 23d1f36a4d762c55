import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/index'
import type { SessionRecord } from '../../src/session/record'
import type { StoredSession } from '../../src/storage/storage'
import { profile } from '../support/flows'
import { live, today, tomorrow } from './golden/house'

const strict = { durability: 'strict' } as const
const fileOf = (name: string): URL => new URL(`golden/${name}.json`, import.meta.url)
const textOf = (name: string): string => readFileSync(fileOf(name), 'utf8')

/** `GOLDEN=write` makes the files anew: only for a format that was never released. */
async function remake(): Promise<void> {
  if (process.env['GOLDEN'] !== 'write') return
  const page = profile()
  await live(page)
  const write = async (name: string): Promise<void> =>
    writeFileSync(fileOf(name), `${JSON.stringify(await page.storage.read('flow'), undefined, 1)}\n`)
  await write('house')
  await page.reload()
  const migrated = await page.open(tomorrow)
  migrated.state.set('fresh', 'typed later')
  await migrated.flush()
  await write('house-migrated')
}

/** A profile in which a released version has stored this. */
async function storedAs(name: string) {
  const { head, snapshot, batches } = JSON.parse(textOf(name)) as StoredSession
  const storage = memoryStorage()
  const { epoch = 1 } = await storage.claim('flow', head, 0)
  if (snapshot) await storage.compact('flow', epoch, snapshot)
  for (const batch of batches) await storage.append('flow', epoch, batch, strict)
  return profile(undefined, { storage })
}

test('the golden session "house" / opens, with the state, status and result that it had', async () => {
  await remake()
  const session = await (await storedAs('house')).open(today)
  expect([session.status, session.result]).toEqual(['completed', ['re outer', 're inner']])
  expect(session.state.get()).toEqual({ old: 'typed' })
})

test('the golden session "house-migrated", a snapshot with a past and records after it / opens as it was', async () => {
  const session = await (await storedAs('house-migrated')).open(tomorrow)
  expect([session.status, session.result]).toEqual(['completed', ['re outer', 're inner']])
  expect(session.state.get()).toEqual({ fresh: 'typed later' })
  expect(session.history().map((it) => it.type)).toContain('migrated')
})

test('the golden session "house", met by newer code / is migrated', async () => {
  const session = await (await storedAs('house')).open(tomorrow)
  expect(session.state.get()).toEqual({ fresh: 'typed' })
})

test('the golden files hold every kind of record that there is', () => {
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
