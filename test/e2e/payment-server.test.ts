import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { startPaymentServer, type PaymentServer } from '../../stories/payment-server.mjs'

let server: PaymentServer
beforeEach(async () => {
  server = await startPaymentServer()
  onTestFinished(() => server.close())
})

async function post(headers: Record<string, string>, body: string, to = '/charge') {
  const answer = await fetch(`${server.url}${to}`, { method: 'POST', headers, body })
  return { status: answer.status, body: (await answer.json()) as unknown, headers: answer.headers }
}
const charge = (key: string, total: number) => post({ 'Idempotency-Key': key }, JSON.stringify({ total }))

test('one key three times / 503, then the same answer twice; charged once', async () => {
  expect(await charge('a', 100)).toMatchObject({ status: 503, body: { error: { code: 'BUSY' } } })
  const second = await charge('a', 100)
  expect(second).toMatchObject({ status: 200, body: { total: 100 } })
  expect((await charge('a', 100)).body).toEqual(second.body)
  expect(server.charges()).toEqual([{ key: 'a', total: 100, tries: 3, charged: 1 }])
  expect(await (await fetch(`${server.url}/charges`)).json()).toEqual(server.charges())
})

test('two keys / two charges, two orders', async () => {
  for (const key of ['a', 'b', 'a', 'b']) await charge(key, 100)
  const [a, b] = [await charge('a', 100), await charge('b', 100)]
  expect(a.body).not.toEqual(b.body)
  expect(server.charges().map((it) => it.charged)).toEqual([1, 1])
})

test('failFirst is off / the first try is charged', async () => {
  const willing = await startPaymentServer({ failFirst: false })
  onTestFinished(() => willing.close())
  const answer = await fetch(`${willing.url}/charge`, {
    method: 'POST',
    headers: { 'Idempotency-Key': 'a' },
    body: '{"total":100}',
  })
  expect(answer.status).toBe(200)
})

test.each([
  ['no key', {}, '{"total":100}', 400, 'NO_KEY'],
  ['no JSON', { 'Idempotency-Key': 'a' }, '{"total":', 400, 'NOT_JSON'],
  ['no object', { 'Idempotency-Key': 'a' }, 'null', 400, 'BAD_TOTAL'],
  ['half a cent', { 'Idempotency-Key': 'a' }, '{"total":0.5}', 400, 'BAD_TOTAL'],
  ['less than nothing', { 'Idempotency-Key': 'a' }, '{"total":-1}', 400, 'BAD_TOTAL'],
  ['a novel', { 'Idempotency-Key': 'a' }, JSON.stringify('x'.repeat(20_000)), 413, 'TOO_LARGE'],
] as [string, Record<string, string>, string, number, string][])(
  '%s / refused with its reason, nothing in the books',
  async (_, headers, body, status, code) => {
    expect(await post(headers, body)).toMatchObject({ status, body: { error: { code } } })
    expect(server.charges()).toEqual([])
  },
)

test('a key with another total / refused, and the first charge stands', async () => {
  await charge('a', 100)
  expect(await charge('a', 999)).toMatchObject({ status: 422, body: { error: { code: 'KEY_REUSED' } } })
  expect(server.charges()).toEqual([{ key: 'a', total: 100, tries: 1, charged: 0 }])
})

test('a wrong path, a wrong method / 404 and 405, as JSON', async () => {
  expect(await post({}, '', '/refund')).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } })
  expect(await post({}, '', '/__proto__')).toMatchObject({ status: 404 })
  expect(await post({}, '', '/constructor')).toMatchObject({ status: 404 })
  expect((await fetch(`${server.url}/charge`)).status).toBe(405)
})

test.each([
  ['http://127.0.0.1:6006', true],
  ['http://localhost:6006', true],
  ['https://example.org', false],
  ['http://localhost.example.org', false],
  ['null', false],
])('a page from %s / may read the answer: %s', async (origin, allowed) => {
  const answer = await fetch(`${server.url}/charge`, { method: 'OPTIONS', headers: { Origin: origin } })
  expect(answer.status).toBe(204)
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(allowed ? origin : null)
})

test('a taken port / an error instead of a hang', async () => {
  await expect(startPaymentServer({ port: Number(new URL(server.url).port) })).rejects.toThrow('EADDRINUSE')
})
