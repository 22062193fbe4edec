"""Keystone's WSGI application for a region, for uwsgi.

What is read is read from the region's own database, and what is written is written to the master's, from where it comes back by
replication. oslo.db's two engines are just that: the reader's is [database] slave_connection, the writer's [database] connection,
whose host is only a word. Which database it means is asked when a connection to it is made: the own one while it takes writes,
else the one that it follows. So a change of the master's role needs no word to Keystone. Where the cloud has TLS, that connection is
by TLS, to whoever shows a certificate of the cloud's CA for that host.

What oslo.db lacks is added here, too: that whoever has written something finds it when he reads. So the end of each writing
transaction waits until the own database has applied all that the master had at that moment. That covers the writes that failed, as
well: a row that was there already is then there to be read.

Rows change underneath, as other regions' Keystones write them, too. So what is cached is cached under a version that is itself a row
of the database: each transaction that changes what may be cached gives it another value, which is seen, in whatever region, when
and only when the transaction's other rows are.
"""

import contextlib
import inspect
import logging
import re
import secrets
import threading
import time

from mcloud_service import hooks, quick, spare  # noqa: F401

spare.await_region()

from keystone import exception  # noqa: E402


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
from mcloud_service import passwords  # noqa: E402, F401

from keystone import assignment, catalog, identity, receipt, revoke, token  # noqa: E402
from keystone.common import cache, sql  # noqa: E402
from keystone.common.sql import core  # noqa: E402
import keystone.conf  # noqa: E402
from keystone.identity.mapping_backends import sql as id_mappings  # noqa: E402
from keystone.identity.shadow_backends import sql as shadow_users  # noqa: E402
from keystone.models import token_model  # noqa: E402
from keystone.resource.config_backends import sql as domain_configs  # noqa: E402
from keystone.server.flask.request_processing.middleware import auth_context  # noqa: E402
from keystonemiddleware import auth_token  # noqa: E402
from oslo_db import exception as db_exception  # noqa: E402
from dogpile.cache.util import sha1_mangle_key  # noqa: E402
import pymysql  # noqa: E402
from pymysql.constants import CLIENT  # noqa: E402
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


# What is cached of Keystone's database is of one of these topics, each with its row in VERSIONS (recipes/database/init.sql.in).
ROLES, USERS, REST = 'roles', 'users', 'rest'
VERSIONS = sqlalchemy.table('mcloud_cache_version', sqlalchemy.column('topic'), sqlalchemy.column('version'))

# The topics of tables, REST for those that aren't here.
TOPICS = {
    'assignment': {ROLES}, 'system_assignment': {ROLES}, 'user_group_membership': {ROLES}, 'expiring_user_group_membership': {ROLES},
    'user': {USERS}, 'local_user': {USERS}, 'nonlocal_user': {USERS}, 'federated_user': {USERS}, 'user_option': {USERS},
    'password': {USERS}, 'group': {USERS}, 'revocation_event': {USERS},
    'id_mapping': set(),  # keystone.conf keeps it out of the cache
}

# The same for rows that are new: what is cached speaks of most things only when they are there.
TOPICS_OF_NEW = {
    **TOPICS,
    'user': set(), 'local_user': set(), 'nonlocal_user': set(), 'user_option': set(), 'password': set(), 'group': set(),
    'project': {ROLES},  # somebody may have inherited some in it
}

# What the cache's regions are made of. (keystone.conf keeps users and groups out of the first.)
CACHED = {
    cache.CACHE_REGION: (REST,),
    catalog.COMPUTED_CATALOG_REGION: (REST,),
    identity.ID_MAPPING_REGION: (REST,),
    revoke.REVOKE_REGION: (REST, USERS),
    assignment.COMPUTED_ASSIGNMENTS_REGION: (REST, ROLES),
    token.provider.TOKENS_REGION: (REST, ROLES, USERS),
    receipt.provider.RECEIPTS_REGION: (REST, ROLES, USERS),
}

# The id of a user of LDAP ([identity_mapping] generator); that of others has half as many digits.
LDAP_USER = re.compile(r'\b[0-9a-f]{64}\b')


def _touched(context, statement):
    """The topics of what a statement has changed that was just executed."""
    if not (context.isinsert or context.isupdate or context.isdelete):
        return {REST} if context.compiled is None and statement.lstrip()[:6].upper() in ('INSERT', 'UPDATE', 'DELETE', 'REPLAC') else set()
    table = context.compiled.statement.table.name
    if context.rowcount == 0 or table == VERSIONS.name:
        return set()
    return (TOPICS_OF_NEW if context.isinsert else TOPICS).get(table, {REST})


class _Versions(threading.local):
    """Of what is cached, as this request has seen them first."""

    seen = None

    def __init__(self, reader):
        self._reader = reader

    def get(self, topics):
        if self.seen is None:
            try:
                with self._reader().connect() as connection:
                    self.seen = dict(connection.execute(sqlalchemy.select(VERSIONS)).all())
            except db_exception.DBError:
                self.distrust()
        return ' '.join(self.seen[topic] for topic in topics)

    def forget(self):
        self.seen = None

    def distrust(self):
        """Until the next request, nothing that is cached is believed, and nothing is cached."""
        self.seen = dict.fromkeys((ROLES, USERS, REST), secrets.token_hex())


class _Region:
    def __init__(self):
        self._manager = core._get_main_context_manager()
        self._manager.configure(synchronous_reader=False)
        self.versions = _Versions(self._reader)
        self._begin = core.session_for_write
        self._local = threading.local()
        self._writers = threading.Semaphore(WRITERS)
        sqlalchemy.event.listen(sqlalchemy.engine.Engine, 'do_connect', self._on_connect)
        sqlalchemy.event.listen(sqlalchemy.engine.Engine, 'after_cursor_execute', self._on_executed)

    def _reader(self):
        return self._manager.reader.get_engine()

    def _writer(self):
        return self._manager.writer.get_engine()

    def _on_connect(self, dialect, record, arguments, parameters):
        if parameters.get('host') != MASTER:
            return None
        return dialect.connect(*arguments, **{**parameters, 'host': self._find_master()})

    def _on_executed(self, connection, cursor, statement, parameters, context, executemany):
        touched = _touched(context, statement) if getattr(self._local, 'depth', 0) else None
        if touched:
            self._local.touched |= touched
            # What the request reads from here on may come to nothing; and when all is done, others may have changed it anew.
            self.versions.distrust()

    def _renew_versions(self, session):
        """The last that a transaction does: whoever else changes the same topic waits from here to its end."""
        session.flush()
        if self._local.touched:
            session.execute(VERSIONS.update().where(VERSIONS.c.topic.in_(sorted(self._local.touched)))
                            .values(version=sqlalchemy.func.uuid()))

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
        if depth == 0:
            if not self._writers.acquire(timeout=PATIENCE):
                raise _WritesWait()
            self._local.touched = set()
        self._local.depth = depth + 1
        try:
            with self._begin() as session:
                yield session
                if depth == 0:
                    self._renew_versions(session)
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


def _only_by_tls(log_in):
    """pymysql would do without TLS where none is offered, be it by whoever has come between."""
    def log_in_by_tls(self):
        if self.ssl and not self.server_capabilities & CLIENT.SSL:
            raise ConnectionError('it offers no TLS')
        log_in(self)
    return log_in_by_tls


def _release_registrations(release):
    """A worker that meets a domain of LDAP for the first time takes back what that may have registered: a write, and so impossible
    while the master is away, though there is nothing to take back. So that is looked for first."""
    def look_and_release(self, domain_id, type=None):
        with sql.session_for_read() as session:
            registered = session.query(domain_configs.ConfigRegister).filter_by(domain_id=domain_id).first()
        if registered:
            release(self, domain_id, type)
    return look_and_release


def _date(mint):
    def mint_and_date(self, token_id, issued_at):
        mint(self, token_id, issued_at)
        self.minted = int(time.time())
    return mint_and_date


def _validate_anew(validate):
    """A cached token is one that was valid; what it tells of a user of LDAP is asked for each second."""
    def validate_cached(self, token_id):
        found = validate(self, token_id)
        is_old = LDAP_USER.search(found.user_id) and found.minted != int(time.time())
        return validate.refresh(self, token_id) if is_old else found
    return validate_cached


def _issue_lasting(issue):
    """Tokens and revocations know whole seconds only: one that is issued later in a second in which its user's tokens were revoked, as
    by a new password, would be void with these. So whoever logs in then waits for the next second."""
    def issue_token(self, *args, **kwargs):
        until = time.monotonic() + PATIENCE
        while True:
            issued = issue(self, *args, **kwargs)
            try:
                self.check_revocation(issued)
                return issued
            except exception.TokenNotFound:
                if time.monotonic() >= until:  # another clock than this one's has written that
                    return issued
            time.sleep(1 - time.time() % 1)
    return issue_token


def _void_when_gone(fetch):
    """A token whose project, domain or user is gone is none any more: 401, so that who sent it logs in anew. Keystone's own 404
    would be an answer about what was asked: a Glance that asks about its user's token would go on with its own for an hour."""
    def fetch_token(self, token_id, **kwargs):
        try:
            return fetch(self, token_id, **kwargs)
        except exception.NotFound as gone:
            raise auth_token.InvalidToken(str(gone))
    return fetch_token


class _OfRequest:
    """What Keystone keeps in its one middleware object while it serves a request, and looks at later: a request that is served beside it,
    in another of the worker's threads, would be taken to have come with that one's token."""

    def __init__(self):
        self._local = threading.local()

    def __get__(self, middleware, owner=None):
        return getattr(self._local, 'value', None)

    def __set__(self, middleware, value):
        self._local.value = value


def _uncached(list_assignments):
    """It is cached since 2025.1, and tells names, also those of a directory that is changed by others."""
    uncached = inspect.unwrap(list_assignments)

    def list_anew(self, *args, **kwargs):
        return uncached(self, *args, **kwargs)
    return list_anew


def _unless_kept(set_last_active_at):
    """The day of a user's last login is of use where accounts end that nobody uses. Elsewhere, since 2025.1, each login would be a write,
    and nobody could log in while the master is away."""
    def set_day(self, user_id):
        if CONF.security_compliance.disable_user_account_days_inactive:
            set_last_active_at(self, user_id)
    return set_day


def _read_whole(get_query):
    """A query that is executed when its session has ended begins another transaction in it, which nobody ends: it keeps the table from
    being altered until the worker happens to use that connection again."""
    def get_rows(*args, **kwargs):
        query = get_query(*args, **kwargs)
        rows = query.all()
        query.session.close()
        return rows
    return get_rows


def _cache_by(versions):
    """Instead of Keystone's own way, by which a worker that has changed something tells those that share its memcached."""
    for region, topics in CACHED.items():
        def mangle(key, name=region.name, topics=topics):
            second = int(time.time()) if ROLES in topics and LDAP_USER.search(key) else ''
            return sha1_mangle_key(('%s@%s@%s@%s' % (key, name, versions.get(topics), second)).encode())
        region.key_mangler = mangle


_region = _Region()
core.session_for_write = sql.session_for_write = _region.session_for_write
_cache_by(_region.versions)
hooks.wrap(pymysql.connections.Connection, '_request_authentication', _only_by_tls, 'self')
hooks.wrap(token_model.TokenModel, 'mint', _date, 'self', 'token_id', 'issued_at')
hooks.wrap(token.provider.Manager, '_validate_token', _validate_anew, 'self', 'token_id')
hooks.wrap(token.provider.Manager, 'issue_token', _issue_lasting, 'self', 'user_id', 'method_names')
auth_context.AuthContextMiddleware.token = _OfRequest()
hooks.wrap(auth_context.AuthContextMiddleware, 'fetch_token', _void_when_gone, 'self', 'token')
hooks.wrap(id_mappings.Mapping, 'get_domain_mapping_list', _read_whole, 'self', 'domain_id')
hooks.wrap(domain_configs.DomainConfig, 'release_registration', _release_registrations, 'self', 'domain_id', 'type')
hooks.wrap(shadow_users.ShadowUsers, 'set_last_active_at', _unless_kept, 'self', 'user_id')
hooks.wrap(assignment.Manager, 'list_role_assignments', _uncached, 'self', 'role_id')
logging.getLogger('keystone.server.flask.application').addFilter(_Brief())


def application(environ, start_response):
    _region.versions.forget()
    return keystone_application(environ, start_response)
