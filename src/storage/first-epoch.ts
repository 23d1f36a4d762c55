/**
 * Where the count of epochs begins on a medium that somebody may empty under an open tab: the time, so that the
 * next one does not give out an epoch which that tab still has.
 */
export const firstEpoch = (): number => Math.floor((Date.now() + Math.random()) * 1000)
