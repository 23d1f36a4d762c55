import { expect, test } from 'vitest'
import {
  memoryStorage,
  StaleEpochError,
  type SessionStorage,
  type StoredPart,
  type StoredSnapshot,
} from 'dogear'
import { storageConformance } from 'dogear/testing'

/** What the suite says of a storage that goes wrong in one place. */
async function complaints(wrong: (right: SessionStorage) => Partial<SessionStorage>): Promise<string[]> {
  const found: string[] = []
  const cases = storageConformance(() => {
    const right = { ...memoryStorage(), keepsBytes: true }
    const storage = { ...right, ...wrong(right) }
    return () => storage
  })
  for (const { name, run } of cases) {
    await run().catch((error: unknown) => found.push(`${name}: ${(error as Error).message}`))
  }
  return found
}

/** The longest id of the suite but one. */
const LONG = 'x'.repeat(500)

/** A storage that keeps a session under another name than its id. */
function under(
  { claim, append, read }: SessionStorage,
  named: (id: string) => string,
): Partial<SessionStorage> {
  return {
    claim: (id, ...rest) => claim(named(id), ...rest),
    append: (id, ...rest) => append(named(id), ...rest),
    read: (id) => read(named(id)),
  }
}

test.each<[string, (right: SessionStorage) => Partial<SessionStorage>, string]>([
  ['none', () => ({}), ''],
  [
    'bytes go through JSON',
    ({ keepPart }) => ({
      keepPart: async (id, epoch, part) =>
        keepPart?.(id, epoch, JSON.parse(JSON.stringify(part)) as typeof part),
    }),
    'a part of bytes comes back as it was, where it may be bytes: expected [1,[123,0,255,125,10]], got [1,"no Uint8Array"]',
  ],
  [
    'a batch does not raise the format',
    ({ append }) => ({
      append: (id, epoch, batch, options) => append(id, epoch, { ...batch, format: 1 }, options),
    }),
    'a batch of a newer format raises that of the head, for whoever comes next: expected 3, got 1',
  ],
  [
    'the time to live is lost',
    ({ claim }) => ({
      claim: (id, { format, workflow, version }, ...rest) =>
        claim(id, { format, workflow, version }, ...rest),
    }),
    'how long a session is kept is stored with it, and a list shows it: expected 5000, got undefined\nwhat was only claimed is swept away after its time, where that can be asked for: expected STALE_EPOCH, but it worked',
  ],
  [
    'the first epoch changes',
    ({ claim, writeFlow }) => {
      let first = 0
      let begun = false
      return {
        claim: (...given) => ((begun = true), claim(...given)),
        writeFlow: (...given) => ((begun = true), writeFlow(...given)),
        began: async () => (begun ? ++first : 0),
      }
    },
    'where the first epoch can be asked for, it stays what it was until all is emptied: expected 1, got 2',
  ],
  [
    'a flow state takes no epoch',
    ({ claim }) => {
      let first = 0
      return { claim: (...given) => ((first = 1), claim(...given)), began: async () => first }
    },
    'where the first epoch can be asked for, a flow state takes one: expected true, got false',
  ],
  [
    'a snapshot does not raise the format',
    ({ compact }) => ({ compact: (id, epoch, snapshot) => compact(id, epoch, { ...snapshot, format: 1 }) }),
    'a snapshot as new as the newest batch, or newer, brings its version, format, status and time: expected [3,4,"completed",5000], got [3,1,"completed",5000]',
  ],
  [
    'a snapshot leaves the time of the newest batch',
    ({ compact, read }) => {
      let savedAt: number | undefined
      return {
        compact: async (id, epoch, snapshot) => {
          savedAt = snapshot.at === 1000 + snapshot.seq ? undefined : (await read(id))?.head.savedAt
          await compact(id, epoch, snapshot)
        },
        read: async (id) => {
          const stored = await read(id)
          return stored && { ...stored, head: { ...stored.head, ...(savedAt !== undefined && { savedAt }) } }
        },
      }
    },
    'a snapshot as new as the newest batch, or newer, brings its version, format, status and time: expected [3,4,"completed",5000], got [3,4,"completed",1001]',
  ],
  [
    'after clear() the old writer begins the session again',
    ({ append, claim, clear }) => {
      let cleared = false
      return {
        clear: async (prefix) => {
          cleared = true
          await clear(prefix)
        },
        append: async (id, epoch, batch, options) => {
          if (id !== 'ann' || !cleared || batch.from === 1) return append(id, epoch, batch, options)
          const { epoch: own = 0 } = await claim(id, { format: 1, workflow: 'checkout', version: 1 }, 0)
          return append(id, own, { ...batch, from: 1 }, options)
        },
      }
    },
    'whoever wrote what was cleared is fenced, of a prefix or of all: expected STALE_EPOCH, but it worked',
  ],
  [
    'another error class for a session that was cleared',
    ({ append }) => ({
      append: (id, ...rest) =>
        append(id, ...rest).catch((error: unknown) => {
          throw id === 'ann' ? Object.assign(new Error('gone'), { code: 'STALE_EPOCH', newest: 0 }) : error
        }),
    }),
    'whoever wrote what was cleared is fenced, of a prefix or of all: expected a StaleEpochError of dogear, got one that looks like it',
  ],
  [
    'a cleared session reported as taken over',
    ({ append }) => ({
      append: (id, epoch, ...rest) =>
        append(id, epoch, ...rest).catch((error: unknown) => {
          throw id === 'ann' ? new StaleEpochError(id, epoch, 5) : error
        }),
    }),
    'whoever wrote what was cleared is fenced, of a prefix or of all: expected a StaleEpochError with newest 0, got 5',
  ],
  [
    'only the first claim sets the time to live',
    ({ claim }) => ({
      claim: (id, { expireAfter, ...shape }, ...rest) =>
        claim(id, expireAfter === 9000 ? shape : { ...shape, ...(expireAfter && { expireAfter }) }, ...rest),
    }),
    'how long a session is kept is stored with it, and a list shows it: expected 9000, got 5000',
  ],
  [
    'a claim without a time to live takes the stored one away',
    ({ claim, read }) => {
      let own: number | undefined = 1
      return {
        claim: (id, shape, ...rest) => {
          own = shape.expireAfter
          return claim(id, shape, ...rest)
        },
        read: async (id) => {
          const stored = await read(id)
          const { expireAfter: _, ...head } = stored?.head ?? {}
          return stored && ({ ...stored, head: own === undefined ? head : stored.head } as typeof stored)
        },
      }
    },
    'how long a session is kept is stored with it, and a list shows it: expected 9000, got undefined',
  ],
  [
    'who has claimed nothing writes as epoch 0',
    ({ append, claim }) => ({
      append: async (id, epoch, batch, options) => {
        const own = epoch || (await claim(id, { format: 1, workflow: 'checkout', version: 1 }, 0)).epoch
        return append(id, own ?? 0, batch, options)
      },
    }),
    'no writer without a claim: expected STALE_EPOCH, but it worked',
  ],
  [
    'what was only claimed is never swept away',
    () => ({ sweep: async () => {} }),
    'what was only claimed is swept away after its time, where that can be asked for: expected STALE_EPOCH, but it worked',
  ],
  [
    'what was claimed again is swept away by the time of the first claim',
    ({ claim }) => {
      const first = new Map<string, number | undefined>()
      return {
        claim: (id, shape, expected, at) => {
          if (!first.has(id)) first.set(id, at)
          return claim(id, shape, expected, first.get(id))
        },
      }
    },
    'what was only claimed is swept away after its time, where that can be asked for: session "again" was deleted by another tab or engine; reload',
  ],
  [
    'what was written is swept away too',
    ({ sweep, list, delete: remove }) => ({
      sweep: async (now) => {
        await sweep?.(now)
        for (const { id, savedAt } of await list()) if (now - savedAt > 2e9) await remove(id)
      },
    }),
    'what was only claimed is swept away after its time, where that can be asked for: expected ["again","long","seen","written","young"], got ["again","long"]',
  ],
  [
    'a snapshot that is as new replaces the stored one',
    ({ compact, read }) => {
      let newest: StoredSnapshot | undefined
      return {
        compact: async (id, epoch, snapshot) => {
          await compact(id, epoch, snapshot)
          newest = snapshot
        },
        read: async (id) => {
          const stored = await read(id)
          return newest && newest.seq === stored?.snapshot?.seq ? { ...stored, snapshot: newest } : stored
        },
      }
    },
    'a late snapshot that is older, or as old, does not replace the stored one: expected {"at":1008,"data":"{\\"seq\\":8}","format":1,"seq":8,"status":"running","sum":1,"version":1,"workflow":"checkout"}, got {"at":1008,"data":"\\"given up\\"","format":1,"seq":8,"status":"running","sum":1,"version":1,"workflow":"checkout"}',
  ],
  [
    'a snapshot brings its status, however old it is',
    ({ compact, read }) => {
      let status: string | undefined
      return {
        compact: (id, epoch, snapshot) => {
          status = snapshot.seq === 1 ? snapshot.status : undefined
          return compact(id, epoch, snapshot)
        },
        read: async (id) => {
          const stored = await read(id)
          return stored && { ...stored, head: { ...stored.head, status: status ?? stored.head.status } }
        },
      }
    },
    'a snapshot behind the newest batch leaves the status and the time of that batch: expected [2,"completed",1002], got [2,"running",1002]',
  ],
  [
    'parts outlive their session',
    ({ keepPart, read }) => {
      const kept: StoredPart[] = []
      return {
        keepPart: async (id, epoch, part) => {
          if (part[1] === 'of the one before') kept.push(part)
          await keepPart?.(id, epoch, part)
        },
        read: async (id) => {
          const stored = await read(id)
          return stored && { ...stored, parts: [...(stored.parts ?? []), ...kept] }
        },
      }
    },
    'the next session of that id finds no snapshot and no part of the one before: expected [[],[]], got [[],[[1,"of the one before"]]]',
  ],
  [
    'what is set aside has no batches',
    (right) => ({
      export: async (id) => {
        const found = await right.export(id)
        return found && { ...found, quarantine: found.quarantine.map((it) => ({ ...it, batches: [] })) }
      },
    }),
    'what one writer left is set aside once, that of the next one beside it: expected ["2 in 2","3 in 3"], got ["2 in 0","3 in 0"]',
  ],
  [
    'after clear() the epochs begin again',
    () => {
      const fresh = { now: memoryStorage() }
      const to = <K extends keyof SessionStorage>(name: K) =>
        ((...call: unknown[]) =>
          (fresh.now[name] as (...call: unknown[]) => unknown)(...call)) as SessionStorage[K]
      return {
        ...{ claim: to('claim'), append: to('append'), compact: to('compact'), keepPart: to('keepPart') },
        ...{ read: to('read'), list: to('list'), delete: to('delete'), discard: to('discard') },
        ...{ quarantine: to('quarantine'), export: to('export'), sweep: to('sweep') },
        ...{ readFlow: to('readFlow'), writeFlow: to('writeFlow'), quarantineFlow: to('quarantineFlow') },
        clear: async (prefix) => {
          if (prefix !== undefined) return fresh.now.clear(prefix)
          fresh.now = memoryStorage()
        },
      }
    },
    'the next session of that id does not take the old writer for its own: not so: no epoch is given out twice',
  ],
  [
    'a claim that is no transaction',
    ({ append, claim, read }) => {
      let flying = 0
      let lost = false
      return {
        append: async (...call) => {
          flying++
          await append(...call).finally(() => flying--)
        },
        claim: async (id, shape, expected, at) => {
          lost = flying > 0 && expected === 1
          return lost ? { epoch: 99, seq: 1 } : claim(id, shape, expected, at)
        },
        read: async (id) => {
          const stored = await read(id)
          return lost && stored ? { ...stored, head: { ...stored.head, seq: 1 } } : stored
        },
      }
    },
    'a claim and an append at once: what the append has acknowledged stays: expected [2,2], got [1,2]',
  ],
  [
    'the prefix is taken as a pattern',
    ({ list }) => ({
      list: async ({ prefix = '', ...filter } = {}) => {
        const all = await list(filter)
        return all.filter(({ id }) => new RegExp(`^${prefix}`).test(id))
      },
    }),
    'filters: workflow, status, beginning of the id: expected [], got ["user-2/cart","user-10/cart","user-1/cart"]',
  ],
  [
    'the prefix may stand anywhere',
    ({ list }) => ({
      list: async ({ prefix = '', ...filter } = {}) =>
        (await list(filter)).filter(({ id }) => id.includes(prefix)),
    }),
    'filters: workflow, status, beginning of the id: expected [], got ["user-2/cart","user-10/cart","user-1/cart"]',
  ],
  [
    'a list of only one page',
    ({ list }) => ({ list: async (filter) => (await list(filter)).slice(0, 20) }),
    'a list has all of them, however many: expected 30, got 20\nids of any kind: expected 30, got 20',
  ],
  [
    'ids regardless of case',
    ({ read }) => ({ read: (id) => read(id === 'A' ? 'a' : id) }),
    'ids of any kind: expected {"held":["1 to 4"],"id":"A"}, got {"held":["1 to 3"],"id":"A"}',
  ],
  [
    'ids of which the end is cut off',
    (right) => under(right, (id) => id.slice(0, 255)),
    `ids of any kind: expected {"held":["1 to 30"],"id":"${LONG}"}, got {"held":["1 to 30","1 to 31"],"id":"${LONG}"}`,
  ],
  [
    'ids with an underscore for a colon',
    (right) => under(right, (id) => id.replaceAll(':', '_')),
    'ids of any kind: expected {"held":["1 to 8"],"id":"a:1"}, got {"held":["1 to 8","1 to 14"],"id":"a:1"}',
  ],
  [
    'a read that takes what begins like the id',
    ({ read, list }) => ({
      read: async (id) => {
        const stored = await read(id)
        const others = await Promise.all((await list({ prefix: `${id}:1` })).map((it) => read(it.id)))
        const batches = others.flatMap((it) => it?.batches ?? [])
        return stored && { ...stored, batches: [...stored.batches, ...batches] }
      },
    }),
    'ids of any kind: expected {"held":["1 to 3"],"id":"a"}, got {"held":["1 to 3","1 to 8"],"id":"a"}',
  ],
  [
    'a delete that takes what begins like the id',
    ({ read, delete: remove }) => {
      const gone: string[] = []
      return {
        delete: async (id) => {
          gone.push(`${id}:`)
          await remove(id)
        },
        read: async (id) => {
          const stored = await read(id)
          return stored && gone.some((it) => id.startsWith(it)) ? { ...stored, batches: [] } : stored
        },
      }
    },
    'ids of any kind: expected {"held":["1 to 8"],"id":"a:1"}, got {"held":[],"id":"a:1"}',
  ],
  [
    'a read that is no transaction',
    ({ read }) => ({
      read: async (id) => {
        const before = await read(id)
        const { snapshot: _, ...now } = (await read(id)) ?? {}
        return before && ({ ...now, ...(before.snapshot && { snapshot: before.snapshot }) } as typeof before)
      },
    }),
    'what is read is of one moment, also while another page writes: expected {"snapshot":2,"wholeTo":2}, got {"snapshot":0,"wholeTo":0}',
  ],
  [
    'a plain error for a stale writer',
    ({ append }) => ({
      append: (id, epoch, ...rest) =>
        append(id, epoch, ...rest).catch((error: unknown) => {
          throw id === 'ann' ? new TypeError('conflict') : error
        }),
    }),
    'whoever wrote what was cleared is fenced, of a prefix or of all: expected an error with the code STALE_EPOCH, got TypeError: conflict',
  ],
  [
    'a part can be kept only once',
    ({ keepPart }) => {
      const kept = new Set<string>()
      return {
        keepPart: async (id, epoch, part) => {
          const name = `${id} ${epoch} ${part[0]}`
          if (kept.has(name)) throw new Error(`part ${part[0]} is there already`)
          kept.add(name)
          await keepPart?.(id, epoch, part)
        },
      }
    },
    'a snapshot comes back with its parts, and counts from the moment that it names them: part 2 is there already',
  ],
  [
    'what was set aside is exported without the session',
    (right) => ({
      export: async (id) => {
        const { session, quarantine = [] } = (await right.export(id)) ?? {}
        return quarantine.length > 0 ? { quarantine } : session && { session, quarantine }
      },
    }),
    'what one writer left is set aside once, that of the next one beside it: expected [2,1], got [null,1]',
  ],
  [
    'a session of which nothing was set aside is not exported',
    (right) => ({
      export: async (id) => {
        const all = await right.export(id)
        return all?.quarantine.length === 0 && !all.session?.parts ? undefined : all
      },
    }),
    'what one writer left is set aside once, that of the next one beside it: expected 2, got undefined',
  ],
  [
    'an export without parts',
    (right) => ({
      export: async (id) => {
        const { session, quarantine = [] } = (await right.export(id)) ?? {}
        if (!session) return right.export(id)
        const { parts: _, ...rest } = session
        return { session: rest, quarantine }
      },
    }),
    'a snapshot comes back with its parts, and counts from the moment that it names them: expected [[1,"part 1"],[2,"part 2"]], got []',
  ],
  [
    'a watch that cannot be ended',
    () => ({ watch: (() => {}) as never }),
    'what is called when a page opens, is left and comes back does no harm: not so: watch answers how to end it',
  ],
  [
    'a release that throws',
    () => ({
      release() {
        throw new Error('nothing is open')
      },
    }),
    'what is called when a page opens, is left and comes back does no harm: nothing is open',
  ],
])('a storage with this fault: %s / the suite reports it', async (_, wrong, expected) => {
  const found = await complaints(wrong)
  expect(found.join('\n')).toBe(expected)
})
