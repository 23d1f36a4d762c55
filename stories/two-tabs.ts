import { createEngine, memoryStorage, type Engine, type EngineOptions } from 'dogear'
import { virtualTabs } from 'dogear/testing'
import { useState } from 'react'

/** Two engines in one page, each as the engine of a tab of one browser. */
export function useTwoTabs(): readonly [Engine, Engine] {
  const [engines] = useState(() => {
    const browser: EngineOptions = { storage: memoryStorage(), ...virtualTabs() }
    return [createEngine(browser), createEngine(browser)] as const
  })
  return engines
}
