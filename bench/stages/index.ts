import type { Adapter } from '../adapter.ts'
import type { cellsStage } from './cells.ts'
import type { chainStage } from './chain.ts'
import type { chatStage } from './chat.ts'
import type { crowdStage } from './crowd.ts'
import type { fanStage } from './fan.ts'
import type { graphStage } from './graph.ts'
import type { keeperStage } from './keeper.ts'
import type { leafStage } from './leaf.ts'
import type { returnStage } from './return.ts'

/** What a section can ask of the other side. Every method is async: the call crosses a process border. */
export interface StageTypes {
  readonly fan: ReturnType<typeof fanStage>
  readonly leaf: ReturnType<typeof leafStage>
  readonly chain: ReturnType<typeof chainStage>
  readonly crowd: ReturnType<typeof crowdStage>
  readonly graph: ReturnType<typeof graphStage>
  readonly cells: ReturnType<typeof cellsStage>
  readonly keeper: ReturnType<typeof keeperStage>
  readonly return: ReturnType<typeof returnStage>
  readonly chat: ReturnType<typeof chatStage>
}

export type StageName = keyof StageTypes

/** A stage as its host sees it: methods found by name. */
export type Stage = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>

/** The stages that can run in one kind of place. */
export type Stages = { readonly [Name in StageName]?: (adapter: Adapter) => StageTypes[Name] }
