import { batch, effect, signal } from '@preact/signals-core'
import type { Signal } from '@preact/signals-core'
import { useSignals } from '@preact/signals-react/runtime'
import type { Adapter, Cells, Fan, Leaf, Shape } from '../adapter.ts'
import { countPath } from '../items.ts'

/** One signal for each path, found by it: no state as a whole, so nothing to copy and nothing to save. */
function fan(shape: Shape, count: number): Fan {
  const paths = Array.from({ length: count }, (_, at) => countPath(shape, at))
  const signals = new Map<string, Signal<number>>(paths.map((path) => [path, signal(0)]))
  return {
    write(at, value) {
      signals.get(paths[at]!)!.value = value
    },
    read: (at) => signals.get(paths[at]!)!.peek(),
    subscribe(at, listener) {
      const own = signals.get(paths[at]!)!
      let first = true
      effect(() => {
        const { value } = own
        if (!first) listener(value)
        first = false
      })
    },
  }
}

function leaf(): Leaf {
  const age = signal(0)
  return {
    get: () => age.value,
    set(value) {
      age.value = value
    },
  }
}

function cells(count: number): Cells {
  const signals = Array.from({ length: count }, () => signal(0))
  return {
    useCell(at) {
      const tracking = useSignals(2)
      try {
        return signals[at]!.value
      } finally {
        tracking.f()
      }
    },
    write(at, value) {
      signals[at]!.value = value
    },
    writeAll: (value) =>
      batch(() => {
        for (const own of signals) own.value = value
      }),
  }
}

export const signals: Adapter = { fan, leaf, cells }
