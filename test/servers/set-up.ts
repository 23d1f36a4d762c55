import type { TestProject } from 'vitest/node'
import { Absent, startPostgres, startRedis, type Server } from './machine.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where they listen; `undefined` where they cannot be had. */
    redis: string | undefined
    postgres: string | undefined
  }
}

/** Starts the servers, on this machine only and with a folder that is deleted afterwards. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const servers: Server[] = []
  const begin = async (name: 'redis' | 'postgres', start: () => Promise<Server>): Promise<void> => {
    try {
      const server = await start()
      servers.push(server)
      project.provide(name, server.url)
    } catch (error) {
      if (!(error instanceof Absent)) throw error
      project.provide(name, undefined)
      console.error(`\nSKIPPED: every test on ${name}: ${error.message}\n`)
    }
  }
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((it) => it.stop()))
  }
  try {
    await begin('redis', startRedis)
    await begin('postgres', startPostgres)
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
