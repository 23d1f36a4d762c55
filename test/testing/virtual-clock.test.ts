import { describe, expect, it } from 'vitest'
import { nextTask } from '../../src/clock'
import { virtualClock } from '../../src/testing/virtual-clock'

describe('virtualClock', () => {
  it('fires by due time, then in the order set, each at its own time', async () => {
    const clock = virtualClock({ now: 1000 })
    const fired: string[] = []
    const note = (name: string) => (): void => void fired.push(`${name} at ${clock.now()}`)
    clock.setTimeout(note('c'), 30)
    clock.setTimeout(note('a'), 10)
    clock.setTimeout(note('b1'), 20)
    clock.setTimeout(note('b2'), 20)
    clock.setTimeout(note('late'), 31)
    await clock.advance(30)
    expect(fired).toEqual(['a at 1010', 'b1 at 1020', 'b2 at 1020', 'c at 1030'])
    expect([clock.now(), clock.pending]).toEqual([1030, 1])
    await clock.advance(1)
    expect(fired.at(-1)).toBe('late at 1031')
  })

  it('a timer set by a timer fires in the same advance if it falls due', async () => {
    const clock = virtualClock({ now: 0 })
    const fired: number[] = []
    const tick = (): void => {
      fired.push(clock.now())
      clock.setTimeout(tick, 10)
    }
    clock.setTimeout(tick, 10)
    await clock.advance(35)
    expect(fired).toEqual([10, 20, 30])
  })

  it('lets promises and tasks run before the first timer, between timers, and at the end', async () => {
    const clock = virtualClock()
    const order: string[] = []
    const later = async (name: string): Promise<void> => {
      await Promise.resolve()
      await new Promise<void>(nextTask)
      await new Promise<void>(nextTask)
      order.push(name)
    }
    void later('ready')
    clock.setTimeout(() => (order.push('timer 1'), void later('after 1')), 10)
    clock.setTimeout(() => (order.push('timer 2'), void later('after 2')), 10)
    await clock.advance(10)
    expect(order).toEqual(['ready', 'timer 1', 'after 1', 'timer 2', 'after 2'])
  })

  it('advance(0) settles a long chain of tasks that looks at the clock', async () => {
    const clock = virtualClock()
    let done = 0
    const chain = async (): Promise<void> => {
      for (; done < 1000; done++) {
        await new Promise<void>(nextTask)
        clock.now()
      }
    }
    void chain()
    await clock.advance(0)
    expect(done).toBe(1000)
  })

  it('a cleared timer does not fire', async () => {
    const clock = virtualClock()
    const handle = clock.setTimeout(() => expect.fail('it was cleared'), 5)
    clock.clearTimeout(handle)
    clock.clearTimeout(handle)
    clock.clearTimeout('nonsense')
    expect(clock.pending).toBe(0)
    await clock.advance(10)
  })

  it('an endless loop does not hang the test', async () => {
    const clock = virtualClock()
    let stop = false
    const spin = (): void => {
      clock.now()
      if (!stop) nextTask(spin)
    }
    spin()
    await clock.advance(0)
    stop = true
    expect(clock.now()).toBe(Date.UTC(2025, 0, 1))
  })
})
