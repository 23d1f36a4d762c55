import type { StoredFlow } from '../../storage/storage'
import type { Cases } from './case'
import { equal } from './expectation'
import { shape, written } from './sample'

function flow(seq: number, data = `{"n":${seq}}`): StoredFlow {
  return { ...shape, seq, at: 1000 + seq, applied: [`page#${seq}`], data, sum: 1 }
}

/** What all sessions of a workflow share. */
export const flows: Cases = {
  'no flow state: nothing to read': async (open) => {
    equal(await open().readFlow('checkout'), undefined)
  },
  'a flow state comes back as it was, and is no session': async (open) => {
    const storage = open()
    equal(await storage.writeFlow(flow(5), 0), true)
    equal(await open().readFlow('checkout'), flow(5))
    equal(await storage.readFlow('other'), undefined)
    equal(await storage.list(), [])
  },
  'where the first epoch can be asked for, a flow state takes one': async (open) => {
    const storage = open()
    if (storage.began === undefined) return
    await storage.writeFlow(flow(5), 0)
    equal((await storage.began()) > 0, true)
  },
  'a write that has seen an older flow state changes nothing': async (open) => {
    const storage = open()
    await storage.writeFlow(flow(5), 0)
    equal(await storage.writeFlow(flow(6, '"late"'), 0), false)
    equal(await storage.writeFlow(flow(6), 5), true)
    equal(await storage.writeFlow(flow(7, '"late"'), 5), false)
    equal(await storage.readFlow('checkout'), flow(6))
  },
  'of two writes at once that have seen the same, one lands': async (open) => {
    await open().writeFlow(flow(5), 0)
    const landed = await Promise.all([
      open().writeFlow(flow(6, '"one"'), 5),
      open().writeFlow(flow(7, '"two"'), 5),
    ])
    equal(landed.filter(Boolean).length, 1)
    equal((await open().readFlow('checkout'))?.data, landed[0] ? '"one"' : '"two"')
  },
  'a flow state that was set aside is gone with `remove` alone': async (open) => {
    const storage = open()
    await storage.writeFlow(flow(5), 0)
    await storage.quarantineFlow('checkout')
    equal(await storage.readFlow('checkout'), flow(5))
    await storage.quarantineFlow('checkout', true)
    equal(await storage.readFlow('checkout'), undefined)
    equal(await storage.writeFlow(flow(9), 0), true)
    equal(await storage.readFlow('checkout'), flow(9))
  },
  'deleting sessions and clearing a prefix leave flow state; clearing all does not': async (open) => {
    const storage = open()
    await written(storage, 'checkout', 1)
    await storage.writeFlow(flow(5), 0)
    await storage.delete('checkout')
    await storage.clear('check')
    await storage.clear('')
    equal(await storage.readFlow('checkout'), flow(5))
    await storage.clear()
    equal(await storage.readFlow('checkout'), undefined)
  },
}
