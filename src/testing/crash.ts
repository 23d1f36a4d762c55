import { ArgumentError } from '../errors'
import { registryOf, type Engine } from '../engine'

/**
 * Stops an engine as a killed page stops: from here on nothing of it lands in its storage, none of its timers fires, and
 * nothing that a step waits for ever comes. What was stored stays; open it again with another engine.
 *
 * ```ts
 * crash(engine)
 * const again = await createEngine({ storage }).open(checkout, { id: 'cart-42' })
 * ```
 */
export function crash(engine: Engine): void {
  const registry = registryOf(engine)
  if (registry === undefined)
    throw new ArgumentError('crash()', engine, 'what createEngine() of this copy of Dogear has made')
  for (const session of registry.sessions) session.crash()
  for (const flow of registry.flows) flow.stop()
}
