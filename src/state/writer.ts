import { PathError, SerializationError } from '../errors'
import { frozen } from './development'
import { classOf, isPlainObject, nameOf, type CopyValue, type Where } from './json'
import type { Op } from './op'
import type { OpenEdits } from './open-edits'
import { listIndex, ROOT, toPath, type Path } from './path'
import type { Checked, CompiledSchema } from './schema'
import { at, isContainer, type Current, type View } from './view'

/**
 * Makes operations from calls, checked in full: the path, the schema, what storage can keep. What it returns can be recorded
 * and applied without another check; what it refuses has changed nothing.
 */
export class Writer {
  /** Newer code of a flow state brings another one. */
  schema: CompiledSchema
  readonly copy: CopyValue
  readonly openEdits: OpenEdits = {}

  constructor(schema: CompiledSchema, copy: CopyValue) {
    this.schema = schema
    this.copy = copy
  }

  /** `undefined` when nothing would change, unless `always`. A function gets the previous value. */
  set(view: View, path: Path, next: unknown, always = false): Op | undefined {
    const value: unknown = typeof next === 'function' ? next(view.read(path)) : next
    if (value === undefined) return this.delete(view, path, always)
    // Nothing to do. So too for a value that was just read here, which keeps its identity.
    const before = look(view, path)
    if (Object.is(value, before) && !always) return undefined
    return written(this.#checked(view, path, value, before))
  }

  append(view: View, path: Path, item: unknown): Op {
    const target = look(view, path)
    if (target === undefined) return this.#begin(view, path, item)
    if (typeof target === 'string') {
      if (typeof item !== 'string') throw new PathError(path.text, 'only text can be appended to a text')
      const whole = target + item
      const made = this.schema.check(view, path, whole)
      return made.value === whole ? appended(path, item, 'text') : this.made(made, view)
    }
    if (!Array.isArray(target)) throw new PathError(path.text, 'only a list or a text can grow')
    const place = toPath([...path.keys, String(target.length)])
    const made = this.#checked(view, place, item)
    return made.path === place ? appended(path, made.value, 'list') : written(made)
  }

  delete(view: View, path: Path, always = false): Op | undefined {
    look(view, path)
    if (!view.has(path) && !always) return undefined
    const made = view.has(path) && this.schema.checkDelete(view, path)
    return made ? this.made(made, view) : frozen<Op>(['delete', path.id])
  }

  /** What is in `before` is kept as it is: parts of it, or all. */
  replace(view: Current, state: unknown, before: unknown = view.peek(ROOT)): Op {
    // The next load would take null for a missing state, and refuse what is stored.
    if (state == null) throw new SerializationError(nameOf(ROOT, this.schema.root), String(state), 'write {}')
    return written(this.#checked(view, ROOT, state, before))
  }

  /** The copy of something that must be there: an item of a list, or the whole state, cannot be undefined. */
  kept(value: unknown, place: Where, before?: unknown): unknown {
    if (value === undefined)
      throw new SerializationError(
        nameOf(place, this.schema.root),
        'undefined',
        'write null, or delete the item',
      )
    return this.copy(value, place, before)
  }

  #begin(view: View, path: Path, item: unknown): Op {
    const wanted = this.schema.kindOf(path, view, item)
    const text = wanted === 'unknown' ? typeof item === 'string' : wanted === 'text'
    const made = this.#checked(view, path, text ? item : [item])
    if (made.path !== path) return written(made)
    return text ? appended(path, made.value, 'text') : appended(path, at(made.value, '0'), 'list')
  }

  /** Writes what the schema has made of the value, or of what is around it. */
  made(made: Checked, view: Current): Op {
    return written(this.#own(made, view))
  }

  #own({ path, value }: Checked, view: Current): Checked {
    return { path, value: this.copy(value, path, view.peek(path)) }
  }

  /**
   * Copied before it is checked, so that a schema never gets the caller's own objects. What the schema makes of it (defaults,
   * coercion) is copied as well.
   */
  #checked(view: Current, path: Path, next: unknown, before?: unknown): Checked {
    const given = this.kept(next, path, before)
    const made = this.schema.check(view, path, given)
    return made.value === given ? made : this.#own(made, view)
  }
}

function written({ path: { id }, value }: Checked): Op {
  return frozen<Op>(id === '' ? ['replace', value] : ['set', id, value])
}

export function appended(path: Path, item: unknown, as: 'text' | 'list'): Op {
  return frozen<Op>(['append', path.id, item, as] as const)
}

/** The value at a path that is to be written. Everything along the path must be able to hold the next key. */
function look(view: View, path: Path): unknown {
  if (path.id === '') throw new PathError('', 'the whole state is written with replace()')
  const value = view.peek(path)
  // A value that is there proves its path; a missing one will be created.
  if (value === undefined) walk(view.peek(ROOT), path)
  return value
}

function walk(root: unknown, { keys, text }: Path): void {
  let node = root
  for (const [depth, key] of keys.entries()) {
    if (node === undefined) return
    const here = depth > 0 ? `"${keys.slice(0, depth).join('.')}"` : 'the state'
    const refuse = (what: string): never => {
      throw new PathError(text, here + what)
    }
    // What only a serializer keeps (a map, a date) is one value.
    if (!isContainer(node) || !(Array.isArray(node) || isPlainObject(node)))
      refuse(` is ${kind(node)}, which holds no "${key}"; ${depth > 0 ? `set ${here}` : 'replace it'} first`)
    if (Array.isArray(node)) {
      const index = listIndex(key)
      if (index < 0) refuse(` is a list; "${key}" is no index of it`)
      if (index > node.length) refuse(` has ${node.length} items; index ${key} is beyond its end`)
    }
    node = at(node, key)
  }
}

function kind(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? classOf(value) : `a ${typeof value}`
}
