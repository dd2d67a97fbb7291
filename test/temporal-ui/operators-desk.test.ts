import { WorkflowFailedError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { currentDetails } from '../../client/operations.ts';
import { operationIdOf, reconcileScheduleId } from '../../temporal-config/names.ts';
import { completeQueries } from '../../temporal-config/saved-queries.ts';
import {
  ZVM_DRIFTED,
  ZVM_HOST,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_USERID,
  ZVM_VLAN,
  ZVM_VSWITCH,
} from '../../temporal-config/search-attributes.ts';
import { listPath, runPath, saveViewsScript, viewUrl } from '../../temporal-config/ui.ts';
import { newPage, startChromium } from '../chromium.ts';
import { portId, type Scene } from './scene.ts';
import { type PlayedStage, setStage } from './stage.ts';

let stage: PlayedStage;
let scene: Scene;
beforeAll(async () => {
  stage = await setStage();
  ({ scene } = stage);
});
afterAll(() => stage?.stack.stop());

const handleOf = (workflowId: string) => stage.stack.client.workflow.getHandle(workflowId);
const describeRun = (workflowId: string) => handleOf(workflowId).describe();
/** A busy worker may answer late, and a run shows other details during a retry than between retries. */
const detailsOf = (workflowId: string) =>
  expect.poll(() => currentDetails(stage.stack.client, operationIdOf(workflowId)));

async function attributesOf(workflowId: string) {
  const { typedSearchAttributes: has } = await describeRun(workflowId);
  return {
    host: has.get(ZVM_HOST),
    userid: has.get(ZVM_USERID),
    ports: has.get(ZVM_PORT),
    vswitches: has.get(ZVM_VSWITCH),
    vlans: has.get(ZVM_VLAN),
    outcome: has.get(ZVM_OUTCOME),
    drifted: has.get(ZVM_DRIFTED),
  };
}

async function failureOf(workflowId: string): Promise<ApplicationFailure> {
  const error: unknown = await handleOf(workflowId)
    .result()
    .catch((failure: unknown) => failure);
  if (!(error instanceof WorkflowFailedError)) throw new Error(`${workflowId} did not fail`);
  return error.cause as ApplicationFailure;
}

/** The messages of all failures in a history, with their stack traces. */
async function failuresIn(workflowId: string) {
  const { events } = await handleOf(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const attributes = [
      event.workflowExecutionFailedEventAttributes,
      event.activityTaskFailedEventAttributes,
      event.childWorkflowExecutionFailedEventAttributes,
      event.markerRecordedEventAttributes,
    ];
    return attributes.flatMap((each) => {
      const failures = [];
      for (let failure = each?.failure; failure != null; failure = failure.cause) failures.push(failure);
      return failures;
    });
  });
}

describe('the list of runs', () => {
  test.each([
    ['changed', { userid: 'LNX10005', vswitches: ['VSW1'], vlans: ['2001', '1005'], outcome: 'changed' }],
    ['dryRun', { userid: 'LNX10005', vswitches: ['VSW1'], vlans: ['2002', '2001'], outcome: 'planned' }],
    ['deleted', { userid: 'LNX10005', vswitches: ['VSW2'], vlans: ['7'], outcome: 'changed' }],
    ['refusedVswitch', { userid: 'LNX10006', vswitches: ['VSWPROD'], vlans: ['9'], outcome: 'refused' }],
    ['refusedVlan', { userid: 'LNX10005', vswitches: ['VSW1'], vlans: ['9'], outcome: 'refused' }],
    ['failed', { userid: 'LNX10009', vswitches: ['VSW2'], vlans: ['5'], outcome: 'failed' }],
    ['gaveUp', { userid: 'LNX10007', vswitches: ['VSW2'], vlans: ['6'], outcome: 'failed' }],
    ['cancelled', { userid: 'LNX10012', vswitches: ['VSW1'], vlans: ['1011'], outcome: 'cancelled' }],
    ['retrying', { userid: 'LNX10011', vswitches: ['VSW1'], vlans: ['1011'], ports: [portId(7)], outcome: 'retrying' }],
    ['waiting', { userid: 'LNX10011', outcome: 'waiting', ports: [portId(7)] }],
    ['wired', { vswitches: ['VSW1', 'VSWPROD'], vlans: ['1008', '1010'], outcome: 'refused' }],
    ['vswitch', { vswitches: ['VSW1'], outcome: 'unchanged' }],
  ] as const)('finds what is %s by host, guest, VSWITCH, VLAN and outcome', async (name, expected) => {
    expect(await attributesOf(scene[name])).toMatchObject({ host: 'zvm1', ...expected });
  });

  test('finds the run of a guest by the same, also while a step fails for now', async () => {
    expect(await attributesOf('guest/zvm1/LNX10011')).toMatchObject({
      host: 'zvm1',
      userid: 'LNX10011',
      ports: [portId(7)],
      vswitches: ['VSW1'],
      vlans: ['1011'],
      outcome: 'retrying',
    });
  });

  test('tells how many guests a reconciliation found drifted', async () => {
    expect(await attributesOf(scene.repaired)).toMatchObject({ host: 'zvm2', outcome: 'changed', drifted: 1 });
  });
});

describe('the page of a run', () => {
  test('says in a sentence what was asked, and links to the history of port and guest', async () => {
    const run = await describeRun(scene.failed);
    expect(await run.staticSummary()).toBe(`attach port ${portId(5)} to running LNX10009 on VSW2, VLAN 5 (zvm1)`);
    const details = await run.staticDetails();
    expect(details).toContain(`[all about port ${portId(5)}](${listPath('zvm', `ZvmPort = "${portId(5)}"`)})`);
    expect(details).toContain(`[the steps on z/VM](${runPath('zvm', 'guest/zvm1/LNX10009')})`);
  });

  test('of a guest leads back to the operation that asked for it', async () => {
    const { runId } = await describeRun(scene.retrying);
    const details = await (await describeRun('guest/zvm1/LNX10011')).staticDetails();
    expect(details).toContain(`Started by [${scene.retrying}](${runPath('zvm', scene.retrying, runId)})`);
  });

  test('says of a plan that nothing is done', async () => {
    expect(await (await describeRun(scene.dryRun)).staticSummary()).toMatch(/, plan only$/);
    await detailsOf(scene.dryRun).toMatch(/to be done.*revoke LNX10005 on VSW1/s);
  });

  test('says after the end what was done', async () => {
    await detailsOf(scene.changed).toMatch(/: done.*- grant LNX10005 on VSW1 with VLAN 2001/s);
    await detailsOf('guest/zvm1/LNX10006').toMatch(/LNX10006.*refused: create port/s);
  });

  test('says of an operation that waits which run it waits for', async () => {
    await detailsOf(scene.waiting).toMatch(
      /waits in the queue of the guest.*\(\/namespaces\/zvm\/workflows\/guest%2Fzvm1%2FLNX10011\)/,
    );
  });

  test('says while a step fails for now what, why, until when, and what to do: of the operation, and of its guest', async () => {
    for (const run of [scene.retrying, 'guest/zvm1/LNX10011'])
      await detailsOf(run).toSatisfy((details: string) =>
        [
          /is retried until \d{4}-/,
          /Transient failure: define NIC 1000 in the directory of LNX10011 on VSW1: SMAPI return code 400/,
          /What to do: wait for the other change to the directory/,
        ].every((words) => words.test(details)),
      );
  });

  test('says of a repair what it repairs', async () => {
    const history = await handleOf(scene.repaired).fetchHistory();
    const summaries = (history.events ?? []).flatMap(({ userMetadata }) => userMetadata?.summary?.data ?? []);
    const texts = summaries.map((data) => JSON.parse(Buffer.from(data).toString()));
    expect(texts).toContainEqual(expect.stringMatching(/^repair: LNX20011 is not authorised on VSW1/));
  });

  test('shows what only the next reconciliation reads after all that people read', async () => {
    const result = await handleOf(scene.repaired).result();
    expect(Object.keys(result).at(-1)).toBe('checkpoint');
  });
});

describe('a failure', () => {
  test('names step, reason, what to do, host, guest and port, and what became of the guest', async () => {
    const failure = await failureOf(scene.failed);
    expect(failure.type).toBe('StepFailed');
    expect(failure.message).toBe(
      'Failed: couple NIC 1000 of LNX10009 to VSW2: SMAPI return code 212, reason code 52: the VSWITCH has no free port. ' +
        'What to do: use another VSWITCH, or uncouple unused NICs from this one, then start the operation again. ' +
        `Host zvm1, userid LNX10009, port ${portId(5)}. The operation was rolled back: the guest is in the state before it.`,
    );
    expect(failure.details?.[0]).toMatchObject({ userid: 'LNX10009', portIds: [portId(5)], undone: true });
  });

  test('after trying for too long says so, and that nothing had been done yet', async () => {
    const failure = await failureOf(scene.gaveUp);
    expect(failure.type).toBe('DeadlineExceeded');
    expect(failure.message).toMatch(/^Deadline exceeded: read LNX10007 and plan: .*503.*Nothing had been done yet\.$/);
  });

  test('of a request that is refused names the field, the way out and the place', async () => {
    const failure = await failureOf(scene.refusedVswitch);
    expect(failure.type).toBe('Refused');
    expect(failure.message).toMatch(/^vswitch: VSWITCH VSWPROD is not defined on zvm1 \(define it, or use one of /);
    expect(failure.message).toContain(`Host zvm1, userid LNX10006, port ${portId(3)}. Nothing was touched.`);
  });

  test.each(['failed', 'gaveUp', 'refusedVswitch', 'refusedVlan'] as const)(
    'shows no stack trace where an operator looks (%s)',
    async (name) => {
      const { typedSearchAttributes } = await describeRun(scene[name]);
      const guest = `guest/zvm1/${typedSearchAttributes.get(ZVM_USERID)}`;
      const failures = [...(await failuresIn(scene[name])), ...(await failuresIn(guest))];
      expect(failures.length).toBeGreaterThan(1);
      for (const { stackTrace } of failures) expect(stackTrace ?? '').toBe('');
    },
  );
});

describe('the Schedule of a host', () => {
  test('says what it is for, and who pauses it says why', async () => {
    const noteOf = async (host: string) =>
      (await stage.stack.client.schedule.getHandle(reconcileScheduleId(host)).describe()).state.note;
    expect(await noteOf('zvm1')).toMatch(/^Compares zvm1 with its record every 10 s/);
    expect(await noteOf('zvm2')).toContain('maintenance of zvm2 until Monday');
  });
});

describe('the Temporal UI in a browser', () => {
  let browser: Browser | undefined;
  let page: Page;
  beforeAll(async () => {
    browser = await startChromium();
    if (browser !== undefined) page = await newPage(browser, { viewport: { width: 1440, height: 1000 } });
  });
  afterAll(() => browser?.close());
  beforeEach(({ skip }) => skip(browser === undefined, 'no Chromium'));
  const open = (path: string, save?: string) => page.goto(viewUrl(stage.stack.uiUrl ?? '', path, save));

  test('shows the saved views and the columns that the script gives it', async () => {
    await open('/namespaces/zvm/workflows');
    const views = completeQueries({ host: 'zvm1' }).map(({ name, query }) => ({ name, query: query({}, new Date()) }));
    await Promise.all([page.waitForEvent('load'), page.evaluate(saveViewsScript('zvm', views))]);
    await page.getByRole('button', { name: 'Waiting for their guest' }).click();
    await page.getByRole('columnheader', { name: 'ZvmOutcome' }).waitFor();
    await page.getByRole('link', { name: scene.waiting }).first().waitFor();
  });

  test('saves a view under its name when a link with the name is opened', async () => {
    await open(listPath('zvm', 'ZvmOutcome = "refused"'), 'Refused today');
    await page.getByRole('button', { name: 'Refused today' }).waitFor();
  });

  test('follows the links of a run to the history of its port', async () => {
    const { runId } = await describeRun(scene.failed);
    await open(`${runPath('zvm', scene.failed)}/${runId}/user-metadata`);
    const link = page.frameLocator('iframe >> nth=1').getByRole('link', { name: `all about port ${portId(5)}` });
    const href = await link.getAttribute('href');
    await open(href ?? '');
    await page.getByRole('link', { name: scene.failed }).first().waitFor();
    await page.getByRole('link', { name: 'guest/zvm1/LNX10009' }).first().waitFor();
  });
});
