import { PathError, SessionStateError, WorkflowError } from '../../errors'
import { checkOptions } from '../../state/argument'
import { applied } from '../../state/applied'
import type { Op } from '../../state/op'
import { toPath, type Path } from '../../state/path'
import { keeps, sameContent } from '../../state/same'
import { compileSchema } from '../../state/schema'
import { Tree } from '../../state/tree'
import { valueAt } from '../../state/view'
import type { Schema } from '../../state/standard-schema'
import { isPromise } from '../../state/thenable'
import type { WorkflowEvent } from '../../workflow/event'
import {
  linesOf,
  mappingMistakes,
  takenByMapping,
  type AnyMapping,
  type Source,
  type Sources,
} from '../../workflow/mapping'
import { resource } from '../../workflow/resource'
import type { AnyWorkflow } from '../../workflow/shape'
import { leaks } from '../../workflow/leaks'
import { definitionOf, type Definition } from '../../workflow/workflow'
import type { Attempt } from './attempt'
import type { Model, Point } from '../model/model'
import { Privacy } from '../model/privacy'
import type { ChildBegin, RecordBody, RecordedError } from '../model/record'
import { explain } from '../outcome'
import type { Resources } from '../resources'
import { begun, failures } from './in-this-page'
import { interrupted } from './interruption'
import { rebuildError } from '../model/recorded-error'
import type { StepFlow } from './step-flow'
import type { StepState } from './step-state'

/** The layers of the step from which a sub-flow captures, and to which it writes back. */
export interface Layers {
  readonly state: StepState
  readonly flowState: StepFlow
}

/**
 * Runs a workflow as a point of a step. What is captured is recorded with the point, and the result when it is done. A re-run
 * carries the child on, or gets the result. Then it writes back, silently when that was recorded as well.
 */
export async function runSubflow(
  attempt: Attempt,
  layers: Layers,
  workflow: AnyWorkflow,
  mapping: AnyMapping = {},
): Promise<unknown> {
  checkOptions('subflow()', mapping, takenByMapping)
  const definition = checked(workflow, mapping, attempt.core.definition)
  const { core, exec, points, replay } = attempt
  points.log.enter('subflow')
  const key = points.log.key(`subflow:${definition.name}`)
  const parent = new Tree(layers.state.get())
  const read = reader(attempt, parent)
  const given = (all = false): Record<string, unknown> =>
    resourcesOf(mapping.capture?.['resources'], read, (it) => all || isThere(it, core.options.resources))
  let point = exec.points.get(key)
  let lacks = false
  if (point) {
    replay.reached(key)
    lacks = !core.children.has(point) && grown(point, definition)
  } else {
    // What is named must be there when it begins.
    given(true)
    const child = begin(definition, mapping.capture ?? {}, read, attempt)
    point = await points.log.make('opened', key, 'subflow', { child })
    points.log.alive()
  }
  if (point.result === undefined) {
    const { begin: known } = point
    if (known && (lacks || known.workflow !== definition.name || known.version !== definition.version))
      await bringUp(attempt, point, definition)
    const nested = core.children.get(point) ?? core.options.nest(core, exec, point, definition, given)
    nested.join(attempt)
  }
  await replay.turns.of(key)
  points.log.alive()
  const { result } = point
  if (result?.error) throw points.effects.failed(key, failureOf(point, definition, result.error))
  return writeBack(mapping.writeBack ?? {}, result?.value, layers)
}

/** Why a sub-flow has not completed: as this page saw it, else as the sub-flow and its parent recorded it. */
function failureOf(point: Point, definition: Definition, recorded: RecordedError): Error {
  const end = point.child?.run?.end
  return failures.get(point) ?? (end ? explain({ definition }, end) : rebuildError(recorded))
}

function checked(workflow: AnyWorkflow, mapping: AnyMapping, parent: Definition): Definition {
  const definition = definitionOf(workflow)
  definition.validate()
  const wrong = mappingMistakes(mapping)
  const mistakes = wrong.length > 0 ? wrong : leaks(mapping, parent, definition)
  if (mistakes.length === 0) return definition
  throw new WorkflowError(
    definition.name,
    mistakes.map((message) => ({ check: 'subflow', message })),
  )
}

/**
 * Newer code brings a sub-flow that has begun to its own version, by the migrations of the child, as it does with a session
 * at its opening. Other code must not carry it on.
 */
async function bringUp(attempt: Attempt, point: Point, definition: Definition): Promise<void> {
  const { core, exec, points } = attempt
  const { begin: made, child, key } = point as Required<Point>
  const { private: paths, renamedSteps } = definition.options
  const append = (record: RecordBody): void =>
    core.append({ kind: 'child', exec: exec.id, key, record, ...(paths && { private: paths }) })
  const cut = interrupted(child as Model)
  let states: readonly unknown[]
  try {
    if (core.children.has(point)) throw new Error(`it is at work in version ${made.version}`)
    if (cut.length > 0) append({ kind: 'interrupted', execs: cut })
    const { upgrade, copy } = core.options
    states = await upgrade(definition, made, [child?.tree.root(), made.state], copy)
  } catch (error) {
    const { message, cause } = error as Error
    const advice = '`retry()` goes on with it once it can, `run()` begins anew'
    throw new SessionStateError(`sub-flow "${definition.name}" cannot go on: ${message}; ${advice}`, {
      cause,
    })
  }
  points.log.alive()
  const [state, first] = states
  const names = renamedSteps && Object.entries(renamedSteps)
  append({ kind: 'migrated', version: definition.version, state, first, ...(names && { names }) })
}

/** Whether the code has a new field with a default, which completes the state without a new version, as that of a session. */
function grown({ child }: Point, { options }: Definition): boolean {
  if (child === undefined || begun.has(child)) return false
  try {
    const state = child.tree.root()
    const complete = compileSchema(options.state).initial(state)
    // Private values were not stored, and begin anew.
    const filled = new Privacy(options.private).filled(state, complete)
    return !sameContent(complete, filled) && keeps(complete, filled)
  } catch {
    return false
  }
}

type Read = (source: Source) => unknown

/** Reads what may be captured: the event, and the parent's layers as they are now. */
function reader({ event, core }: Attempt, state: Tree): Read {
  return ({ scope, path, text }) => {
    if (scope === 'resources') return resourceAt(path, text, core.options.resources)
    if (scope === 'value') return found(valueOf(event), path, text)
    return found(scope === 'state' ? state.root() : core.options.flow.state.get(), path, text)
  }
}

/** What the child begins with, checked by its schemas. */
function begin(
  definition: Definition,
  capture: NonNullable<AnyMapping['capture']>,
  read: Read,
  { core, event }: Attempt,
): ChildBegin {
  const { name, version, options, initialState } = definition
  const { start } = options
  const input =
    capture['input'] === undefined ? start.schema && valueOf(event) : build(capture['input'], undefined, read)
  const { data } = start(input)
  const started = (schema: Schema | undefined, what: 'state' | 'flowState', own?: unknown): unknown => {
    const sources = capture[what]
    const first = sources === undefined ? own : build(sources, own ?? defaults(schema), read)
    return core.options.copy(compileSchema(schema, undefined, what).initial(first), what)
  }
  return {
    ...{ workflow: name, version },
    ...(data !== undefined && { input: data }),
    state: started(options.state, 'state', initialState),
    flow: started(options.flowState, 'flowState'),
    ...(options.private && { private: options.private }),
  }
}

/** What a schema makes of `undefined`, if it accepts that. */
function defaults(schema: Schema | undefined): unknown {
  try {
    return compileSchema(schema).initial(undefined)
  } catch {
    return {}
  }
}

/** The captured value: the source itself, or an object with the values at their targets. */
function build(sources: Sources, base: unknown, read: Read): unknown {
  if (typeof sources === 'string') return linesOf(sources).map(([, from]) => read(from))[0]
  const ops = linesOf(sources).map(([to, from]): Op => {
    const value = read(from)
    return value === undefined ? ['delete', to.id] : ['set', to.id, value]
  })
  return applied(base ?? {}, ops)
}

function found(from: unknown, path: Path, text: string): unknown {
  const value = valueAt(from, path.keys)
  if (value === undefined && path.keys.length > 0)
    throw new PathError(text, 'the sub-flow maps it, and it is missing')
  return value
}

/** Of several events, the list of their data. */
function valueOf(event: unknown): unknown {
  if (Array.isArray(event)) return event.map((it: WorkflowEvent) => it.data ?? null)
  return (event as WorkflowEvent).data
}

function resourceAt({ keys }: Path, text: string, resources: Resources): unknown {
  const [key, ...rest] = keys
  return key === undefined ? resources.view : found(resources.require(key), toPath(rest), text)
}

/** Whether it is there, or no resource: after a reload, resources may come later. */
function isThere({ scope, path: { keys } }: Source, resources: Resources): boolean {
  return scope !== 'resources' || keys[0] === undefined || resources.has(keys[0])
}

/** Resources keep their identity: they are given, not copied. */
function resourcesOf(
  sources: Sources | undefined,
  read: Read,
  wanted: (source: Source) => boolean,
): Record<string, unknown> {
  const all = linesOf(sources).flatMap(([to, from]) => {
    if (typeof sources !== 'string') return wanted(from) ? [[to.text, handed(() => read(from))]] : []
    const view = (): Record<string, unknown> => read(from) as Record<string, unknown>
    return Object.keys(view()).map((key) => [key, handed(() => view()[key])])
  })
  return Object.fromEntries(all) as Record<string, unknown>
}

/** A promise may be of a factory that fails, which is called again at the next use: the child asks the parent for it. */
function handed(get: () => unknown): unknown {
  const value = get()
  return isPromise(value) ? resource(get, { dispose: () => {} }) : value
}

/** Writes the result where the mapping says, as the step's own writes. Resolves with the value. */
async function writeBack(
  { value, state, flowState }: NonNullable<AnyMapping['writeBack']>,
  result: unknown,
  layers: Layers,
): Promise<unknown> {
  const read: Read = ({ path, text }) => found(result, path, text)
  // All is read before anything is written: what is written to flow state stays, even if a source is missing.
  const writes = (
    [
      [layers.state, state],
      [layers.flowState, flowState],
    ] as const
  ).flatMap(([layer, sources]) => linesOf(sources).map(([to, from]) => [layer, to.keys, read(from)] as const))
  const given = value === undefined ? result : build(value, undefined, read)
  for (const [layer, keys, it] of writes)
    if (keys.length === 0) await layer.replace(it)
    else await layer.set(keys, it)
  return given
}
