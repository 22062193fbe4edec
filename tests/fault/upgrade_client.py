#!/usr/bin/env python3
"""upgrade_client.py URL...: reads, and writes projects, in a cloud with a Keystone at each URL, until standard input ends; its first line is a token.

Each request goes to the first Keystone that takes it: one that can't be reached is passed over, as by a load balancer. What is left is told, a
line each: `read CODE`, where no Keystone gave a list; `write CODE`, for answers that are neither 201 nor 503. In the end come `done READS
WRITES REFUSED` and the names of all projects that were acknowledged.
"""

import http.client
import json
import select
import sys
import time
import urllib.parse

PATIENCE = 30


def ask(url, method, path, token, body=None):
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE)
    try:
        connection.request(method, where.path + path, body, {'X-Auth-Token': token, 'Content-Type': 'application/json'})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def read(urls, token):
    """The first Keystone's answer that is one; a list that broke off is asked for once more elsewhere."""
    status = 'nobody answered'
    for url in urls:
        try:
            status = ask(url, 'GET', '/projects', token)
        except (OSError, http.client.HTTPException):
            continue
        if status == 200:
            break
    return status


def write(urls, token, name):
    """Only where the connection was refused is it known that nothing was written."""
    body = json.dumps({'project': {'name': name, 'domain_id': 'default'}})
    for url in urls:
        try:
            return ask(url, 'POST', '/projects', token, body)
        except ConnectionRefusedError:
            continue
        except (OSError, http.client.HTTPException):
            return 'broken off'
    return 503


def main():
    urls, token = sys.argv[1:], sys.stdin.readline().strip()
    reads, refused, written = 0, 0, []
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        status = read(urls, token)
        reads += 1
        if status != 200:
            print('read %s after %d' % (status, reads), flush=True)
        name = 'upgrade-%d' % time.time_ns()
        status = write(urls, token, name)
        if status == 201:
            written.append(name)
        elif status in (503, 'broken off'):
            refused += 1
        else:
            print('write %s' % status, flush=True)
    print('done %d %d %d' % (reads, len(written), refused))
    print('\n'.join(written))


main()
