import type { Op, OpPath } from '../../state/op'
import { startsWith, toPath } from '../../state/path'
import type { CompiledSchema } from '../../state/schema'
import { at, currentOf, isContainer, valueAt, type Current } from '../../state/view'
import type { SavedExecution, SavedModel, SavedPast } from './saved-model'
import type { SavedSession } from './saved-session'
import type { ChildBegin, RecordBody } from './record'

/** The private paths of a workflow's state. Their values are in no storage, snapshot, export or other tab. */
export class Privacy {
  readonly #paths: readonly (readonly string[])[]

  constructor(paths?: readonly OpPath[] | null) {
    this.#paths = paths?.map((it) => toPath(it).keys) ?? []
  }

  /** Nothing is private: everything may go as it is. */
  get none(): boolean {
    return this.#paths.length === 0
  }

  /** A sub-flow has private paths of its own, and its records say which. */
  record<R extends RecordBody>(record: R): R {
    if (record.kind === 'child')
      return { ...record, record: new Privacy(record.private).record(record.record) }
    if (record.kind === 'opened' && record.child) return { ...record, child: begun(record.child) }
    if (this.none) return record
    if (record.kind === 'wrote') return { ...record, ops: this.told(record.ops) }
    if (record.kind === 'rewound') return { ...record, past: this.#past(record.past) }
    if (!('state' in record)) return record
    const state = this.state(record.state)
    return 'first' in record ? { ...record, state, first: this.state(record.first) } : { ...record, state }
  }

  session(saved: SavedSession): SavedSession {
    const { history, ...model } = saved
    const base = history?.base
    const records = history?.records.map((it) => this.record(it)) ?? []
    return {
      ...this.#saved(model),
      ...(history && { history: { ...(base && { base: this.#past(base) }), records } }),
    }
  }

  /** A state without its private values. */
  state(state: unknown): unknown {
    return this.#without([], state)
  }

  #saved<T extends SavedModel>(saved: T): T {
    return { ...this.#model(saved), state: this.state(saved.state) }
  }

  #past<T extends SavedPast>(past: T): T {
    return { ...this.#model(past), back: this.told(past.back) }
  }

  #model<T extends Pick<SavedModel, 'roots' | 'log' | 'execs'>>(saved: T): T {
    return {
      ...saved,
      roots: saved.roots.map((it) => this.told(it)),
      log: saved.log.map((it) => ({ ...it, ops: this.told(it.ops) })),
      execs: saved.execs.map((exec) => ({
        ...exec,
        entries: exec.entries.map((it) => ('ops' in it ? { ...it, ops: this.told(it.ops as Op[]) } : it)),
        points: exec.points.map((it) => this.#point(it)),
      })),
    }
  }

  #point(point: SavedPoint): SavedPoint {
    const { begin, child } = point
    if (begin === undefined) return point
    const own = new Privacy(begin.private)
    return { ...point, begin: begun(begin), ...(child && { child: own.#saved(child) }) }
  }

  /**
   * The operations that give a state its private values: those of another state, if there is one, where the schema allows
   * them, and defaults for what is still missing.
   */
  complete(into: Current, { check }: CompiledSchema, other?: unknown): Op[] {
    const from = other === undefined ? into : currentOf(other)
    return this.#paths.flatMap((keys): Op[] => {
      const path = toPath(keys)
      let value = from.peek(path)
      try {
        const checked = check(into, path, value)
        if (checked.path === path) value ??= checked.value
      } catch {
        // The object that held it is gone, and is not valid with the private value alone.
        if (value !== undefined) return []
      }
      if (value === into.peek(path)) return []
      return [value === undefined ? ['delete', path.id] : ['set', path.id, value]]
    })
  }

  /** `state` with what `other` has at the private paths, where it has nothing itself. */
  filled(state: unknown, other: unknown): unknown {
    return this.#paths.reduce(
      (made, keys) => changed(made, keys, (it) => (it === undefined ? valueAt(other, keys) : it)),
      state,
    )
  }

  /** The part of a write that others may see. */
  told(ops: readonly Op[]): readonly Op[] {
    if (this.none) return ops
    return ops.flatMap((op): Op[] => {
      if (op[0] === 'replace') return [['replace', this.#without([], op[1])]]
      const { keys } = toPath(op[1])
      if (this.#paths.some((it) => startsWith(keys, it))) return []
      if (op[0] === 'set') return [['set', op[1], this.#without(keys, op[2])]]
      return [op]
    })
  }

  /** The value at `keys`, without its private values. */
  #without(keys: readonly string[], value: unknown): unknown {
    const below = this.#paths.filter((it) => it.length > keys.length && startsWith(it, keys))
    return below.reduce((made, it) => changed(made, it.slice(keys.length), () => undefined), value)
  }
}

type SavedPoint = SavedExecution['points'][number]

function begun(begin: ChildBegin): ChildBegin {
  return { ...begin, state: new Privacy(begin.private).state(begin.state) }
}

/** The value with another one at a path, if the object that holds it is there. */
function changed(
  value: unknown,
  [key, ...rest]: readonly string[],
  change: (inner: unknown) => unknown,
): unknown {
  if (key === undefined) return change(value)
  if (!isContainer(value) || Array.isArray(value)) return value
  const inner = at(value, key)
  const made = changed(inner, rest, change)
  if (made === inner) return value
  const copy = { ...value, [key]: made }
  if (made === undefined) delete copy[key]
  return copy
}
