import { checkArgument } from '../state/argument'
import { createEngine, type Engine, type EngineOptions } from '../engine'
import { useTransition, version } from './react'
import { toNothing, useSnapshot } from './snapshot'

let page: Engine | undefined

/** The engine of a component that was given none: one for the page, made on first use. */
export function engineFor(given: Engine | undefined): Engine {
  if (given != null) checkArgument('engine', given, 'session')
  return given ?? (page ??= createEngine())
}

/**
 * Whether a server renders. A document does not tell: React Native and terminals have none, and a server may have a shim of
 * one. React asks for what a server shows on a server and in a page that takes over from one. Of these only the server has one
 * function for all transitions, which throws; in a page each has its own.
 */
export function useServer(): boolean {
  const asked = useSnapshot(toNothing, isOldServer, () => true)
  const [, one] = useTransition()
  const [, other] = useTransition()
  return asked && one === other
}

/** React 17 has no transitions, and its substitute calls one function for both. */
const isOldServer = (): boolean => typeof document === 'undefined' && parseInt(version, 10) < 18

/**
 * The engine of one component on a server, whatever it was given.
 * Its sessions stay `loading`, with the initial state. It reads no storage, sets no timer and goes with the
 * render, so no two requests share anything.
 */
export function serverEngine(): Engine {
  const storage = { kind: 'memory', read: () => new Promise(() => {}) }
  const clock = { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} }
  return createEngine({ storage, clock } as unknown as EngineOptions)
}
