import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  structuredCloneSerializer,
  type StaleEpochError,
  type Serializer,
  type SessionStorage,
} from '../../src/index'
import { crash, virtualClock, virtualTabs } from '../../src/testing'
import { webStorage } from '../../src/storage/adapters/web-storage'
import { area } from '../storage/area'
import { overheardTabs } from '../support/overheard'
import {
  answeredAfterReload,
  Done,
  failure,
  flow,
  gate,
  Go,
  profile,
  Question,
  thrown,
} from '../support/flows'

const asking = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    const made = await ctx.once('made', () => new Date(5) as unknown)
    await ctx.state.set('made', made)
    return Done((await ctx.ask(Question(1))).data)
  },
)

const clone = { serializer: structuredCloneSerializer }

/** How large the blobs in it are, together. */
function blobBytes(value: unknown): number {
  if (value instanceof Blob) return value.size
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0
  return Object.values(value).reduce<number>((sum, it) => sum + blobBytes(it), 0)
}

/** A step that writes what is made, and asks; the page is reloaded, the step runs again and is answered. */
async function rerun(make: () => unknown) {
  const page = profile()
  const workflow = defineWorkflow({ ...flow }).step(
    'ask',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      await ctx.state.set('kept', make())
      return Done((await ctx.ask(Question(1))).data)
    },
  )
  return answeredAfterReload(page, workflow, 'yes', clone)
}

describe('structuredCloneSerializer', () => {
  test('a schema that compares two fields, beside a set, a map and a date / each write is recorded as small as without them', async () => {
    const state = z
      .object({
        tags: z.set(z.string()).default(new Set(['a'])),
        sizes: z.map(z.string(), z.date()).default(new Map([['s', new Date(5)]])),
        from: z.number().default(0),
        to: z.number().default(9),
        note: z.string().default(''),
      })
      .refine(({ from, to }) => from <= to)
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state }).step('a', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow, clone)
    session.state.set('from', 3)
    session.state.append('note', 'b')
    session.state.edit((draft) => void (draft.to = 8))
    expect(thrown(() => session.state.set('to', 1))).toMatchObject({ code: 'STATE_VALIDATION' })
    expect(session.history().at(-1)).toMatchObject({
      ops: [
        ['set', 'from', 3],
        ['append', 'note', 'b', 'text'],
        ['set', 'to', 8],
      ],
    })
    await page.reload()
    const again = await page.open(workflow, clone)
    expect(again.state.get()).toEqual({ ...session.state.get(), from: 3, to: 8, note: 'b' })
  })

  test('an edit takes an item out of a list of sets, and the user types into another one meanwhile / both are kept', async () => {
    const Item = z.object({ text: z.string(), tags: z.set(z.string()) })
    const state = z.object({ list: z.array(Item) })
    const item = { text: '', tags: new Set(['a']) }
    const workflow = defineWorkflow({ ...flow, state }).step('a', { on: Go, emits: [Done] }, () => Done(1))
    const session = await profile().open(workflow, { ...clone, initialState: { list: [item, item] } })
    const { promise, open } = gate()
    const done = session.state.edit(async (draft) => {
      await promise
      draft.list.splice(1, 1)
    })
    session.state.set('list.0.text', 'typed')
    open()
    await done
    expect(session.state.get()).toEqual({ list: [{ ...item, text: 'typed' }] })
  })

  test('a step writes a date, a map and bytes, then asks, then a reload / the re-run takes the same way', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('kept', new Map<string, unknown>([['at', new Date(5)]]))
        await ctx.state.set('bytes', new Uint8Array([1, 2]))
        return Done((await ctx.ask(Question(1))).data)
      },
    )
    const again = await answeredAfterReload(page, workflow, 'yes', clone)
    expect([again.error, again.result]).toEqual([undefined, 'yes'])
    expect(again.state.get('bytes')).toEqual(new Uint8Array([1, 2]))
  })

  test.each<readonly [string, () => unknown]>([
    ['a pattern', () => /a+/gi],
    ['a buffer', () => new Uint8Array([1, 2]).buffer],
    ['a view of a buffer', () => new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 2)],
    ['a blob', () => new Blob(['abc'], { type: 'text/plain' })],
    ['all of them in a map', () => new Map<string, unknown>([['a', { b: [/x/, new Blob(['y'])] }]])],
  ])(
    'a step writes %s made anew each time, then a reload / the re-run takes the same way',
    async (_, make) => {
      const again = await rerun(make)
      expect([again.error, again.result]).toEqual([undefined, 'yes'])
    },
  )

  test.each<readonly [string, unknown, unknown]>([
    ['a pattern', /a/, /a/g],
    ['a date', new Date(1), new Date(2)],
    ['a buffer', new Uint8Array([1, 2]).buffer, new Uint8Array([1, 3]).buffer],
    ['a blob of another size', new Blob(['a']), new Blob(['ab'])],
    ['a number for a date', new Date(1), 1],
  ])('%s, and another on the re-run / ReplayMismatchError', async (_, before, after) => {
    let made = 0
    const again = await rerun(() => (made++ === 0 ? before : after))
    expect(again.error).toMatchObject({ cause: { code: 'REPLAY_MISMATCH' } })
  })

  test('a step writes a file recorded by `once`, then a reload / the re-run takes the same way', async () => {
    const page = profile()
    let read = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const file = await ctx.once('read', () => (read++, new File(['abc'], 'a.txt')))
        await ctx.state.set('file', file)
        return Done((await ctx.ask(Question(1))).data)
      },
    )
    const again = await answeredAfterReload(page, workflow, 'yes', clone)
    expect([again.error, again.result, read]).toEqual([undefined, 'yes', 1])
  })

  test("a date in an event's data / refused with advice that helps: no serializer does", () => {
    const At = defineEvent('at', z.object({ when: z.unknown() }))
    expect(thrown(() => At({ when: new Date(5) }))).toMatchObject({
      message: 'the data of event "at".when is a Date; store plain JSON, or put it in resources',
    })
    const Whole = defineEvent('whole', z.unknown())
    expect(thrown(() => Whole(new Date(5)))).toMatchObject({
      message: 'the data of event "whole" is a Date; store plain JSON, or put it in resources',
    })
  })

  test('dates, maps, sets, big integers, files, blobs and typed arrays / come back as they were', async () => {
    const page = profile()
    const session = await page.open(asking, clone)
    const values = {
      when: new Date(1000),
      map: new Map<unknown, unknown>([['a', { deep: new Date(7) }]]),
      set: new Set([1, 'two']),
      big: 2n ** 70n,
      nan: NaN,
      bytes: new Uint8Array([1, 2, 3]),
      list: [new Date(3)],
    }
    session.state.replace(values)
    session.state.set('blob', new Blob(['text'], { type: 'text/plain' }))
    await page.reload()
    const again = await page.open(asking, clone)
    const { blob, ...rest } = again.state.get()
    expect(rest).toEqual(values)
    expect(await (blob as Blob).text()).toBe('text')
  })

  test('twenty photos and many notes / a snapshot stores the photo again whose note has changed, after a reload too', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const snapshots: number[] = []
    let bytes = 0
    const storage: SessionStorage = {
      ...inner,
      keepPart: (...call) => ((bytes += blobBytes(call)), inner.keepPart!(...call)),
      compact: (...call) => {
        snapshots.push(bytes + blobBytes(call))
        bytes = 0
        return inner.compact(...call)
      },
    }
    const open = () => createEngine({ storage, clock }).open(asking, { ...clone, id: 'a' })
    const noteUntilSnapshot = async (count: number) => {
      for (let at = 0; snapshots.length < count && at < 5000; at++) {
        session.state.set('items.3.note', `note ${at}`)
        await session.flush()
        await clock.advance(1000)
      }
    }
    let session = await open()
    const photo = 'x'.repeat(150_000)
    session.state.set(
      'items',
      Array.from({ length: 20 }, (_, at) => ({ note: '', photo: new Blob([photo, String(at)]) })),
    )
    await noteUntilSnapshot(2)
    await session.close()
    session = await open()
    await noteUntilSnapshot(3)
    // The first one has that photo twice: the history knows it with its first note.
    expect(snapshots.map((it) => Math.round(it / 150_000))).toEqual([21, 1, 1])
    const stored = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (session.state.get(`items.${at}.photo`) as Blob).text()),
    )
    expect(stored).toEqual(stored.map((_, at) => photo + String(at)))
  })

  test.each(['__proto__', 'prototype', 'constructor'])(
    'stored data with the key %s, also in a map / refused, nothing is polluted',
    (key) => {
      const bad: unknown = JSON.parse(`{"${key}":{"polluted":true}}`)
      for (const stored of [bad, [{ bad }], new Map([['a', bad]]), new Set([bad])])
        expect(() => structuredCloneSerializer.deserialize(stored)).toThrow(`a key "${key}"`)
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    },
  )

  test('a result of `once`, an edit and a snapshot / keep dates too', async () => {
    const page = profile()
    const session = await page.open(asking, clone)
    session.run().catch(() => {})
    session.state.set('at', { when: new Date(1) })
    session.state.edit((draft) => {
      draft['at'] = { when: new Date(2) }
    })
    session.state.set('heavy', 'x'.repeat(300_000))
    await page.clock.advance(1000)
    await page.reload()
    const again = await page.open(asking, clone)
    expect(again.state.get('made')).toEqual(new Date(5))
    expect(again.state.get('at')).toEqual({ when: new Date(2) })
  })

  test('a map, a set, a date and bytes are one value each / a write below one is refused, and leaves it as it is', async () => {
    const { state } = await createEngine({ storage: memoryStorage(), ...clone }).open(asking)
    const values = {
      map: new Map([['a', 1]]),
      set: new Set([1]),
      date: new Date(5),
      bytes: new Uint8Array(2),
    }
    for (const [name, value] of Object.entries(values)) {
      state.set(name, value)
      for (const path of [`${name}.a`, `${name}.0`, `${name}.a.b`]) {
        expect(state.get(path)).toBeUndefined()
        for (const write of [() => state.set(path, 1), () => state.append(path, 1), () => state.delete(path)])
          expect(thrown(write)).toMatchObject({
            code: 'PATH',
            message: expect.stringContaining(`"${name}" is a`),
          })
      }
      expect(state.get(name)).toBe(value)
    }
  })

  test('a map that holds itself, also through an object / SerializationError: a cycle', async () => {
    const { state } = await createEngine({ storage: memoryStorage(), ...clone }).open(asking)
    const map = new Map<string, unknown>()
    map.set('self', { map })
    expect(thrown(() => state.set('p', map))).toMatchObject({ code: 'SERIALIZATION', path: 'state.p' })
    const twice = new Map([['a', 1]])
    state.set('p', new Map([[twice, twice]]))
  })

  test('a map or a set that holds a proxy, as of other state libraries, and a detached buffer / refused at the write; the rest is saved', async () => {
    const { open } = profile()
    const session = await open(asking, clone)
    const detached = new ArrayBuffer(4)
    structuredClone(detached, { transfer: [detached] })
    const proxy = new Proxy({ n: 1 }, {})
    for (const value of [
      new Map([['a', proxy]]),
      new Set([[proxy]]),
      { deep: [new Map([[1, new Set([proxy])]])] },
      detached,
    ])
      expect(thrown(() => session.state.set('p', value))).toMatchObject({
        code: 'SERIALIZATION',
        path: expect.stringMatching(/^state\.p/),
      })
    session.state.set('p', { proxy })
    await session.flush()
    expect(session.state.get()).toEqual({ p: { proxy: { n: 1 } } })
  })

  test('a schema of dates, maps and sets / the same state after a reload', async () => {
    const dated = defineWorkflow({
      ...flow,
      state: z.object({
        when: z.date().optional(),
        map: z.map(z.string(), z.date()).default(new Map()),
        set: z.set(z.string()).default(new Set()),
      }),
    }).step('go', { on: Go, emits: [Done] }, () => Done(1))
    const page = profile()
    const session = await page.open(dated, clone)
    session.state.set('when', new Date(5))
    session.state.set('map', new Map([['a', new Date(1)]]))
    session.state.set('set', new Set(['a']))
    await page.reload()
    const again = await page.open(dated, clone)
    expect(again.state.get()).toEqual({
      when: new Date(5),
      map: new Map([['a', new Date(1)]]),
      set: new Set(['a']),
    })
  })

  class Custom {
    readonly field = 1
  }
  test.each([
    ['a function', { call: () => 1 }],
    ['a symbol', Symbol('s')],
    ['an instance of a class', new Custom()],
    ['a promise', Promise.resolve()],
    ['a weak map', new WeakMap()],
    ['a function in a map', new Map([['a', () => 1]])],
    ['an instance in a set', new Set([new Custom()])],
  ])('%s / refused at the write, with the path; nothing changed', async (_, value) => {
    const session = await profile().open(asking, clone)
    const error = thrown<Error & { code: string }>(() => session.state.set('field', value))
    expect(error.code).toBe('SERIALIZATION')
    expect(error.message).toContain('state.field')
    expect(session.state.get()).toEqual({})
  })

  test('toJSON() of a state that is no JSON / SerializationError that points to engine.export', async () => {
    const session = await profile().open(asking, clone)
    session.state.set('plain', 1)
    expect(session.toJSON()).toMatchObject({ state: { plain: 1 } })
    session.state.set('when', new Date(1))
    expect(thrown<Error>(() => session.toJSON()).message).toMatch(/when is a Date.*engine\.export/)
  })

  test('a file in a session with strict JSON / the error names the serializer that takes it', async () => {
    const session = await profile().open(asking)
    expect(thrown<Error>(() => session.state.set('file', new Blob([]))).message).toBe(
      'state.file is a Blob; put it in resources, or open the session with the structured-clone serializer',
    )
  })

  test.each([
    ['an instance', new Custom(), 'a Custom'],
    ['a promise', Promise.resolve(1), 'a Promise'],
    ['an error', new Error('x'), 'an Error'],
    ['a URL', new URL('http://localhost/'), 'a URL'],
  ])('strict JSON and %s / the error names no serializer, since none takes it', async (_, value, kind) => {
    const message = `state.field is ${kind}; store plain JSON, or put it in resources`
    for (const options of [{}, clone]) {
      const session = await profile().open(asking, options)
      expect(thrown<Error>(() => session.state.set('field', value)).message).toBe(message)
    }
  })
})

describe('a custom serializer', () => {
  const turned = (text: string): string => text.split('').reverse().join('')
  const secret: Serializer = {
    serialize: async (value) => turned(JSON.stringify(value)),
    deserialize: async (stored) => JSON.parse(turned(stored as string)) as unknown,
  }

  test('asynchronous, given to open() / only its text is stored; a value that is no JSON is refused', async () => {
    const page = profile()
    const session = await page.open(asking, { serializer: secret })
    session.state.set('word', 'plaintext')
    await page.reload()
    expect(JSON.stringify(await page.storage.export('flow'))).not.toContain('plaintext')
    expect((await page.open(asking, { serializer: secret })).state.get('word')).toBe('plaintext')
    expect(() => session.state.set('x', 1n)).toThrow('a BigInt')
  })

  test('one that does not answer / unsaved within the time limit, and effects go on; saved once it answers', async () => {
    const page = profile()
    let locked = true
    const serialize = (value: unknown) => (locked ? new Promise<never>(() => {}) : secret.serialize(value))
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(await ctx.once('made', () => 1)))).data),
    )
    const session = await page.open(workflow, { serializer: { ...secret, serialize } })
    void session.run().catch(() => {})
    await page.clock.advance(4000)
    expect(session.persistence).toMatchObject({ status: 'unsaved', error: { code: 'TIMEOUT' } })
    expect(page.errors).toEqual([session.persistence.error])
    expect(session.asks).toHaveLength(1)
    locked = false
    await page.clock.advance(40_000)
    expect(session.persistence.status).toBe('saved')
  })

  test('import and fork / only its text is stored', async () => {
    const page = profile()
    const json = { ...((await page.open(asking)).toJSON() as object), state: { word: 'plaintext' } }
    const session = await page.engine.import(asking, json, { id: 'in', serializer: secret })
    await session.fork(undefined, 'fork')
    for (const id of ['in', 'fork']) {
      const stored = await page.storage.export(id)
      expect(stored?.session?.snapshot).toBeDefined()
      expect(JSON.stringify(stored)).not.toContain('plaintext')
    }
    page.kill()
    for (const id of ['in', 'fork'])
      expect((await page.open(asking, { id, serializer: secret })).state.get('word')).toBe('plaintext')
  })

  test('the structured-clone serializer and a fork / a date is kept', async () => {
    const page = profile()
    const session = await page.open(asking, clone)
    session.state.set('when', new Date(5))
    const fork = await session.fork(undefined, 'fork')
    expect(fork.state.get('when')).toEqual(new Date(5))
    page.kill()
    expect((await page.open(asking, { id: 'fork', ...clone })).state.get('when')).toEqual(new Date(5))
  })

  test('one that cannot read what is stored / UNREADABLE_RECORD, the bytes are untouched', async () => {
    const page = profile()
    const session = await page.open(asking, { serializer: secret })
    session.state.set('word', 'plaintext')
    await page.reload()
    expect(await failure(page.open(asking))).toMatchObject({ code: 'UNREADABLE_RECORD' })
    page.kill()
    expect((await page.open(asking, { serializer: secret })).state.get('word')).toBe('plaintext')
  })

  test('its check() / decides at the write', async () => {
    const page = profile()
    const serializer: Serializer = {
      ...structuredCloneSerializer,
      check(value, path) {
        if (value === 'bad') throw new TypeError(`${path} is bad`)
      },
    }
    const session = await page.open(asking, { serializer })
    expect(() => session.state.set('a', 'bad')).toThrow('state.a is bad')
    session.state.set('a', new Date(1))
    expect(session.state.get()).toEqual({ a: new Date(1) })
  })

  test.each(['throws', 'returns nothing'])(
    'one that %s / unsaved, the flow goes on, saved later',
    async (how) => {
      const clock = virtualClock()
      let broken = true
      const session = await createEngine({ storage: memoryStorage(), clock }).open(asking, {
        serializer: {
          serialize(value) {
            if (broken && how === 'throws') throw new Error('no key')
            return broken ? undefined : JSON.stringify(value)
          },
          deserialize: (it) => JSON.parse(it as string) as unknown,
        },
      })
      session.state.set('a', 1)
      await clock.advance(2000)
      expect(session.persistence).toMatchObject({ status: 'unsaved', error: { code: 'STORAGE' } })
      broken = false
      await clock.advance(60_000)
      expect(session.persistence.status).toBe('saved')
    },
  )
})

describe('private paths', () => {
  const State = z.object({
    card: z.string().optional(),
    login: z.object({ name: z.string(), password: z.string().default('') }).optional(),
    note: z.string().default(''),
  })
  const secretive = defineWorkflow({ ...flow, state: State, private: ['card', 'login.password'] }).step(
    'ask',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      await ctx.state.set('card', 'SECRET-step')
      const reply = await ctx.ask(Question(1))
      return Done(reply.data)
    },
  )

  test('are in no batch, snapshot, quarantine, export or toJSON; they come back at their default', async () => {
    const page = profile()
    const session = await page.open(secretive, { initialState: { card: 'SECRET-initial' } })
    session.state.set('card', 'SECRET-1')
    session.state.set('login', { name: 'ada', password: 'SECRET-2' })
    session.state.set('login.password', 'SECRET-3')
    session.state.edit((draft) => {
      draft.card = 'SECRET-4'
      draft.note = 'kept'
    })
    session.state.replace({ ...session.state.get(), card: 'SECRET-5' })
    session.run().catch(() => {})
    await page.clock.advance(2000)
    expect(JSON.stringify(session.toJSON())).not.toContain('SECRET')
    expect(session.state.get('card')).toBe('SECRET-step')
    for (const heavy of [0, 300_000]) {
      session.state.set('note', 'n'.repeat(heavy))
      await page.clock.advance(3000)
      const kept = JSON.stringify([await page.storage.export('flow'), await page.engine.export('flow')])
      expect(kept).not.toContain('SECRET')
      expect(kept).toContain('ada')
    }
    await page.reload()
    const again = await page.open(secretive)
    expect(again.state.get('card')).toBeUndefined()
    expect(again.state.get('login')).toEqual({ name: 'ada', password: '' })
    expect(again.asks).toHaveLength(1)
  })

  test('a step runs again after a reload / it reads their defaults, and takes the same way', async () => {
    const page = profile()
    const read: unknown[] = []
    const state = z.object({ card: z.string().default(''), login: State.shape.login })
    const workflow = defineWorkflow({ ...flow, state, private: ['card', 'login.password'] }).step(
      'pay',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        const { length } = ctx.state.get('card')
        await ctx.state.set('login', { name: 'ada', password: 'SECRET' })
        read.push([length, ctx.state.get('login')?.password])
        return Done((await ctx.ask(Question(2))).data)
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    session.state.set('card', 'SECRET')
    await session.asks[0]?.reply(1)
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(await again.asks[0]?.reply(2)).toBe(true)
    expect(await again.run()).toBe(2)
    expect(read).toEqual([
      [6, 'SECRET'],
      [0, ''],
    ])
  })

  const noted = {
    state: z.object({ card: z.string().default(''), note: z.string().default('') }),
    private: ['card'] as const,
  }

  test('a step was cut off that had written / what it wrote is taken out, and they are at their defaults', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, ...noted }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.set('note', 'uncommitted')
        return new Promise(() => {})
      },
    )
    const session = await page.open(workflow)
    session.state.set('card', 'SECRET')
    session.run().catch(() => {})
    await page.reload()
    const again = await page.open(workflow, { autoResume: false })
    expect(again.state.get('card')).toBe('')
    const next = again.run().catch(() => {})
    await page.settle()
    again.cancel()
    await next
    expect(again.state.get()).toEqual({ card: '', note: '' })
  })

  test('rewind() after a reload / they are at their defaults, as after the next reload', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, ...noted }).step('end', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const session = await page.open(workflow)
    session.state.set('card', 'SECRET')
    await session.run()
    session.state.set('note', 'later')
    await page.reload()
    const again = await page.open(workflow)
    again.rewind(2)
    expect(again.state.get()).toEqual({ card: '', note: '' })
    await page.reload()
    expect((await page.open(workflow)).state.get()).toEqual({ card: '', note: '' })
  })

  test('back, forward, rewind, reset and fork, beside a follower / they are in no stored data and no message', async () => {
    const clock = virtualClock()
    const handed: unknown[] = []
    const memory = memoryStorage()
    const storage = {
      ...memory,
      append: (...call: Parameters<typeof memory.append>) => (handed.push(call), memory.append(...call)),
      compact: (...call: Parameters<typeof memory.compact>) => (handed.push(call), memory.compact(...call)),
    }
    const { heard, ...tabs } = overheardTabs()
    const workflow = defineWorkflow({ ...flow, state: State, private: ['card', 'login.password'] }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('card', 'SECRET-before')
        await ctx.ask(Question(1))
        await ctx.state.set('login', { name: 'step', password: 'SECRET-after' })
        return Done((await ctx.ask(Question(2))).data)
      },
    )
    const engine = createEngine({ storage, clock, ...tabs })
    const session = await engine.open(workflow)
    const follower = await createEngine({ storage, clock, ...tabs }).open(workflow)
    session.state.set('card', 'SECRET-typed')
    session.run().catch(() => {})
    await clock.advance(10)
    follower.state.set('login', { name: 'ada', password: 'SECRET-followed' })
    await clock.advance(10)
    await session.asks[0]?.reply('one')
    await clock.advance(10)
    expect([session.asks[0]?.data, session.state.get('login.password')]).toEqual([2, 'SECRET-after'])
    expect(session.back()).toBe(true)
    await clock.advance(10)
    session.state.set('card', 'SECRET-again')
    expect([session.asks[0]?.data, session.forward()]).toEqual([1, true])
    await clock.advance(10)
    const copy = await session.fork(undefined, 'copy')
    session.rewind(session.history()[1]?.seq ?? 0)
    await clock.advance(10)
    const rewound = session.history().at(-1)?.type
    session.reset()
    session.state.set('card', 'SECRET-last')
    await clock.advance(5000)
    const exported = [
      session.toJSON(),
      copy.toJSON(),
      await engine.export('flow'),
      await engine.export('copy'),
    ]
    await engine.close()
    expect(rewound).toBe('rewound')
    expect(JSON.stringify(handed)).toContain('rewound')
    expect(JSON.stringify(heard)).toContain('"rewound"')
    expect(JSON.stringify([handed, heard, exported])).not.toContain('SECRET')
  })

  test('another tab deletes the object around one / it is gone too, and the tab goes on', async () => {
    const [clock, storage, tabs] = [virtualClock(), memoryStorage(), virtualTabs()]
    const state = z.object({
      login: z.object({ name: z.string(), password: z.string().optional() }).optional(),
      text: z.string().default(''),
    })
    const workflow = defineWorkflow({ ...flow, state, private: ['login.password'] })
    const complete = workflow.step('end', { on: Go, emits: [Done] }, () => Done(1))
    const one = await createEngine({ storage, clock, ...tabs }).open(complete)
    const two = await createEngine({ storage, clock, ...tabs }).open(complete)
    two.state.set('login', { name: 'ada', password: 'SECRET' })
    await clock.advance(1000)
    expect(one.state.get('login')).toEqual({ name: 'ada' })
    one.state.delete('login')
    one.state.set('text', 'a')
    await clock.advance(1000)
    expect(two.state.get()).toEqual({ text: 'a' })
  })

  test('a step writes one, and somebody resets the state / after a reload the step runs again, and the state is what its schema takes', async () => {
    const page = profile()
    const login = z.object({ name: z.string(), password: z.string().optional() }).optional()
    const workflow = defineWorkflow({
      ...flow,
      state: z.object({ login }),
      private: ['login.password'],
    }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      await ctx.state.set('login.password', 'SECRET')
      return Done((await ctx.ask(Question(1))).data)
    })
    const session = await page.open(workflow)
    session.state.set('login', { name: 'ada' })
    session.run().catch(() => {})
    await page.settle()
    session.state.reset()
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect([again.status, again.state.get()]).toEqual(['waiting', {}])
  })

  test('a step writes one, the user types, and it writes beside that / after a reload it goes on', async () => {
    const page = profile()
    const state = z.looseObject({ card: z.string().optional(), made: z.number().default(1) })
    const writing = (type: () => void) =>
      defineWorkflow({ ...flow, state, private: ['card'] }).step(
        'ask',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          await ctx.state.set('card', '4242')
          type()
          await ctx.state.set('form.step', 1)
          return Done((await ctx.ask(Question(1))).data)
        },
      )
    const session = await page.open(writing(() => session.state.set('form.typed', 2)))
    session.run().catch(() => {})
    await page.clock.advance(10)
    await page.reload()
    const again = await page.open(writing(() => {}))
    await page.clock.advance(10)
    await again.asks[0]?.reply('yes')
    await page.clock.advance(10)
    expect([again.error, again.result]).toEqual([undefined, 'yes'])
    expect(again.state.get()).toEqual({ card: '4242', made: 1, form: { typed: 2, step: 1 } })
  })

  test('in a copy made before they were private / imported without them', async () => {
    const page = profile()
    const open = defineWorkflow({ ...flow, state: State }).step('ask', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const before = await page.open(open, { id: 'before' })
    before.state.set('card', 'SECRET')
    before.state.set('note', 'kept')
    const after = await page.engine.import(secretive, before.toJSON(), { id: 'after' })
    expect(after.state.get()).toEqual({ note: 'kept' })
    expect(JSON.stringify(await page.engine.export('after'))).not.toContain('SECRET')
  })

  test('required ones, those in a list, and paths that do not exist / findings of validate()', () => {
    const make = (paths: readonly string[]) =>
      defineWorkflow({
        ...flow,
        state: z.object({
          pin: z.string(),
          in: z.object({ pin: z.string() }).optional(),
          cards: z.array(z.object({ pin: z.string().optional() })).default([]),
        }),
        private: paths as readonly 'pin'[],
      }).step('go', { on: Go, emits: [Done] }, () => Done(1))
    expect(() => make(['pin']).validate()).toThrow(/private path "pin": .*optional or have a default/)
    expect(() => make(['in.pin']).validate()).toThrow(/"in\.pin"/)
    expect(() => make(['cards.0.pin']).validate()).toThrow(/"cards\.0\.pin": it leads into a list/)
    expect(() => make(['nowhere']).validate()).toThrow(/"nowhere": the state has no such path/)
    expect(() => make(['in']).validate()).not.toThrow()
  })
})

describe('expiry', () => {
  const hour = 3600 * 1000
  const day = 24 * hour
  test('sweep() / removes what nobody wrote to for 30 days, or for its own time; open sessions are closed first', async () => {
    const page = profile()
    const old = await page.open(asking, { id: 'old' })
    old.state.set('a', 1)
    await old.flush()
    const short = await page.open(asking, { id: 'short', expireAfter: day })
    short.state.set('a', 1)
    await short.flush()
    const long = await page.open(asking, { id: 'long', expireAfter: 90 * day })
    long.state.set('a', 1)
    await long.close()
    expect(await page.engine.sweep()).toEqual([])
    await page.clock.advance(2 * day)
    expect(await page.engine.sweep()).toEqual(['short'])
    expect(await failure(short.run())).toMatchObject({ code: 'SESSION_CLOSED' })
    await page.clock.advance(30 * day)
    expect(await page.engine.sweep()).toEqual(['old'])
    expect((await page.engine.list()).map((it) => it.id)).toEqual(['long'])
  })

  test('sweep(), pages have only been opened / leaves nothing of them after their time, and names none', async () => {
    const box = area()
    const page = profile(undefined, { storage: webStorage(box) })
    for (const [id, own] of Object.entries({ usual: {}, short: { expireAfter: day } }))
      await (await page.open(asking, { id, ...own })).close()
    const left = (): string[] => [...box.texts.keys()].filter((it) => it.includes('/'))
    await page.clock.advance(2 * day)
    expect(await page.engine.sweep()).toEqual([])
    expect(left()).toEqual(['dogear/usual'])
    await (await page.open(asking, { id: 'usual' })).close()
    await page.clock.advance(29 * day)
    await page.engine.sweep()
    expect(left()).toEqual(['dogear/usual'])
    await page.clock.advance(2 * day)
    expect(await page.engine.sweep()).toEqual([])
    expect(left()).toEqual([])
  })

  test('sweep(), older code has claimed a session and has not said when / its time begins with the first sweep', async () => {
    const page = profile()
    const { epoch = 0 } = await page.storage.claim('flow', { format: 1, workflow: 'flow', version: 1 }, 0)
    const append = () =>
      failure(page.storage.append('flow', epoch + 1, {} as never, { durability: 'strict' })).then(
        (error) => (error as unknown as StaleEpochError).newest,
      )
    await page.engine.sweep()
    await page.clock.advance(29 * day)
    await page.engine.sweep()
    expect(await append()).not.toBe(0)
    await page.clock.advance(2 * day)
    await page.engine.sweep()
    expect(await append()).toBe(0)
    expect((await page.open(asking)).status).toBe('idle')
  })

  test('sweep(), two tabs show a session for longer than its time and write nothing / both go on, and what is typed then is stored', async () => {
    const tabs = virtualTabs()
    const page = profile(undefined, tabs)
    const leader = await page.open(asking, { expireAfter: hour })
    const other = createEngine({ storage: page.storage, clock: page.clock, ...tabs })
    const follower = await other.open(asking, { expireAfter: hour })
    await page.clock.advance(2 * hour)
    await other.sweep()
    follower.state.set('two', 'typed')
    leader.state.set('one', 'typed')
    await page.clock.advance(1000)
    expect(page.errors).toEqual([])
    expect([leader.role, follower.role]).toEqual(['leader', 'follower'])
    expect([leader.persistence.status, follower.persistence.status]).toEqual(['saved', 'saved'])
    page.kill()
    crash(other)
    expect((await page.open(asking)).state.get()).toEqual({ one: 'typed', two: 'typed' })
  })

  test('opened with expireAfter, and older than that / begins anew', async () => {
    const page = profile()
    const first = await page.open(asking)
    first.state.set('a', 1)
    await page.reload()
    await page.clock.advance(2 * day)
    expect((await page.open(asking)).state.get('a')).toBe(1)
    page.kill()
    const again = await page.open(asking, { expireAfter: day })
    expect([again.state.get(), again.resumed]).toEqual([{}, { found: false }])
  })

  test('expired, and of another workflow or a version without a migration / begins anew, no error', async () => {
    for (const made of [
      { ...flow, name: 'other' },
      { ...flow, version: 2 },
    ]) {
      const page = profile()
      const older = defineWorkflow(made).step('end', { on: Go, emits: [Done] }, () => Done(1))
      ;(await page.open(older, { id: 'one' })).state.set('a', 1)
      await page.reload()
      await page.clock.advance(40 * day)
      expect((await page.open(asking, { id: 'one', expireAfter: day })).state.get()).toEqual({})
    }
  })

  test('a clock that jumps back, or decades ahead / nothing expires', async () => {
    const storage = memoryStorage()
    const at = (now: number) => createEngine({ storage, clock: virtualClock({ now }) })
    const now = Date.UTC(2025, 0, 1)
    const session = await at(now).open(asking)
    session.state.set('a', 1)
    await session.flush()
    for (const wrong of [0, now - 365 * day, now + 80 * 365 * day])
      expect(await at(wrong).sweep()).toEqual([])
    expect(await at(now + 31 * day).sweep()).toEqual(['flow'])
  })

  test('list() / by workflow, status and prefix; clear() and delete() leave no trace', async () => {
    const page = profile()
    for (const id of ['a-1', 'a-2', 'b-1']) {
      const session = await page.open(asking, { id, ...clone })
      session.state.set('x', 1)
      if (id === 'a-2') session.run().catch(() => {})
      await page.clock.advance(1000)
    }
    const ids = async (filter: Parameters<typeof page.engine.list>[0]) =>
      (await page.engine.list(filter)).map((it) => it.id)
    expect(await ids({ prefix: 'a-' })).toEqual(['a-2', 'a-1'])
    expect(await ids({ status: 'waiting', workflow: 'flow' })).toEqual(['a-2'])
    expect(await ids({ workflow: 'other' })).toEqual([])
    await page.engine.delete('a-2')
    expect(await ids({})).toEqual(['b-1', 'a-1'])
    await page.engine.clear({ prefix: 'a-' })
    expect(await ids({})).toEqual(['b-1'])
    await page.engine.clear()
    expect(await ids({})).toEqual([])
  })
})
