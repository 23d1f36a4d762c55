import type { Op, OpPath } from '../state/op'
import { toPath } from '../state/path'
import { valueAt } from '../state/view'
import type { SavedModel } from './saved-model'
import type { SavedSession } from './saved-session'
import type { SessionRecord } from './record'

/** The private paths of a workflow's state: what stands there is in no storage, snapshot, export or other tab. */
export class Privacy {
  readonly #paths: readonly (readonly string[])[]

  constructor(paths: readonly OpPath[] = []) {
    this.#paths = paths.map((it) => toPath(it).keys)
  }

  /** Nothing is private: everything may go as it is. */
  get none(): boolean {
    return this.#paths.length === 0
  }

  record(record: SessionRecord): SessionRecord {
    if (record.kind === 'wrote') return { ...record, ops: this.#ops(record.ops) }
    return 'state' in record ? { ...record, state: this.#without([], record.state) } : record
  }

  session(saved: SavedSession): SavedSession {
    if (this.none) return saved
    const { history, ...model } = saved
    const base = history?.base
    const records = history?.records.map((it) => this.record(it)) ?? []
    return {
      ...this.#model(model),
      state: this.#without([], saved.state),
      ...(history && {
        history: { ...(base && { base: { ...this.#model(base), back: this.#ops(base.back) } }), records },
      }),
    }
  }

  #model<T extends Pick<SavedModel, 'roots' | 'log' | 'execs'>>(saved: T): T {
    return {
      ...saved,
      roots: saved.roots.map((it) => this.#ops(it)),
      log: saved.log.map((it) => ({ ...it, ops: this.#ops(it.ops) })),
      execs: saved.execs.map((exec) => ({
        ...exec,
        entries: exec.entries.map((it) => ('ops' in it ? { ...it, ops: this.#ops(it.ops as Op[]) } : it)),
      })),
    }
  }

  /** What of a write may be told. */
  told(ops: readonly Op[]): readonly Op[] {
    return this.none ? ops : this.#ops(ops)
  }

  /** What makes the private paths of a state those of another one. */
  carry(state: unknown): Op[] {
    return this.#paths.map((keys): Op => {
      const value = valueAt(state, keys)
      return value === undefined ? ['delete', toPath(keys).id] : ['set', toPath(keys).id, value]
    })
  }

  /** `state` with what `other` has at the private paths, where it has nothing itself. */
  filled(state: unknown, other: unknown): unknown {
    return this.#paths.reduce((made, keys) => fill(made, other, keys), state)
  }

  #ops(ops: readonly Op[]): Op[] {
    return ops.flatMap((op): Op[] => {
      if (op[0] === 'replace') return [['replace', this.#without([], op[1])]]
      const { keys } = toPath(op[1])
      if (this.#paths.some((it) => startsWith(keys, it))) return []
      if (op[0] === 'set') return [['set', op[1], this.#without(keys, op[2])]]
      return [op]
    })
  }

  /** A value that stands at `keys`, without what is private in it. */
  #without(keys: readonly string[], value: unknown): unknown {
    const below = this.#paths.filter((it) => startsWith(it, keys)).map((it) => it.slice(keys.length))
    return below.reduce<unknown>(drop, value)
  }
}

function startsWith(keys: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((key, index) => keys[index] === key)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function drop(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (!isObject(value) || key === undefined || !Object.hasOwn(value, key)) return value
  const { [key]: inner, ...others } = value
  return rest.length === 0 ? others : { ...others, [key]: drop(inner, rest) }
}

function fill(value: unknown, other: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return value === undefined ? other : value
  if (!isObject(value) || !isObject(other) || !Object.hasOwn(other, key)) return value
  const inner = Object.hasOwn(value, key) ? value[key] : undefined
  const made = fill(inner, other[key], rest)
  return made === undefined ? value : { ...value, [key]: made }
}
