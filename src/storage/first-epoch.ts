let last = 0

/**
 * Where the count of epochs begins on a medium that somebody may empty under an open tab: the time, so that the
 * next one does not give out an epoch which that tab still has. In one page each is higher than all before it. In numbers
 * of this size 1/64 is exact: what a leader that could not claim is known by (decision 12).
 */
export const firstEpoch = (): number =>
  (last = Math.max(Math.floor((Date.now() + Math.random()) * 32), last + 1000))
