# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations


class ModuleDocFragment:

    DOCUMENTATION = r'''
options:
  url:
    description:
      - URL of the gateway, with its path if it has one.
      - Without it, the environment variable E(NETWORKING_ZVM_URL) counts.
    type: str
    required: true
  token:
    description:
      - Token of the gateway.
      - Without O(token) and O(token_file), the environment variables E(NETWORKING_ZVM_TOKEN) and E(NETWORKING_ZVM_TOKEN_FILE) count, in this order.
        Without any, no token is sent.
    type: str
  token_file:
    description:
      - File with the token, on the machine that runs the module.
    type: path
  ca_path:
    description:
      - PEM file of the certificate authority of the gateway.
    type: path
  validate_certs:
    description:
      - Whether the certificate of the gateway is checked.
    type: bool
    default: true
  timeout:
    description:
      - Longest time that the module takes, in seconds. An operation that has not ended by then goes on.
    type: int
    default: 300
notes:
  - The module talks to the gateway alone, so run it on one machine that reaches it, C(delegate_to=localhost) or a play on V(localhost).
'''

    CHANGE = r'''
options:
  reason:
    description:
      - Why the change is made, such as the number of a ticket. Operations and audit show it.
    type: str
  idempotency_key:
    description:
      - Requests of one token that are the same, with the same key, are one operation, also in several runs of a playbook.
      - By default each task has a key of its own. It repeats a request whose answer was lost under this key, so that nothing is done twice.
      - Use another key for each intended change. A key that is used again for the same request answers with the former operation, and nothing is done.
    type: str
  give_up_after_minutes:
    description:
      - How long the operation retries transient failures. The gateway's default is 60.
    type: float
attributes:
  check_mode:
    description: Can run in check mode, and say what it would change.
    support: full
    details:
      - The gateway plans by a dry run; nothing is changed.
  diff_mode:
    description: Returns details of what has changed, or would change, in diff mode.
    support: full
    details:
      - The difference has the steps on z/VM, as the gateway tells them.
'''
