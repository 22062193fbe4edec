"""Keystone's WSGI application, for uwsgi."""

import json
import logging

from mcloud_service import hooks, quick


class _Brief(logging.Filter):
    """What a client asked wrongly is a line in the log; a stack trace is for what Keystone itself did wrong."""

    def filter(self, record):
        error = record.exc_info[1] if record.exc_info else None
        if getattr(error, 'code', 500) < 500:
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, 'INFO'
        return True


# Its import builds validators for all of SAML's XML schemas, a third of Keystone's start. It is there when it is asked for.
quick.lazily('keystone.federation.idp')
quick.log_plainly()
quick.log_from_threads()

from keystone.common import fernet_utils  # noqa: E402
from keystone.common.rbac_enforcer import enforcer  # noqa: E402
from keystone.server import wsgi  # noqa: E402


def _read_again(get_key_files):
    """A rotation may remove an old key between its being found and its being read."""
    def get_or_again(self, directory):
        try:
            return get_key_files(self, directory)
        except FileNotFoundError:
            return get_key_files(self, directory)
    return get_or_again


hooks.wrap(fernet_utils.FernetUtils, '_get_key_files', _read_again, 'self')

logging.getLogger('keystone.server.flask.application').addFilter(_Brief())
_keystone = wsgi.initialize_public_application()
# Keystone would make it in its first request, and a second one that comes at the same time would find the half of it.
enforcer.RBACEnforcer.suppress_deprecation_warnings = True
enforcer.RBACEnforcer()._enforcer.load_rules()


def application(environ, start_response):
    """Keystone, with an answer also for what it does not catch itself, such as a directory that does not answer."""
    try:
        return _keystone(environ, start_response)
    except Exception:
        logging.getLogger(__name__).exception('%s %s failed', environ['REQUEST_METHOD'], environ['PATH_INFO'])
        body = json.dumps({'error': {'code': 500, 'title': 'Internal Server Error',
                                     'message': 'An unexpected error prevented the server from answering.'}}).encode()
        # without the exception, for which uwsgi would break the answer off behind its headers
        start_response('500 Internal Server Error', [('Content-Type', 'application/json'), ('Content-Length', str(len(body)))])
        return [body]


quick.loaded()
