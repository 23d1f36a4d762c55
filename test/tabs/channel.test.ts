import { expect, test } from 'vitest'
import { pageChannels } from '../../src/tabs/channel'

const ports = (): number => process.getActiveResourcesInfo().filter((it) => it === 'MessagePort').length

test("Node's channels, as in Jest with a page's globals / hear of each other, and do not keep the process alive", async () => {
  const before = ports()
  const open = pageChannels()
  const channel = open?.('a test')
  const there = open?.('a test')
  const heard = new Promise<unknown>((resolve) => {
    if (there) there.onmessage = ({ data }) => resolve(data)
  })
  expect(ports()).toBe(before)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is no window
  channel?.postMessage('hello')
  expect(await heard).toBe('hello')
  expect(ports()).toBe(before)
  channel?.close()
  there?.close()
})
