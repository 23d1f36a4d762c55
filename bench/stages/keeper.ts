import type { Adapter, Keeper } from '../adapter.ts'
import { makeEntries } from '../items.ts'
import { having, check } from './check.ts'
import { storageMeter } from './storage-meter.ts'

/** What so many changes took: bytes and puts for each, the size of one change, milliseconds for all. */
interface Changes {
  readonly bytes: number
  readonly puts: number
  readonly change: number
  readonly elapsed: number
}

/**
 * Section E, beside the adapter, in a page: one field of a large state is changed, and the change is durable
 * before the next one is made.
 */
export function keeperStage(adapter: Adapter) {
  const meter = storageMeter()
  let keeper: Keeper | undefined
  let count = 0
  let turn = 0
  let at = 0
  let note = ''
  let release = () => {}

  /** About 100 characters, never the same, as a person would rewrite a note. */
  function nextNote(): string {
    return `Change ${turn}: called again and asked for a new invoice, wants the parcel left with the neighbours.`
  }

  function change(): void {
    turn++
    at = (turn * 7919) % count
    note = nextNote()
    keeper!.change(at, note)
  }

  return {
    /** The JSON size of the state in bytes. */
    async setup(entries: number): Promise<number> {
      const made = makeEntries(entries)
      const size = JSON.stringify(made).length
      keeper = await having(adapter.keeper, 'keeper')(made)
      count = entries
      await meter.quiet()
      return size
    },

    /** The same without the work of idle moments, which waits until it is asked for. */
    async open(entries: number): Promise<void> {
      const waiting: IdleRequestCallback[] = []
      const { requestIdleCallback } = globalThis
      globalThis.requestIdleCallback = (callback) => waiting.push(callback)
      release = () => {
        globalThis.requestIdleCallback = requestIdleCallback
        for (const callback of waiting) requestIdleCallback(callback)
      }
      keeper = await having(adapter.keeper, 'keeper')(makeEntries(entries))
      await meter.quiet()
    },

    /** The work of idle moments, until nothing is written any more; each may wait for two seconds. */
    async shortened(): Promise<void> {
      release()
      await meter.quiet(2_500)
    },

    async checkShortened(): Promise<void> {
      check((await keeper?.compacted?.()) === true, 'the journal is as long as before')
    },

    /** So many changes, a few milliseconds apart; answers with the last one, which may be on its way to storage. */
    async burst(times: number): Promise<{ at: number; note: string }> {
      turn = Math.floor(performance.timeOrigin)
      for (let n = 0; n < times; n++) {
        change()
        await new Promise((resolve) => setTimeout(resolve, 0))
      }
      return { at, note }
    },

    /** So many changes, each durable before the next; with `bytes`, what each hands to storage is counted. */
    async changes(times: number, bytes: boolean): Promise<Changes> {
      meter.start(bytes)
      const start = performance.now()
      for (let n = 0; n < times; n++) {
        const durable = meter.nextDurable()
        change()
        await durable
      }
      const elapsed = performance.now() - start
      await meter.quiet()
      const { puts, handed } = meter.stop()
      const size = JSON.stringify([`entries.${at}.note`, note]).length
      return { bytes: handed / times, puts: puts / times, change: size, elapsed }
    },

    /** The change of the last turn must be what a reader of the storage finds. */
    async verify(): Promise<void> {
      const stored = await keeper!.stored(at)
      check(stored === note, `storage holds ${JSON.stringify(stored)}, not ${JSON.stringify(note)}`)
    },

    /** Changes at the pace of frames, as typing or dragging makes them; or the same waiting without a change. */
    async paced(times: number, changing: boolean): Promise<void> {
      for (let n = 0; n < times; n++) {
        if (changing) change()
        await new Promise((resolve) => setTimeout(resolve, 16))
      }
      await meter.quiet()
    },
  }
}
