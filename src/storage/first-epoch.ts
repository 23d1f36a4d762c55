let last = 0

/**
 * Where the count of epochs begins on a medium that somebody may empty under an open tab: the time, so that the
 * next one does not give out an epoch which that tab still has. In one page each is higher than all before it.
 */
export const firstEpoch = (): number =>
  (last = Math.max(Math.floor((Date.now() + Math.random()) * 1000), last + 1000))
