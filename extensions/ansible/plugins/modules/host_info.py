#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r'''
---
module: host_info
short_description: z/VM systems with their guests, ports, VSWITCHes and drift
version_added: 0.1.0
description:
  - Reads z/VM systems by the HTTP API of networking-zvm. Nothing is changed.
options:
  host:
    description: The z/VM system, by the name that networking-zvm has for it. Without it all systems are listed.
    type: str
  gather:
    description: The parts to read. All but V(hosts) need O(host).
    type: list
    elements: str
    choices: [hosts, vswitches, guests, ports, drift]
    default: [hosts]
  userid:
    description: Only ports of this guest; only guests whose userid begins so.
    type: str
  vswitch:
    description: Only ports on this VSWITCH.
    type: str
  vlan:
    description: Only ports on this VLAN, trunks included.
    type: int
  drifted:
    description: Only guests that differ from their record, or only those that do not.
    type: bool
extends_documentation_fragment:
  - networking_zvm.zvm.gateway
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
    details:
      - It changes nothing.
author:
  - The networking-zvm project (@networking-zvm)
'''

EXAMPLES = r'''
- name: The ports of VLAN 1001
  networking_zvm.zvm.host_info:
    url: https://zvm-gateway.example:8088
    token_file: /etc/networking-zvm/ansible.token
    host: zvm1
    gather: [ports]
    vlan: 1001
  register: zvm
'''

RETURN = r'''
hosts:
  description: The systems, with workers, reconciliation, hold and capabilities.
  returned: when V(hosts) is gathered
  type: list
  elements: dict
vswitches:
  description: The VSWITCHES, with uplinks, authorisations and coupled NICs.
  returned: when V(vswitches) is gathered
  type: list
  elements: dict
guests:
  description: The guests with ports, each with its ports, foreign NICs and drift.
  returned: when V(guests) is gathered
  type: list
  elements: dict
ports:
  description: The recorded ports, each with what z/VM has of it (C(actual)) and its drift.
  returned: when V(ports) is gathered
  type: list
  elements: dict
drift:
  description: Differences from the record (C(guests)), foreign NICs (C(foreign)) and what cannot be read (C(findings)).
  returned: when V(drift) is gathered
  type: dict
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.networking_zvm.zvm.plugins.module_utils.gateway import (
    CONNECTION, ONE_TOKEN, Failure, Gateway, path_of, snake)
from ansible_collections.networking_zvm.zvm.plugins.module_utils.operation import end


def hosts(gateway, params):
    if params['host'] is None:
        return gateway.get(path_of('hosts'))['hosts']
    return [gateway.get(path_of('hosts', params['host']))]


def vswitches(gateway, params):
    return gateway.get(path_of('hosts', params['host'], 'vswitches'))['vswitches']


def guests(gateway, params):
    return gateway.pages('guests', path_of('hosts', params['host'], 'guests'), userid=params['userid'], drifted=params['drifted'])


def ports(gateway, params):
    where = {name: params[name] for name in ('userid', 'vswitch', 'vlan')}
    return gateway.pages('ports', path_of('hosts', params['host'], 'ports'), **where)


def drift(gateway, params):
    return gateway.get(path_of('hosts', params['host'], 'drift'))


PARTS = dict(hosts=hosts, vswitches=vswitches, guests=guests, ports=ports, drift=drift)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            CONNECTION,
            host=dict(type='str'),
            gather=dict(type='list', elements='str', choices=['hosts', 'vswitches', 'guests', 'ports', 'drift'], default=['hosts']),
            userid=dict(type='str'),
            vswitch=dict(type='str'),
            vlan=dict(type='int'),
            drifted=dict(type='bool'),
        ),
        mutually_exclusive=[ONE_TOKEN],
        supports_check_mode=True,
    )
    params = module.params
    if params['host'] is None and params['gather'] != ['hosts']:
        module.fail_json(msg='host is needed to gather %s' % ', '.join(part for part in params['gather'] if part != 'hosts'))
    try:
        gateway = Gateway(module)
        read = {part: snake(PARTS[part](gateway, params)) for part in params['gather']}
    except Failure as failure:
        end(module, failure)
    module.exit_json(changed=False, **read)


if __name__ == '__main__':
    main()
