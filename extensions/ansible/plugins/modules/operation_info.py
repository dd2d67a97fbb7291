#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r'''
---
module: operation_info
short_description: An operation of networking-zvm, such as one that awaits an approval
version_added: 0.1.0
description:
  - Reads an operation, and waits for its end if asked to. Nothing is changed.
options:
  id:
    description: The id of the operation.
    type: str
    required: true
  wait:
    description:
      - Whether to wait for the end of the operation, for O(timeout) seconds at most. An operation that has not ended by then is a failure of the module.
    type: bool
    default: false
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
- name: The port, once somebody has approved it
  networking_zvm.zvm.operation_info:
    url: https://zvm-gateway.example:8088
    token_file: /etc/networking-zvm/ansible.token
    id: "{{ port.operation.id }}"
    wait: true
    timeout: 3600
  when: port.deferred is defined
'''

RETURN = r'''
operation:
  description:
    - The operation as the API shows it, with C(state), C(outcome), C(origin), C(awaits), C(decision), C(result) and C(failure).
  returned: success
  type: dict
kind:
  description: The kind of the problem, such as V(not-found) or V(unfinished).
  returned: failure
  type: str
'''

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.networking_zvm.zvm.plugins.module_utils.gateway import (
    CONNECTION, ONE_TOKEN, Failure, Gateway, path_of, snake)
from ansible_collections.networking_zvm.zvm.plugins.module_utils.operation import end, unfinished

LONGEST_PAUSE_SECONDS = 10


def main():
    module = AnsibleModule(
        argument_spec=dict(CONNECTION, id=dict(type='str', required=True), wait=dict(type='bool', default=False)),
        mutually_exclusive=[ONE_TOKEN],
        supports_check_mode=True,
    )
    pause = 1
    try:
        gateway = Gateway(module)
        while True:
            operation = gateway.get(path_of('operations', module.params['id']))
            if operation['state'] != 'running' or not module.params['wait']:
                break
            if gateway.left() <= pause:
                raise unfinished(module, operation)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    except Failure as failure:
        end(module, failure)
    module.exit_json(changed=False, operation=snake(operation))


if __name__ == '__main__':
    main()
