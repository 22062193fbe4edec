"""Keystone's WSGI application for a region of either role, for uwsgi.

In a slave, what is read is read from the region's own database, and what is written is written to the master's, from where it
comes back by replication. oslo.db's two engines are just that: the writer's is [database] connection, the reader's is set here. What
it lacks is added here, too: that whoever has written something finds it when he reads. So the end of each writing transaction
waits until the own database has applied all that the master had at that moment. That covers the writes that failed, as well: a
row that was there already is then there to be read.

In both roles rows change underneath, as other regions' Keystones write them, too. So what is cached is cached under the database's
position: with the next transaction, wherever it came from, there is another one. (In a master the position is there a moment
before the rows are: that moment is what [cache] expiration_time bounds.)
"""

import contextlib
import logging
import secrets
import threading

from mcloud_service import quick  # noqa: F401

from keystone import exception


class _MasterUnreachable(exception.Error):
    """Becomes the answer to whoever wants to write: Keystone makes a handler of each exception that there is before itself."""

    code = 503
    title = 'Service Unavailable'
    message_format = "The master region's database can't be reached: nothing can be written now."


from mcloud_service.keystone import application as keystone_application  # noqa: E402

from keystone import assignment, catalog, identity, receipt, revoke, token  # noqa: E402
from keystone.common import cache, sql  # noqa: E402
from keystone.common.sql import core  # noqa: E402
import keystone.conf  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_db import exception as db_exception  # noqa: E402
import sqlalchemy  # noqa: E402

CONF = keystone.conf.CONF
LOG = logging.getLogger('mcloud.region')

# How long a write's answer waits for replication at most, in seconds. What was written is written, whether it came back or not.
PATIENCE = 2

CONF.register_opts([
    cfg.StrOpt('role', default='master', choices=['master', 'slave'], help='What this region is.'),
    cfg.HostAddressOpt('replica_host', help="Where a slave's own database is."),
], 'mcloud')


def _scalar(engine, statement, *values):
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement, values).scalar()


class _Position(threading.local):
    """The own database's position, as this request has seen it first."""

    seen = None

    def __init__(self, manager, statement):
        self._manager = manager
        self._statement = statement

    def get(self):
        if self.seen is None:
            try:
                self.seen = _scalar(self._manager.reader.get_engine(), self._statement)
            except db_exception.DBError:
                self.seen = secrets.token_hex()  # nothing that is cached can be told to be true
        return self.seen

    def forget(self):
        self.seen = None


class _Master:
    position_statement = 'SELECT @@GLOBAL.gtid_binlog_pos'

    def __init__(self):
        self.manager = core._get_main_context_manager()
        self.position = _Position(self.manager, self.position_statement)
        self._begin = core.session_for_write
        self._local = threading.local()

    @contextlib.contextmanager
    def session_for_write(self):
        depth = getattr(self._local, 'depth', 0)
        self._local.depth = depth + 1
        try:
            with self._begin() as session:
                yield session
        except db_exception.DBConnectionError as error:
            self.on_unreachable(error)
            raise
        finally:
            self._local.depth = depth
            if depth == 0:
                self.on_written()
                self.position.forget()

    def on_written(self):
        pass

    def on_unreachable(self, error):
        pass


class _Slave(_Master):
    position_statement = 'SELECT @@GLOBAL.gtid_slave_pos'

    def __init__(self):
        super().__init__()
        master = sqlalchemy.engine.url.make_url(CONF.database.connection)
        self.manager.configure(
            # Nobody here waits for a master that is away: it is tried when it is needed, and not for long.
            connection=master.update_query_dict({'connect_timeout': '3', 'read_timeout': '30'}).render_as_string(
                hide_password=False),
            slave_connection=master.set(host=CONF.mcloud.replica_host).render_as_string(hide_password=False),
            max_retries=0,
            synchronous_reader=False,
        )

    def on_written(self):
        try:
            position = _scalar(self.manager.writer.get_engine(), 'SELECT @@GLOBAL.gtid_binlog_pos')
            late = _scalar(self.manager.reader.get_engine(), 'SELECT MASTER_GTID_WAIT(%s, %s)', position, PATIENCE)
        except db_exception.DBError as error:
            LOG.warning('Whether this region has what was written to the master is not known: %s', error)
        else:
            if late:
                LOG.warning('This region is more than %d s behind the master', PATIENCE)

    def on_unreachable(self, error):
        raise _MasterUnreachable() from error


def _cache_by(position):
    for region in (cache.CACHE_REGION, assignment.COMPUTED_ASSIGNMENTS_REGION, catalog.COMPUTED_CATALOG_REGION,
                   identity.ID_MAPPING_REGION, receipt.provider.RECEIPTS_REGION, revoke.REVOKE_REGION,
                   token.provider.TOKENS_REGION):
        region.key_mangler = (lambda mangle: lambda key: mangle('%s@%s' % (key, position.get())))(region.key_mangler)


_region = _Slave() if CONF.mcloud.role == 'slave' else _Master()
core.session_for_write = sql.session_for_write = _region.session_for_write
_cache_by(_region.position)


def application(environ, start_response):
    _region.position.forget()
    return keystone_application(environ, start_response)
