import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** How many of them are still there once the garbage is collected. */
export async function leftOf(refs: readonly WeakRef<object>[]): Promise<number> {
  // What was just looked at stays until the task ends.
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve))
    collect()
  }
  return refs.filter((it) => it.deref()).length
}
