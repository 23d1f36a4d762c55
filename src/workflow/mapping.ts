import { startsWith, toPath, type Path } from '../state/path'

/** A source path, or source paths by target path. */
export type Sources = string | Readonly<Record<string, string>>

/** What enters a sub-flow and what comes back, as the engine sees it. */
export interface AnyMapping {
  readonly capture?: Readonly<Record<string, Sources | undefined>> | undefined
  readonly writeBack?: Readonly<Record<string, Sources | undefined>> | undefined
}

/** Its names, for whoever is given it. */
export const takenByMapping = { capture: '', writeBack: '' }

/** A source path in its two parts. */
export interface Source {
  readonly scope: string
  readonly path: Path
  readonly text: string
}

const SIDES = {
  capture: {
    targets: ['input', 'state', 'flowState', 'resources'],
    scopes: ['value', 'state', 'flowState', 'resources'],
  },
  writeBack: { targets: ['value', 'state', 'flowState'], scopes: ['result'] },
} as const

/** Everything that is wrong with a mapping, in words. */
export function mappingMistakes(mapping: AnyMapping): string[] {
  const mistakes: string[] = []
  for (const side of ['capture', 'writeBack'] as const) {
    const { targets, scopes } = SIDES[side]
    const given: unknown = mapping[side] ?? {}
    if (typeof given !== 'object') {
      mistakes.push(`${side}: it is an object with a source for each target`)
      continue
    }
    for (const [target, sources] of Object.entries(mapping[side] ?? {})) {
      const where = `${side}.${target}`
      const report = (text: string): void => void mistakes.push(`${where}${text}`)
      if (!(targets as readonly string[]).includes(target))
        report(`: there is no such target; it is ${targets.join(', ')}`)
      else if (sources !== undefined) checkSources(sources, target, scopes, report)
    }
  }
  return mistakes
}

function checkSources(
  sources: unknown,
  target: string,
  scopes: readonly string[],
  report: (text: string) => void,
): void {
  if (typeof sources === 'string') return checkSource(sources, scopes, (it) => report(`: ${it}`))
  if (typeof sources !== 'object' || sources === null || Array.isArray(sources))
    return report(': it is a source path, or an object of source paths by target path')
  const paths: Path[] = []
  for (const [to, from] of Object.entries(sources)) {
    const at = (text: string): void => report(`["${to}"]: ${text}`)
    const path = pathOf(to, at)
    if (path && target === 'resources' && path.keys.length > 1) at('a resource is one key, without a path')
    const other = path && paths.find((it) => overlaps(it, path))
    if (path && other) at(`it overlaps with the target "${other.text}"`)
    if (path) paths.push(path)
    if (typeof from === 'string') checkSource(from, scopes, at)
    else at('its source is no path')
  }
}

function checkSource(text: string, scopes: readonly string[], report: (text: string) => void): void {
  const path = pathOf(text, report)
  if (path && !scopes.includes(path.keys[0] ?? ''))
    report(`the source "${text}" begins with none of ${scopes.join(', ')}`)
}

function pathOf(text: string, report: (text: string) => void): Path | undefined {
  let mistake = 'the path is empty'
  try {
    if (text !== '') return toPath(text)
  } catch (error) {
    mistake = (error as Error).message
  }
  report(mistake)
  return undefined
}

function overlaps({ keys: one }: Path, { keys: other }: Path): boolean {
  return startsWith(one, other) || startsWith(other, one)
}

export function sourceOf(text: string): Source {
  const { keys } = toPath(text)
  return { scope: keys[0] ?? '', path: toPath(keys.slice(1)), text }
}

/** The lines of one target: `''` is all of it. */
export function linesOf(sources: Sources | undefined): (readonly [to: Path, from: Source])[] {
  if (sources === undefined) return []
  if (typeof sources === 'string') return [[toPath(''), sourceOf(sources)]]
  return Object.entries(sources).map(([to, from]) => [toPath(to), sourceOf(from)] as const)
}
