"""upgrade SERVICE...: makes the schema of each, keystone or glance, in the region's database what this release wants: expand, migrate, contract.

Keystone's is changed in the master's database only: what is done there is in the binary log, from where the slaves have it. Glance's is each
region's own. Either is at its end already, or goes on, when it is run once more.
"""

import configparser
import subprocess
import sys

KEYSTONE = ['--config-file', '/etc/keystone/keystone.conf', '--config-file', '/etc/keystone/upgrade.conf']
GLANCE = ['--config-file', '/etc/glance/upgrade.conf']


def _bootstrap():
    """What this release has beyond the older one from its first day: roles, and which imply which."""
    from keystone.cmd import bootstrap
    from keystone.common import sql
    import keystone.conf

    keystone.conf.configure()
    sql.initialize()
    keystone.conf.set_default_for_default_log_levels()
    keystone.conf.CONF(args=KEYSTONE, project='keystone')
    keystone.conf.setup_logging()
    secrets = configparser.ConfigParser(interpolation=None)
    secrets.read(KEYSTONE[-1])
    rows = bootstrap.Bootstrapper()
    rows.admin_username = rows.project_name = rows.admin_role_name = 'admin'
    # It is the admin's already: with another one his tokens would end.
    rows.admin_password = secrets['mcloud']['admin_password']
    rows.immutable_roles = True
    rows.bootstrap()


def keystone():
    subprocess.run(['keystone-manage', *KEYSTONE, 'db_sync'], check=True)
    _bootstrap()


def glance():
    subprocess.run([sys.executable, '-m', 'glance.cmd.manage', *GLANCE, 'db_sync'], check=True)


if __name__ == '__main__':
    for service in sys.argv[1:]:
        {'keystone': keystone, 'glance': glance}[service]()
