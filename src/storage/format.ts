/** The version of the stored layout. Newer code reads older; older code refuses newer and touches nothing. */
export const FORMAT = 1
