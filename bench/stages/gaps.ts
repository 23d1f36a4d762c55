/**
 * Listens to the main thread: a message to itself comes back at once unless something is in its way. The longest
 * time between two is the longest time that a click would have waited.
 */
export function gaps() {
  const { port1, port2 } = new MessageChannel()
  let last = performance.now()
  let longest = 0
  port1.onmessage = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    port2.postMessage(null)
  }
  port2.postMessage(null)
  return {
    /** The longest gap in milliseconds, and no more listening. */
    stop(): number {
      port1.close()
      return longest
    },
  }
}
