import type { OperationDetails } from '../client/operations.ts';
import { failureText } from '../domain/drift/repair-subject.ts';
import { isOperationType, OPERATIONS } from '../domain/operations/operations.ts';
import { RESULTS, type ResultKind, type ResultOf } from '../domain/operations/results.ts';
import { leftNicdefText } from '../domain/planning/left-nicdefs.ts';
import { showMigration } from './migration-report.ts';
import { colour, type Output } from './output.ts';
import { portLine } from './port-words.ts';
import { showProbe } from './probe-report.ts';
import { showWiring } from './wiring.ts';

/** Print the outcome of an operation. */
export function showOutcome(output: Output, operation: OperationDetails): void {
  const { failure, state, id } = operation;
  if (state === 'running') {
    output.print(`started; see: zvmnet ops show '${id}'`);
    return;
  }
  if (failure !== undefined) {
    showFailure(output.print.bind(output), operation);
    return;
  }
  if (state !== 'completed') {
    output.print(colour('yellow', `${state}: a cancelled operation is rolled back, a terminated one is not`));
    return;
  }
  showResult(output, operation);
}

/** The type of the operation decides the kind of its result. The result of another version of the program may be unreadable. */
function showResult(output: Output, { type, host, result }: OperationDetails): void {
  const kind = isOperationType(type) ? OPERATIONS[type].result : undefined;
  if (kind === undefined || !render(output, kind, host, result)) output.document(result);
}

function render(output: Output, kind: ResultKind, host: string, result: unknown): boolean {
  const show: { [Kind in ResultKind]: (result: ResultOf<Kind>) => void } = {
    ports: ({ ports, ...steps }) => {
      showSteps(output, steps);
      if (!steps.dryRun) for (const port of ports) output.print(portLine(port));
    },
    steps: (steps) => showSteps(output, steps),
    probe: (probe) => showProbe(output, probe),
    migration: (migration) => {
      showMigration(output, migration);
      if (migration.dryRun) showPlanOnly(output, migration);
    },
    wiring: ({ ports, dryRun }) =>
      showWiring(
        output,
        ports.map((port) => ({ host, ...port })),
        dryRun,
      ),
    reconciliation: (reconciliation) => showReconciliation(output, reconciliation),
    fleet: ({ hosts, unreached }) => {
      for (const each of hosts) showReconciliation(output, each);
      for (const { host: name, reason } of unreached) output.print(colour('red', `${name}: ${reason}`));
    },
  };
  const parsed = RESULTS[kind].safeParse(result);
  if (parsed.success) show[kind](parsed.data as never);
  return parsed.success;
}

function showSteps(output: Output, shown: Omit<ResultOf<'ports'>, 'ports'>): void {
  const { dryRun, steps, changedSince = [], leaves = [] } = shown;
  for (const line of changedSince) output.print(`  ${colour('yellow', '≠')} changed since: ${line}`);
  const mark = dryRun ? '○' : colour('green', '✔');
  for (const step of steps) output.print(`  ${mark} ${step}`);
  for (const nicdef of leaves) output.print(`  ${colour('yellow', '!')} ${leftNicdefText(nicdef)}`);
  if (dryRun) showPlanOnly(output, shown);
}

function showPlanOnly(output: Output, { plan, needs }: Pick<ResultOf<'ports'>, 'plan' | 'needs'>): void {
  const again = plan === undefined ? '' : ` To carry out exactly this plan: --plan ${plan}`;
  const wait = { approval: ' It needs an approval.', window: ' It has to wait for a window.' };
  output.print(`Plan only, nothing was changed.${needs === undefined ? '' : wait[needs]}${again}`);
}

function showFailure(print: (line: string) => void, { failure, outcome, state }: OperationDetails): void {
  if (failure === undefined) return;
  const { refusals, message, step, undone, page } = failure;
  print(colour('red', `✘ ${outcome ?? state}`));
  if (refusals.length > 0) {
    for (const { field, reason, advice } of refusals) print(`  ${field}: ${reason}\n    → ${advice}`);
    const pages = new Set(refusals.map((each) => each.page));
    for (const each of pages) print(`  More about it: zvmnet explain ${each}`);
    return;
  }
  if (step !== undefined) print(`  step: ${step}`);
  print(`  ${message}`);
  if (undone !== undefined)
    print(
      undone ? '  The guest is in the state before the operation.' : '  The steps carried out were not rolled back.',
    );
  if (page !== undefined) print(`  More about it: zvmnet explain ${page}`);
}

/** Print the result of a reconciliation. */
function showReconciliation(output: Output, result: ResultOf<'reconciliation'>): void {
  output.print(`${result.host}: ${countsOf(result)}`);
  if (result.reportsOnly !== undefined)
    output.print(`  ${colour('yellow', 'reported only, nothing was repaired')}: ${result.reportsOnly.says}`);
  for (const line of result.drifts) output.print(`  ${result.dryRun ? '○ would ' : `${colour('red', '≠')} `}${line}`);
  for (const failure of result.failures)
    output.print(`  ${colour('red', '✘')} ${failureText(failure)} (tried ${failure.attempts} times)`);
  for (const line of result.findings) output.print(`  ${colour('red', '?')} ${line}`);
  for (const line of result.foreignLines) output.print(`  ${colour('dim', '?')} ${line}`);
  if (result.drifts.length === 0 && result.failures.length === 0) output.print(colour('green', '  in order'));
}

function countsOf({
  examined,
  drifted,
  repaired,
  failed,
  foreign,
  skipped,
  waiting,
  reIpled,
}: ResultOf<'reconciliation'>): string {
  const counts = { examined, drifted, repaired, failed, foreign, skipped, waiting };
  const words = Object.entries(counts).filter(([name, count]) => name === 'examined' || count > 0);
  return `${words.map(([name, count]) => `${count} ${name}`).join(', ')}${reIpled ? '; z/VM was re-IPLed' : ''}`;
}
