import type { WorkflowEvent } from '../workflow/event'
import type { Core } from './core'
import type { Emission } from './model/record'
import { emissionsOf } from './routing'

/** A run begins. */
export function startRun(core: Core, event: WorkflowEvent): void {
  const [emission] = emissionsOf(core, [event])
  core.append({ kind: 'started', run: core.options.ids(), event: emission as Emission, seq: 0, at: 0 })
}
