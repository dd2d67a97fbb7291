import { defined } from '../../../domain/defined.ts';
import { BackendError, type BackendErrorCode, type BackendErrorDetails } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';
import { smapiPage, verdictOn } from '../../zvm/return-codes.ts';
import { smapiAdvice } from '../../zvm/smapi-advice.ts';

/** An answer of Feilong that is no success: its codes decide, its text and the HTTP status often mislead (docs/reference/feilong.md 1.2). */
export type FailedEnvelope = { overallRC: number; modID: number | null; rc: number; rs: number; errmsg: string };

/** A failure that Feilong has answered, with its codes: `404/404/1`. */
export class FeilongError extends BackendError {
  readonly answered: string;

  constructor(details: BackendErrorDetails, answered: string) {
    super(details);
    this.answered = answered;
  }
}

type Failure = {
  code: BackendErrorCode;
  retryable: boolean;
  what: string;
  advice: string;
  rc?: number;
  rs?: number;
  page?: string;
};

const SERVER = 'check that sdkserver and the SMAPI servers run (systemctl status sdkserver, VSMREQIN)';
const DEFECT = 'report this defect with the failed step, and the version of Feilong and of its zthin';
const READ_AGAIN = 'find the other writer of the guest, then try again';
/** Guests; everything else that is missing is a VSWITCH or a NIC. */
const GUEST = 10;

/** SMAPI's codes behind codes of Feilong's own that stand for one of them only (zvmsdk/smtclient.py). */
const STANDS_FOR: Readonly<Record<string, readonly [rc: number, rs: number]>> = {
  '409/409/1': [200, 12],
  '409/409/7': [400, 12],
  '409/409/9': [400, 12],
  '409/409/11': [400, 12],
  '409/409/13': [400, 12],
  '409/409/8': [204, 28],
  '409/409/12': [204, 28],
};

/**
 * The failure that an answer says. `functionName` is SMAPI's function that the call stands for, by which some of its codes are judged. No
 * error holds a directory entry, which Feilong may quote.
 */
export function failureOf(operation: string, failed: FailedEnvelope, functionName = ''): FeilongError {
  const { overallRC, rc, rs } = failed;
  const answered = `${overallRC}/${rc}/${rs}`;
  const { what, ...verdict } = verdictOnEnvelope(failed, functionName);
  const message = `${operation}: Feilong ${answered}: ${what}`;
  return new FeilongError({ operation, message, ...verdict }, answered);
}

function verdictOnEnvelope(failed: FailedEnvelope, functionName: string): Failure {
  const { overallRC, modID, rc, rs } = failed;
  const key = `${overallRC}/${rc}/${rs}`;
  const smapi = overallRC === 8 ? ([rc, rs] as const) : (STANDS_FOR[key] ?? codesWithin(failed));
  if (smapi !== undefined) return ofSmapi(smapi, functionName, failed);
  switch (key) {
    case '404/404/1':
      if (modID === GUEST) return stale('the guest is not registered with Feilong');
      return stale('there is no such VSWITCH or NIC');
    case '409/409/5':
      return permanent('refused', 'the VSWITCH is port-based or VLAN-unaware', 'use a user-based, VLAN-aware VSWITCH');
    case '409/409/6':
      return stale('a NIC with devices of that number is there already');
    case '409/409/10':
      return permanent('refused', 'z/VM does not couple the NIC', 'check the authorisation of the guest, and the NIC');
    case '300/300/9':
    case '300/300/10':
      return { ...stale('the directory entry was not replaced'), code: 'busy' };
  }
  switch (overallRC) {
    case 24:
      return permanent('refused', `smcli refuses the call: ${quoted(failed)}`, DEFECT);
    case 25:
      return { code: 'busy', retryable: true, what: 'no answer from SMAPI', advice: SERVER };
    case 101:
      return { code: 'unreachable', retryable: true, what: 'its sdkserver does not answer', advice: SERVER };
    case 400:
      if (rs === 401) return permanent('unauthorised', 'it takes no token of this client', TOKEN);
      return permanent('refused', quoted(failed), DEFECT);
    default:
      return permanent('refused', quoted(failed), 'look up the code in the documentation of Feilong');
  }
}

const TOKEN = 'check zvm_feilong_token_file against the token file of the server (zvmsdk-gentoken)';

function ofSmapi([rc, rs]: readonly [number, number], functionName: string, failed: FailedEnvelope): Failure {
  const verdict = verdictOn(functionName, rc, rs, quoted(failed));
  const what = verdict.ok ? `SMAPI ${rc}/${rs}, which is no failure` : `SMAPI ${rc}/${rs}: ${verdict.sentence}`;
  const advice = smapiAdvice(rc, rs);
  return { code: 'smapi', retryable: verdict.ok || verdict.retryable, what, advice, page: smapiPage(rc, rs), rc, rs };
}

/** A couple that fails says SMAPI's codes in the repr of a Python dict alone; the code around it stands for several of them. */
function codesWithin({ overallRC, errmsg }: FailedEnvelope): readonly [number, number] | undefined {
  if (overallRC !== 300 && overallRC !== 409) return undefined;
  const [, rc, rs] = /'overallRC': 8, 'rc': (-?\d{1,5}), 'rs': (-?\d{1,5}),/.exec(errmsg) ?? [];
  return rc === undefined || rs === undefined ? undefined : [Number(rc), Number(rs)];
}

function stale(what: string): Failure {
  return { code: 'conflict', retryable: true, what, advice: READ_AGAIN };
}

function permanent(code: BackendErrorCode, what: string, advice: string): Failure {
  return { code, retryable: false, what, advice };
}

function quoted({ errmsg }: FailedEnvelope): string {
  const text = plainText(errmsg).slice(0, MOST_QUOTED);
  return /\b(USER|IDENTITY) \S+ \S+ \d/i.test(text) ? 'a directory entry, not shown' : text;
}

const MOST_QUOTED = 300;

/** The failure of an answer that is not Feilong's: a proxy's, or that of a server that is being started. */
export function foreignAnswer(
  operation: string,
  status: number,
  text: string,
  retryMs: number | undefined,
): BackendError {
  const words = plainText(text).slice(0, MOST_QUOTED);
  const message = `${operation}: HTTP ${status}${words === '' ? '' : `: ${words}`}`;
  const later = defined({ retryAfterMs: retryMs });
  if (status === 401 || status === 407) {
    const advice = 'check user and password of the proxy in front of Feilong';
    return new BackendError({ code: 'unauthorised', operation, message, advice });
  }
  const isBusy = [429, 502, 503, 504].includes(status);
  const advice = isBusy ? SERVER : 'check the URL: the answer comes not from Feilong, but from a proxy in front of it';
  return new BackendError({
    code: isBusy ? 'busy' : 'bad-answer',
    operation,
    message,
    retryable: true,
    advice,
    ...later,
  });
}
