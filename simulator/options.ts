import type { Latency } from './http/latency.ts';
import { type Asked, Behaviour, type Release } from './zvm/release.ts';

/** Options of startSimulator; every field has a default. */
export type SimulatorOptions = Asked & {
  /** of the z/VM systems in turn, or of all */
  release?: Release | readonly Release[];
  /** the z/VM systems are members of one SSI cluster: they share the user directory */
  ssi?: boolean;
  port?: number;
  /** the address that it listens on */
  listen?: string;
  hosts?: number;
  guests?: number;
  seed?: number;
  latencyMs?: number;
  /** in place of latencyMs: drawn anew for each call */
  latency?: Latency;
  https?: boolean;
  smapiMs?: number;
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
  chvm?: 'silent' | 'verbose';
  username?: string;
  password?: string;
};

export type Settings = Required<Omit<SimulatorOptions, 'latencyMs' | 'release' | keyof Behaviour>> & {
  releases: readonly Release[];
  /** the answers that differ from those of the releases */
  behaviour: Asked;
};

/**
 * Fills in the defaults: those are the behaviours that are taken for the more likely (docs/reference/xcat.md 7, docs/reference/smcli.md 6).
 */
export function withDefaults(options: SimulatorOptions): Settings {
  const { latencyMs = 0, release = '7.4', ...rest } = options;
  const behaviour: Asked = {};
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest))
    Object.assign(key in Behaviour.shape ? behaviour : plain, value === undefined ? {} : { [key]: value });
  return {
    port: 0,
    listen: '127.0.0.1',
    hosts: 2,
    guests: 10,
    seed: 1,
    latency: { distribution: 'fixed', ms: latencyMs },
    https: false,
    smapiMs: 0,
    mnCommandMs: 0,
    smapiParallelism: 10,
    directoryParallelism: 1,
    directoryAsync: false,
    directoryOnline: 'immediate',
    maxPorts: 2048,
    xcatdsource: false,
    chvm: 'silent',
    username: 'admin',
    password: 'admin',
    ssi: false,
    ...plain,
    releases: typeof release === 'string' ? [release] : release,
    behaviour,
  };
}
