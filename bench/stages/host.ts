import { load } from '../adapters/load.ts'
import type { AdapterName } from '../adapters/index.ts'
import type { Stage, StageName, Stages } from './index.ts'

/** Answers the calls of a section, in the process or page where one adapter lives alone. */
export function host(stages: Stages, name: AdapterName) {
  const made = new Map<StageName, Promise<Stage>>()
  return async (stageName: StageName, method: string, args: readonly unknown[]): Promise<unknown> => {
    let stage = made.get(stageName)
    if (!stage) {
      const make = stages[stageName]
      if (!make) throw new Error(`there is no stage ${stageName} here`)
      stage = load[name]().then((adapter) => make(adapter) as Stage)
      made.set(stageName, stage)
    }
    const call = (await stage)[method]
    if (!call) throw new Error(`the stage ${stageName} has no ${method}`)
    return call(...(args as never[]))
  }
}
