import type { Clock } from '../clock'
import { legible } from './bytes'
import type { SessionStorage } from './storage'
import { storageError } from './storage-error'
import { withinLimit } from './time-limit'

/**
 * A storage whose calls for the whole engine end within the time limit, or with an error that has a `code`. Calls for one
 * session have their own limits, because there it matters what lands late.
 */
export function limited(storage: SessionStorage, clock: Clock, timeout: number): SessionStorage {
  const limit = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await withinLimit(clock, call(), timeout, what)
    } catch (error) {
      throw storageError(error)
    }
  }
  return {
    kind: storage.kind,
    name: storage.name ?? '',
    connect: async () => {
      const lost = await Promise.resolve(comfort(() => storage.connect?.())).catch(quietly)
      return lost instanceof Error ? lost : undefined
    },
    read: (id) => storage.read(id),
    claim: (...call) => storage.claim(...call),
    append: (...call) => storage.append(...call),
    compact: (...call) => storage.compact(...call),
    ...(storage.keepsBytes && { keepsBytes: true }),
    ...(storage.keepPart && { keepPart: (...call) => storage.keepPart?.(...call) as Promise<void> }),
    release: () => void comfort(() => storage.release?.()),
    ...(storage.watch && { watch: (listener: () => void) => watched(storage, listener) }),
    // A storage that cannot say this counts every missing session as deleted.
    began: () => limit('look at the storage', async () => (await storage.began?.()) ?? 1),
    close: () => limit('close of the storage', () => storage.close()),
    list: (filter) => limit('list of the sessions', () => storage.list(filter)),
    delete: (id) => limit(`delete of session "${id}"`, () => storage.delete(id)),
    discard: (id) => limit(`reset of session "${id}"`, () => storage.discard(id)),
    clear: (prefix) => limit('clear', () => storage.clear(prefix)),
    quarantine: (id) => limit(`quarantine of session "${id}"`, () => storage.quarantine(id)),
    readFlow: (name) => limit(`read of flow state "${name}"`, () => storage.readFlow(name)),
    writeFlow: (flow, expected) =>
      limit(`write of flow state "${flow.workflow}"`, () => storage.writeFlow(flow, expected)),
    quarantineFlow: (name, remove) =>
      limit(`quarantine of flow state "${name}"`, () => storage.quarantineFlow(name, remove)),
    export: (id) => limit(`export of session "${id}"`, () => storage.export(id)).then(legible),
  }
}

function watched(storage: SessionStorage, listener: () => void): () => void {
  const end = comfort(() => storage.watch?.(listener))
  return typeof end === 'function' ? (end as () => void) : () => {}
}

const quietly = (): void => {}

/** A call that only saves time may fail silently: if something is wrong, the next call says so. */
function comfort(call: () => unknown): unknown {
  try {
    const answer = call()
    void Promise.resolve(answer).catch(() => {})
    return answer
  } catch {
    return undefined
  }
}
