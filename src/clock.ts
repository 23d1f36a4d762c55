/** Time as the engine sees it. Inject another one to run without waiting (`virtualClock` of `dogear/testing`). */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls `fn` once, not before `ms` milliseconds from now, however many these are. Returns a handle. */
  setTimeout(fn: () => void, ms: number): unknown
  /** Forgets a timer. A handle that has fired, or was never returned, does nothing. */
  clearTimeout(handle: unknown): void
  /** Calls `fn` when the thread is idle. Without this method a short timer is used. */
  idle?(fn: () => void): void
}

interface Timer {
  id?: ReturnType<typeof setTimeout>
}

/** A browser stores a delay in 32 bits, and fires a longer one at once: a wait of 25 days would be over now. */
const LONGEST = 0x7fffffff

function arm(timer: Timer, fn: () => void, ms: number): void {
  timer.id =
    ms > LONGEST ? setTimeout(() => arm(timer, fn, ms - LONGEST), LONGEST) : setTimeout(fn, Math.max(0, ms))
}

/** The real time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(fn, ms) {
    const timer: Timer = {}
    arm(timer, fn, ms)
    return timer
  },
  clearTimeout(handle) {
    clearTimeout((handle as Timer | undefined)?.id)
  },
  idle(fn) {
    // Hidden pages may never be idle: after two seconds the work is done anyway.
    if (typeof requestIdleCallback === 'function') requestIdleCallback(fn, { timeout: 2000 })
    else setTimeout(fn, 1)
  },
}

/** Calls `fn` when nobody is waiting for this thread, as far as the clock can tell. */
export function whenIdle(clock: Clock, fn: () => void): void {
  if (clock.idle) clock.idle(fn)
  else clock.setTimeout(fn, 1)
}

const settled = /* @__PURE__ */ Promise.resolve()

/**
 * Calls `fn`, which must not throw, when what runs now has ended. In a browser `queueMicrotask` does the same, and costs as much
 * as a write does.
 */
export function soon(fn: () => void): void {
  void settled.then(fn)
}

// Taken at import: fake timers that a test installs later must not stop the engine.
const immediate = /* @__PURE__ */ immediateOf(globalThis)
const queue: (() => void)[] = []
let port: { postMessage(message: null): void } | undefined

interface Platform {
  readonly setImmediate?: (fn: () => void) => unknown
  readonly MessageChannel?: unknown
  readonly setTimeout: (fn: () => void) => unknown
  readonly EdgeRuntime?: unknown
}

/** Jest's jsdom has neither of them, and in Vercel's Edge Runtime both throw: a timer is the only task there. */
function immediateOf(platform: Platform): Platform['setImmediate'] {
  const { setImmediate, MessageChannel, setTimeout, EdgeRuntime } = platform
  return EdgeRuntime ? setTimeout : (setImmediate ?? (MessageChannel ? undefined : setTimeout))
}

/**
 * Calls `fn` in a task of its own: after everything that is ready now, microtasks included, and before any
 * timer of a later time. Not throttled in hidden pages, as `setTimeout` is. In the order of the calls.
 */
export function nextTask(fn: () => void): void {
  if (immediate !== undefined) {
    immediate(fn)
    return
  }
  if (port === undefined) {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => queue.shift()?.()
    port = channel.port2
  }
  queue.push(fn)
  port.postMessage(null)
}
