import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds that files take on two quiet cores, of those that take more than half a minute. `.ci/run` names the slowest at its end. */
const SECONDS: Readonly<Record<string, number>> = {
  'test/neutron/disturbances.test.ts': 218,
  'test/workflows/approval.test.ts': 150,
  'test/chaos/two-minutes.test.ts': 137,
  'test/neutron/lifecycle.test.ts': 136,
  'test/temporal-ui/operators-desk.test.ts': 108,
  'test/workflows/operations.test.ts': 103,
  'test/workflows/reconcile.test.ts': 91,
  'test/temporal-server/production.test.ts': 200,
  'test/cli/operations.test.ts': 84,
  'test/workflows/killed-worker.test.ts': 80,
  'test/gateway/edge.test.ts': 75,
  'test/workers/health.test.ts': 75,
  'test/model/model.test.ts': 66,
  'test/extensions/ansible.test.ts': 65,
  'test/gateway/picture-live.test.ts': 60,
  'test/workers/until-idle.test.ts': 60,
  'test/temporal-server/hung-server.test.ts': 45,
  'test/cli/hosts-and-drift.test.ts': 60,
  'test/workers/host-keeper.test.ts': 54,
  'test/workflows/slow-readings.test.ts': 52,
  'test/gateway/xcat-down.test.ts': 48,
  'test/neutron/keystone.test.ts': 48,
  'test/gateway/picture-session.test.ts': 42,
  'test/gateway/picture.test.ts': 40,
  'test/neutron/broker-messages.test.ts': 38,
  'test/neutron/lease.test.ts': 38,
  'test/neutron/follow.test.ts': 38,
  'test/neutron/neutron-reconciliation.test.ts': 36,
  'test/gateway/picture-reconciled.test.ts': 33,
  'test/gateway/openapi.test.ts': 150,
  'test/workflows/guest-lock.test.ts': 31,
  'test/deployment/pasted.test.ts': 180,
  'test/workflows/release-before.test.ts': 60,
  'test/workflows/bounded-worker.test.ts': 60,
  'test/temporal-server/restore.test.ts': 60,
  'test/workflows/few-calls.test.ts': 40,
};

/** Starts the longest files first, so that all workers end together; vitest itself knows durations only where it has run before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = ({ moduleId }: TestSpecification) => SECONDS[relative(this.ctx.config.root, moduleId)] ?? 0;
    return (await super.sort(files)).toSorted((one, other) => seconds(other) - seconds(one));
  }
}
