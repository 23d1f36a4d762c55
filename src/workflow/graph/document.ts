import { isForbidden } from '../../state/path'
import { known, type Report } from './error'
import { join, kindOf, own, reader, spelled, type JsonObject, type Reader, type Spellings } from './reader'
import { retryMistakes, type RetryPolicy } from '../retry'

/** A node of a document: a registered type under an id. Other keys on it (a position, a label) are left alone. */
export interface GraphNode {
  /** Unique in the document: the name of its step. */
  readonly id: string
  /** The name under which its phases are registered. */
  readonly type?: string | undefined
  /** Another spelling of `type`. */
  readonly class?: string | undefined
  /** Plain JSON for `execute`; replaces the registered `config`. */
  readonly config?: unknown
  /** Replaces the registered `retry`. */
  readonly retry?: Omit<RetryPolicy, 'retryIf'> | undefined
}

/** An edge. Edges are tried in declared order: the first whose condition holds is taken, else the one without a condition. */
export interface GraphEdge {
  readonly from: string
  readonly to: string
  /** The name of a registered condition. */
  readonly when?: string | undefined
  /** Another spelling of `when`. */
  readonly condition?: string | undefined
}

/** A workflow as plain JSON. */
export interface GraphDocument {
  /** The layout of the document: 1, the default. */
  readonly format?: number | undefined
  /** Names its sessions in storage: keep it for ever. */
  readonly name: string
  /** A whole number from 1, the default. */
  readonly version?: number | undefined
  readonly nodes: readonly GraphNode[]
  readonly edges?: readonly GraphEdge[] | undefined
  /** The id of the node to begin with. Default: the first node. */
  readonly start?: string | undefined
  /** The state of a new session. Copied, validated, never merged with anything. */
  readonly initial_state?: object | undefined
  /** Another spelling of `initial_state`. */
  readonly initialState?: object | undefined
}

/** A document in one form. */
export interface Graph {
  readonly name: string
  readonly version: number
  readonly nodes: readonly PlainNode[]
  readonly edges: readonly PlainEdge[]
  readonly start: string
  readonly initialState: object | undefined
}

export interface PlainNode {
  readonly id: string
  readonly type: string
  readonly config?: unknown
  readonly retry?: RetryPolicy
}

export interface PlainEdge {
  readonly from: string
  readonly to: string
  readonly when?: string
}

export const GRAPH_FORMAT = 1

const ID: Spellings = ['id']
const TYPE: Spellings = ['type', 'class']
const CONFIG: Spellings = ['config']
const POLICY: Spellings = ['retry']
const FROM: Spellings = ['from']
const TO: Spellings = ['to']
const WHEN: Spellings = ['when', 'condition']
const STATE: Spellings = ['initial_state', 'initialState']

interface Named {
  readonly handler?: unknown
  readonly subflow?: unknown
}

/** What a document may name. */
export interface Names {
  readonly types: ReadonlyMap<string, Named>
  /** What is registered for a node. */
  type(type: string, id: string): Named | undefined
  readonly conditions: ReadonlyMap<string, unknown>
}

/** A document of unknown origin in one form; everything that is wrong with it is reported. */
export function readGraph(document: JsonObject, names: Names, report: Report): Graph {
  const read = reader(report)
  const head = readHead(document, read, report)
  const nodes = read.list(document, 'nodes', '').map((it, index) => readNode(it, index, names, read, report))
  const ids = idsOf(nodes, report)
  if (Array.isArray(own(document, 'nodes')) && nodes.length === 0)
    report('nodes', 'is empty; there must be a node to begin with')
  const edges = read
    .list(document, 'edges', '', true)
    .map((it, index) => readEdge(it, index, ids, names, read))
  const start = read.name(document, ['start'], '', ids, 'no node', true)
  const initialState = read.json(document, STATE, '')
  if (initialState !== undefined) read.object(initialState, spelled(document, STATE, ''))
  return {
    ...head,
    nodes: nodes.filter((it) => it !== undefined),
    edges: edges.filter((it) => it !== undefined),
    start: start ?? nodes[0]?.id ?? '',
    initialState: initialState as object | undefined,
  }
}

export function readHead(
  document: JsonObject,
  read: Reader,
  report: Report,
): { readonly name: string; readonly version: number } {
  const name = read.text(document, ['name'], '') ?? ''
  const version = own(document, 'version') ?? 1
  if (!(Number.isInteger(version) && (version as number) >= 1))
    report('version', `is ${shown(version)}; it is a whole number from 1`)
  const format = own(document, 'format') ?? GRAPH_FORMAT
  if (format !== GRAPH_FORMAT)
    report('format', `is ${shown(format)}; this code reads ${GRAPH_FORMAT}: update the library`)
  return { name, version: version as number }
}

function readNode(
  value: unknown,
  index: number,
  names: Names,
  read: Reader,
  report: Report,
): PlainNode | undefined {
  const path = `nodes.${index}`
  const node = read.object(value, path)
  if (node === undefined) return undefined
  const id = read.text(node, ID, path)
  const type = read.text(node, TYPE, path)
  const registered: Named | undefined = type === undefined ? {} : names.type(type, id ?? '')
  if (registered === undefined)
    report(
      spelled(node, TYPE, path),
      `names "${type}", which is not registered; ${known(names.types.keys())}`,
    )
  else if (registered.handler)
    report(
      spelled(node, TYPE, path),
      `names "${type}", which is a handler; a node has phases, such as execute`,
    )
  const config = read.json(node, CONFIG, path)
  if (config !== undefined && registered?.subflow)
    report(join(path, 'config'), `means nothing: "${type}" is a workflow; capture says what enters it`)
  const retry = readRetry(node, path, read, report)
  if (id !== undefined && isForbidden(id)) report(join(path, 'id'), `is "${id}", which is refused as a name`)
  const plain: { -readonly [Key in keyof PlainNode]: PlainNode[Key] } = { id: id ?? '', type: type ?? '' }
  if (config !== undefined) plain.config = config
  if (retry) plain.retry = retry
  return plain
}

/** A retry policy in a document; what is code in one cannot stand there. */
export function readRetry(
  from: JsonObject,
  path: string,
  read: Reader,
  report: Report,
): RetryPolicy | undefined {
  const value = read.json(from, POLICY, path)
  if (value === undefined) return undefined
  const at = join(path, 'retry')
  const retry = read.object(value, at)
  if (retry === undefined) return undefined
  const odd = Object.keys(retry).filter((key) => typeof retry[key] !== RETRY.get(key))
  for (const key of odd) {
    const wanted = RETRY.get(key)
    if (wanted === undefined) report(join(at, key), `is unknown; ${known(RETRY.keys())}`)
    else report(join(at, key), `is ${kindOf(retry[key])}; it must be a ${wanted}`)
  }
  const policy = retry as unknown as RetryPolicy
  for (const it of retryMistakes(policy))
    if (!odd.some((key) => it.startsWith(`retry.${key} `))) report(at, `is not valid: ${it}`)
  return policy
}

const RETRY = new Map([
  ['attempts', 'number'],
  ['delay', 'number'],
  ['factor', 'number'],
  ['maxDelay', 'number'],
  ['jitter', 'boolean'],
])

/** The ids, and where each stands first. */
function idsOf(nodes: readonly (PlainNode | undefined)[], report: Report): Map<string, number> {
  const ids = new Map<string, number>()
  nodes.forEach((node, index) => {
    if (node === undefined || node.id === '') return
    const first = ids.get(node.id)
    if (first === undefined) ids.set(node.id, index)
    else report(`nodes.${index}.id`, `is "${node.id}", like that of nodes.${first}; ids must be unique`)
  })
  return ids
}

function readEdge(
  value: unknown,
  index: number,
  ids: ReadonlyMap<string, unknown>,
  { conditions }: Names,
  read: Reader,
): PlainEdge | undefined {
  const path = `edges.${index}`
  const edge = read.object(value, path)
  if (edge === undefined) return undefined
  const from = read.name(edge, FROM, path, ids, 'no node') ?? ''
  const to = read.name(edge, TO, path, ids, 'no node') ?? ''
  const when = read.name(edge, WHEN, path, conditions, 'not registered', true)
  return when === undefined ? { from, to } : { from, to, when }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : typeof value === 'number' ? String(value) : kindOf(value)
}
