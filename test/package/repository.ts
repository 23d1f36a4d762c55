import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { root, run } from './consumer.ts'

/** The files of this repository, by their paths from its root. */
export async function filesHere(): Promise<readonly string[]> {
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  })
  return stdout
    .split('\n')
    .filter((file) => statSync(path.join(root, file), { throwIfNoEntry: false })?.isFile())
}

export function textOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}
