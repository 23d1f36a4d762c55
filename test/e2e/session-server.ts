import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStorage, type Storage } from 'unstorage'
import { createStorageServer } from 'unstorage/server'

/** What a shop would have on its own server: sessions of many devices, reached over HTTP. On this machine only. */
export interface SessionServer {
  readonly url: string
  readonly storage: Storage
  close(): Promise<void>
}

const headers = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD, PUT, DELETE',
  'Access-Control-Allow-Headers': '*',
  'Cache-Control': 'no-store',
}

export async function startSessionServer(): Promise<SessionServer> {
  const storage = createStorage()
  const { handle } = createStorageServer(storage)
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (request.method === 'OPTIONS') response.writeHead(204).end()
    else handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    storage,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
