"""Keystone's WSGI application, for uwsgi."""

import logging

from mcloud_service import quick


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

from keystone.server import wsgi  # noqa: E402

logging.getLogger('keystone.server.flask.application').addFilter(_Brief())
application = wsgi.initialize_public_application()
quick.loaded()
