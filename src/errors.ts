/**
 * Every error Dogear throws. All extend {@link DogearError}: branch on the literal `code`, read the details
 * from the instance, show `message`, which names the thing, its path and the way out.
 *
 * Details are declared here and set by the constructors; a defined field would be written twice in every page.
 */

/** One finding of a schema: its message as Standard Schema gives it, and its path as text. */
export interface Issue {
  /** Where, from the root of the checked value: `user.age`; `''` is the value itself. */
  readonly path: string
  readonly message: string
}

/** The base of every error of this library. */
export abstract class DogearError extends Error {
  abstract readonly code: string
}

/** A path that cannot be read or written: a bad segment, a scalar along the path, a hole in a list. */
export class PathError extends DogearError {
  override readonly name = 'PathError'
  readonly code = 'PATH'
  declare readonly path: string
  constructor(path: string, reason: string) {
    super(`path "${path}": ${reason}`)
    this.path = path
  }
}

/** A write that the schema of the state, or of the flow state, refuses. Nothing was changed. */
export class StateValidationError extends DogearError {
  override readonly name = 'StateValidationError'
  readonly code = 'STATE_VALIDATION'
  declare readonly path: string
  declare readonly issues: readonly Issue[]
  constructor(path: string, issues: readonly Issue[], root = 'state') {
    const [what, advice] = path
      ? [`${root}.${path}`, 'nothing was changed']
      : [`the ${root}`, 'what is not given needs a default']
    super(`${what} is not valid: ${list(issues)}; ${advice}`)
    this.path = path
    this.issues = issues
  }
}

/** A value that would not survive being stored. Refused at the write; nothing was changed. */
export class SerializationError extends DogearError {
  override readonly name = 'SerializationError'
  readonly code = 'SERIALIZATION'
  /** Where the value stands, with its root: `state.upload.file`, `result of once("charge")`. */
  declare readonly path: string
  /** What it is: `a File`, `a function`, `NaN`. */
  declare readonly kind: string
  constructor(path: string, kind: string, advice = 'store plain JSON, or put it in resources') {
    super(`${path} is ${kind}; ${advice}`)
    this.path = path
    this.kind = kind
  }
}

/** A write to the store from inside an open `edit` of the same context: write to the draft instead. */
export class NestedEditError extends DogearError {
  override readonly name = 'NestedEditError'
  readonly code = 'NESTED_EDIT'
  constructor(what = 'a write to the store') {
    super(`${what} inside an open edit would wait for itself; change the draft, or await the edit first`)
  }
}

/** Everything that is wrong with a workflow definition, in one error. */
export class WorkflowError extends DogearError {
  override readonly name = 'WorkflowError'
  readonly code = 'WORKFLOW'
  declare readonly workflow: string
  declare readonly findings: readonly Finding[]
  constructor(workflow: string, findings: readonly Finding[]) {
    super(
      `workflow "${workflow}" has ${findings.length} mistake${findings.length === 1 ? '' : 's'}:\n` +
        findings.map((it) => `  - ${it.message}`).join('\n'),
    )
    this.workflow = workflow
    this.findings = findings
  }
}

/** One mistake in a workflow definition. */
export interface Finding {
  /** The name of the check, as `validate({ skip: [...] })` takes it. */
  readonly check: string
  readonly message: string
}

/** Data that an event's schema refuses. */
export class EventValidationError extends DogearError {
  override readonly name = 'EventValidationError'
  readonly code = 'EVENT_VALIDATION'
  declare readonly type: string
  declare readonly issues: readonly Issue[]
  constructor(type: string, issues: readonly Issue[]) {
    super(`the data of event "${type}" is not valid: ${list(issues)}`)
    this.type = type
    this.issues = issues
  }
}

/** An event that this workflow, or this step, does not know. */
export class UnknownEventError extends DogearError {
  override readonly name = 'UnknownEventError'
  readonly code = 'UNKNOWN_EVENT'
  /** The event's type, or what came in place of an event. */
  declare readonly type: string
  /** What does not allow it: a workflow or a step. */
  declare readonly where: string
  constructor(what: string, where: string, known: readonly string[], type: string = what, hint = '') {
    super(
      `${where} does not allow ${what}; it allows ${known.length > 0 ? known.map(quote).join(', ') : 'none'}${hint}`,
    )
    this.type = type
    this.where = where
  }
}

/** A targeted send to a step that the workflow does not have. */
export class UnknownStepError extends DogearError {
  override readonly name = 'UnknownStepError'
  readonly code = 'UNKNOWN_STEP'
  declare readonly step: string
  constructor(step: string, known: readonly string[]) {
    super(`there is no step "${step}"; the steps are ${known.map(quote).join(', ')}`)
    this.step = step
  }
}

/** A targeted send to a step that does not take that event. */
export class EventNotAcceptedError extends DogearError {
  override readonly name = 'EventNotAcceptedError'
  readonly code = 'EVENT_NOT_ACCEPTED'
  declare readonly type: string
  declare readonly step: string
  constructor(type: string, step: string, accepted: readonly string[]) {
    super(`step "${step}" does not accept event "${type}"; it accepts ${accepted.map(quote).join(', ')}`)
    this.type = type
    this.step = step
  }
}

/** `ctx.ask` of an event that is not in the step's `asks`. */
export class UndeclaredAskError extends DogearError {
  override readonly name = 'UndeclaredAskError'
  readonly code = 'UNDECLARED_ASK'
  declare readonly step: string
  /** The event's type, or what came in place of an event. */
  declare readonly type: string
  constructor(step: string, type: string, odd?: string) {
    super(
      `step "${step}" asks ${odd ?? `"${type}", which is not in its \`asks\`; declare it: asks: [${type}]`}`,
    )
    this.step = step
    this.type = odd ?? type
  }
}

/** A re-run of a step took another way than the recorded run. */
export class ReplayMismatchError extends DogearError {
  override readonly name = 'ReplayMismatchError'
  readonly code = 'REPLAY_MISMATCH'
  declare readonly step: string
  /** The recorded points and writes that the re-run never reached. */
  declare readonly missed: readonly string[]
  constructor(step: string, missed: readonly string[]) {
    super(
      `step "${step}" ran again and never reached ${[...new Set(missed)].join(', ')}, which it had recorded; ` +
        'keep time, random values and raw awaits inside `ctx.once`, writes and sends outside of it, and give a changed step a new name or version',
    )
    this.step = step
    this.missed = missed
  }
}

/** A resource that is needed is not there, or its factory cannot be called. */
export class MissingResourceError extends DogearError {
  override readonly name = 'MissingResourceError'
  readonly code = 'MISSING_RESOURCE'
  declare readonly key: string
  /** The keys that are there, sorted. */
  declare readonly available: readonly string[]
  constructor(key: string, available: readonly string[], reason?: string) {
    super(
      reason ??
        `resource "${key}" is missing (there: ${available.join(', ') || 'none'}); ` +
          'give it to open(), setResources() or the provider',
    )
    this.key = key
    this.available = available
  }
}

/** Something took longer than it may: a step's attempt, a run's work, an ask or wait, a storage call. */
export class TimeoutError extends DogearError {
  override readonly name = 'TimeoutError'
  readonly code = 'TIMEOUT'
  declare readonly scope: 'step' | 'run' | 'wait' | 'storage'
  /** In milliseconds. */
  declare readonly limit: number
  constructor(scope: 'step' | 'run' | 'wait' | 'storage', what: string, limit: number) {
    super(`${what} took longer than ${limit} ms`)
    this.scope = scope
    this.limit = limit
  }
}

/** A call to a closed session. A `run` that was pending when it was closed rejects with it, too. */
export class SessionClosedError extends DogearError {
  override readonly name = 'SessionClosedError'
  readonly code = 'SESSION_CLOSED'
  declare readonly id: string
  constructor(id: string) {
    super(`session "${id}" is closed; open it again with engine.open()`)
    this.id = id
  }
}

/** A call that the session cannot carry out in its present state, or the use of a draft after its edit. */
export class SessionStateError extends DogearError {
  override readonly name = 'SessionStateError'
  readonly code = 'SESSION_STATE'
}

/** A place in a session's history to which it cannot go: it never was, is no longer kept, or lies before a migration. */
export class HistoryError extends DogearError {
  override readonly name = 'HistoryError'
  readonly code = 'HISTORY'
}

/** A wrong argument or option of a call. Nothing was done. */
export class ArgumentError extends DogearError {
  override readonly name = 'ArgumentError'
  readonly code = 'ARGUMENT'
  /** What was called: `setResources()`. For an option also its name: `createEngine(): timeout`. */
  declare readonly call: string
  constructor(
    call: string,
    given: unknown,
    takes: string,
    what: string | number | null = typeof given === 'number' || given === null ? given : typeof given,
  ) {
    super(`${call} takes ${takes}, not ${what}`)
    this.call = call
  }
}

/** A schema that cannot be used: it is asynchronous, and a write cannot wait, or it throws. */
export class SchemaError extends DogearError {
  override readonly name = 'SchemaError'
  readonly code = 'SCHEMA'
}

/** A hook was used outside its provider, or with arguments in the wrong order. */
export class HookError extends DogearError {
  override readonly name = 'HookError'
  readonly code = 'HOOK'
  declare readonly hook: string
  constructor(hook: string, reason: string) {
    super(`${hook}: ${reason}`)
    this.hook = hook
  }
}

const quote = (text: string): string => `"${text}"`

const list = (issues: readonly Issue[]): string =>
  issues.map((it) => (it.path === '' ? it.message : `${it.path}: ${it.message}`)).join('; ')
