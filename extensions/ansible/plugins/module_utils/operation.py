# SPDX-License-Identifier: Apache-2.0
"""Changes by the HTTP API: an operation that is started, waited for and reported."""
from __future__ import annotations

import json
import time
import uuid
from urllib.parse import quote

from ansible_collections.networking_zvm.zvm.plugins.module_utils.gateway import CONNECTION, Failure, Gateway, address, snake

CHANGE = dict(
    CONNECTION,
    reason=dict(type='str'),
    idempotency_key=dict(type='str', no_log=False),
    give_up_after_minutes=dict(type='float'),
)

# The first answers tell of an approval that is needed; then few requests wait long.
WAITS_SECONDS = (2, 5, 15, 60)
BUSY_PAUSE_SECONDS = 2
# Outcomes of operations that go on only once a person, or the time, lets them.
DEFERRED = ('awaiting-approval', 'awaiting-window', 'held')
SHOWN = ('id', 'type', 'state', 'outcome', 'url', 'run')


def change(gateway, method, path, body=None, **query):
    """Have the gateway make a change, or plan it in check mode. Answers the operation: ended, or deferred. Raises Failure."""
    module = gateway.module
    options = dict(query, giveUpAfterMinutes=module.params['give_up_after_minutes'])
    if module.check_mode:
        options['dryRun'] = True
    target = address(path, options)
    headers = {'Idempotency-Key': key_of(module, [method, target, body])}
    if module.params['reason']:
        headers['Change-Reason'] = quote(module.params['reason'], safe=' !#$&\'()*+,/:;=?@[]')
    waits = list(WAITS_SECONDS)
    while True:
        wait = max(1, min(waits.pop(0) if len(waits) > 1 else waits[0], int(gateway.left())))
        try:
            # The same key, the same operation: a repeat goes on waiting for it.
            operation = gateway.send(method, target, body, dict(headers, Prefer='wait=%d' % wait), wait)
        except Failure as failure:
            if failure.values.get('kind') != 'busy' or gateway.left() < BUSY_PAUSE_SECONDS:
                raise
            time.sleep(BUSY_PAUSE_SECONDS)
            continue
        if operation['state'] != 'running' or operation.get('outcome') in DEFERRED:
            return operation
        if gateway.left() <= 0:
            raise unfinished(module, operation)


def carry_out(module, method, path, body=None, **query):
    """Have the gateway make a change, or plan it in check mode, and end the module with what has come of it."""
    try:
        operation = change(Gateway(module), method, path, body, **query)
    except Failure as failure:
        end(module, failure)
    report(module, operation)


def key_of(module, request):
    """The key of a request. A dry run never has that of the change itself."""
    given = module.params['idempotency_key']
    if given is None or module.check_mode:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([given, request], sort_keys=True)))


def unfinished(module, operation):
    """The failure of a wait that has taken too long."""
    msg = 'operation %s has not ended within %d seconds (%s); it goes on' % (
        operation['id'], module.params['timeout'], operation.get('outcome', operation['state']))
    return Failure(msg, kind='unfinished', operation=shown(operation))


def report(module, operation):
    """End the module with what an operation has done, or would do."""
    result = operation.get('result') or {}
    is_deferred = operation['state'] == 'running'
    steps = (operation.get('awaits') or {}).get('steps', []) if is_deferred else result.get('steps', [])
    changed = not is_deferred and (result.get('effect') != 'none' if module.check_mode else result.get('changed', False))
    values = dict(changed=changed, operation=shown(operation), steps=steps, ports=snake(result.get('ports', [])))
    for name in ('plan', 'effect', 'needs'):
        if name in result:
            values[name] = result[name]
    if is_deferred:
        values['deferred'] = deferral(operation)
        module.warn('Nothing is changed yet: operation %s is %s' % (operation['id'], operation['outcome']))
    if 'needs' in result:
        module.warn('The change would wait for its %s' % result['needs'])
    if module._diff:
        values['diff'] = dict(prepared=''.join('%s\n' % step for step in steps) if changed or is_deferred else '')
    module.exit_json(**values)


def deferral(operation):
    """Why an operation goes on later, and with which plan."""
    awaits = operation.get('awaits') or {}
    return dict(snake(awaits), kind=awaits.get('kind', 'hold'))


def shown(operation):
    """An operation as results have it."""
    return {name: operation[name] for name in SHOWN if name in operation}


def end(module, failure):
    """End the module with a failure."""
    module.fail_json(msg=failure.msg, **failure.values)
