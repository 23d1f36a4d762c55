import { createEngine, type Engine, type EngineOptions } from '../engine'

let page: Engine | undefined

/** The engine of components that were given none: one for the page, made on first use. */
export function pageEngine(): Engine {
  return (page ??= createEngine())
}

/** Whether this is a page that can be looked at. */
export function inPage(): boolean {
  return typeof document !== 'undefined'
}

/**
 * An engine for one render on a server: its sessions stay `loading` with the initial state. It touches no
 * storage, sets no timer, and goes with the render, so two requests share nothing.
 */
export function serverEngine(): Engine {
  const storage = { kind: 'memory', read: () => new Promise(() => {}) }
  const clock = { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} }
  return createEngine({ storage, clock } as unknown as EngineOptions)
}
