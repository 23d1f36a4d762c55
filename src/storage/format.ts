/**
 * The version of the layout of a session outside its storage (`toJSON`, the exit journal) and of flow state. Newer code
 * reads older; older code refuses newer and touches nothing.
 */
export const FORMAT = 1
/** The layout of stored sessions. 2 brought snapshots in parts, 3 records that leave out what follows from the one before. */
export const SESSION_FORMAT = 3
/** The same, of sessions whose snapshot has parts that are bytes. */
export const BYTES_FORMAT = 4
