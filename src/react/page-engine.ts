import { checkArgument } from '../state/argument'
import { createEngine, type Engine, type EngineOptions } from '../engine'

let page: Engine | undefined

/**
 * The engine of a component that was given none: one for the page, made on first use. On a server, where there
 * is no page, one for each component, whatever it was given.
 */
export function engineFor(given: Engine | undefined): Engine {
  if (typeof document === 'undefined') return serverEngine()
  if (given != null) checkArgument('engine', given, 'session')
  return given ?? (page ??= createEngine())
}

/**
 * Its sessions stay `loading`, with the initial state. It reads no storage, sets no timer and goes with the
 * render, so no two requests share anything.
 */
function serverEngine(): Engine {
  const storage = { kind: 'memory', read: () => new Promise(() => {}) }
  const clock = { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} }
  return createEngine({ storage, clock } as unknown as EngineOptions)
}
