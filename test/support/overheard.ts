import { virtualTabs } from 'dogear/testing'

/** Tabs of one browser, and everything that they say to each other. */
export function overheardTabs() {
  const tabs = virtualTabs()
  const heard: unknown[] = []
  const channel = (name: string) => {
    const inner = tabs.channel(name)
    const post = inner.postMessage.bind(inner)
    inner.postMessage = (message) => {
      heard.push(message)
      post(message)
    }
    return inner
  }
  return { heard, locks: tabs.locks, channel }
}
