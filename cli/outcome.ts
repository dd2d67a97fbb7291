import { z } from 'zod';
import type { OperationDetails } from '../client/operations.ts';
import { colour, type Output } from './output.ts';
import { portLine, ReportedPort } from './port-words.ts';
import { Reconciliation, showReconciliation } from './reconciliation.ts';
import { showWiring, Wiring } from './wiring.ts';

const Steps = z.object({
  changed: z.boolean().optional(),
  dryRun: z.boolean().optional(),
  plan: z.string().optional(),
  steps: z.array(z.string()).default([]),
  ports: z.array(ReportedPort).default([]),
});

/** What became of an operation, for people. */
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
    output.print(
      colour('yellow', `${state}: what it had done is undone when it was cancelled, and left when it was terminated`),
    );
    return;
  }
  showResult(output, operation);
}

/** Each kind of operation has its own kind of result. */
function showResult(output: Output, { host, result }: OperationDetails): void {
  const reconciliation = Reconciliation.safeParse(result);
  const wiring = Wiring.safeParse(result);
  if (reconciliation.success) showReconciliation(output, host, reconciliation.data);
  else if (wiring.success)
    showWiring(
      output,
      wiring.data.ports.map((port) => ({ host, ...port })),
      wiring.data.dryRun,
    );
  else showSteps(output, Steps.catch({ steps: [], ports: [] }).parse(result));
}

function showSteps(output: Output, { dryRun, plan, steps, ports }: z.output<typeof Steps>): void {
  const mark = dryRun === true ? '○' : colour('green', '✔');
  for (const step of steps) output.print(`  ${mark} ${step}`);
  if (dryRun === true) {
    const again = plan === undefined ? '' : ` To do just this, if it is still so then: --plan ${plan}`;
    output.print(`Nothing was done: this is what would be.${again}`);
  } else for (const port of ports) output.print(portLine(port));
}

function showFailure(print: (line: string) => void, { failure, outcome, state }: OperationDetails): void {
  if (failure === undefined) return;
  const { refusals, message, step, undone } = failure;
  print(colour('red', `✘ ${outcome ?? state}`));
  if (refusals.length > 0) {
    for (const { field, reason, advice } of refusals) print(`  ${field}: ${reason}\n    → ${advice}`);
    return;
  }
  if (step !== undefined) print(`  step: ${step}`);
  print(`  ${message}`);
  if (undone !== undefined) print(undone ? '  The guest is as it was before.' : '  What was done is left as it is.');
}
