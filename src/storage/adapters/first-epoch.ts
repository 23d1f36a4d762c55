let last = 0

/**
 * Where the count of epochs begins on a medium that somebody may empty under an open tab: at the time, so that the emptied
 * one does not give out an epoch that the tab still has. In one page each is higher than all before it. In numbers of this
 * size 1/64 is exact, in which a leader without a claim counts (decision 12).
 */
export const firstEpoch = (): number =>
  (last = Math.max(Math.floor((Date.now() + Math.random()) * 32), last + 1000))
