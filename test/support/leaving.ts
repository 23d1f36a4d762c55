import { createEngine, memoryStorage, type Engine, type EngineOptions } from '../../src/index'
import { crash, virtualClock, virtualTabs } from '../../src/testing'
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
