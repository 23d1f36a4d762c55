/** Serves the page and keeps the books: what was acknowledged, what was found again, which effects were asked for. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import path from 'node:path'

const types = { '.html': 'text/html', '.js': 'text/javascript', '.map': 'application/json' }

export class Books {
  acknowledged = 0
  lost = []
  torn = []
  /** How often each key was asked for. */
  keys = new Map()
  /** The keys of each effect: one, or the effect was done as if it were another. */
  effects = new Map()
  /** Effects that ran again after their result was acknowledged. */
  repeated = []
  found = 0
  /** Openings whose storage took longer to answer than the engine waits. */
  degraded = 0
  #typed = 0
  #done = 0
  #waiting = { asked: [], found: [] }

  /** Of the next opening: when a browser has asked for the page, and when the page has told what it found. */
  next() {
    const settles = (list) => new Promise((resolve) => list.push(resolve))
    this.#waiting = { asked: [], found: [] }
    return { asked: settles(this.#waiting.asked), found: settles(this.#waiting.found) }
  }

  /** A browser asks for the page. */
  asked() {
    for (const resolve of this.#waiting.asked.splice(0)) resolve()
  }

  tell = {
    '/effect': ({ key, effect }) => {
      this.keys.set(key, (this.keys.get(key) ?? 0) + 1)
      this.effects.set(effect, (this.effects.get(effect) ?? new Set()).add(key))
      if (effect < this.#done) this.repeated.push(effect)
    },
    '/acknowledged': ({ typed, done }) => {
      this.acknowledged++
      this.#typed = Math.max(this.#typed, typed)
      this.#done = Math.max(this.#done, done)
    },
    '/degraded': () => {
      this.degraded++
    },
    '/found': ({ typed = 0, copy = 0, done = [], refused, databases }) => {
      this.found++
      if (refused !== undefined) this.torn.push(refused)
      else {
        if (typed !== copy) this.torn.push(`typed ${typed}, copy ${copy}`)
        if (done.some((it, at) => it !== at)) this.torn.push(`steps ${done.join()}`)
        if (typed < this.#typed || done.length < this.#done) {
          this.lost.push(
            `opening ${this.found}: typed ${typed} of ${this.#typed}, ${done.length} steps of ${this.#done}, databases ${databases}`,
          )
          // What follows builds on what is there now: one loss counts once.
          this.#typed = typed
          this.#done = done.length
        }
      }
      for (const resolve of this.#waiting.found.splice(0)) resolve()
    },
  }
}

export async function serve(folder, books) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://127.0.0.1')
    try {
      if (request.method === 'POST') {
        let text = ''
        for await (const chunk of request) text += chunk
        books.tell[pathname](JSON.parse(text))
        response.writeHead(204).end()
        return
      }
      if (pathname === '/') books.asked()
      const file = path.join(folder, pathname === '/' ? 'index.html' : path.normalize(pathname))
      response.setHeader('Content-Type', types[path.extname(file)] ?? 'text/plain')
      response.setHeader('Cache-Control', 'no-store')
      response.end(await readFile(file))
    } catch (error) {
      response.writeHead(error.code === 'ENOENT' ? 404 : 500).end(String(error))
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
