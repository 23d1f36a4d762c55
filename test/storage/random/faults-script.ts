import { fewer } from '../../session/random/fewer'
import { random } from '../../support/random'
import { Luck, type Weather } from './weather'

/** Something that a user, the browser or the storage does. */
export interface Act {
  readonly act: string
  /** Which of the open tabs: a share of them. */
  readonly who: number
  /** Decides what the act leaves open. */
  readonly roll: number
  /** Time until the next one. */
  readonly ms: number
  readonly weather?: Partial<Weather>
}

/** A story of a browser whose storage has trouble of one kind. */
export interface Script {
  readonly seed: number
  readonly kind: keyof typeof kinds
  readonly acts: readonly Act[]
}

export interface Kind {
  readonly storage: 'indexeddb' | 'web' | 'server'
  /** The session is so large that its snapshots are in parts. */
  readonly large?: true
  /** What happens beside what always happens. */
  readonly acts: readonly string[]
  /** What 'change' brings. */
  readonly weathers: readonly Partial<Weather>[]
}

const boxes = ['boxFull', 'boxForbidden', 'boxDamage', 'boxForeign', 'leaveAll']

const pages = Array.from({ length: 6 }, () => 'pages')
/** From no room at all to that for a snapshot. */
const roomsOf = (size: number): Partial<Weather>[] => [0, 0.1, 4, 15, 40].map((it) => ({ room: it * size }))

const all = {
  none: { storage: 'indexeddb', acts: ['freeze'], weathers: [] },
  aborts: {
    storage: 'indexeddb',
    acts: ['change'],
    weathers: [{ abort: 0.5 }, { abort: 0.1 }, { fail: 0.1 }, { full: true }],
  },
  late: {
    storage: 'indexeddb',
    acts: ['change', 'freeze'],
    weathers: [{ lateEvent: 0.3 }, { lateLanding: 0.3 }, { mute: 0.3 }, { slow: 0.5 }],
  },
  opening: {
    storage: 'indexeddb',
    acts: ['change', 'disconnect', 'disconnect', 'upgrade'],
    weathers: [{ openFails: 0.5 }, { openSlow: 0.5 }, { openFails: 0.2, openSlow: 0.2 }],
  },
  hung: { storage: 'indexeddb', acts: ['hang', 'hang', 'freeze', 'upgrade'], weathers: [] },
  wiped: { storage: 'indexeddb', acts: ['wipe', 'wipe', 'clearSite', 'freeze'], weathers: [] },
  all: {
    storage: 'indexeddb',
    acts: ['change', 'change', 'disconnect', 'upgrade', 'hang', 'freeze'],
    weathers: [
      { abort: 0.3 },
      { fail: 0.1 },
      { full: true },
      { lateEvent: 0.3 },
      { lateLanding: 0.3 },
      { mute: 0.2 },
      { slow: 0.5 },
      { openFails: 0.3 },
      { openSlow: 0.3 },
    ],
  },
  boxes: {
    storage: 'indexeddb',
    acts: ['change', ...boxes],
    weathers: [{ abort: 0.9 }, { full: true }, { lateEvent: 0.3 }, { lateLanding: 0.5 }],
  },
  backup: {
    storage: 'indexeddb',
    acts: ['change', 'backup', 'restore', 'restore'],
    weathers: [{ abort: 0.3 }, { lateEvent: 0.3 }, { lateLanding: 0.3 }],
  },
  backupWhileClosed: {
    storage: 'indexeddb',
    acts: ['backup', 'restoreClosed', 'restoreClosed'],
    weathers: [],
  },
  wipedInTrouble: {
    storage: 'indexeddb',
    acts: ['change', 'disconnect', 'wipe', 'clearSite'],
    weathers: [
      { abort: 0.3 },
      { lateEvent: 0.3 },
      { lateLanding: 0.3 },
      { slow: 0.5 },
      { openFails: 0.3 },
      { openSlow: 0.3 },
    ],
  },
  damaged: {
    storage: 'indexeddb',
    acts: ['change', 'damage', 'damage'],
    weathers: [{ abort: 0.3 }, { openSlow: 0.3 }],
  },
  large: {
    ...{ storage: 'indexeddb', large: true },
    acts: ['change', 'change', 'change', 'freeze', ...pages],
    weathers: [{ abort: 0.05 }, ...roomsOf(40_000)],
  },
  largeInTrouble: {
    ...{ storage: 'indexeddb', large: true },
    acts: ['change', 'change', 'disconnect', 'wipe', ...pages],
    weathers: [
      { lateEvent: 0.05 },
      { lateLanding: 0.05 },
      { mute: 0.05 },
      { abort: 0.1 },
      ...roomsOf(40_000),
    ],
  },
  webRoom: {
    storage: 'web',
    acts: ['change', 'change', ...pages],
    weathers: [{ fail: 0.3 }, ...roomsOf(4000)],
  },
  serverRoom: {
    storage: 'server',
    acts: ['change', 'change', ...pages],
    weathers: [{ fail: 0.03 }, { abort: 0.05 }, { lateEvent: 0.05 }, ...roomsOf(4000)],
  },
  web: {
    storage: 'web',
    acts: ['change', 'boxForeign'],
    weathers: [{ fail: 0.3 }, { full: true }, { openFails: 0.3 }, { fail: 0.1, openFails: 0.1 }],
  },
  webEmptied: { storage: 'web', acts: ['clearSite', 'clearSite'], weathers: [] },
  webBoxes: {
    storage: 'web',
    acts: ['change', ...boxes],
    weathers: [{ fail: 0.5 }, { full: true }, { openFails: 0.3 }],
  },
  server: {
    storage: 'server',
    acts: ['change', 'change'],
    weathers: [
      { fail: 0.1 },
      { fail: 0.03 },
      { abort: 0.1 },
      { full: true },
      { slow: 0.3 },
      { lateEvent: 0.1 },
    ],
  },
} satisfies Record<string, Kind>

export const kinds: Readonly<Record<keyof typeof all, Kind>> = all

const often = ['type', 'type', 'type', 'type', 'reply', 'reply', 'run', 'flush', 'flush', 'enter', 'flowType']
const rare = ['kill', 'leave', 'hide', 'enter', 'takeOver', 'close']
const pauses = [0, 0, 1, 5, 30, 200, 1500, 6000]

/** Kinds take turns. */
export function script(seed: number): Script {
  const names = Object.keys(all) as (keyof typeof all)[]
  const kind = names[seed % names.length] ?? 'none'
  return scriptOf(kind, seed)
}

export function scriptOf(kind: Script['kind'], seed: number): Script {
  const roll = random(seed)
  const luck = new Luck(roll)
  const { acts, weathers } = kinds[kind]
  const act = (): Act => {
    const name = luck.hits(0.7)
      ? luck.pick(often)
      : luck.pick(acts.length > 0 && luck.hits(0.5) ? acts : [...rare, ...acts])
    const weather = name === 'change' && luck.hits(0.65) ? luck.pick(weathers) : {}
    const it = { act: name, who: roll(), roll: roll(), ms: luck.pick(pauses) }
    return name === 'change' ? { ...it, weather } : it
  }
  return { seed, kind, acts: Array.from({ length: 40 }, act) }
}

/** Every script that is a piece smaller. */
export function* smaller(it: Script): Generator<Script> {
  for (const acts of fewer(it.acts)) yield { ...it, acts }
}
