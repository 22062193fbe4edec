"""Glance's own server, as Debian's glance-api starts it; that package's set-up scripts are not wanted in an image."""

import sys

from mcloud_service import quick

from glance.cmd import api  # noqa: E402
from glance.common import wsgi  # noqa: E402


def main():
    # Its workers are forked in start_wsgi(), when all is loaded.
    start_wsgi = wsgi.Server.start_wsgi

    def start(server):
        quick.loaded()
        start_wsgi(server)

    wsgi.Server.start_wsgi = start
    quick.log_plainly()
    api.main()


if __name__ == '__main__':
    sys.argv[0] = 'glance-api'
    sys.exit(main())
