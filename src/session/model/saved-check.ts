import type { SavedModel } from './saved-model'
import { wrong, type Specs } from './shape-check'

/**
 * The path to the first place where a value is no saved session, or `undefined`. What passes can be folded, re-run and rolled
 * back. Whether it fits a workflow is checked elsewhere.
 */
export function wrongIn(value: unknown): string | undefined {
  const path = wrong(value, 'session', specs)
  if (path !== undefined) return path
  const { history, ...model } = value as SavedModel & { readonly history?: History }
  const records = history?.records ?? []
  // Records are found by their numbers.
  const unordered = records.findIndex((it, at) => it.seq <= (records[at - 1]?.seq ?? 0))
  if (unordered >= 0) return `session.history.records.${unordered}`
  const pasts = records.flatMap((it) => it.past ?? [])
  return [model, ...(history?.base ? [history.base] : []), ...pasts]
    .flatMap(nested)
    .map(disorder)
    .find(Boolean)
}

/** The same for a record. */
export function wrongInRecord(value: unknown): string | undefined {
  return wrong(value, 'record', specs)
}

/** The same for what this tab is asked. A wrong write would be stored, and the session would never load again. */
export function wrongInAsked(value: unknown): string | undefined {
  return wrong(value, 'asked', specs)
}

interface History {
  readonly base?: SavedModel
  readonly records: readonly { readonly seq: number; readonly past?: SavedModel }[]
}

/** As literals without any spread: otherwise no bundler leaves it out of a page that keeps no session. */
const specs: Specs = {
  session: { '...': 'model', 'history?': { 'base?': 'base', records: ['record'] } },
  child: { '...': 'model', state: 'some' },
  past: { '...': 'model', back: ['op'] },
  base: { '...': 'past', at: 'time' },
  model: {
    seq: 'count',
    lineage: 'text',
    changed: 'count',
    paused: 'flag',
    unconsumed: ['text'],
    nextEvent: 'nth',
    nextExec: 'nth',
    nextScope: 'nth',
    'run?': {
      id: 'text',
      steps: 'count',
      'worked?': 'count',
      'end?': 'end',
      'pages?': ['page'],
      'kept?': ['page'],
    },
    'parent?': { id: 'text', seq: 'count' },
    'latest?': ['emission'],
    'heard?': [['text', 'count']],
    queues: [['text', [{ '...': 'emission', 'members?': ['emission'] }]]],
    buffers: [['text', ['event']]],
    scopes: ['scope'],
    execs: ['execution'],
    log: [{ 'exec?': 'nth', 'span?': 'count', ops: ['op'], 'before?': 'place' }],
    roots: [['op']],
  },
  scope: {
    id: 'count',
    'parent?': 'count',
    'branch?': 'count',
    step: 'text',
    open: 'count',
    gathered: [['text', ['emission']]],
    'passed?': ['text'],
  },
  emission: {
    id: 'count',
    type: 'text',
    to: ['text'],
    'gather?': ['text'],
    'scope?': 'count',
    'branch?': 'count',
    'answers?': { exec: 'nth', key: 'text' },
    'rescues?': 'count',
  },
  end: {
    status: 'completed|failed|cancelled|stalled',
    'error?': 'error',
    'reason?': 'text',
    'unconsumed?': ['text'],
    'exec?': 'nth',
  },
  event: { type: 'text' },
  error: { name: 'text', message: 'text', 'code?': 'text' },
  page: { seq: 'count', 'exec?': 'nth', step: 'text', key: 'text', 'event?': 'event' },
  begin: { workflow: 'text', version: 'count', state: 'some', 'private?': ['text'] },
  op: {
    '@': '0',
    set: ['text', 'path', 'any'],
    append: ['text', 'path', 'any', 'text|list?'],
    delete: ['text', 'path'],
    splice: ['text', 'path', 'count', 'count', ['any']],
    replace: ['text', 'some'],
  },
  execution: {
    id: 'nth',
    step: 'text',
    events: ['emission'],
    'scope?': 'count',
    'branch?': 'count',
    rescues: 'count',
    at: 'time',
    attempt: 'count',
    interruptions: 'count',
    'retryAt?': 'time',
    root: 'place',
    version: 'count',
    committed: 'count',
    span: 'count',
    dirty: 'flag',
    entries: ['entry'],
    points: ['point'],
  },
  pointType: 'once|ask|wait|sleep|commit|collect|subflow|flow',
  point: {
    key: 'text',
    type: 'pointType',
    seq: 'count',
    'event?': 'event',
    'reply?': 'text',
    where: 'flag',
    'deadline?': 'time',
    'result?': { 'error?': 'error' },
    'again?': 'flag',
    'begin?': 'begin',
    'child?': 'child',
  },
  version: { version: 'count', 'root?': 'place' },
  moment: { '...': 'version', key: 'text' },
  entry: {
    '@': 'kind',
    wrote: { '...': 'version', ops: ['op'], since: 'count', 'old?': 'flag' },
    sent: { '...': 'version', event: 'event', 'old?': 'flag' },
    saw: { '...': 'version', reads: 'count' },
    opened: 'moment',
    flow: 'moment',
    done: 'moment',
    answered: 'moment',
  },
  record: { '...': 'body', seq: 'count', at: 'time', 'by?': 'text', 'n?': 'count' },
  asked: {
    '@': 'call',
    write: { '...': 'named', args: [['op'], 'any?'] },
    reply: 'named',
    send: 'named',
  },
  named: { by: 'text', n: 'count', seen: 'count', args: ['any'] },
  ofPoint: { exec: 'nth', key: 'text' },
  atPoint: { '...': 'ofPoint', 'sends?': ['emission'] },
  // The records of a sub-flow have the number and the time of what they are kept in.
  body: {
    '@': 'kind',
    started: { run: 'text', event: 'emission' },
    sent: { event: 'emission' },
    taken: { exec: 'nth', step: 'text', events: ['count'], 'worked?': 'count' },
    wrote: { 'exec?': 'nth', ops: ['op'] },
    saw: { exec: 'nth', reads: 'count' },
    opened: {
      '...': 'atPoint',
      type: 'pointType',
      'worked?': 'count',
      'event?': 'event',
      'reply?': 'text',
      'where?': 'flag',
      'deadline?': 'time',
      'child?': 'begin',
    },
    done: { '...': 'atPoint', type: 'pointType', 'error?': 'error' },
    answered: 'ofPoint',
    flowWrote: { '...': 'ofPoint', 'ops?': ['op'] },
    child: { '...': 'ofPoint', record: 'body', 'private?': ['text'] },
    collected: { '...': 'atPoint', step: 'text', buffer: 'text', event: 'event', 'batch?': ['text'] },
    attemptFailed: {
      exec: 'nth',
      attempt: 'count',
      error: 'error',
      'retryAt?': 'time',
      'again?': ['text'],
    },
    interrupted: { execs: ['nth'] },
    ended: { exec: 'nth', emits: ['emission'], 'opens?': 'count' },
    gathered: { scope: 'count', to: [{ id: 'count', step: 'text' }] },
    finished: 'end',
    retried: { exec: 'nth' },
    paused: {},
    resumed: {},
    rewound: { to: 'count', lineage: 'text', past: 'past' },
    reset: { state: 'some', lineage: 'text' },
    created: { state: 'some', lineage: 'text' },
    migrated: { version: 'count', state: 'some', 'names?': [['text', 'text']] },
  },
}

/** A model with those of the sub-flows in it. */
function nested(saved: SavedModel): readonly SavedModel[] {
  const points = saved.execs.flatMap((it) => it.points)
  return [saved, ...points.flatMap((it) => (it.child ? nested(it.child) : []))]
}

/** Each part is right by itself. Says what does not fit together. */
function disorder({ execs, log, queues, scopes, roots, ...rest }: SavedModel): string | undefined {
  const isRoot = (number = -1): boolean => number >= -1 && number < roots.length
  for (const [index, it] of execs.entries()) {
    const dirty = log.some((entry) => entry.exec === it.id && entry.span === it.span)
    const counted = it.id < rest.nextExec && it.committed <= it.entries.length
    const rooted = isRoot(it.root) && it.entries.every((entry) => isRoot(entry.root))
    if (!counted || !rooted || it.dirty !== dirty) return `execs.${index}`
  }
  if (new Set(execs.map((it) => it.id)).size < execs.length) return 'execs'
  if (!log.every((it, at) => isRoot(at === 0 ? (it.before ?? NaN) : it.before))) return 'log'
  if (queues.some(([, list]) => list.some((it) => it.id >= rest.nextEvent))) return 'queues'
  return (scopes as { id: number }[]).some((it) => it.id >= rest.nextScope) ? 'scopes' : undefined
}
