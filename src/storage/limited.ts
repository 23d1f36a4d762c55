import type { Clock } from '../clock'
import { legible } from './bytes'
import type { SessionStorage } from './storage'
import { storageError } from './storage-error'
import { withinLimit } from './time-limit'

/** A storage as the engine has it: what it need not have does nothing where it is missing. Only `keepPart` stays missing. */
export type LimitedStorage = Required<Omit<SessionStorage, 'keepPart'>> & Pick<SessionStorage, 'keepPart'>

/**
 * A storage whose calls for the whole engine end within the time limit, or with an error that has a `code`. Calls for one
 * session have their own limits, because there it matters what lands late.
 */
export function limited(storage: SessionStorage, clock: Clock, timeout: number): LimitedStorage {
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
    connect: () => connected(storage),
    read: (id) => storage.read(id),
    claim: (...call) => storage.claim(...call),
    append: (...call) => storage.append(...call),
    compact: (...call) => storage.compact(...call),
    keepsBytes: storage.keepsBytes === true,
    ...(storage.keepPart && { keepPart: (...call) => storage.keepPart?.(...call) as Promise<void> }),
    release: () => void comfort(() => storage.release?.()),
    watch(listener) {
      const end = comfort(() => storage.watch?.(listener))
      return typeof end === 'function' ? (end as () => void) : () => {}
    },
    // A storage that cannot say this counts every missing session as deleted.
    began: () => limit('look at the storage', async () => (await storage.began?.()) ?? 1),
    close: () => limit('close of the storage', () => storage.close()),
    list: (filter) => limit('list of the sessions', () => storage.list(filter)),
    sweep: (now) => limit('sweep of the storage', async () => storage.sweep?.(now)),
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

/** Opening early only saves time: if something is wrong, the next call says so. */
async function connected(storage: SessionStorage): Promise<Error | undefined> {
  try {
    const lost: unknown = await storage.connect?.()
    return lost instanceof Error ? lost : undefined
  } catch {
    return undefined
  }
}

/** A call without which everything goes on, only less well. It may fail silently. */
function comfort(call: () => unknown): unknown {
  try {
    const answer = call()
    void Promise.resolve(answer).catch(() => {})
    return answer
  } catch {
    return undefined
  }
}
