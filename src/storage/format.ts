/** The version of the stored layout. Newer code reads older; older code refuses newer and touches nothing. */
export const FORMAT = 1
/** That of sessions: 2 had snapshots in parts, 3 has records that say only what does not follow from the one before. */
export const SESSION_FORMAT = 3
