import type { Latency } from './http/latency.ts';

/** What startSimulator accepts; every field has a default. */
export type SimulatorOptions = {
  port?: number;
  hosts?: number;
  guests?: number;
  seed?: number;
  latencyMs?: number;
  /** in place of latencyMs: drawn anew for each call */
  latency?: Latency;
  https?: boolean;
  smapiMs?: number;
  directoryMs?: number;
  /** what one xCAT command takes in the management node's own shell */
  mnCommandMs?: number;
  smapiParallelism?: number;
  /** directory changes at once: DirMaint is one server */
  directoryParallelism?: number;
  /** directory changes are accepted with 592 and carried out directoryMs later */
  directoryAsync?: boolean;
  /** `deferred`: a changed entry counts at logon only after Static_Image_Changes_Immediate_DM */
  directoryOnline?: 'immediate' | 'deferred';
  /** connections that a VSWITCH takes */
  maxPorts?: number;
  /** every element of an answer names the management node, as since 2017 */
  xcatdsource?: boolean;
  regrant?: 'reexecute' | 'reject';
  revoke?: 'keeps' | 'uncouples';
  loggedOff?: '200/12' | '8/45';
  nicdefUpdate?: 'conflict' | 'replace';
  chvm?: 'silent' | 'verbose';
  username?: string;
  password?: string;
};

export type Settings = Required<Omit<SimulatorOptions, 'latencyMs'>>;

/** Fills in the defaults: those are the behaviours contract section 8 asks to simulate by default. */
export function withDefaults(options: SimulatorOptions): Settings {
  const { latencyMs = 0, ...rest } = options;
  return {
    port: 0,
    hosts: 2,
    guests: 10,
    seed: 1,
    latency: { distribution: 'fixed', ms: latencyMs },
    https: false,
    smapiMs: 0,
    directoryMs: 0,
    mnCommandMs: 0,
    smapiParallelism: 10,
    directoryParallelism: 1,
    directoryAsync: false,
    directoryOnline: 'immediate',
    maxPorts: 2048,
    xcatdsource: false,
    regrant: 'reexecute',
    revoke: 'keeps',
    loggedOff: '200/12',
    nicdefUpdate: 'conflict',
    chvm: 'silent',
    username: 'admin',
    password: 'admin',
    ...rest,
  };
}
