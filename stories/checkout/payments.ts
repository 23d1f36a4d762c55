import { z } from 'zod'

/** The client of the payment server: a resource of the flow, so it is never stored. */
export interface Payments {
  /** Whether there is a server that answers. */
  reachable(): Promise<boolean>
  /** Charges once for every key. Rejects with the server's message. */
  charge(total: number, key: string): Promise<{ orderId: string; total: number }>
}

const Receipt = z.object({ orderId: z.string(), total: z.number() })
const Refusal = z.object({ error: z.object({ message: z.string() }) })

/** The client for the server at `url`; without a URL, a client that never reaches a server. */
export function paymentsAt(url: string | undefined): Payments {
  return {
    async reachable() {
      if (url === undefined) return false
      const answer = await fetch(`${url}/charges`).catch(() => undefined)
      return answer?.ok ?? false
    },
    async charge(total, key) {
      if (url === undefined) throw new Error('there is no payment server')
      const answer = await fetch(`${url}/charge`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
        body: JSON.stringify({ total }),
      }).catch(() => {
        throw new Error('the payment server does not answer')
      })
      const body: unknown = await answer.json().catch(() => undefined)
      if (answer.ok) return Receipt.parse(body)
      throw new Error(
        Refusal.safeParse(body).data?.error.message ?? `the payment server says ${answer.status}`,
      )
    },
  }
}

/** Cents, as people read them. */
export function euros(cents: number): string {
  return `€ ${(cents / 100).toFixed(2)}`
}
