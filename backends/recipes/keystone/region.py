"""Keystone's WSGI application for a region, for uwsgi.

What is read is read from the region's own database, and what is written is written to the master's, from where it comes back by
replication. oslo.db's two engines are just that: the reader's is [database] slave_connection, the writer's [database] connection,
whose host is only a word. Which database it means is asked when a connection to it is made: the own one while it takes writes,
else the one that it follows. So a change of the master's role needs no word to Keystone.

What oslo.db lacks is added here, too: that whoever has written something finds it when he reads. So the end of each writing
transaction waits until the own database has applied all that the master had at that moment. That covers the writes that failed, as
well: a row that was there already is then there to be read.

Rows change underneath, as other regions' Keystones write them, too. So what is cached is cached under the database's position: with
the next transaction, wherever it came from, there is another one. (In a master the position is there a moment before the rows
are: that moment is what [cache] expiration_time bounds.)
"""

import contextlib
import logging
import secrets
import threading
import time

from mcloud_service import quick  # noqa: F401

from keystone import exception


class _WritesWait(exception.Error):
    code = 503
    title = 'Service Unavailable'
    message_format = 'Nothing can be written now: as many writes as may are waiting for a slave region to acknowledge them.'


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
from keystone.resource.config_backends import sql as domain_configs  # noqa: E402
from oslo_db import exception as db_exception  # noqa: E402
import sqlalchemy  # noqa: E402
import sqlalchemy.event  # noqa: E402
import sqlalchemy.exc  # noqa: E402

CONF = keystone.conf.CONF
LOG = logging.getLogger('mcloud.region')

# How long a write's answer waits for replication at most, and a write for its turn, in seconds. What was written is written, whether
# it came back or not.
PATIENCE = 2
PAUSE = 0.003

# So many of a worker's threads (uwsgi.ini) may be writing at once. Where commits wait for a slave that is away, the others go on reading.
WRITERS = 6

# The host in [database] connection, which stands for whatever database takes the writes.
MASTER = 'master'

# MariaDB's ER_OPTION_PREVENTS_STATEMENT: the server is read-only.
READ_ONLY = 1290


def _row(engine, statement, *values):
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement, values).mappings().first()


def _by_domain(position):
    return {domain: int(number) for domain, _, number in (gtid.split('-') for gtid in position.split(',') if gtid)}


def _covers(position, other):
    """Whether the GTID position has all that the OTHER has."""
    has = _by_domain(position)
    return all(has.get(domain, -1) >= number for domain, number in _by_domain(other).items())


class _Position(threading.local):
    """The own database's position, as this request has seen it first."""

    seen = None

    def __init__(self, reader):
        self._reader = reader

    def get(self):
        if self.seen is None:
            try:
                # Applied of others' transactions, and written of its own: each is exact in the role that it is for.
                row = _row(self._reader(), "SELECT CONCAT(@@GLOBAL.gtid_slave_pos, '|', @@GLOBAL.gtid_binlog_pos) AS position")
                self.seen = row['position']
            except db_exception.DBError:
                self.seen = secrets.token_hex()  # nothing that is cached can be told to be true
        return self.seen

    def forget(self):
        self.seen = None


class _Region:
    def __init__(self):
        self._manager = core._get_main_context_manager()
        self._manager.configure(synchronous_reader=False)
        self.position = _Position(self._reader)
        self._begin = core.session_for_write
        self._local = threading.local()
        self._writers = threading.Semaphore(WRITERS)
        sqlalchemy.event.listen(sqlalchemy.engine.Engine, 'do_connect', self._on_connect)

    def _reader(self):
        return self._manager.reader.get_engine()

    def _writer(self):
        return self._manager.writer.get_engine()

    def _on_connect(self, dialect, record, arguments, parameters):
        if parameters.get('host') != MASTER:
            return None
        return dialect.connect(*arguments, **{**parameters, 'host': self._find_master()})

    def _find_master(self):
        reader = self._reader()
        if not _row(reader, 'SELECT @@GLOBAL.read_only AS read_only')['read_only']:
            return reader.url.host
        followed = _row(reader, 'SHOW SLAVE STATUS')
        if not followed or not followed['Master_Host']:
            raise _MasterUnreachable()
        return followed['Master_Host']

    @contextlib.contextmanager
    def session_for_write(self):
        depth = getattr(self._local, 'depth', 0)
        if depth == 0 and not self._writers.acquire(timeout=PATIENCE):
            raise _WritesWait()
        self._local.depth = depth + 1
        try:
            with self._begin() as session:
                yield session
        except db_exception.DBConnectionError as error:
            raise _MasterUnreachable() from error
        except sqlalchemy.exc.OperationalError as error:
            if not error.orig.args or error.orig.args[0] != READ_ONLY:
                raise
            self._writer().dispose()  # it was the master when these connections were made
            raise _MasterUnreachable() from error
        finally:
            self._local.depth = depth
            if depth == 0:
                self._writers.release()
                self._await_own()
                self.position.forget()

    def _has(self, master, until):
        """Whether the own database is the master, or has what that has, before UNTIL. It is asked again and again: MariaDB can't be
        made to follow another master while somebody waits in it by MASTER_GTID_WAIT()."""
        while True:
            own = _row(self._reader(), 'SELECT @@GLOBAL.server_id AS id, @@GLOBAL.gtid_slave_pos AS position')
            if own['id'] == master['id'] or _covers(own['position'], master['position']):
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(PAUSE)

    def _await_own(self):
        """Until the own database has what the master has now; nothing to wait for where they are one."""
        try:
            master = _row(self._writer(), 'SELECT @@GLOBAL.server_id AS id, @@GLOBAL.gtid_binlog_pos AS position')
            late = not self._has(master, time.monotonic() + PATIENCE)
        except (db_exception.DBError, _MasterUnreachable) as error:
            LOG.warning('Whether this region has what was written to the master is not known: %s', error)
        else:
            if late:
                LOG.warning('This region is more than %d s behind the master', PATIENCE)


class _Brief(logging.Filter):
    """That the master is away, or waits, is said in a line."""

    def filter(self, record):
        if record.exc_info and isinstance(record.exc_info[1], (_MasterUnreachable, _WritesWait)):
            record.exc_info = None
        return True


def _release_registrations(release):
    """A worker that meets a domain of LDAP for the first time takes back what that may have registered: a write, and so impossible
    while the master is away, though there is nothing to take back. So that is looked for first."""
    def look_and_release(self, domain_id, type=None):
        with sql.session_for_read() as session:
            registered = session.query(domain_configs.ConfigRegister).filter_by(domain_id=domain_id).first()
        if registered:
            release(self, domain_id, type)
    return look_and_release


def _cache_by(position):
    for region in (cache.CACHE_REGION, assignment.COMPUTED_ASSIGNMENTS_REGION, catalog.COMPUTED_CATALOG_REGION,
                   identity.ID_MAPPING_REGION, receipt.provider.RECEIPTS_REGION, revoke.REVOKE_REGION,
                   token.provider.TOKENS_REGION):
        region.key_mangler = (lambda mangle: lambda key: mangle('%s@%s' % (key, position.get())))(region.key_mangler)


_region = _Region()
core.session_for_write = sql.session_for_write = _region.session_for_write
_cache_by(_region.position)
domain_configs.DomainConfig.release_registration = _release_registrations(domain_configs.DomainConfig.release_registration)
logging.getLogger('keystone.server.flask.application').addFilter(_Brief())


def application(environ, start_response):
    _region.position.forget()
    return keystone_application(environ, start_response)
