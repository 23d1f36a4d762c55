import type { Clock } from '../clock'
import type { CopyValue } from '../state/json'
import type { Writer } from '../state/writer'
import type { WorkflowEvent } from '../workflow/event'
import type { AnyWorkflow } from '../workflow/shape'
import type { Definition } from '../workflow/workflow'
import type { SessionFlow } from './flow'
import type { Model } from './model'
import type { Nest, Within } from './nested'
import type { Privacy } from './privacy'
import type { SessionRecord } from './record'
import type { ResourceLayer, Resources } from './resources'
import type { Upgrade } from './upgrade'

/** What a session's core is made of. */
export interface CoreOptions {
  readonly id: string
  readonly definition: Definition
  readonly model: Model
  readonly clock: Clock
  /** Makes names that are unique in the world, for runs and lines of history. */
  readonly ids: () => string
  readonly random: () => number
  readonly copy: CopyValue
  readonly writer: Writer
  readonly resources: Resources
  /** What of the state is kept nowhere. */
  readonly privacy: Privacy
  readonly flow: SessionFlow
  /** The workflow's layer of resources, by workflow: that of a sub-flow's too. */
  readonly layers: (workflow: AnyWorkflow) => ResourceLayer
  /** Makes sub-flows. */
  readonly nest: Nest
  /** Brings what a sub-flow has to the version of its code. */
  readonly upgrade: Upgrade
  /** In a sub-flow: where its records go. */
  readonly within?: Within
  /** Hears of what listeners and predicates throw: nobody else could. */
  readonly report: (error: unknown) => void
  /** Told of every record after it was folded. */
  readonly onRecord: (record: SessionRecord) => void
  readonly onStream: (event: WorkflowEvent) => void
  readonly onProgress: (progress: { readonly fraction: number; readonly label?: string }) => void
  readonly initialState: unknown
}
