import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { memoryStorage, type AnyWorkflow } from '../../src/index'
import { lengthen } from '../../src/session/model/short-records'
import { checksum } from '../../src/storage/checksum'
import { profile, type Profile } from '../support/flows'
import { drive, journeys } from './golden/journeys'

interface Golden {
  readonly records: readonly { readonly seq: number; readonly at: number }[]
  readonly state: unknown
  readonly result: unknown
}

const fileOf = (name: string): URL => new URL(`golden/${name}.json`, import.meta.url)
const goldenOf = (name: string): Golden => JSON.parse(readFileSync(fileOf(name), 'utf8')) as Golden

/** A profile on which the session was stored up to its record number `count`. */
async function storedUpTo(count: number, { records }: Golden): Promise<Profile> {
  const storage = memoryStorage()
  const shape = { format: 1, workflow: 'flow', version: 1 }
  const { epoch = 1 } = await storage.claim('flow', shape, 0)
  const data = JSON.stringify(records.slice(0, count))
  const at = records[count - 1]?.at ?? 0
  const batch = { from: 1, to: count, at, status: 'running', data, sum: checksum(data) }
  if (count > 0) await storage.append('flow', epoch, batch, { durability: 'strict' })
  const page = profile(undefined, { storage })
  await page.clock.advance(Math.max(0, at - page.clock.now()))
  return page
}

/** `GOLDEN=write` makes the files anew: only for a format that was never released. */
async function remake(name: string, workflow: AnyWorkflow): Promise<void> {
  if (process.env['GOLDEN'] !== 'write') return
  const page = profile()
  const session = await page.open(workflow)
  await drive(page, session)
  await session.flush()
  const stored = await page.storage.read('flow')
  const records = stored?.batches.flatMap((it) => lengthen(JSON.parse(it.data as string) as unknown[]))
  const golden = {
    records,
    state: (session as never as { state: { get(): unknown } }).state.get(),
    result: session.result,
  }
  writeFileSync(fileOf(name), `${JSON.stringify(golden, undefined, 1)}\n`)
}

describe.each(Object.entries(journeys))('the golden journal "%s"', (name, workflow) => {
  test('opens with the state, status and result that it had', async () => {
    await remake(name, workflow)
    const golden = goldenOf(name)
    const page = await storedUpTo(golden.records.length, golden)
    const session = await page.open(workflow)
    expect(session.status).toBe('completed')
    expect(session.result).toEqual(golden.result)
    expect((session as never as { state: { get(): unknown } }).state.get()).toEqual(golden.state)
  })

  test('cut after any record / goes on to the same end', async () => {
    const golden = goldenOf(name)
    for (let count = 0; count <= golden.records.length; count++) {
      const page = await storedUpTo(count, golden)
      const session = await page.open(workflow)
      await drive(page, session)
      const { status, result } = session
      const state = (session as never as { state: { get(): unknown } }).state.get()
      expect({ count, status, result, state }).toEqual({
        ...{ count, status: 'completed' },
        ...{ result: golden.result, state: golden.state },
      })
    }
  }, 3_600_000)
})
