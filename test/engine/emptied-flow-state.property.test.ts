import { expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow } from 'dogear'
import { virtualClock, virtualTabs } from 'dogear/testing'
import { webStorage } from 'dogear/web-storage'
import { area } from '../storage/area'
import { Done, flow, Go } from '../support/flows'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

const fields = ['one', 'two', 'three'] as const
const Shared = z.object({
  one: z.string().default(''),
  two: z.string().default(''),
  three: z.string().default(''),
  names: z.array(z.string()).default([]),
})
const workflow = defineWorkflow({ ...flow, flowState: Shared }).step('end', { on: Go, emits: [Done] }, () =>
  Done(1),
)

/**
 * Tabs write one flow state, with or without channels, and somebody empties storage now and then. In the end all show the same,
 * no item is there twice, and what is not there was written over, or `onError` has named its path.
 */
async function play(seed: number): Promise<string[]> {
  const next = random(seed)
  const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T
  const clock = virtualClock()
  const texts = area()
  const storage = webStorage(texts)
  const lost = new Set<string>()
  const onError = (error: unknown): void => {
    for (const path of (error as { readonly lost?: readonly string[] }).lost ?? [])
      lost.add(path.replace(/\..*/, ''))
  }
  const channels = pick([virtualTabs(), { channel: null, locks: null }])
  let ids = 0
  const enter = () => createEngine({ storage, clock, onError, ids: () => `id-${++ids}`, ...channels })
  const tabs = [enter(), enter()]
  const items: string[] = []
  const values = new Map<string, string[]>(fields.map((it) => [it, ['']]))
  for (let n = 0; n < 12; n++) {
    const { state } = pick(tabs).flow(workflow)
    const made = `${n};`
    const act = next()
    if (act < 0.25) {
      const field = pick(fields)
      state.set(field, made)
      values.get(field)?.push(made)
    } else if (act < 0.5) {
      state.append('names', made)
      items.push(made)
    } else if (act < 0.65) await clock.advance(2000).then(() => texts.texts.clear())
    else if (act < 0.8) await pick(tabs).open(workflow, { id: made })
    else if (tabs.length < 3) tabs.push(enter())
    await clock.advance(pick([0, 10, 2000]))
  }
  await clock.advance(5000)
  // Each writes once more, so that each has read; and again, when what one of them had alone is stored.
  for (const it of [...tabs, ...tabs]) {
    it.flow(workflow).state.append('names', `last ${++ids};`)
    await clock.advance(5000)
    await it.open(workflow, { id: `last ${ids}` })
    await clock.advance(5000)
  }
  const shown: z.infer<typeof Shared>[] = []
  for (const it of tabs) {
    await it.open(workflow, { id: 'end' })
    await clock.advance(1000)
    shown.push(it.flow(workflow).state.get())
  }
  const wrong: string[] = []
  const [first] = shown as [z.infer<typeof Shared>]
  const { names } = first
  const different = new Set(shown.map((it) => JSON.stringify(it)))
  if (different.size > 1) wrong.push(`they differ: ${[...different].join(' | ')}`)
  if (new Set(names).size < names.length) wrong.push(`items twice: ${names.join('')}`)
  const missing = items.filter((it) => !names.includes(it))
  if (missing.length > 0 && !lost.has('names')) wrong.push(`missing ${missing.join('')} in ${names.join('')}`)
  for (const it of fields) {
    const known = values.get(it) as string[]
    if (!known.includes(first[it])) wrong.push(`${it} is ${first[it]}`)
    if (first[it] === '' && known.length > 1 && !lost.has(it)) wrong.push(`${it} is empty`)
  }
  return wrong
}

test('random writes of several tabs, and emptied storage / all that a tab holds is there, once, or named', async () => {
  expect(await failuresOf(200, play)).toEqual([])
}, 3_600_000)
