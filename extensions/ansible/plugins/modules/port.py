#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r'''
---
module: port
short_description: Ports of z/VM guests on VSWITCHes and VLANs
version_added: 0.1.0
description:
  - Makes a port of a guest as it is given, new or not, or deletes it, by a durable operation of networking-zvm.
  - A port is a NIC of the guest with its VSWITCH and VLAN. The record, the user directory, the authorisation on the VSWITCH and the live NIC follow it.
  - A port that is so already stays as it is. A change that fails is rolled back.
options:
  host:
    description: The z/VM system, by the name that networking-zvm has for it.
    type: str
    required: true
  userid:
    description: The guest.
    type: str
    required: true
    aliases: [guest]
  port_id:
    description: The id of the port, a UUID. Choose one for each port and keep it.
    type: str
    required: true
  state:
    description: Whether the port exists.
    type: str
    choices: [present, absent]
    default: present
  vswitch:
    description: The VSWITCH. Needed for a port that is to exist.
    type: str
  vlan:
    description: The VLAN of the port.
    type: int
  trunk:
    description: The VLANs of a port that takes several, tagged.
    type: list
    elements: int
  flat:
    description: Whether the port has no VLAN. A port that is to exist needs O(vlan), O(trunk) or O(flat=true).
    type: bool
  mac:
    description: The MAC. By default a port keeps its own, and a new one gets a free one.
    type: str
  vdev:
    description: The virtual device number of the NIC, hexadecimal. By default one that is free. It cannot be changed.
    type: str
  admin_state_up:
    description: Whether the NIC is coupled to its VSWITCH.
    type: bool
    default: true
  address:
    description: The IP address, for the name service of xCAT.
    type: str
  hostname:
    description: The host name of O(address).
    type: str
  live:
    description:
      - Whether a running guest has the NIC at once. Without it, a new port is there at the next logon of the guest.
      - A NIC that is live follows its port in any case.
    type: bool
    default: false
  keep_on_failure:
    description: Whether a change that fails keeps what it has done, in place of a rollback.
    type: bool
    default: false
extends_documentation_fragment:
  - networking_zvm.zvm.gateway
  - networking_zvm.zvm.gateway.change
author:
  - The networking-zvm project (@networking-zvm)
'''

EXAMPLES = r'''
- name: A port on VLAN 1001, on the running guest too
  networking_zvm.zvm.port:
    url: https://zvm-gateway.example:8088
    token_file: /etc/networking-zvm/ansible.token
    host: zvm1
    userid: LNX10001
    port_id: 5f0c6a0e-9d3b-4c1e-8a57-3f1f0c2b7d10
    vswitch: VSW2
    vlan: 1001
    live: true
    reason: CHG0012345

- name: No port any more
  networking_zvm.zvm.port:
    host: zvm1
    userid: LNX10001
    port_id: 5f0c6a0e-9d3b-4c1e-8a57-3f1f0c2b7d10
    state: absent
'''

RETURN = r'''
ports:
  description: The port as it is, or would be; empty once it is deleted.
  returned: success
  type: list
  elements: dict
  contains:
    port_id:
      description: The id.
      type: str
      returned: always
    vswitch:
      description: The VSWITCH.
      type: str
      returned: always
    network:
      description: V(flat), V(vlan) or V(trunk) as C(type), with C(segmentation_id) or C(segmentation_ids).
      type: dict
      returned: always
    mac:
      description: The MAC.
      type: str
      returned: when it has one
    vdev:
      description: The virtual device number.
      type: str
      returned: always
    admin_state_up:
      description: Whether the NIC is coupled.
      type: bool
      returned: always
    live:
      description: V(now), or V(atNextLogon) when the guest does not have the NIC yet.
      type: str
      returned: always
steps:
  description: The steps on z/VM that were done, or would be.
  returned: success
  type: list
  elements: str
operation:
  description: The operation.
  returned: success
  type: dict
  contains:
    id:
      description: The id, for M(networking_zvm.zvm.operation_info).
      type: str
      returned: always
    type:
      description: The type.
      type: str
      returned: always
    state:
      description: V(completed), or V(running) when it is deferred.
      type: str
      returned: always
    outcome:
      description: V(changed), V(unchanged), V(planned), V(awaiting-approval), V(awaiting-window) or V(held).
      type: str
      returned: when known
    url:
      description: The operation in the API.
      type: str
      returned: always
    run:
      description: The run in the Temporal UI.
      type: str
      returned: when the gateway knows the UI
plan:
  description: The name of the plan.
  returned: in check mode
  type: str
effect:
  description: V(none), V(changes), or V(interrupts) when a live NIC is off the network for a moment.
  returned: in check mode
  type: str
needs:
  description: V(approval) or V(window), when the policy of the host would have the change wait.
  returned: in check mode
  type: str
deferred:
  description: Why nothing is changed yet. The operation goes on by itself once it may.
  returned: when the policy or a hold has the change wait
  type: dict
  contains:
    kind:
      description: V(approval), V(window) or V(hold).
      type: str
      returned: always
    plan:
      description: The plan that an approval has to name.
      type: str
      returned: when there is one
    until:
      description: The end of the wait for an approval, or the opening of the window.
      type: str
      returned: when there is one
kind:
  description: The kind of the problem, such as V(refused), V(failed), V(forbidden) or V(unfinished).
  returned: failure
  type: str
page:
  description: The page about the problem.
  returned: failure
  type: str
errors:
  description: The fields at fault, with C(field), C(reason), C(advice) and C(page).
  returned: failure
  type: list
  elements: dict
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.networking_zvm.zvm.plugins.module_utils.gateway import ONE_TOKEN, path_of
from ansible_collections.networking_zvm.zvm.plugins.module_utils.operation import CHANGE, carry_out

NETWORK = ('vlan', 'trunk', 'flat')


def port_of(params):
    """The port as the API takes it."""
    if params['vlan'] is not None:
        network = dict(type='vlan', segmentationId=params['vlan'])
    elif params['trunk'] is not None:
        network = dict(type='trunk', segmentationIds=params['trunk'])
    else:
        network = dict(type='flat')
    optional = {name: params[name] for name in ('mac', 'vdev', 'address', 'hostname') if params[name] is not None}
    return dict(optional, portId=params['port_id'], vswitch=params['vswitch'], network=network, adminStateUp=params['admin_state_up'])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            CHANGE,
            host=dict(type='str', required=True),
            userid=dict(type='str', required=True, aliases=['guest']),
            port_id=dict(type='str', required=True),
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            vswitch=dict(type='str'),
            vlan=dict(type='int'),
            trunk=dict(type='list', elements='int'),
            flat=dict(type='bool'),
            mac=dict(type='str'),
            vdev=dict(type='str'),
            admin_state_up=dict(type='bool', default=True),
            address=dict(type='str'),
            hostname=dict(type='str'),
            live=dict(type='bool', default=False),
            keep_on_failure=dict(type='bool', default=False),
        ),
        mutually_exclusive=[ONE_TOKEN, NETWORK],
        required_if=[('state', 'present', ('vswitch',)), ('state', 'present', NETWORK, True)],
        supports_check_mode=True,
    )
    params = module.params
    if params['flat'] is False:
        module.fail_json(msg='flat is either true or left out: a port with a VLAN has vlan or trunk')
    guest = ('hosts', params['host'], 'guests', params['userid'], 'ports')
    keep = params['keep_on_failure'] or None
    if params['state'] == 'absent':
        carry_out(module, 'DELETE', path_of(*guest, params['port_id']), keepOnFailure=keep)
    else:
        carry_out(module, 'POST', path_of(*guest), dict(ports=[port_of(params)], live=params['live']), keepOnFailure=keep)


if __name__ == '__main__':
    main()
