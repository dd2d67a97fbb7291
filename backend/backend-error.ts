import { describeRefusals, type Refusal } from '../domain/planning/refusal.ts';
import type { Mac } from '../domain/port/mac.ts';

/** The kind of a failure, by which callers decide. */
export type BackendErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'busy'
  | 'unauthorised'
  | 'unknown-node'
  | 'bad-answer'
  | 'refused'
  /** Another writer has changed the record meanwhile. */
  | 'conflict'
  /** SMAPI's own: `rc` and `rs` have its codes. */
  | 'smapi'
  /** The backend has no definition of the host, the guest or its own node that the request needs; `refusals` name the field. */
  | 'not-defined'
  /** A MAC or a port number was given to another guest at the same moment: `taken` has them. */
  | 'address-conflict'
  /** The backend cannot carry out a step of this kind (`can`). */
  | 'unsupported'
  /** An operator holds the host. */
  | 'held';

// A bad answer comes of a management node that is being started or repaired, or of a proxy in front of it: it is transient unless it says
// that it is permanent. 'smapi' depends on SMAPI's code. Code that raises an error may say `retryable`; this holds when it does not.
const RETRYABLE: Readonly<Record<BackendErrorCode, boolean>> = {
  unreachable: true,
  timeout: true,
  busy: true,
  unauthorised: false,
  'unknown-node': false,
  'bad-answer': true,
  refused: false,
  conflict: true,
  smapi: false,
  'not-defined': false,
  'address-conflict': false,
  unsupported: false,
  held: true,
};

/** All codes. Each has a section of the documentation (docs/errors/servers.md), `server-` and its name. */
export const BACKEND_ERROR_CODES = Object.keys(RETRYABLE) as readonly BackendErrorCode[];

const ADVICE: Readonly<Record<BackendErrorCode, string>> = {
  unreachable: 'check that the server and the zHCP are up and reachable',
  timeout: 'check the load of the server and of the zHCP, or raise the timeout',
  busy: 'check that xcatd runs on the management node',
  unauthorised: "check user name and password, and xCAT's passwd and policy tables",
  'unknown-node': 'check the node name, or define the node in xCAT',
  'bad-answer': 'check that the URL is that of xCAT’s z/VM REST API, and the versions of xCAT and of the zHCP',
  refused: 'correct the value that the message names and try again',
  conflict: 'find the other writer of the record, then try again',
  smapi: 'look up the return and reason code in the z/VM Systems Management API guide',
  'not-defined': 'define the object that the message names',
  'address-conflict': 'try again',
  unsupported: 'use another kind of VSWITCH or network, or a backend with this capability',
  held: 'wait, or release the host: zvmnet hosts release',
};

/** MACs, and port numbers by portKey, that belong to another guest. */
export type TakenAddresses = { macs: readonly Mac[]; ports: readonly string[] };

type Words = {
  /** The call or step that failed, without query, headers or credentials: `GET /tables/switch`. */
  operation: string;
  message: string;
  advice?: string | undefined;
  /** Only where the code alone does not say it. */
  retryable?: boolean | undefined;
  /** The pause that the server or a proxy in front of it requested, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The section of the documentation about it, where it is another than that of the code. */
  page?: string | undefined;
};

export type BackendErrorDetails = Words & {
  code: BackendErrorCode;
  /** SMAPI's return and reason code. */
  rc?: number | undefined;
  rs?: number | undefined;
  /** The failure as refusals of the request, of 'not-defined' and 'address-conflict'. */
  refusals?: readonly Refusal[] | undefined;
  taken?: TakenAddresses | undefined;
};

/**
 * Every failure of a backend. `retryable` is true when it is transient. It never holds a URL query, headers or a password, nor the error of the
 * HTTP library, which could.
 */
export class BackendError extends Error {
  override readonly name = 'BackendError';
  readonly code: BackendErrorCode;
  readonly operation: string;
  readonly advice: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  /** The section of the documentation about it. */
  readonly page: string;
  readonly rc: number | undefined;
  readonly rs: number | undefined;
  readonly refusals: readonly Refusal[];
  readonly taken: TakenAddresses;
  readonly #details: BackendErrorDetails;

  constructor(details: BackendErrorDetails) {
    super(details.message);
    const { code, refusals = [], taken = { macs: [], ports: [] } } = details;
    this.code = code;
    this.operation = details.operation;
    this.advice = details.advice ?? ADVICE[code];
    this.retryable = details.retryable ?? RETRYABLE[code];
    this.retryAfterMs = details.retryAfterMs;
    this.page = details.page ?? `server-${code}`;
    this.rc = details.rc;
    this.rs = details.rs;
    this.refusals = refusals;
    this.taken = taken;
    this.#details = details;
  }

  /** The same failure in other words. */
  with(words: Partial<Words>): BackendError {
    return new BackendError({ ...this.#details, ...words });
  }
}

/** The failure of an operation on something that the backend has no definition of. */
export function notDefined(operation: string, refusals: readonly Refusal[]): BackendError {
  return new BackendError({ code: 'not-defined', operation, message: describeRefusals(refusals), refusals });
}

/** The failure of an operation whose addresses belong to another guest now. */
export function addressConflict(
  operation: string,
  refusals: readonly Refusal[],
  { macs = [], ports = [] }: Partial<TakenAddresses>,
): BackendError {
  const taken = { macs, ports };
  return new BackendError({
    code: 'address-conflict',
    operation,
    message: describeRefusals(refusals),
    refusals,
    taken,
  });
}
