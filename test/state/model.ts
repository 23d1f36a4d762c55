import { DogearError, PathError } from '../../src/errors'

/**
 * What a state store promises, as slow and as plainly as possible: a tree of cells, copied on every write. A cell
 * of a container has a number that says which object it is; the store's objects must change exactly when it does.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A change of a draft or of a plain clone: the same function does both. */
export type Mutation =
  | { readonly do: 'assign'; readonly path: readonly string[]; readonly value: Json }
  | { readonly do: 'remove'; readonly path: readonly string[] }
  | { readonly do: 'push' | 'unshift'; readonly path: readonly string[]; readonly value: Json }
  | { readonly do: 'pop' | 'shift' | 'reverse' | 'sort' | 'read'; readonly path: readonly string[] }
  | {
      readonly do: 'splice'
      readonly path: readonly string[]
      readonly at: number
      readonly count: number
      readonly items: readonly Json[]
    }
  /** Puts what stands at `from` at `path` as well; into a list at its end. */
  | { readonly do: 'share' | 'wrap'; readonly path: readonly string[]; readonly from: readonly string[] }

export type Command =
  | { readonly do: 'set' | 'append'; readonly path: readonly string[]; readonly value: Json | undefined }
  | { readonly do: 'update' | 'delete'; readonly path: readonly string[] }
  | { readonly do: 'replace'; readonly value: Json }
  | { readonly do: 'reset' }
  | { readonly do: 'edit'; readonly mutations: readonly Mutation[]; readonly throws: boolean }
  | {
      readonly do: 'batch'
      readonly commands: readonly Command[]
      readonly throws: boolean
      readonly swallows: boolean
    }

type Cell =
  | { readonly scalar: null | boolean | number | string }
  | { id: number; readonly list: readonly Cell[] }
  | { id: number; readonly fields: ReadonlyMap<string, Cell> }

export class Boom extends Error {}

/** After an edit that made a list longer or shorter, and after a reset, nobody promises which parts are the same objects. */
const UNSURE = -1
let lastId = 0

export class Model {
  cell: Cell
  readonly #unsure = new Set<number>()
  readonly #initial: Json
  readonly #first: Cell

  constructor(initial: Json) {
    this.#initial = initial
    this.cell = this.#first = fresh(initial)
  }

  get(path: readonly string[] = []): Json | undefined {
    const cell = find(this.cell, path)
    return cell && json(cell)
  }

  /** Runs a command as one transaction; the code of the error it ends with, or what a recipe threw. */
  run(command: Command): string | undefined {
    const before = this.cell
    try {
      this.cell = this.#apply(before, command)
      return undefined
    } catch (error) {
      this.cell = before
      return codeOf(error)
    } finally {
      settle(this.cell, this.#unsure)
    }
  }

  /** Whether the value at a path is another one than it was. */
  changed(before: Cell, path: readonly string[]): 'yes' | 'no' | 'maybe' {
    const a = find(before, path)
    const b = find(this.cell, path)
    if (a === undefined || b === undefined) return a === b ? 'no' : 'yes'
    if ('scalar' in a || 'scalar' in b)
      return 'scalar' in a && 'scalar' in b && a.scalar === b.scalar ? 'no' : 'yes'
    if (a.id === b.id) return 'no'
    return this.#unsure.has(b.id) && same(a, b) ? 'maybe' : 'yes'
  }

  #apply(cell: Cell, command: Command): Cell {
    switch (command.do) {
      case 'set':
        return write(cell, command.path, command.value)
      case 'update': {
        const previous = find(cell, command.path)
        return write(cell, command.path, update(previous && json(previous)), previous)
      }
      case 'append':
        return append(cell, command.path, command.value as Json)
      case 'delete':
        return remove(cell, command.path)
      case 'replace':
        return fresh(command.value)
      case 'reset':
        // What the store begins with is nothing new to it; of the rest it keeps what is still as it was.
        return cell === this.#first ? cell : unsure(fresh(this.#initial))
      case 'edit': {
        const plain = structuredClone(json(cell))
        for (const mutation of command.mutations) mutate(plain, mutation)
        if (command.throws) throw new Boom()
        return reconcile(cell, JSON.parse(JSON.stringify(plain)) as Json, textsOf(cell))
      }
      case 'batch':
        return this.#batch(cell, command)
    }
  }

  #batch(cell: Cell, { commands, throws, swallows }: Command & { do: 'batch' }): Cell {
    let current = cell
    for (const command of commands) {
      try {
        current = this.#apply(current, command)
      } catch (error) {
        if (!swallows) throw error
      }
    }
    if (throws) throw new Boom()
    return current
  }
}

/** What `update` hands to `set`: every kind of previous value makes another one of a similar kind. */
export function update(previous: Json | undefined): Json {
  if (typeof previous === 'number') return previous + 1
  if (Array.isArray(previous)) return [...(previous as Json[]), previous.length]
  return typeof previous === 'object' && previous !== null
    ? { ...(previous as { readonly [key: string]: Json }), n: 1 }
    : { was: previous ?? null }
}

export function codeOf(error: unknown): string {
  if (error instanceof DogearError) return error.code
  if (error instanceof Boom) return 'BOOM'
  throw error
}

/** All paths that lead to a container. */
export function containersOf(value: unknown, path: readonly string[] = []): [readonly string[], object][] {
  if (typeof value !== 'object' || value === null) return []
  const below = Object.entries(value).flatMap(([key, child]) => containersOf(child, [...path, key]))
  return [[path, value], ...below]
}

export function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const key of path) {
    const own = isBox(value) && Object.hasOwn(value, key) && !(Array.isArray(value) && key === 'length')
    value = own ? (value as Box)[key] : undefined
  }
  return value
}

/** Does to a draft, or to a clone, what the mutation says; what makes no sense there is left out. */
export function mutate(root: unknown, it: Mutation): void {
  const target = valueAt(root, it.path)
  const parent = valueAt(root, it.path.slice(0, -1))
  const key = it.path.at(-1)
  if (it.do === 'assign' || it.do === 'remove' || it.do === 'share' || it.do === 'wrap') {
    if (key !== undefined && isBox(parent)) mutateParent(root, parent, key, it)
    return
  }
  if (!Array.isArray(target)) return
  const list = target as unknown[]
  if (it.do === 'push') list.push(structuredClone(it.value))
  else if (it.do === 'unshift') list.unshift(structuredClone(it.value))
  else if (it.do === 'splice') list.splice(it.at, it.count, ...structuredClone(it.items))
  else if (it.do === 'sort') list.sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)))
  else if (it.do === 'read')
    JSON.stringify([[...list], list.length, list.indexOf(list[0]), Object.keys(list)])
  else list[it.do]()
}

type Box = Record<string, unknown>

function mutateParent(root: unknown, parent: Box, key: string, it: Mutation): void {
  if (it.do === 'remove') {
    if (Array.isArray(parent)) parent.splice(Number(key), 1)
    else delete parent[key]
    return
  }
  const place = Array.isArray(parent) ? Number(key) : key
  if (Array.isArray(parent) && !(Number(place) <= parent.length)) return
  if (it.do === 'assign') parent[place] = structuredClone(it.value)
  if (it.do === 'share' || it.do === 'wrap') {
    const value = valueAt(root, it.from)
    if (value === undefined || reaches(value, parent)) return
    if (it.do === 'wrap') parent[place] = { inner: [value] }
    else if (Array.isArray(parent)) parent.push(value)
    else parent[place] = value
  }
}

function reaches(value: unknown, target: object): boolean {
  if (!isBox(value)) return false
  return value === target || Object.values(value).some((it) => reaches(it, target))
}

function isBox(value: unknown): value is Box {
  return typeof value === 'object' && value !== null
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function fresh(value: Json): Cell {
  if (typeof value !== 'object' || value === null) return { scalar: value }
  lastId++
  const id = lastId
  if (Array.isArray(value)) return { id, list: (value as Json[]).map(fresh) }
  return { id, fields: new Map(Object.entries(value).map(([key, child]) => [key, fresh(child)])) }
}

function json(cell: Cell): Json {
  if ('scalar' in cell) return cell.scalar
  if ('list' in cell) return cell.list.map(json)
  return Object.fromEntries([...cell.fields].map(([key, child]) => [key, json(child)]))
}

function same(a: Cell, b: Cell): boolean {
  if ('scalar' in a) return 'scalar' in b && a.scalar === b.scalar
  if ('list' in a) {
    return (
      'list' in b && a.list.length === b.list.length && a.list.every((it, i) => same(it, b.list[i] as Cell))
    )
  }
  if (!('fields' in b) || a.fields.size !== b.fields.size) return false
  return [...a.fields].every(([key, it]) => b.fields.has(key) && same(it, b.fields.get(key) as Cell))
}

function find(cell: Cell | undefined, path: readonly string[]): Cell | undefined {
  let found = cell
  for (const key of path) {
    if (found === undefined || 'scalar' in found) return undefined
    if ('list' in found) found = /^(0|[1-9]\d*)$/.test(key) ? found.list[Number(key)] : undefined
    else found = found.fields.get(key)
  }
  return found
}

/** The cell with what `change` makes of the one at `path`; every container on the way is a new one. */
function rewrite(
  cell: Cell | undefined,
  path: readonly string[],
  change: (found: Cell | undefined) => Cell | undefined,
): Cell | undefined {
  const [key, ...rest] = path
  if (key === undefined) return change(cell)
  const container = cell ?? { id: 0, fields: new Map<string, Cell>() }
  if ('scalar' in container) throw new PathError(path.join('.'), 'a scalar is on the way')
  if ('list' in container) {
    const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Infinity
    if (index > container.list.length) throw new PathError(path.join('.'), 'no index')
    const made = rewrite(container.list[index], rest, change)
    if (made === container.list[index]) return container
    lastId++
    return { id: lastId, list: container.list.toSpliced(index, 1, ...(made ? [made] : [])) }
  }
  const fields = new Map(container.fields)
  const made = rewrite(fields.get(key), rest, change)
  if (made === fields.get(key)) return cell
  if (made) fields.set(key, made)
  else fields.delete(key)
  lastId++
  return { id: lastId, fields }
}

function write(cell: Cell, path: readonly string[], value: Json | undefined, shared?: Cell): Cell {
  if (value === undefined) return remove(cell, path)
  check(path)
  return rewrite(cell, path, (found) =>
    found && 'scalar' in found && found.scalar === value ? found : updated(shared, value),
  ) as Cell
}

/** What `update` has taken over from the previous value is the same objects as before. */
function updated(previous: Cell | undefined, value: Json): Cell {
  const made = fresh(value)
  if (!previous) return made
  if ('list' in made && 'list' in previous)
    return { id: made.id, list: [...previous.list, ...made.list.slice(previous.list.length)] }
  if (!('fields' in made && 'fields' in previous)) return made
  const kept = [...made.fields].map(([key, it]): [string, Cell] => [
    key,
    (key !== 'n' && previous.fields.get(key)) || it,
  ])
  return { id: made.id, fields: new Map(kept) }
}

function append(cell: Cell, path: readonly string[], item: Json): Cell {
  check(path)
  return rewrite(cell, path, (found) => {
    if (!found) return fresh(typeof item === 'string' ? item : [item])
    if ('scalar' in found && typeof found.scalar === 'string' && typeof item === 'string') {
      return item === '' ? found : { scalar: found.scalar + item }
    }
    if (!('list' in found)) throw new PathError(path.join('.'), 'nothing to append to')
    lastId++
    return { id: lastId, list: [...found.list, fresh(item)] }
  }) as Cell
}

function remove(cell: Cell, path: readonly string[]): Cell {
  check(path)
  let missing = false
  const made = rewrite(cell, path, (found) => {
    missing = !found
    return undefined
  })
  return missing ? cell : (made as Cell)
}

function check(path: readonly string[]): void {
  if (path.length === 0 || path.some((key) => ['__proto__', 'constructor', 'prototype'].includes(key))) {
    throw new PathError(path.join('.'), 'refused')
  }
}

const textsOf = (cell: Cell): Set<string> =>
  new Set(containersOf(json(cell)).map(([, it]) => JSON.stringify(it)))

/** After an edit: whatever says the same at the same place is the same object, unless it is in something that has moved there. */
function reconcile(cell: Cell | undefined, value: Json, before?: Set<string>): Cell {
  if (cell === undefined || 'scalar' in cell || typeof value !== 'object' || value === null) {
    return cell && 'scalar' in cell && cell.scalar === value ? cell : fresh(value)
  }
  if ('list' in cell !== Array.isArray(value)) return fresh(value)
  const made: Cell =
    'list' in cell
      ? { id: 0, list: (value as Json[]).map((it, i) => reconcile(cell.list[i], it, before)) }
      : {
          id: 0,
          fields: new Map(
            Object.entries(value).map(([key, it]) => [key, reconcile(cell.fields.get(key), it, before)]),
          ),
        }
  if (sameChildren(cell, made)) return cell
  lastId++
  made.id = lastId
  if (before?.has(JSON.stringify(value))) return unsure(made)
  return 'list' in cell && 'list' in made && cell.list.length !== made.list.length
    ? { id: lastId, list: made.list.map((it) => unsure(it)) }
    : made
}

function sameChildren(a: Cell, b: Cell): boolean {
  if ('list' in a && 'list' in b)
    return a.list.length === b.list.length && a.list.every((it, i) => it === b.list[i])
  if (!('fields' in a && 'fields' in b) || a.fields.size !== b.fields.size) return false
  return [...a.fields].every(([key, it]) => it === b.fields.get(key))
}

function unsure(cell: Cell): Cell {
  if ('scalar' in cell) return cell
  if ('list' in cell) return { id: UNSURE, list: cell.list.map(unsure) }
  return { id: UNSURE, fields: new Map([...cell.fields].map(([key, it]) => [key, unsure(it)])) }
}

function settle(cell: Cell, unsureIds: Set<number>): void {
  if ('scalar' in cell) return
  if (cell.id === UNSURE) {
    lastId++
    cell.id = lastId
    unsureIds.add(lastId)
  }
  for (const child of 'list' in cell ? cell.list : cell.fields.values()) settle(child, unsureIds)
}
