#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r'''
---
module: vswitch
short_description: VSWITCHes of z/VM systems
version_added: 0.1.0
description:
  - Makes a VSWITCH as the configuration of the host has it, new or with other uplinks, or deletes one that the configuration does not name any more.
  - The properties of a VSWITCH stand in the configuration of the workers of networking-zvm, so that reconciliation and this module never disagree.
  - A VSWITCH that is so already stays as it is.
options:
  host:
    description: The z/VM system, by the name that networking-zvm has for it.
    type: str
    required: true
  name:
    description: The VSWITCH.
    type: str
    required: true
    aliases: [vswitch]
  state:
    description: Whether the VSWITCH exists.
    type: str
    choices: [present, absent]
    default: present
  force:
    description: Whether a VSWITCH is deleted that NICs or ports of networking-zvm are on. NICs of others are never taken away.
    type: bool
    default: false
extends_documentation_fragment:
  - networking_zvm.zvm.gateway
  - networking_zvm.zvm.gateway.change
author:
  - The networking-zvm project (@networking-zvm)
'''

EXAMPLES = r'''
- name: VSW2 as configured
  networking_zvm.zvm.vswitch:
    url: https://zvm-gateway.example:8088
    token_file: /etc/networking-zvm/ansible.token
    host: zvm1
    name: VSW2

- name: A VSWITCH that the configuration does not name any more
  networking_zvm.zvm.vswitch:
    host: zvm1
    name: OLDVSW
    state: absent
'''

RETURN = r'''
steps:
  description: The steps on z/VM that were done, or would be.
  returned: success
  type: list
  elements: str
operation:
  description: The operation, with C(id), C(type), C(state), C(outcome), C(url) and C(run).
  returned: success
  type: dict
effect:
  description: V(none), V(changes), or V(interrupts) when NICs on the VSWITCH are off the network for a moment.
  returned: in check mode
  type: str
deferred:
  description: Why nothing is changed yet, with C(kind), V(approval), V(window) or V(hold). The operation goes on by itself once it may.
  returned: when the policy or a hold has the change wait
  type: dict
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


def main():
    module = AnsibleModule(
        argument_spec=dict(
            CHANGE,
            host=dict(type='str', required=True),
            name=dict(type='str', required=True, aliases=['vswitch']),
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            force=dict(type='bool', default=False),
        ),
        mutually_exclusive=[ONE_TOKEN],
        supports_check_mode=True,
    )
    params = module.params
    path = path_of('hosts', params['host'], 'vswitches', params['name'])
    if params['state'] == 'absent':
        carry_out(module, 'DELETE', path, force=params['force'])
    else:
        carry_out(module, 'PUT', path)


if __name__ == '__main__':
    main()
