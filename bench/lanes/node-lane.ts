import { fork } from 'node:child_process'
import type { AdapterName } from '../adapters/index.ts'
import { remote } from './lane.ts'
import type { Ask, Lane } from './lane.ts'
import type { Answer, Question } from './node-worker.ts'

/** What a Node lane is started with: the bundled node-worker.ts, and where its CPU profile goes, if anywhere. */
interface Start {
  readonly nodeScript: string
  readonly options: { readonly profile: string | undefined }
}

/** Starts a Node process for one adapter. */
export function nodeLane({ nodeScript, options: { profile } }: Start, name: AdapterName): Lane {
  const execArgv = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child = fork(nodeScript, [name], {
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv,
    serialization: 'advanced',
  })
  const pending = new Map<number, PromiseWithResolvers>()
  let next = 0
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      for (const { reject } of pending.values())
        reject(new Error(`the process of ${name} ended with ${code}`))
      pending.clear()
      resolve()
    })
  })
  child.on('message', ({ id, value, error }: Answer) => {
    const waiting = pending.get(id)
    pending.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  })
  const ask: Ask = (stage, method, args) =>
    new Promise((resolve, reject) => {
      const id = next++
      pending.set(id, { resolve, reject })
      child.send({ id, stage, method, args } satisfies Question)
    })
  return {
    name,
    stage: (stage) => remote(stage, ask),
    close() {
      if (child.connected) child.disconnect()
      return ended
    },
  }
}

interface PromiseWithResolvers {
  resolve(value: unknown): void
  reject(error: Error): void
}
