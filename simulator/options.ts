/** What startSimulator accepts; every field has a default. */
export type SimulatorOptions = {
  port?: number;
  hosts?: number;
  guests?: number;
  seed?: number;
  latencyMs?: number;
  smapiMs?: number;
  directoryMs?: number;
  /** what one xCAT command takes in the management node's own shell */
  mnCommandMs?: number;
  smapiParallelism?: number;
  regrant?: 'reexecute' | 'reject';
  revoke?: 'keeps' | 'uncouples';
  loggedOff?: '200/12' | '8/45';
  nicdefUpdate?: 'conflict' | 'replace';
  chvm?: 'silent' | 'verbose';
  username?: string;
  password?: string;
};

export type Settings = Required<SimulatorOptions>;

/** Fills in the defaults: those are the behaviours contract section 8 asks to simulate by default. */
export function withDefaults(options: SimulatorOptions): Settings {
  return {
    port: 0,
    hosts: 2,
    guests: 10,
    seed: 1,
    latencyMs: 0,
    smapiMs: 0,
    directoryMs: 0,
    mnCommandMs: 0,
    smapiParallelism: 10,
    regrant: 'reexecute',
    revoke: 'keeps',
    loggedOff: '200/12',
    nicdefUpdate: 'conflict',
    chvm: 'silent',
    username: 'admin',
    password: 'admin',
    ...options,
  };
}
