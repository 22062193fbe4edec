"""Glance's server in a region: mcloud_service.glance, for which the regions' public addresses are what they are on the host.

There 127.N.n.1 is region n's; in a container it is the container's own loopback, and leads to whoever listens here. So a connection to
another region's address, or to a Keystone's, is passed on to that service, which the network knows by the region's number. It is
asked for it when the connection is made: regions come and go.

What a path names is UTF-8 (RFC 3987, section 3.1). WSGI hands its bytes over as if they were Latin-1 (PEP 3333), and so does Glance
keep them: a tag `é` would be two characters for all who see it, and could not be taken away by its name.
"""

import contextlib
import re
import socket
import sys

from mcloud_service import glance, hooks, spare

import eventlet
import eventlet.tpool
import eventlet.wsgi
import webob.exc
from glance.common import utils, wsgi
from oslo_config import cfg

PUBLIC = re.compile(r'(127\.\d+\.)([1-9]\d*)\.1')
KEYSTONE, GLANCE = ('keystone', 5000), ('glance', 9292)
PIECE = 1 << 18


def _copy(source, target):
    """Until the source's end, which is passed on, or the target's."""
    try:
        while data := source.recv(PIECE):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for each in source, target:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def _pass_on(client, service, number):
    try:
        server = eventlet.connect((_find(service, number), service[1]))
    except OSError:
        return  # the connection ends, as one to nobody does
    try:
        client.settimeout(None)  # Glance's patience with its own clients
        there = eventlet.spawn(_copy, client, server)
        _copy(server, client)
        there.wait()
    finally:
        server.close()


def _find(service, number):
    # In a thread: where there is no such region, others may be asked for the name, and nobody here shall wait for them.
    return eventlet.tpool.execute(socket.gethostbyname, '%s.%s' % (service[0], number))


def _number(address):
    """The region whose public address in this cloud that is, or None."""
    found = PUBLIC.fullmatch(address)
    return found[2] if found and '//' + found[1] in cfg.CONF.public_endpoint else None


def _serve_others(process_request):
    def process_or_pass_on(self, connection):
        client = connection[1]
        address = client.getsockname()[0]
        number = _number(address)
        if number and '//%s:' % address not in cfg.CONF.public_endpoint:
            _pass_on(client, GLANCE, number)
        else:
            process_request(self, connection)
    return process_or_pass_on


def _serve_keystones(client, _):
    with contextlib.suppress(OSError):  # it would end the server
        number = _number(client.getsockname()[0])
        if number:
            _pass_on(client, KEYSTONE, number)


def _with_keystones(run_server):
    def run_both(self):
        listener = eventlet.listen(('0.0.0.0', KEYSTONE[1]), backlog=128)
        # Nobody outside has business with it, and needs not even find it. (Before Linux 5.7, that is root's to say.)
        with contextlib.suppress(PermissionError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')
        eventlet.spawn(eventlet.serve, listener, _serve_keystones)
        run_server(self)
    return run_both


def _resolve_regions(resolve):
    """What an import fetches must not be of a loopback address; a region's Glance is of none."""
    def resolve_or_find(hostname, port):
        number = _number(hostname) if port == GLANCE[1] else None
        if not number:
            return resolve(hostname, port)
        try:
            return _find(GLANCE, number)
        except OSError as error:
            raise ValueError('no region has the address %s: %s' % (hostname, error))
    return resolve_or_find


def _as_it_is_asked(get_environ):
    """Where something in front ends TLS, whoever asks did so by https."""
    def get_with_scheme(self):
        return {**get_environ(self), 'wsgi.url_scheme': cfg.CONF.public_endpoint.partition(':')[0]}
    return get_with_scheme


def _name_in_utf_8(get_action_args):
    def get_names(self, environ):
        try:
            return {key: value.encode('latin-1').decode() if isinstance(value, str) else value
                    for key, value in get_action_args(self, environ).items()}
        except UnicodeError:
            raise webob.exc.HTTPBadRequest('The path is not in UTF-8.')
    return get_names


if hasattr(utils, 'resolve_pinned_address'):  # since a security update of Debian's; before, no address was refused
    hooks.wrap(utils, 'resolve_pinned_address', _resolve_regions, 'hostname', 'port')
hooks.wrap(wsgi.Resource, 'get_action_args', _name_in_utf_8, 'self', 'request_environment')
hooks.wrap(eventlet.wsgi.Server, 'process_request', _serve_others, 'self', 'conn_state')
hooks.wrap(eventlet.wsgi.Server, 'get_environ', _as_it_is_asked, 'self')
hooks.wrap(wsgi.Server, 'run_server', _with_keystones, 'self')

if __name__ == '__main__':
    spare.await_region()
    sys.argv[0] = 'glance-api'
    sys.exit(glance.main())
