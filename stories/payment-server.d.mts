/** What the server knows of one idempotency key. */
export interface Charge {
  readonly key: string
  /** In cents. */
  readonly total: number
  /** How often it was asked for. */
  readonly tries: number
  /** How often money was taken: 0 or 1. */
  readonly charged: number
}

export interface PaymentServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** One entry for every key, oldest first. */
  charges(): Charge[]
  /** Hangs up on everybody. */
  close(): Promise<void>
}

export interface PaymentServerOptions {
  /** Default 0: any that is free. */
  readonly port?: number
  /** Whether the first try of every key is answered with 503, before anything is charged. Default true. */
  readonly failFirst?: boolean
  /** Awaited after the money is taken and before anybody hears of it: for tests that pull the plug there. */
  readonly beforeAnswer?: (charge: { readonly key: string; readonly total: number }) => void | Promise<void>
}

export function startPaymentServer(options?: PaymentServerOptions): Promise<PaymentServer>
