import { checkArgument } from '../state/argument'
import { createEngine, type Engine, type EngineOptions } from '../engine'
import { version } from './react'
import { toNothing, useSnapshot } from './snapshot'

let page: Engine | undefined

/** The engine of a component that was given none: one for the page, made on first use. */
export function engineFor(given: Engine | undefined): Engine {
  if (given != null) checkArgument('engine', given, 'session')
  return given ?? (page ??= createEngine())
}

/**
 * Whether a server renders. A document alone does not tell: React Native and terminals have none either. Only on a server,
 * and in a page that takes over from one, React asks for what a server shows.
 */
export function useServer(): boolean {
  return useSnapshot(toNothing, isOldServer, hasNoPage)
}

const hasNoPage = (): boolean => typeof document === 'undefined'

/** The substitute for React 17 calls one function for both. */
const isOldServer = (): boolean => hasNoPage() && parseInt(version, 10) < 18

/**
 * The engine of one component on a server, where there is no page, whatever it was given.
 * Its sessions stay `loading`, with the initial state. It reads no storage, sets no timer and goes with the
 * render, so no two requests share anything.
 */
export function serverEngine(): Engine {
  const storage = { kind: 'memory', read: () => new Promise(() => {}) }
  const clock = { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} }
  return createEngine({ storage, clock } as unknown as EngineOptions)
}
