import { DogearError, type Issue } from '../../errors'
import { wordsOf } from '../../words'

/** Everything that is wrong with a graph document or its registry, in one error, each with its path. */
export class GraphError extends DogearError {
  override readonly name = 'GraphError'
  readonly code = 'GRAPH'
  /** The document's name, if it has one. */
  declare readonly graph: string
  /** In the order of the document. A path leads into it (`nodes.2.type`) or into the registry (`registry.state`). */
  declare readonly findings: readonly Issue[]
  constructor(graph: string, findings: readonly Issue[]) {
    super(
      `graph "${graph}" has ${findings.length} ${findings.length === 1 ? 'mistake' : 'mistakes'}:\n` +
        findings
          .map(({ path, message }) => `  - ${path === '' ? 'the document' : path} ${message}`)
          .join('\n'),
    )
    this.graph = graph
    this.findings = findings
  }
}

/** A condition of a graph's edge threw; `cause` is what it threw. The run fails. */
export class ConditionError extends DogearError {
  override readonly name = 'ConditionError'
  readonly code = 'CONDITION'
  declare readonly condition: string
  /** The ids of the nodes that the edge leads from and to. */
  declare readonly from: string
  declare readonly to: string
  constructor(condition: string, from: string, to: string, cause: unknown) {
    super(`condition "${condition}" of the edge from "${from}" to "${to}" threw: ${wordsOf(cause)}`, {
      cause,
    })
    this.condition = condition
    this.from = from
    this.to = to
  }
}

/** Notes one finding. */
export type Report = (path: string, message: string) => void

/** Names for a message: what there is instead of what was named. */
export function known(names: Iterable<string>): string {
  const sorted = [...names].sort().map((it) => `"${it}"`)
  const more = sorted.length - MOST_NAMES
  if (sorted.length === 0) return 'none is known'
  return `known: ${sorted.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const MOST_NAMES = 30
