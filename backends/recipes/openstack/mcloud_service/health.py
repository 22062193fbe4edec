"""Health checks for oslo.middleware's /healthcheck: the service answers, and the database answers the service."""

import logging

from oslo_middleware.healthcheck import pluginbase


class _Quiet(logging.Filter):
    """Keeps the checks themselves out of the log: they come every few seconds for ever."""

    def filter(self, record):
        return '/healthcheck' not in record.getMessage()


class _Database(pluginbase.HealthcheckBaseExtension):
    def healthcheck(self, server_port):
        try:
            self.select()
        except Exception as error:
            return pluginbase.HealthcheckResult(available=False, reason='no database: %s' % type(error).__name__)
        return pluginbase.HealthcheckResult(available=True, reason='OK')


class KeystoneDatabase(_Database):
    def select(self):
        from keystone.common import sql
        with sql.session_for_read() as session:
            session.connection().exec_driver_sql('SELECT 1')


class GlanceDatabase(_Database):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        logging.getLogger('eventlet.wsgi.server').addFilter(_Quiet())

    def select(self):
        from glance.db.sqlalchemy import api
        with api.get_engine().connect() as connection:
            connection.exec_driver_sql('SELECT 1')
