import { checksum } from '../checksum'

/**
 * A key says all that a list, a reader and the check of a writer need, so that none of them reads a value. The
 * kinds:
 *
 * - `c` claim, made `at`: `epoch` may write, and goes on from `to` records, which are those of the claim `from`
 * - `p` claim under way: it fences whoever writes, and nobody reads it
 * - `j` batch of records, `from` to `to`, written by `epoch`; its `version` is that of their layout
 * - `s` snapshot at `to`, of format `from`
 * - `q` quarantine: a copy of what `epoch` left
 * - `n` the id, where that is too long for a key
 */
export interface Name {
  readonly kind: 'c' | 'p' | 'j' | 's' | 'q' | 'n'
  readonly epoch: number
  readonly from: number
  readonly to: number
  readonly at: number
  /** The length of the whole value as text. */
  readonly length: number
  /** The size of its data. */
  readonly size: number
  readonly version: number
  readonly status: string
}

const NUMBERS = ['epoch', 'from', 'to', 'at', 'length', 'size', 'version'] as const

/** Not every store takes longer keys: some allow 255 characters in all. */
const LONGEST_ID = 120

export function nameOf(kind: Name['kind'], epoch: number, more: Partial<Name> = {}): Name {
  return { kind, epoch, from: 0, to: 0, at: 0, length: 0, size: 0, version: 0, status: '', ...more }
}

/** Only letters, digits and `-`, `_`, `~`: no store takes them for anything else, and none loses their case. */
export function leafOf(name: Name): string {
  const numbers = NUMBERS.map((it) => Math.max(0, Math.floor(name[it])).toString(36))
  return [name.kind, ...numbers, segment(name.status)].join('-')
}

/** `undefined` for a key that is not ours. */
export function parseLeaf(leaf: string): Name | undefined {
  const match = /^([cpjsqn])((?:-[0-9a-z]+){7})-([a-z0-9_]*)$/.exec(leaf)
  if (!match) return undefined
  const [, kind, numbers = '', status = ''] = match
  const values = numbers.slice(1).split('-')
  const entries = NUMBERS.map((it, at) => [it, parseInt(values[at] as string, 36)])
  return { kind, status: plain(status), ...Object.fromEntries(entries) } as Name
}

/** An id as a part of a key. */
export function idSegment(id: string): string {
  const whole = segment(id) || '_'
  if (whole.length <= LONGEST_ID) return whole
  return `${whole.slice(0, LONGEST_ID - 40)}~${[id, `~${id}`].map((it) => checksum(it).toString(36)).join('~')}`
}

/** The id from a part of a key; `undefined` when it was too long, and is in the `n` value. */
export function idOf(part: string): string | undefined {
  return part.includes('~') ? undefined : part === '_' ? '' : plain(part)
}

function segment(text: string): string {
  return text.replace(/[^a-z0-9]/g, (it) => `_${it.charCodeAt(0).toString(36)}_`)
}

function plain(part: string): string {
  return part.replace(/_([0-9a-z]+)_/g, (_, code: string) => String.fromCharCode(parseInt(code, 36)))
}
