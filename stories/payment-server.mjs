/**
 * A payment provider in small, for the checkout story, its tests, and anybody who wants to see what an idempotency
 * key is good for. It keeps its books in memory and listens on this machine only.
 *
 *     POST /charge    { "total": 2490 } in cents, with an `Idempotency-Key` header
 *                     200 { orderId, total }   the same key gets the same answer, and is charged once
 *                     503 { error }            the first try of every key, when `failFirst` is on
 *     GET  /charges   [{ key, total, tries, charged }]
 *
 * Errors are `{ error: { code, message } }`. Pages from this machine may call it, whatever their port.
 */
import { createServer } from 'node:http'

const host = '127.0.0.1'
const largestBody = 10_000

/** What a caller did wrong, or the server's bad day. */
class Refusal extends Error {
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** Who was charged, and how often they tried. */
function books(failFirst) {
  const entries = new Map()
  return {
    charge(key, total) {
      const entry = entries.get(key) ?? { key, total, tries: 0, charged: 0, orderId: undefined }
      if (entry.total !== total)
        throw new Refusal(422, 'KEY_REUSED', `this key was used for ${entry.total}, and not for ${total}`)
      entries.set(key, entry)
      entry.tries++
      if (failFirst && entry.tries === 1) throw new Refusal(503, 'BUSY', 'the payment server is busy')
      if (entry.charged === 0) {
        entry.charged++
        entry.orderId = `A${1000 + [...entries.values()].filter((it) => it.charged > 0).length}`
      }
      return { orderId: entry.orderId, total }
    },
    list: () =>
      Array.from(entries.values(), ({ key, total, tries, charged }) => ({ key, total, tries, charged })),
  }
}

async function readTotal(request) {
  let text = ''
  request.setEncoding('utf8')
  for await (const chunk of request) {
    text += chunk
    if (text.length > largestBody) throw new Refusal(413, 'TOO_LARGE', 'that is no small purchase order')
  }
  let body
  try {
    body = JSON.parse(text)
  } catch {
    throw new Refusal(400, 'NOT_JSON', 'the body is not JSON')
  }
  const total = body?.total
  if (!Number.isSafeInteger(total) || total <= 0)
    throw new Refusal(400, 'BAD_TOTAL', '`total` is a whole number of cents, more than 0')
  return total
}

function readKey(request) {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || key === '' || key.length > 500)
    throw new Refusal(400, 'NO_KEY', 'an `Idempotency-Key` header of 1 to 500 characters is needed')
  return key
}

/** Only pages that this machine serves may read the answers. */
function allowedOrigin(origin) {
  if (typeof origin !== 'string' || !URL.canParse(origin)) return undefined
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(origin).hostname) ? origin : undefined
}

const headers = (request) => {
  const origin = allowedOrigin(request.headers.origin)
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    Vary: 'Origin',
    ...(origin && {
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Allow-Headers': 'Content-Type, Idempotency-Key',
      'Access-Control-Max-Age': '600',
    }),
  }
}

/** What to answer; throws a Refusal. */
async function handle(request, { charge, list }, beforeAnswer) {
  const { method } = request
  const path = request.url?.split('?')[0]
  const expected = { '/charge': 'POST', '/charges': 'GET' }[path]
  if (expected === undefined)
    throw new Refusal(404, 'NOT_FOUND', `there is no ${path}; there are POST /charge and GET /charges`)
  if (method === 'OPTIONS') return undefined
  if (method !== expected) throw new Refusal(405, 'WRONG_METHOD', `${path} takes ${expected}, not ${method}`)
  if (path === '/charges') return list()
  const key = readKey(request)
  const answer = charge(key, await readTotal(request))
  await beforeAnswer({ key, total: answer.total })
  return answer
}

export async function startPaymentServer({ port = 0, failFirst = true, beforeAnswer = () => {} } = {}) {
  const { charge, list } = books(failFirst)
  const server = createServer(async (request, response) => {
    try {
      const answer = await handle(request, { charge, list }, beforeAnswer)
      response.writeHead(answer === undefined ? 204 : 200, headers(request))
      response.end(answer === undefined ? undefined : JSON.stringify(answer))
    } catch (error) {
      const known = error instanceof Refusal
      const { status, code } = known ? error : { status: 500, code: 'BROKEN' }
      response.writeHead(status, headers(request))
      response.end(JSON.stringify({ error: { code, message: known ? error.message : 'something broke' } }))
    }
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    url: `http://${host}:${server.address().port}`,
    charges: list,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
