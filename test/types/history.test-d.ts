import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow } from 'dogear'
import type { EventsOptions, HistoryEntry, Session, WorkflowEvent } from 'dogear'
import { createWorkflowHooks, useWorkflow, useWorkflowUrl } from 'dogear/react'
import type { ShownEvent, UrlPage } from 'dogear/react'

const Name = defineEvent('name', z.string())
const AskName = defineEvent('askName', z.object({ hint: z.string() }), { reply: Name })
const Done = defineEvent('done', z.object({ name: z.string() }))

const wizard = defineWorkflow({
  name: 'wizard',
  version: 1,
  start: defineEvent('go'),
  stop: Done,
  history: 50,
}).step('ask', { on: defineEvent('go'), asks: [AskName], emits: [Done] }, async (ctx) =>
  Done({ name: (await ctx.ask(AskName({ hint: 'x' }))).data }),
)
type Wizard = Session<typeof wizard>

describe('history', () => {
  it('history() / frozen entries with seq, at and type, and what their records say', () => {
    expectTypeOf<ReturnType<Wizard['history']>>().toEqualTypeOf<readonly HistoryEntry[]>()
    expectTypeOf<HistoryEntry['seq']>().toEqualTypeOf<number>()
    expectTypeOf<HistoryEntry['at']>().toEqualTypeOf<number>()
    expectTypeOf<'snapshot' | 'started' | 'rewound'>().toExtend<HistoryEntry['type']>()
    expectTypeOf<'undone'>().not.toExtend<HistoryEntry['type']>()
    expectTypeOf<HistoryEntry['step']>().toEqualTypeOf<unknown>()
    // What finds the ask that a chat goes back to.
    expectTypeOf<NonNullable<HistoryEntry['event']>['type']>().toEqualTypeOf<string>()
  })

  it('an entry of a known type / says what its record says', () => {
    const entry = {} as HistoryEntry
    // What undoes the last edit looks past those that a rewind has taken back.
    if (entry.type === 'rewound')
      expectTypeOf([entry.to, entry.back]).toEqualTypeOf<(number | true | undefined)[]>()
    if (entry.type === 'attemptFailed') {
      expectTypeOf(entry.attempt).toEqualTypeOf<number>()
      expectTypeOf(entry.error.message).toEqualTypeOf<string>()
      expectTypeOf(entry.retryAt).toEqualTypeOf<number | undefined>()
    }
    if (entry.type === 'finished')
      expectTypeOf(entry.status).toEqualTypeOf<'completed' | 'failed' | 'cancelled' | 'stalled'>()
    if (entry.type === 'taken') expectTypeOf(entry.step).toEqualTypeOf<string>()
    if (entry.type === 'opened') {
      expectTypeOf(entry.point).toEqualTypeOf<'once' | 'ask' | 'wait' | 'sleep' | 'commit' | 'subflow'>()
      expectTypeOf(entry.event?.type).toEqualTypeOf<string | undefined>()
    }
    // Operations are as the journal has them, and no face of the store.
    if (entry.type === 'wrote') expectTypeOf(entry['ops']).toEqualTypeOf<unknown>()
    // A session that a migration has changed shows what it made; what a rewind carries is no news.
    if (entry.type === 'rewound') expectTypeOf(entry['past']).toEqualTypeOf<unknown>()
  })

  it('the history option is a number', () => {
    const options = { name: 'w', version: 1, start: Name, stop: Done } as const
    // @ts-expect-error not a word
    defineWorkflow({ ...options, history: 'all' })
  })

  it('rewind() takes a number; fork() and import() give a session of the same workflow', () => {
    expectTypeOf<Wizard['rewind']>().toEqualTypeOf<(seq: number) => void>()
    expectTypeOf<Wizard['fork']>().toEqualTypeOf<(seq?: number, id?: string) => Promise<Wizard>>()
    expectTypeOf<Wizard['parent']>().toEqualTypeOf<
      { readonly id: string; readonly seq: number } | undefined
    >()
    const engine = createEngine()
    expectTypeOf(() => engine.import(wizard, {}, { id: 'copy' })).returns.toEqualTypeOf<Promise<Wizard>>()
    // @ts-expect-error an import has no initial state: it brings its own
    void (() => engine.import(wizard, {}, { initialState: {} }))
  })

  it('back and forward / booleans, on the session and from the hook', () => {
    expectTypeOf<Wizard['back']>().toEqualTypeOf<() => boolean>()
    expectTypeOf<Wizard['forward']>().toEqualTypeOf<() => boolean>()
    const { useWorkflow: useWizard } = createWorkflowHooks(wizard)
    expectTypeOf(() => useWizard().back).returns.toEqualTypeOf<() => boolean>()
    expectTypeOf(() => useWorkflow(wizard).forward).returns.toEqualTypeOf<() => boolean>()
  })
})

describe('events', () => {
  it('events(options) / any event; the options are named', () => {
    expectTypeOf<Wizard['events']>().parameter(0).toEqualTypeOf<EventsOptions | undefined>()
    expectTypeOf<ReturnType<Wizard['events']>>().toEqualTypeOf<AsyncIterableIterator<WorkflowEvent>>()
    const options: EventsOptions = { follow: true, records: true, buffer: 10 }
    expectTypeOf(options.records).toEqualTypeOf<boolean | undefined>()
    // @ts-expect-error a misspelt option
    void ({ record: true } satisfies EventsOptions)
  })

  it("a hook's handler / gets asks, the workflow's events, ends, and the number of missed events", () => {
    type Shown = ShownEvent<typeof wizard>
    expectTypeOf<Extract<Shown, { type: 'askName' }>['data']>().toEqualTypeOf<{ hint: string }>()
    expectTypeOf<Extract<Shown, { type: 'missed' }>['data']>().toEqualTypeOf<{ readonly count: number }>()
    expectTypeOf<WorkflowEvent<'cancelled'>>().toExtend<Shown>()
    // Records come to `session.events({ records: true })` alone.
    expectTypeOf<Extract<Shown, { type: 'record' }>>().toEqualTypeOf<never>()
  })
})

describe('useWorkflowUrl', () => {
  it('takes nothing, options, a workflow or a session', () => {
    void (() => useWorkflowUrl())
    void (() => useWorkflowUrl({ param: 'page', name: ({ type, step }) => `${step}/${type}` }))
    void (() => useWorkflowUrl(wizard, { param: undefined }))
    // A table of names may lack one.
    const names: Record<string, string> = { askName: 'name' }
    void (() => useWorkflowUrl(wizard, { name: ({ type }) => names[type] }))
    void ((session: Wizard) => useWorkflowUrl(session))
    expectTypeOf<UrlPage['data']>().toEqualTypeOf<unknown>()
    // @ts-expect-error a name is a text
    void (() => useWorkflowUrl(wizard, { name: () => 1 }))
  })
})
