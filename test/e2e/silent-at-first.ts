/** Makes a payment server answer every charge but the first, which waits for ever. */
export function silentAtFirst() {
  let charged = () => {}
  const firstCharge = new Promise<void>((resolve) => (charged = resolve))
  let first = true
  const beforeAnswer = () => {
    if (!first) return undefined
    first = false
    charged()
    return new Promise<void>(() => {})
  }
  return { firstCharge, beforeAnswer }
}
