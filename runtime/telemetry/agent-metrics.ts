import type { MetricMeter } from '@temporalio/common';

/** Measurements of Neutron agents. */
export type AgentMetrics = {
  reachable(host: string, isReachable: boolean): void;
  reported(name: string, isTaken: boolean): void;
  forwarded(host: string, kind: 'news' | 'resync', isTaken: boolean): void;
};

/** Measure Neutron agents by this meter. */
export function agentMetrics(meter: MetricMeter): AgentMetrics {
  const reachable = meter.createGauge('zvm_agent_reachable', 'int', undefined, '1 while z/VM answers the agent');
  const reports = meter.createCounter('zvm_agent_reports', undefined, 'Reports of state to neutron-server');
  const reportedAt = meter.createGauge(
    ...(['zvm_agent_last_report', 'float', 'seconds', 'Last report that neutron-server took, Unix time'] as const),
  );
  const forwarded = meter.createCounter('zvm_agent_forwarded', undefined, 'News of Neutron that Temporal was told');
  const outcomeOf = (isTaken: boolean) => (isTaken ? 'ok' : 'failed');
  return {
    reachable: (host, isReachable) => reachable.set(isReachable ? 1 : 0, { host }),
    reported(host, isTaken) {
      reports.add(1, { host, outcome: outcomeOf(isTaken) });
      if (isTaken) reportedAt.set(Date.now() / 1_000, { host });
    },
    forwarded: (host, kind, isTaken) => forwarded.add(1, { host, kind, outcome: outcomeOf(isTaken) }),
  };
}
