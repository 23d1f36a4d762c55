import type { Clock } from '../clock'
import type { CopyValue } from '../state/json'
import type { Writer } from '../state/writer'
import type { WorkflowEvent } from '../workflow/event'
import type { AnyWorkflow } from '../workflow/shape'
import type { Definition } from '../workflow/workflow'
import type { SessionFlow } from './flow'
import type { Model } from './model/model'
import type { Nest, Within } from './nested'
import type { Privacy } from './model/privacy'
import type { SessionRecord } from './model/record'
import type { ResourceLayer, Resources } from './resources'
import type { Upgrade } from './upgrade'

/** What a session's core is made of. */
export interface CoreOptions {
  readonly id: string
  readonly definition: Definition
  readonly model: Model
  readonly clock: Clock
  /** Makes globally unique names, for runs and lines of history. */
  readonly ids: () => string
  readonly random: () => number
  readonly copy: CopyValue
  readonly writer: Writer
  readonly resources: Resources
  /** Which parts of the state are kept nowhere. */
  readonly privacy: Privacy
  readonly flow: SessionFlow
  /** The workflow's layer of resources, by workflow, also for sub-flows. */
  readonly layers: (workflow: AnyWorkflow) => ResourceLayer
  /** Makes sub-flows. */
  readonly nest: Nest
  /** Migrates a sub-flow's states to the version of its code. */
  readonly upgrade: Upgrade
  /** In a sub-flow: where its records go. */
  readonly within?: Within
  /** Called with what listeners and predicates throw, which nobody else could catch. */
  readonly report: (error: unknown) => void
  /** Told of every record after it was folded. */
  readonly onRecord: (record: SessionRecord) => void
  readonly onStream: (event: WorkflowEvent) => void
  readonly onProgress: (progress: { readonly fraction: number; readonly label?: string }) => void
  /** Told of what no record says: an attempt begins again, or a sub-flow is there again. */
  readonly onChange: () => void
  readonly initialState: unknown
}
