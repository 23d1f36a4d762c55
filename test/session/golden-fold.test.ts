import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createModel, type Model } from '../../src/session/model/model'
import type { SessionRecord } from '../../src/session/model/record'
import { reduce } from '../../src/session/model/reduce'
import { restoreModel, saveModel } from '../../src/session/model/saved-model'
import { Tree } from '../../src/state/tree'

const recordsOf = (name: string): SessionRecord[] => {
  const text = readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')
  const file = JSON.parse(text) as { records?: SessionRecord[]; batches: { data: string }[] }
  return file.records ?? file.batches.flatMap((it) => JSON.parse(it.data) as SessionRecord[])
}

test.each(['steady', 'wide', 'wizard', 'house'])(
  'a snapshot at any point of the journal "%s", and the records after it / give the same session as all its records',
  (name) => {
    const records = recordsOf(name)
    const whole = createModel(undefined, '', new Tree(undefined))
    for (const record of records) reduce(whole, record)
    const part = createModel(undefined, '', new Tree(undefined))
    for (const [at, record] of records.entries()) {
      reduce(part, record)
      const stored = JSON.parse(JSON.stringify(saveModel(part))) as ReturnType<typeof saveModel>
      const again = restoreModel(stored, new Tree(undefined))
      for (const rest of records.slice(at + 1)) reduce(again, rest)
      expect({ at, ...saveModel(again) }).toEqual({ at, ...saveModel(whole) })
      expectOpen(part)
      expectOpen(again)
    }
  },
)

/** What is kept apart as open is what has no result. */
function expectOpen(model: Model): void {
  for (const { points } of model.execs.values()) {
    const all = [...points.values()]
    expect(points.open).toEqual(new Set(all.filter((it) => it.result === undefined)))
    for (const { child } of all) if (child) expectOpen(child)
  }
}
