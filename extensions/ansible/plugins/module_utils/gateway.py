# SPDX-License-Identifier: Apache-2.0
"""The HTTP API of networking-zvm, for modules."""
from __future__ import annotations

import json
import os
import time
from http.client import HTTPException
from urllib.parse import quote, urlencode, urljoin

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible.module_utils.urls import fetch_url

CONNECTION = dict(
    url=dict(type='str', required=True, fallback=(env_fallback, ['NETWORKING_ZVM_URL'])),
    token=dict(type='str', no_log=True),
    token_file=dict(type='path', no_log=False),
    ca_path=dict(type='path'),
    validate_certs=dict(type='bool', default=True),
    timeout=dict(type='int', default=300),
)
ONE_TOKEN = ('token', 'token_file')

# An answer may come as late after the time that was waited for.
ANSWER_SECONDS = 30
# So long a gateway that gives no answer, or a transient one, is asked again.
PATIENCE_SECONDS = 30
TRANSIENT = (429, 503, 504)
LONGEST_PAUSE_SECONDS = 8
PAGE = 500


class Failure(Exception):
    """A request that failed. The values are those of the module's result."""

    def __init__(self, msg, **values):
        super().__init__(msg)
        self.msg = msg
        self.values = {name: value for name, value in values.items() if value is not None}


class Gateway:
    """A gateway, until the module's time is over."""

    def __init__(self, module):
        self.module = module
        self.base = module.params['url'].rstrip('/')
        self.deadline = time.monotonic() + module.params['timeout']
        self.headers = {'Accept': 'application/json'}
        token = self._token()
        if token:
            module.no_log_values.add(token)
            self.headers['Authorization'] = 'Bearer ' + token

    def left(self):
        """Seconds that are left."""
        return self.deadline - time.monotonic()

    def get(self, path, **query):
        """The answer to a reading."""
        return self.send('GET', address(path, query))

    def pages(self, name, path, **query):
        """The entries of all pages of a list."""
        entries = []
        after = None
        while True:
            page = self.get(path, limit=PAGE, after=after, **query)
            entries.extend(page[name])
            after = page.get('next')
            if after is None:
                return entries

    def send(self, method, path, body=None, headers=None, wait=0):
        """The answer to a request that may be repeated. Raises Failure."""
        started = time.monotonic()
        pause = 1
        while True:
            answer, failure, wanted = self._once(method, path, body, headers or {}, wait)
            if failure is None:
                return answer
            pause = min(max(pause, wanted), LONGEST_PAUSE_SECONDS)
            is_transient = failure.values.get('status', -1) in (-1,) + TRANSIENT
            if not is_transient or time.monotonic() + pause > min(started + wait + PATIENCE_SECONDS, self.deadline):
                raise failure
            time.sleep(pause)
            pause *= 2

    def _once(self, method, path, body, headers, wait):
        data = None if body is None else json.dumps(body)
        headers = dict(self.headers, **headers)
        if data is not None:
            headers['Content-Type'] = 'application/json'
        response, info = fetch_url(
            self.module, self.base + path, data=data, headers=headers, method=method, timeout=wait + ANSWER_SECONDS,
            ca_path=self.module.params['ca_path'], use_netrc=False, unredirected_headers=['Authorization'],
        )
        status = info['status']
        try:
            text = info.get('body') if response is None or status >= 400 else response.read()
        except (OSError, HTTPException) as error:
            return None, Failure('%s gave no whole answer: %s' % (self.base, error), status=-1), 0
        if status < 0:
            return None, Failure('%s gives no answer: %s' % (self.base, info['msg']), status=status), 0
        try:
            answer = json.loads(text)
        except (TypeError, ValueError):
            answer = None
        if status < 400 and isinstance(answer, dict):
            return answer, None, 0
        if not isinstance(answer, dict) or 'type' not in answer:
            return None, Failure('%s%s answered %d without a problem of the API' % (self.base, path, status), status=status), 0
        wanted = info.get('retry-after', '')
        return None, self.failure_of(answer), int(wanted) if wanted.isdigit() else 0

    def failure_of(self, problem):
        """The failure that a problem of the API (RFC 9457) tells."""
        errors = [dict(each, page=self.page(each.get('page'))) for each in problem.get('errors', [])]
        kind = problem['type'].rsplit('/', 1)[-1]
        reasons = ['%s: %s' % (each['field'], each['reason']) for each in errors] or [problem['detail']]
        advice = [problem['advice']] if 'advice' in problem else [each['advice'] for each in errors if 'advice' in each]
        page = self.page(problem.get('page')) or next((each['page'] for each in errors), None) or urljoin(self.base + '/', problem['type'])
        msg = '%s: %s' % (problem['title'], '; '.join(reasons))
        if advice:
            msg += '. ' + '; '.join(advice)
        return Failure(
            '%s (%s)' % (msg, page), kind=kind, status=problem['status'], detail=problem['detail'], page=page, errors=snake(errors),
            step=problem.get('step'), undone=problem.get('undone'), operation_id=problem.get('operation'), run=problem.get('run'),
        )

    def page(self, name):
        """The URL of a page about an error."""
        return None if name is None else '%s/errors/%s' % (self.base, name)

    def _token(self):
        params = self.module.params
        if params['token'] is not None:
            return params['token']
        if params['token_file'] is None and 'NETWORKING_ZVM_TOKEN' in os.environ:
            return os.environ['NETWORKING_ZVM_TOKEN']
        file = params['token_file'] or os.environ.get('NETWORKING_ZVM_TOKEN_FILE')
        if file is None:
            return None
        try:
            with open(file, encoding='utf-8') as text:
                return text.read().strip()
        except (OSError, ValueError) as error:
            self.module.fail_json(msg='the token file %s cannot be read: %s' % (file, error))


def path_of(*names):
    """A path of the API, each name encoded: userids may have # and +."""
    return '/v1/' + '/'.join(quote(name, safe='') for name in names)


def address(path, query):
    """A path with the parts of its query that have a value."""
    given = [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in query.items() if value is not None]
    return path + '?' + urlencode(given) if given else path


def snake(value):
    """A value of the API with its names as Ansible writes them."""
    if isinstance(value, list):
        return [snake(each) for each in value]
    return camel_dict_to_snake_dict(value) if isinstance(value, dict) else value
