import { CancelledError } from '../run-errors'
import { sameContent } from '../state/same'
import { compileSchema, type CompiledSchema } from '../state/schema'
import { createStateStore } from '../state/store'
import { isPromise } from '../state/thenable'
import { Tree } from '../state/tree'
import { Writer } from '../state/writer'
import type { WorkflowEvent } from '../workflow/event'
import type { Definition } from '../workflow/workflow'
import { Core } from './core'
import { heedStop } from './level'
import { flowWriter, type SessionFlow } from './flow'
import { begun, failures } from './step/in-this-page'
import { interrupt } from './step/interruption'
import type { LiveAttempt } from './step/live-attempt'
import type { Execution, Model, Point } from './model/model'
import { heirOf, type Joining, type Nest, type Nested, type Within } from './nested'
import { explain } from './outcome'
import { Permit } from './permit'
import { bodyOf, type ChildBegin, type SessionRecord } from './model/record'
import { Privacy } from './model/privacy'
import { recordError } from './model/recorded-error'
import { Resources } from './resources'
import { startRun } from './run-start'
import { Scheduler } from './scheduler'
import { settle } from './settle'
import { allWait } from './model/status'

/** Makes sub-flows of a session's points. */
export const nest: Nest = (...parts) => new Child(...parts)

/**
 * A sub-flow at work: a core and a scheduler of its own on the model that its parent keeps. Its records go through the
 * parent's journal; its listeners hear of them when the parent has folded them. Like an effect in flight, it outlives the
 * attempt that waits for it, but it works only while an attempt waits.
 */
class Child implements Nested {
  readonly core: Core
  readonly #parent: Core
  readonly #exec: Execution
  readonly #point: Point
  readonly #scheduler: Scheduler
  readonly #permit: Permit
  readonly #end: () => void
  #attempt: Joining | undefined
  #rests = false

  constructor(...[parent, exec, point, definition, given]: Parameters<Nest>) {
    this.#parent = parent
    this.#exec = exec
    this.#point = point
    const model = point.child as Model
    const { options } = parent
    const schema = compileSchema(definition.options.state, sameContent)
    const resources = new Resources(definition.resources, options.layers(definition), options.report)
    resources.set(given())
    const privacy = new Privacy(definition.options.private)
    const begin = point.begin as ChildBegin
    const initialState = beginAnew(privacy, schema, model.tree, begin.state)
    this.core = new Core({
      ...options,
      ...{ definition, model, resources, initialState, privacy },
      writer: new Writer(schema, options.copy),
      flow: flowOf(definition, model, begin.flow, options.copy),
      onRecord: (record) => {
        settle(this.core, record)
        // The session shows the ask.
        if (record.kind === 'opened' && record.event) options.onStream(record.event as WorkflowEvent)
      },
      within: this.#within(definition),
    })
    this.core.inFlight = parent.inFlight
    this.core.storedAt = parent.storedAt
    this.#permit = new Permit(this.core)
    this.core.ready = () => this.#mayWork()
    this.#scheduler = new Scheduler(this.core)
    const leave = this.#listen(given)
    this.#end = () => {
      leave()
      resources.dispose(options.report)
    }
    parent.children.set(point, this)
    if (model.run && !begun.has(model)) this.#permit.interrupt()
  }

  /** Where its records go. */
  #within(definition: Definition): Within {
    const parent = this.#parent
    const { id: exec } = this.#exec
    const { key } = this.#point
    const { private: paths } = definition.options
    return {
      append: (record, durability) =>
        parent.append(
          { kind: 'child', exec, key, record: bodyOf(record), ...(paths && { private: paths }) },
          durability,
        ),
      durable: (seq) => {
        const wait = parent.durable(seq)
        return this.#attempt?.awaiting(wait, true) ?? wait
      },
      get prefix() {
        return parent.key(exec, key)
      },
      stepped: () => parent.stepped(),
      ran: () => this.#changed(),
      outlives: (record) =>
        (record.kind === 'done' || record.kind === 'child') &&
        this.core.closed !== 'crashed' &&
        parent.model.execs.get(exec) === this.#exec &&
        this.#point.child === this.core.model,
      heir: () => heirOf(parent).nested(exec, key)?.core,
    }
  }

  /** What it or a sub-flow in it lacks may come to its parent later. What it was given is not live. */
  #listen(given: Parameters<Nest>[4]): () => void {
    const { resources, definition } = this.core.options
    const lacks = (key: string): boolean => !resources.has(key)
    const take = (): void => {
      if (this.missing.length === 0) return
      resources.set(Object.fromEntries(Object.entries(given()).filter(([key]) => lacks(key))))
    }
    const ends = [resources.subscribe(() => this.wake())]
    if (Object.keys(definition.resources).some(lacks))
      ends.push(this.#parent.options.resources.subscribe(take))
    return () => ends.forEach((end) => end())
  }

  get missing(): readonly string[] {
    return [...this.#permit.missing, ...this.core.lacking]
  }

  #mayWork(): boolean {
    if (this.#attempt === undefined || this.#attempt.over || !this.#parent.active()) return false
    return this.#permit.granted()
  }

  join(attempt: Joining): void {
    const { core } = this
    const { run } = core.model
    this.#attempt = attempt
    this.#rests = false
    // The page died between its end and the parent's record of it.
    if (run?.end) return this.#finish()
    heedStop(core)
    if (core.model.run?.end) return
    if (run === undefined) {
      const { type } = core.definition.options.start
      startRun(core, { type, data: this.#point.begin?.input })
    }
    // What an earlier attempt left unfinished is rolled back; that was no crash.
    else if (begun.has(core.model)) interrupt(core)
    begun.add(core.model)
    core.unsurveyed = true
    this.wake()
    core.options.onChange()
  }

  leave(attempt: Joining, reason: Error): void {
    if (this.#attempt !== attempt) return
    this.#attempt = undefined
    this.#scheduler.stop(reason)
    this.#permit.forget()
  }

  told(record: SessionRecord): void {
    this.core.told(record)
    if (record.kind === 'finished') this.#finish()
    // An attempt that has failed hears of it before the next one begins, and may be the end of the run.
    else if (!['wrote', 'saw', 'attemptFailed'].includes(record.kind)) this.wake()
  }

  wake(): void {
    this.#scheduler.run()
  }

  startOne(): LiveAttempt | undefined {
    const started = this.#scheduler.startOne()
    this.#changed()
    return started
  }

  end(reason: Error | 'crashed'): void {
    this.core.closed = reason
    this.#attempt = undefined
    this.#scheduler.stop(reason)
    if (reason !== 'crashed') this.#end()
  }

  /** The clock of the attempt stands still while everything in here waits. */
  #changed(): void {
    const { core } = this
    // Where nothing may start, what is at work goes on.
    const works = this.#scheduler.active || core.attempts.values().some((it) => it.waitsFor === 0)
    const rests = !works || allWait(core.model, core)
    if (rests !== this.#rests && this.#attempt) {
      this.#rests = rests
      this.#attempt.waits(rests)
    }
    this.#parent.wake()
  }

  /** The sub-flow is done: its parent records the outcome. Without an attempt, which cannot be, the next one would do it. */
  #finish(): void {
    const { core } = this
    const end = core.model.run?.end
    if (end === undefined || this.#parent.closed !== undefined) return
    const failure = end.status === 'completed' ? undefined : explain(core, end)
    if (this.#rests) this.#attempt?.waits(false)
    this.end(failure ?? new CancelledError('the sub-flow is complete'))
    const exec = this.#exec.id
    const { key } = this.#point
    this.#parent.children.delete(this.#point)
    if (failure) failures.set(this.#point, failure)
    const result = failure
      ? { error: recordError(failure) }
      : end.result === undefined
        ? {}
        : { value: end.result }
    this.#parent.attempts.get(exec)?.points.log.done(key, 'subflow', result)
  }
}

/** Private values were not stored: after a reload they are at their default. Returns the state that `reset` goes back to. */
function beginAnew(privacy: Privacy, schema: CompiledSchema, tree: Tree, begin: unknown): unknown {
  if (privacy.none) return begin
  const filled = (state: unknown): unknown => privacy.filled(state, schema.initial(state))
  tree.restore(filled(tree.root()))
  return filled(begin)
}

/** A flow state of its own: a part of the model, written by records. */
function flowOf(
  definition: Definition,
  model: Model,
  initial: unknown,
  copy: Core['options']['copy'],
): SessionFlow {
  const writer = flowWriter(definition.options.flowState, sameContent, copy)
  const tree = (model.flow ??= new Tree({}))
  return {
    ...{ writer, initial },
    // Nobody but steps can reach it.
    state: createStateStore<unknown>({ tree, writer, commit: () => {}, initial: () => initial }),
    async write({ core, exec }, key, change) {
      const made = change(tree)
      const ops = isPromise(made) ? await made : made
      core.append({ kind: 'flowWrote', exec: exec.id, key, ops })
      tree.flush()
    },
  }
}
