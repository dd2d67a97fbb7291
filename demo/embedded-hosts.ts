import type { HostConfiguration } from '../configuration/load.ts';
import { defined } from '../domain/defined.ts';
import { FEILONG_ZHCP } from '../domain/host/host.ts';

/** Credentials of the simulated management node; no real one has them. */
const SIMULATED = { username: 'admin', password: 'admin' };

/** A port-based VSWITCH, on which ports of one guest may have different VLANs. */
const PORT_BASED = 'VSWPORT';

/** The hosts of the embedded default: the z/VM systems behind a simulated management node. */
export function embeddedHosts(simulatorUrl: string, count: number): HostConfiguration[] {
  return Array.from({ length: count }, (_, index): HostConfiguration => {
    const number = index + 1;
    const physicalNetwork = (name: string, vswitch: string, flat: boolean) => ({
      name,
      vswitch,
      flat,
      vlanRanges: flat ? [] : [{ from: 1, to: 4094 }],
      rdevs: [],
      portSelection: vswitch === PORT_BASED ? ('PORTBASED' as const) : ('USERBASED' as const),
      transport: 'ETHERNET' as const,
    });
    return {
      host: `zvm${number}`,
      zhcpNode: `zhcp${number}`,
      xcat: {
        server: new URL(simulatorUrl).host,
        url: simulatorUrl,
        ...SIMULATED,
        timeoutSeconds: 300,
        verifyTls: true,
        credentialsInQuery: false,
      },
      physicalNetworks: [
        physicalNetwork('physflat', 'VSWFLAT', true),
        physicalNetwork('physnet1', 'VSW1', false),
        physicalNetwork('physnet2', 'VSW2', false),
        physicalNetwork('physport', PORT_BASED, false),
      ],
      defaultNicVdev: 0x1000,
      // The simulated z/VM systems are nobody's: their drift may be repaired at first sight.
      reconcileMode: 'repair',
      makeDns: false,
      directoryOnline: false,
    };
  });
}

/** A host of the embedded default that is managed by a Feilong server on its zHCP. Feilong knows no port-based VSWITCHes. */
export function feilongHost(
  xcatHost: HostConfiguration,
  { url, tokenFile }: { url: string; tokenFile?: string },
): HostConfiguration {
  const { xcat: _xcat, physicalNetworks, ...host } = xcatHost;
  return {
    ...host,
    zhcpNode: FEILONG_ZHCP,
    feilong: { url, timeoutSeconds: 300, verifyTls: true, ...defined({ tokenFile }) },
    physicalNetworks: physicalNetworks.filter(({ portSelection }) => portSelection === 'USERBASED'),
    macPrefix: '02:00:00',
  };
}
