/**
 * The version of the layout of a session outside its storage (`toJSON`, the exit journal) and of flow state. Newer code
 * reads older; older code refuses newer and touches nothing.
 */
export const FORMAT = 1
/**
 * The layout of stored sessions. 2 brought snapshots in parts, 3 records that leave out what follows from the one before, 5
 * those that leave out what follows from any before them in their batch.
 */
export const SESSION_FORMAT = 5
/** The same, of sessions whose snapshot has parts that are bytes: 4 beside records of format 3. */
export const BYTES_FORMAT = 6
