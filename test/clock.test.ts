import { afterEach, describe, expect, it, vi } from 'vitest'
import { nextTask, systemClock } from '../src/clock'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('systemClock', () => {
  it('fires after the time, and not once it is cleared', () => {
    vi.useFakeTimers()
    const fired: string[] = []
    systemClock.setTimeout(() => fired.push('a'), 100)
    const handle = systemClock.setTimeout(() => fired.push('b'), 100)
    systemClock.clearTimeout(handle)
    systemClock.clearTimeout(undefined)
    vi.advanceTimersByTime(99)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(1)
    expect(fired).toEqual(['a'])
  })

  it('a wait of 60 days takes 60 days', () => {
    vi.useFakeTimers()
    const day = 86_400_000
    let fired = 0
    systemClock.setTimeout(() => fired++, 60 * day)
    const handle = systemClock.setTimeout(() => fired++, 60 * day)
    vi.advanceTimersByTime(59 * day)
    systemClock.clearTimeout(handle)
    vi.advanceTimersByTime(day - 1)
    expect(fired).toBe(0)
    vi.advanceTimersByTime(1)
    expect(fired).toBe(1)
    vi.advanceTimersByTime(100 * day)
    expect(fired).toBe(1)
  })

  it('a negative time fires at once, an infinite one never', () => {
    vi.useFakeTimers()
    const fired: string[] = []
    systemClock.setTimeout(() => fired.push('now'), -5)
    systemClock.setTimeout(() => fired.push('never'), Infinity)
    vi.advanceTimersByTime(1)
    vi.advanceTimersByTime(2 ** 33)
    expect(fired).toEqual(['now'])
  })

  it('tells the time', () => {
    vi.useFakeTimers({ now: 5000 })
    expect(systemClock.now()).toBe(5000)
  })

  it('idle calls back, also in browsers without idle callbacks', () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    let called = 0
    systemClock.idle?.(() => called++)
    vi.advanceTimersByTime(10)
    expect(called).toBe(1)
  })
})

describe('nextTask', () => {
  it('runs after all microtasks, in order, even under fake timers', async () => {
    vi.useFakeTimers()
    const order: string[] = []
    const done = new Promise<void>((resolve) => {
      nextTask(() => order.push('task 1'))
      nextTask(() => {
        order.push('task 2')
        resolve()
      })
    })
    void Promise.resolve()
      .then(() => order.push('microtask'))
      .then(() => order.push('one after it'))
    await done
    expect(order).toEqual(['microtask', 'one after it', 'task 1', 'task 2'])
  })

  const refused = function refused() {
    throw new Error('A Node.js API is used which is not supported in the Edge Runtime.')
  }

  it.each([
    ["without setImmediate and MessageChannel, as in Jest's jsdom", undefined, undefined],
    ['both of them throw, as in the Edge Runtime of Next.js', refused, 'edge-runtime'],
  ])('%s / still a task, even under fake timers', async (_, api, edge) => {
    vi.resetModules()
    vi.stubGlobal('setImmediate', api)
    vi.stubGlobal('MessageChannel', api)
    vi.stubGlobal('EdgeRuntime', edge)
    const bare = await import('../src/clock')
    vi.useFakeTimers()
    const order: string[] = []
    const done = new Promise<void>((resolve) => {
      bare.nextTask(() => order.push('task 1'))
      bare.nextTask(() => resolve())
    })
    void Promise.resolve().then(() => order.push('microtask'))
    await done
    expect(order).toEqual(['microtask', 'task 1'])
  })
})
