import { useState } from 'react'
import type { Adapter } from '../adapter.ts'

/** React alone: a component's own state, set from outside. Nothing shares it, nothing outlives the component. */
export const useStateFloor: Adapter = {
  cells() {
    const setters: ((value: number) => void)[] = []
    return {
      useCell(at) {
        const [value, set] = useState(0)
        setters[at] = set
        return value
      },
      write: (at, value) => setters[at]!(value),
      writeAll(value) {
        for (const set of setters) set(value)
      },
    }
  },
}
