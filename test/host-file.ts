/** The ini file of a simulated host, as its administrator writes it. Nothing is reconciled during a test. */
export function hostFileText(host: string, simulatorUrl: string): string {
  return `[AGENT]
zvm_host = ${host}
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = ${simulatorUrl}
zvm_xcat_username = admin
zvm_xcat_password = admin
polling_interval = 86400
[ml2_type_vlan]
network_vlan_ranges = VSW1:1:4094
`;
}
