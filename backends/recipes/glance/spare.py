"""A Glance that has no configuration yet, as it belongs to no region: it loads what any will make it load, and waits for one. Then there is
little left to do. `serve` makes the pipe, and writes to it when the files are there."""

import contextlib
import importlib
import os

PIPE = '/run/glance/go'
CA = '/etc/glance/ca.pem'

# What its configuration makes it load. One that a release has not, or not any more, is loaded with the rest.
MODULES = (
    'glance.api.middleware.context', 'glance.api.middleware.version_negotiation', 'glance.api.v2.router', 'glance.api.versions',
    'glance.db.sqlalchemy.api', 'castellan.key_manager.barbican_key_manager', 'keystoneauth1.loading._plugins.identity.generic',
    'keystonemiddleware.auth_token', 'mcloud_service.health', 'oslo_messaging._drivers.impl_fake', 'oslo_messaging.notify._impl_noop',
    'oslo_middleware.cors', 'oslo_middleware.healthcheck', 'oslo_middleware.http_proxy_to_wsgi', 'pymysql',
    'sqlalchemy.dialects.mysql.pymysql') + tuple(
    'glance_store._drivers.' + name for name in ('cinder', 'cinder.base', 'filesystem', 'http', 'rbd', 's3', 'swift', 'vmware_datastore')) + (
    'eventlet.hubs.asyncio', 'glance_store.tests.fakes', 'memcache')


def await_region():
    """At once where there is a configuration."""
    if not os.path.exists(PIPE):
        return
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with open(PIPE) as pipe:
        pipe.readline()
    if os.path.exists(CA):
        os.environ['SSL_CERT_FILE'] = CA  # as `serve` does
