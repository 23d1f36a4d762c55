import type { Issue } from '../../errors'
import type { Stable } from '../../state/path-types'
import type { Output, Schema } from '../../state/standard-schema'
import type { Ask } from '../ask'
import type { WorkflowEvent } from '../event'
import type { GraphDocument } from './document'
import { GraphError, type Report } from './error'
import { own, reader } from './reader'
import { readRegistry, type GraphRegistry } from './registry'
import { stepsOfEdges } from './edges'
import { isEventful, stepsOfEvents } from './events'
import type { Shape } from '../shape'
import type { Workflow } from '../workflow'

/** The workflow of a document. Its state is untyped unless `state: schema` stands beside the nodes. */
export type GraphWorkflow<State = Record<string, unknown>, R = object> = Workflow<
  Shape<State, Record<string, unknown>, unknown, State, R>,
  string,
  Ask,
  WorkflowEvent
>

/**
 * Makes a workflow from a JSON document and the code that the document names. The result is a definition like that of
 * `defineWorkflow`, and runs, persists and resumes the same way. `run(input)` takes any JSON and resolves with the final
 * state.
 *
 * ```ts
 * const support = workflowFromGraph(
 *   {
 *     name: 'support',
 *     version: 1,
 *     nodes: [
 *       { id: 'classify', type: 'Classify', config: { model: 'small' } },
 *       { id: 'refund', type: 'Refund' },
 *       { id: 'answer', type: 'Answer' },
 *     ],
 *     edges: [
 *       { from: 'classify', to: 'refund', when: 'isRefund' },
 *       { from: 'classify', to: 'answer' },
 *     ],
 *     initial_state: { text: 'Where is my money?' },
 *   },
 *   {
 *     nodes: { Classify, Refund, Answer },
 *     conditions: { isRefund: (state) => state.get('kind') === 'refund' },
 *   },
 * )
 * ```
 *
 * After a node its edges are tried in declared order: the first whose condition holds is taken, else the first without a
 * condition. When there is none the run is complete. `workflowFromGraph` also reads what `graphOf` has exported.
 *
 * @throws GraphError with everything that is wrong with the document and the registry, each with its path
 */
export function workflowFromGraph<S extends Schema = Schema<Record<string, unknown>>, R = object>(
  document: GraphDocument & { readonly state?: (S & Stable<S>) | undefined },
  registry: GraphRegistry<S, R>,
): GraphWorkflow<Output<S>, R> {
  const findings: Issue[] = []
  const report: Report = (path, message) => void findings.push({ path, message })
  const source = reader(report).object(document, '')
  // The document's mistakes come first, in its order.
  const mistakes: Issue[] = []
  const code = readRegistry(registry, (path, message) => void mistakes.push({ path, message }))
  const make = source && (isEventful(source) ? stepsOfEvents : stepsOfEdges)(source, code, report)
  findings.push(...mistakes)
  const name = source && own(source, 'name')
  if (make === undefined || findings.length > 0)
    throw new GraphError(typeof name === 'string' ? name : '', findings)
  return make() as unknown as GraphWorkflow<Output<S>, R>
}
