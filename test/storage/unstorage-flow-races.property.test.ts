import { expect, it, onTestFinished, vi } from 'vitest'
import type { SessionStorage } from 'dogear'
import type { StoredFlow } from '../../src/storage/storage'
import { random } from '../support/random'
import { race, remains } from './race'
import { slowStore } from './slow-store'

const MOST = 5
const SEEDS = Number(process.env['RACES'] ?? 25)

/** What everybody has added, in order. */
const textsOf = (flow: StoredFlow | undefined): string[] =>
  flow ? (JSON.parse(flow.data as string) as string[]) : []

/** A device that adds texts to the flow state, each once, as the engine does: what it reads tells what has landed. */
async function add(storage: SessionStorage, name: string, added: string[]): Promise<void> {
  let seen = await storage.readFlow('race')
  for (let n = 1; n <= MOST; n++) {
    const own = `${name}-${n}`
    for (;;) {
      const texts = textsOf(seen)
      if (texts.includes(own)) break
      const seq = (seen?.seq ?? 0) + 1 + Math.floor(Math.random() * 1000)
      const data = JSON.stringify([...texts, own])
      const flow = { format: 1, workflow: 'race', version: 1, seq, at: 1, applied: [own], data, sum: 0 }
      if (await storage.writeFlow(flow, seen?.seq ?? 0)) {
        seen = flow
        break
      }
      seen = await storage.readFlow('race')
    }
    added.push(own)
  }
}

it.each([
  ['two devices', 2, 0],
  ['three devices', 3, 0],
  ['three devices, and three deaths', 3, 3],
])(
  '%s write one flow state at the same time / every write is in it once, whatever its writer was told',
  async (_, devices, deaths) => {
    const dice = vi.spyOn(Math, 'random')
    onTestFinished(() => dice.mockRestore())
    let count = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const chance = random(seed * 6007 + devices)
      const store = slowStore(chance)
      dice.mockImplementation(chance)
      try {
        const added: string[] = []
        const work = (storage: SessionStorage, name: string) => add(storage, name, added)
        await race({ store, chance, writers: devices, deaths, risk: 0.003, work })
        const texts = textsOf(await (await remains(store)).readFlow('race'))
        expect(new Set(texts).size, 'none is there twice').toBe(texts.length)
        expect(texts.filter((it) => added.includes(it)).sort(), 'none is lost').toEqual([...added].sort())
        count += added.length
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
    }
    expect(count).toBeGreaterThan(200)
  },
  3_600_000,
)
