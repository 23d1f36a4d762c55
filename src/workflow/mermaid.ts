import { checkOptions } from '../state/argument'
import type { AnyWorkflow } from './shape'
import type { StepDefinition } from './step'
import { definitionOf, type Definition } from './workflow'

/** How much a diagram shows. */
export interface DiagramOptions {
  /**
   * `simple` (the default): the steps, the ways between them, and the conditions. `detailed`: also events, asks, retries
   * and limits.
   */
  readonly detail?: 'simple' | 'detailed' | undefined
  /** Steps to light up, such as those at work, by name; a step of a sub-flow by the names that lead to it. */
  readonly lit?: readonly (string | readonly string[])[] | undefined
}

/**
 * Draws a workflow as a Mermaid flowchart, for a page or a README. It is a picture only: nothing is read back from it.
 * (Mermaid itself refuses more than 500 edges, unless its `maxEdges` option is higher.)
 *
 * ```ts
 * const source = toMermaid(checkout, { detail: 'detailed' })
 * const { svg } = await mermaid.render('checkout', source)
 * ```
 */
export function toMermaid(workflow: AnyWorkflow, options: DiagramOptions = {}): string {
  const definition = definitionOf(workflow)
  checkOptions('toMermaid()', options, { lit: 'map', detail: '' })
  const { detail, lit } = options
  const draw = new Drawing(definition, detail === 'detailed', '')
  return ['flowchart TD', ...draw.whole(), ...draw.lights(lit ?? [])].join('\n') + '\n'
}

/** The lines of one diagram, or of a sub-flow in it. Ids are numbers of our own; users' names are only in labels. */
class Drawing {
  readonly #definition: Definition
  readonly #detailed: boolean
  /** What the ids of this workflow begin with: the id of its step. */
  readonly #within: string
  readonly #ids: ReadonlyMap<string, string>

  constructor(definition: Definition, detailed: boolean, within: string) {
    this.#definition = definition
    this.#detailed = detailed
    this.#within = within
    this.#ids = new Map(definition.steps.map(({ name }, index) => [name, `${within}s${index}`]))
  }

  whole(): string[] {
    const steps = this.#definition.steps.flatMap((it) => this.#step(it))
    return [`${this.#within}begin(( ))`, ...steps, `${this.#finish}((( )))`, ...this.#ways()]
  }

  get #finish(): string {
    return `${this.#within}finish`
  }

  /** A step that is a workflow is a group of its steps. */
  #step(step: StepDefinition): string[] {
    const id = this.#id(step.name)
    const lines = [step.name, ...this.#notes(step)]
    const child = this.#inside(id, step)
    if (child === undefined) return [`${id}${shape(step, lines)}`]
    return [`subgraph ${id}[${inQuotes(lines)}]`, ...child.whole(), 'end']
  }

  #ways(): string[] {
    const { steps, options, routes, graph } = this.#definition
    const starts = (routes.get(options.start.type) ?? []).filter((it) => !graph || it === graph.start)
    const lines = starts.map((it) =>
      this.#way(`${this.#within}begin`, it, this.#detailed && !graph ? options.start.type : ''),
    )
    if (graph) {
      for (const { from, to, when = '' } of graph.edges) lines.push(this.#way(this.#id(from), to, when))
      for (const step of steps)
        if (step.emits.includes(options.stop)) lines.push(`${this.#id(step.name)} --> ${this.#finish}`)
    } else for (const step of steps) lines.push(...this.#emitted(step))
    if (this.#detailed)
      for (const { name, catchError = options.catchError } of steps)
        if (catchError !== undefined && catchError !== name && this.#ids.has(catchError))
          lines.push(`${this.#id(name)} -.->${label('on failure')} ${this.#id(catchError)}`)
    return lines
  }

  /** A group that is lit is paler, so that what is lit in it stands out. */
  lights(lit: NonNullable<DiagramOptions['lit']>): string[] {
    const found = lit.map((it) => this.#find([it].flat())).filter((it) => it !== undefined)
    if (found.length === 0) return []
    const groups = found.filter(([, step]) => step.subflow)
    const ids = (them: typeof found): string => them.map(([id]) => id).join(',')
    return [
      'classDef lit fill:#ffd54a,stroke:#8a5a00,stroke-width:3px,color:#1f1400',
      `class ${ids(found)} lit`,
      ...(groups.length > 0 ? ['classDef around fill:#fff6dc', `class ${ids(groups)} around`] : []),
    ]
  }

  /** The step that names lead to, with its id. */
  #find([name = '', ...rest]: readonly string[]): readonly [string, StepDefinition] | undefined {
    const id = this.#ids.get(name)
    const step = this.#definition.stepsByName.get(name)
    if (id === undefined || step === undefined) return undefined
    if (rest.length === 0) return [id, step]
    const child = this.#inside(id, step)
    return child && child.#find(rest)
  }

  #inside(id: string, { subflow }: StepDefinition): Drawing | undefined {
    return subflow && new Drawing(definitionOf(subflow.workflow), this.#detailed, `${id}_`)
  }

  #emitted({ name, emits }: StepDefinition): string[] {
    const { options, routes } = this.#definition
    const from = this.#id(name)
    return emits.flatMap(({ type }) => {
      const text = this.#detailed ? type : ''
      const targets = (routes.get(type) ?? []).map((to) => this.#way(from, to, text))
      return type === options.stop.type ? [...targets, `${from} -->${label(text)} ${this.#finish}`] : targets
    })
  }

  #way(from: string, to: string, text: string): string {
    return `${from} -->${label(text)} ${this.#id(to)}`
  }

  #notes({ asks, retry, timeout, workers, join, on }: StepDefinition): string[] {
    if (!this.#detailed) return []
    return [
      ...(join === 'any' ? [] : [`${join} ${on.map((it) => it.type).join(', ')}`]),
      ...asks.map((it) => `asks ${it.type}`),
      ...(retry === undefined
        ? []
        : [typeof retry === 'function' ? 'retries' : `${retry.attempts} attempts`]),
      ...(timeout === undefined ? [] : [`${timeout} ms`]),
      ...(workers === 4 ? [] : [`${workers} at once`]),
    ]
  }

  #id(name: string): string {
    return this.#ids.get(name) ?? this.#finish
  }
}

/** A step that asks has round ends, a gathering step is a hexagon, any other a box. */
function shape({ asks, join }: StepDefinition, lines: readonly string[]): string {
  const inside = inQuotes(lines)
  if (join !== 'any') return `{{${inside}}}`
  return asks.length > 0 ? `([${inside}])` : `[${inside}]`
}

function inQuotes(lines: readonly string[]): string {
  return `"${lines.map(escape).join('<br/>')}"`
}

function label(text: string): string {
  return text === '' ? '' : `|"${escape(text)}"|`
}

/** Letters, digits and spaces stay; whatever could mean something to Mermaid or HTML becomes a character code. */
function escape(text: string): string {
  if (/^\w+( \w+)*$/.test(text)) return text
  return text.replace(/\s+/g, ' ').replace(/[^\p{L}\p{M}\p{N} _]/gu, (it) => `#${it.codePointAt(0) ?? 32};`)
}
