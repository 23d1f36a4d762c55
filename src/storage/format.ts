/**
 * The version of the layout of a session outside its storage (`toJSON`, the exit journal) and of flow state. Newer code
 * reads older; older code refuses newer and touches nothing.
 */
export const FORMAT = 1
/** That of stored sessions: 2 had snapshots in parts, 3 has records that say only what does not follow from the one before. */
export const SESSION_FORMAT = 3
/** That of sessions whose snapshot has parts of bytes. */
export const BYTES_FORMAT = 4
