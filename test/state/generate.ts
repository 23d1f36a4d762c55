import { random } from '../support/random'
import type { Command, Json, Mutation } from './model'

/** Random values, paths and scripts over few keys, so that what is written meets what was written before. */
export class Generator {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = random(seed)
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit)
  }

  chance(of: number): boolean {
    return this.#next() < of
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }

  times<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make)
  }

  value(depth = 0): Json {
    const kind = this.below(depth > 2 ? 5 : 9)
    if (kind === 0) return null
    if (kind === 1) return this.chance(0.5)
    if (kind < 4) return this.below(4)
    if (kind === 4) return this.pick(['', 'x', 'xy', 'text'])
    if (kind < 7) return this.times(4, () => this.value(depth + 1))
    return Object.fromEntries(this.times(3, () => [this.key(), this.value(depth + 1)] as const))
  }

  key(): string {
    return this.pick(['a', 'b', 'c', 'list', '0', '1', 'toString', 'a.b', 'length'])
  }

  path(most = 3): string[] {
    const path = [this.pick(['a', 'b', 'list', 'items'])]
    while (path.length < most && this.chance(0.55)) {
      path.push(this.chance(0.5) ? String(this.below(4)) : this.key())
    }
    return path
  }

  root(): Json {
    const items = this.times(4, () => this.value(1))
    return {
      a: this.value(),
      b: { list: this.times(3, () => this.value(2)), n: 0 },
      list: items,
      items: [{ a: 1 }, [2]],
    }
  }

  mutation(): Mutation {
    const path = this.path()
    switch (this.below(10)) {
      case 0:
      case 1:
        return { do: 'assign', path, value: this.value(1) }
      case 2:
        return { do: 'remove', path }
      case 3:
        return { do: this.pick(['push', 'unshift']), path, value: this.value(1) }
      case 4:
      case 5:
        return { do: this.pick(['pop', 'shift', 'reverse', 'sort', 'read']), path }
      case 6:
      case 7: {
        const items = this.times(2, () => this.value(2))
        return { do: 'splice', path, at: this.below(4) - 1, count: this.below(3), items }
      }
      case 8:
        return { do: 'share', path, from: this.path() }
      default:
        return { do: 'wrap', path, from: this.path() }
    }
  }

  command(inBatch = false): Command {
    const path = this.chance(0.02) ? ['a', this.pick(['__proto__', 'constructor']), 'x'] : this.path(4)
    const kind = this.below(inBatch ? 15 : 18)
    if (kind < 5) return { do: 'set', path, value: this.chance(0.1) ? undefined : this.value(1) }
    if (kind < 8) return { do: 'append', path, value: this.value(1) }
    if (kind < 10) return { do: 'update', path }
    if (kind < 12) return { do: 'delete', path }
    if (kind === 12) return this.chance(0.3) ? { do: 'reset' } : { do: 'replace', value: this.root() }
    if (kind < 15)
      return { do: 'edit', mutations: this.times(6, () => this.mutation()), throws: this.chance(0.1) }
    const commands = this.times(6, () => this.command(true))
    return { do: 'batch', commands, throws: this.chance(0.1), swallows: this.chance(0.6) }
  }
}

/**
 * Runs a script for every seed. A failing one is made as small as possible by leaving steps out, and shown with
 * its seed and the error of what is left.
 */
export function forSeeds<S>(
  count: number,
  generate: (generator: Generator, seed: number) => readonly S[],
  run: (script: readonly S[], seed: number) => void,
): void {
  for (let seed = 1; seed <= count; seed++) {
    const script = generate(new Generator(seed), seed)
    const error = failure(() => run(script, seed))
    if (error === undefined) continue
    const small = shrink(script, (it) => failure(() => run(it, seed)) !== undefined)
    const steps = small.map((it) => `  ${JSON.stringify(it)}`).join('\n')
    const last = failure(() => run(small, seed)) ?? error
    throw new Error(
      `seed ${seed}, ${small.length} of ${script.length} steps:\n${steps}\n${last instanceof Error ? last.message : 'no error'}`,
      {
        cause: last,
      },
    )
  }
}

function shrink<S>(script: readonly S[], fails: (script: readonly S[]) => boolean): readonly S[] {
  let small = script
  for (let size = Math.ceil(small.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    for (let at = 0; at < small.length;) {
      const less = small.toSpliced(at, size)
      if (fails(less)) small = less
      else at += size
    }
  }
  return small
}

function failure(run: () => void): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return error ?? new Error('nothing was thrown')
  }
}
