/** The version of the stored layout. Newer code reads older; older code refuses newer and touches nothing. */
export const FORMAT = 1
/** The same with a snapshot in parts: said of those sessions only, so that older code still reads the small ones. */
export const PARTED = 2
