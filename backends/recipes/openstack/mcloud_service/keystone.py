"""Keystone's WSGI application, for uwsgi."""

from mcloud_service import quick

# Its import builds validators for all of SAML's XML schemas, a third of Keystone's start. It is there when it is asked for.
quick.lazily('keystone.federation.idp')
quick.log_plainly()

from keystone.server import wsgi  # noqa: E402

application = wsgi.initialize_public_application()
quick.loaded()
