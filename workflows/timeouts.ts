/** A worker that does not say so often that an activity goes on is taken for dead. */
export const HEARTBEAT = '10 seconds';

/** The longest that a reading of one guest may take: a few calls to xCAT, each with the time limit of the configuration. */
export const READING_OF_A_GUEST = '15 minutes';

/** The longest that a reading of a whole host may take. */
export const READING_OF_A_HOST = '30 minutes';

/** The longest that a stage of steps on z/VM may take: longer than the longest xCAT call that a configuration allows. */
export const STAGE = '30 minutes';

/** The longest that a request to Temporal's own server may take. */
export const CALL_TO_TEMPORAL = '1 minute';
