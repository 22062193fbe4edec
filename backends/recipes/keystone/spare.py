"""A Keystone that has no configuration yet, as it belongs to no region: it loads what any will make it load, and waits for one. Then there is
little left to do. `serve` makes the pipe, and writes to it when the files are there."""

import contextlib
import importlib
import os

from mcloud_service import quick

PIPE = '/run/keystone/go'

# What keystone.conf makes it load. One that a release has not, or not any more, is loaded with the rest.
MODULES = ('keystone.server.wsgi',) + tuple(
    'keystone.' + name for name in (
        'application_credential.backends.sql', 'assignment.backends.sql', 'assignment.role_backends.sql', 'auth.plugins.application_credential',
        'auth.plugins.mapped', 'auth.plugins.password', 'auth.plugins.token', 'auth.plugins.totp', 'catalog.backends.sql',
        'credential.backends.sql', 'credential.providers.fernet.core', 'endpoint_policy.backends.sql', 'federation.backends.sql',
        'identity.backends.sql', 'identity.id_generators.sha256', 'identity.mapping_backends.sql', 'identity.shadow_backends.sql',
        'limit.backends.sql', 'limit.models.flat', 'oauth1.backends.sql', 'policy.backends.rules', 'policy.backends.sql', 'receipt.providers.fernet.core',
        'resource.backends.sql', 'resource.config_backends.sql', 'revoke.backends.sql', 'token.providers.fernet.core',
        'trust.backends.sql')) + (
    'bmemcached', 'dogpile.cache.backends.memcached', 'memcache', 'oslo_cache.backends.dictionary', 'oslo_cache.backends.etcd3gw',
    'oslo_cache.backends.memcache_pool', 'oslo_cache.backends.mongo', 'oslo_middleware.healthcheck.pluginbase', 'pymysql',
    'sqlalchemy.dialects.mysql.pymysql')


def await_region():
    """At once where there is a configuration."""
    if not os.path.exists(PIPE):
        return
    quick.lazily('keystone.federation.idp')
    quick.lazily = lambda name: None  # to be asked once more would load it
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with open(PIPE) as pipe:
        pipe.readline()
