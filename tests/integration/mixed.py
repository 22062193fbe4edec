#!/usr/bin/python3
"""mixed.py URL SECONDS <TOKENS: whether each of several requests that are served at once is done, and by its own token. The first line is an
administrator's token, who goes on changing things; the second a member's, who makes application credentials: they have the member's
roles, as the token has."""

import http.client
import json
import sys
import threading
import time
import urllib.parse
import uuid

WRITERS, MAKERS = 3, 3


class Client:
    def __init__(self, url, token):
        self._url = urllib.parse.urlsplit(url)
        self._token = token

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self._url.netloc, timeout=60)
        headers = {'X-Auth-Token': self._token, 'X-Subject-Token': self._token, 'Content-Type': 'application/json'}
        connection.request(method, self._url.path + path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else {}


def write(client, until, made):
    while time.monotonic() < until:
        region = uuid.uuid4().hex
        statuses = client.ask('POST', '/regions', {'region': {'id': region}})[0], client.ask('DELETE', '/regions/' + region)[0]
        made.append('' if statuses == (201, 204) else 'a region: %d, %d' % statuses)


def make(client, until, made):
    token = client.ask('GET', '/auth/tokens')[1]['token']
    wanted = sorted(role['name'] for role in token['roles'])
    path = '/users/%s/application_credentials' % token['user']['id']
    while time.monotonic() < until:
        status, answer = client.ask('POST', path, {'application_credential': {'name': uuid.uuid4().hex}})
        if status != 201:
            made.append('%d: %s' % (status, answer['error']['message']))
            continue
        credential = answer['application_credential']
        roles = sorted(role['name'] for role in credential['roles'])
        made.append('' if roles == wanted else 'roles %s, not %s' % (roles, wanted))
        client.ask('DELETE', '%s/%s' % (path, credential['id']))


def main(url, seconds):
    admin, member = (Client(url, line.strip()) for line in sys.stdin)
    made, until = [], time.monotonic() + float(seconds)
    threads = [threading.Thread(target=write, args=(admin, until, made)) for _ in range(WRITERS)]
    threads += [threading.Thread(target=make, args=(member, until, made)) for _ in range(MAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = [each for each in made if each]
    print('%d made, %d wrong' % (len(made), len(wrong)), *sorted(set(wrong)), sep='\n')
    return not made or bool(wrong)


sys.exit(main(*sys.argv[1:]))
