import type { AdapterName } from '../adapters/index.ts'
import { chainStage } from '../stages/chain.ts'
import { crowdStage } from '../stages/crowd.ts'
import { fanStage } from '../stages/fan.ts'
import { graphStage } from '../stages/graph.ts'
import { host } from '../stages/host.ts'
import type { StageName } from '../stages/index.ts'
import { leafStage } from '../stages/leaf.ts'

/** The other side of a Node lane: one adapter in a process of its own, told by messages what to measure. */
export interface Question {
  readonly id: number
  readonly stage: StageName
  readonly method: string
  readonly args: readonly unknown[]
}

export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

const nodes = { chain: chainStage, crowd: crowdStage, graph: graphStage }
const answer = host({ fan: fanStage, leaf: leafStage, ...nodes }, process.argv[2] as AdapterName)
const send = (message: Answer) => process.send?.(message)

process.on('message', ({ id, stage, method, args }: Question) => {
  answer(stage, method, args).then(
    (value) => send({ id, value }),
    (error: unknown) =>
      send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
process.on('disconnect', () => process.exit())
