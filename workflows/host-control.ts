import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  CONTROL_WORDS,
  controlAfter,
  controlFrom,
  type HostControl,
  holdAt,
  holdText,
} from '../domain/host/host-control.ts';
import { controlWorkflowId } from '../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { malformed } from './failures.ts';
import { showProgress } from './progress.ts';
import { addSearchAttributes } from './run-visibility.ts';
import { isRecord, isText } from './untrusted-input.ts';

const RESTORED = "is held: Temporal's database was restored. See `zvmnet restore list`";

/** The query for the control of a host. */
export const controlOfHost = defineQuery<HostControl>('control');

const MOST_SIGNALS = 200;
/** A timer of the server takes no longer; the loop looks again then. */
const LONGEST_WAIT_MS = 7 * 24 * 3_600_000;

/**
 * The operators' word on one host, as long as the host is known: the signals `hold` and `release` change it. Workers read it from the history, so
 * it holds from the moment that Temporal has the signal.
 */
export async function hostControl(input: { host: string }, carried?: HostControl): Promise<never> {
  const host = hostOf(input);
  let control = controlFrom(carried);
  let signals = 0;
  setHandler(controlOfHost, () => control);
  for (const name of CONTROL_WORDS)
    setHandler(defineSignal<[unknown]>(name), (word) => {
      signals += 1;
      control = controlAfter(control, { name, input: word, at: Date.now() });
    });
  addSearchAttributes({ host });
  for (;;) {
    const shown = control;
    show(host, shown);
    await condition(() => control !== shown, waitOf(shown));
    if (signals >= MOST_SIGNALS || workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof hostControl>(input, control);
  }
}

/** Only the run of that Workflow ID is read by workers: another would seem to hold the host. */
function hostOf(input: unknown): string {
  if (!isRecord(input) || !isText(input.host)) throw malformed('host');
  if (workflowInfo().workflowId !== controlWorkflowId(input.host)) throw malformed('host');
  return input.host;
}

function waitOf({ hold }: HostControl): number {
  const left = hold?.until === undefined ? LONGEST_WAIT_MS : hold.until - Date.now();
  return Math.min(LONGEST_WAIT_MS, left > 0 ? left : LONGEST_WAIT_MS);
}

function show(host: string, control: HostControl): void {
  const hold = holdAt(control, Date.now());
  const before = workflowInfo().typedSearchAttributes.get(ZVM_OUTCOME);
  if ((hold !== undefined) !== (before === 'held'))
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: hold === undefined ? null : 'held' }]);
  showProgress(
    hold === undefined
      ? { subject: host, state: 'is not held; send the signal `hold` with {"by": "…", "reason": "…"} to hold it' }
      : {
          subject: host,
          state:
            hold === control.restore
              ? RESTORED
              : 'is held: nothing is written to its z/VM; send the signal `release` to go on',
          reason: holdText(host, hold),
          lists: { done: control.quiet.map((worker) => `no write is under way by ${worker}`) },
        },
  );
}
