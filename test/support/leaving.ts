import { createEngine, memoryStorage, type Engine, type EngineOptions } from '../../src/index'
import { crash, virtualClock, virtualTabs, type VirtualTabs } from '../../src/testing'
import { Page } from './page'

/** One browser in which pages are opened and left: what is not stored goes through its localStorage, or is lost. */
export const browser = (options: EngineOptions = {}) => {
  const clock = virtualClock()
  const storage = memoryStorage()
  const tabs = virtualTabs()
  const box = new Map<string, string>()
  let ids = 0
  const tab = (more: EngineOptions = {}): { engine: Engine; page: Page; leave: () => void } => {
    const page = new Page(box)
    const engine = createEngine({
      storage,
      clock,
      ids: () => `id-${++ids}`,
      ...tabs,
      page,
      ...options,
      ...more,
    })
    const leave = () => {
      page.hide()
      crash(engine)
    }
    return { engine, page, leave }
  }
  return { clock, storage, box, tab }
}

/** The channels of a tab that hears nothing for a while, as in an endless loop, and then everything at once. */
export function ears({ channel: inner }: VirtualTabs) {
  const unheard: (() => void)[] = []
  let closed = false
  const channel: VirtualTabs['channel'] = (name) => {
    const line = inner(name)
    return {
      set onmessage(listener: typeof line.onmessage) {
        line.onmessage = (event) => (closed ? void unheard.push(() => listener?.(event)) : listener?.(event))
      },
      postMessage: line.postMessage,
      close: line.close,
    }
  }
  return {
    channel,
    close: () => void (closed = true),
    open() {
      closed = false
      for (const hear of unheard.splice(0)) hear()
    },
  }
}
