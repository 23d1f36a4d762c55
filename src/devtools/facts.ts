import type { AnySession } from '../session/session'
import { definitionOf } from '../workflow/workflow'
import { make, Rows, write, type View } from './element'
import { timeOf } from './timeline'
import { textOf } from './tree'

/** What a session is and does, one line each. */
export function factsView(): View<AnySession> {
  const element = make('dl')
  const rows = new Rows(element, factView)
  return { element, show: (session) => rows.show(factsOf(session)) }
}

function factView(name: string): View<string> {
  const text = make('dd')
  return { element: make('div', {}, make('dt', {}, name), text), show: (value) => write(text, value) }
}

function factsOf(session: AnySession): ReadonlyMap<string, string> {
  const { name, version } = definitionOf(session.workflow)
  const { persistence, progress, error, parent } = session
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Workflow', `${name}, version ${version}`],
    ['Status', session.status],
    ['Asks', listed(session.asks.map((it) => `${it.type} (step ${it.step})`))],
    ['Retries', listed(session.retries.map(retryOf))],
    [
      'Progress',
      progress && [`${Math.round(progress.fraction * 100)} %`, progress.label].filter(Boolean).join(' '),
    ],
    ['Result', session.result === undefined ? undefined : textOf(session.result)],
    ['Error', error && String(error)],
    ['Storage', [persistence.status, persistence.error?.message].filter(Boolean).join(': ')],
    ['This tab', session.role],
    ['Resources', listed(Object.keys(session.resources as object))],
    ['Missing', listed(session.missingResources)],
    ['Orphans', listed(session.orphans.map((it) => `${it.event.type} (step ${it.step})`))],
    ['Fork of', parent && `${parent.id} at #${parent.seq}`],
  ]
  return new Map(facts.filter((it): it is readonly [string, string] => it[1] !== undefined && it[1] !== ''))
}

function retryOf({ step, retryAt, error }: AnySession['retries'][number]): string {
  return `${step} at ${timeOf(retryAt)}${error ? ` (${error.name}: ${error.message})` : ''}`
}

function listed(names: readonly string[]): string {
  return names.join(', ')
}
