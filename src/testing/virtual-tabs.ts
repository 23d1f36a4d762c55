import type { Channel } from '../tabs/channel'
import type { Locks } from '../tabs/locks'
import { nextTask } from '../clock'
import { isPlainObject } from '../state/json'

/** What makes engines tabs of one browser: options of `createEngine`. */
export interface VirtualTabs {
  readonly locks: Locks
  readonly channel: (name: string) => Channel
}

/**
 * Makes a browser's locks and channels in memory. Engines that share them are its tabs; `crash(engine)` kills one.
 *
 * ```ts
 * const browser = { storage: memoryStorage(), clock: virtualClock(), ...virtualTabs() }
 * const first = await createEngine(browser).open(checkout)
 * const second = await createEngine(browser).open(checkout)
 * second.role // 'follower'
 * ```
 */
export function virtualTabs(): VirtualTabs {
  return { locks: locks(), channel: channels() }
}

interface Request {
  readonly grant: () => void
}

interface Held {
  readonly lose: () => void
}

function locks(): Locks {
  const held = new Map<string, Held>()
  const waiting = new Map<string, Request[]>()
  const next = (name: string): void => waiting.get(name)?.shift()?.grant()
  return {
    request: (name, { ifAvailable, steal, signal }, callback) =>
      new Promise((resolve, reject) => {
        const grant = (): void => {
          const own: Held = {
            lose: () => reject(new DOMException('the lock was stolen', 'AbortError')),
          }
          held.set(name, own)
          const free = (): void => {
            if (held.get(name) !== own) return
            held.delete(name)
            next(name)
          }
          void Promise.resolve()
            .then(() => callback({}))
            .then(resolve, reject)
            .finally(free)
        }
        if (steal) held.get(name)?.lose()
        if (steal || !held.has(name)) return grant()
        if (ifAvailable) return void Promise.resolve().then(() => resolve(callback(null)))
        const request = { grant }
        const queue = waiting.get(name) ?? []
        waiting.set(name, [...queue, request])
        signal?.addEventListener('abort', () => {
          const left = waiting.get(name) ?? []
          // A lock that was granted stays so.
          if (!left.includes(request)) return
          waiting.set(
            name,
            left.filter((it) => it !== request),
          )
          reject(new DOMException('the request was aborted', 'AbortError'))
        })
      }),
  }
}

function channels(): (name: string) => Channel {
  const open = new Map<string, Set<Channel>>()
  return (name) => {
    const all = open.get(name) ?? new Set()
    open.set(name, all)
    const channel: Channel = {
      onmessage: null,
      postMessage(message) {
        if (!all.has(channel)) throw new Error('InvalidStateError: the channel is closed')
        const others = [...all].filter((it) => it !== channel)
        for (const other of others) {
          const data = copyOf(message)
          nextTask(() => all.has(other) && other.onmessage?.({ data }))
        }
      },
      close: () => void all.delete(channel),
    }
    all.add(channel)
    return channel
  }
}

function copyOf(message: unknown): unknown {
  return typeof structuredClone === 'function' ? structuredClone(message) : copyByHand(message)
}

/** Jest's jsdom has no `structuredClone`. JSON would do for what sessions hold there, but makes null of an undefined argument. */
function copyByHand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyByHand)
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, copyByHand(it)]))
}
