"""What is measured, beside what, and to which goal, by groups of steps.

A bound is what nobody can do without: the same requests by curl, the kernel's own work, the same container started alone. Goals are set against it, so
that they can be met. The other ones beside, as the client, say what it is worth; they have a goal only where the bound leaves room for it.
"""

from dataclasses import replace

from results import Against, Line

ALONE = "keystone and glance alone"
REQUESTS = "its requests by `curl`, one kept connection"
HANDS = "16 `curl` at once"


def client(command, goal=None, key="client"):
    return (Against(key, f"`openstack {command}`", goal, faster=True),)


def idle(key, goal=None):
    return (Against(f"idle {key}", "idle", goal),)


def change(key, what, command):
    return Line("changes", what, key, bound=Against(f"{key} requests", REQUESTS, 1.2), beside=client(command, key=f"{key} client"))


BUSY = "99th percentile of {}, Keystone paused and 1,000 readers blocked"
START = Line("start", "region start, `mkdir` to `ready`", "region", bound=Against("floor", ALONE, 1.3))

REGION = (
    Line("mounting", "start to mounted, no region", "mounted", limit=0.1, bound=Against("program", "`mcloudfs --version`")),
    Line("catalog", "`cat catalog`, login kept", "cold", bound=Against("curl", "`curl` of the same URL with a token", 1.1),
         beside=client("catalog list", 50)),
    # 2: the kernel asks the daemon, and wakes it; the start of cat is most of the time of both
    Line("catalog", "`cat catalog`, cached", "cached", bound=Against("local", "`cat` of a local copy", 2), beside=client("catalog list")),
    Line("catalog", "read of `catalog`, cached, without starting a process", "read", bound=Against("local read", "the same of a local copy"),
         beside=client("catalog list", 1000)),
    Line("degraded", "death of a container to `degraded`", "told", limit=0.1, bound=Against("engine", "the engine's own event of it")),
    # the kernel answers it by itself, in some µs: a ratio of these is one of its moods
    Line("latencies", BUSY.format("`stat`"), "busy stat", limit=1e-4, beside=idle("stat")),
    Line("latencies", BUSY.format("`ls`"), "busy ls", beside=idle("ls", 2)),
    Line("latencies", BUSY.format("`cat state`"), "busy state", beside=idle("state", 2)),
    Line("latencies", "threads with Keystone paused and 1,000 readers blocked", "threads", "", limit=64),
    Line("memory", "daemon memory with one region", "memory", "MB", limit=32),
    Line("memory", "growth of the daemon's memory over 100,000 operations", "growth", "MB", limit=1),
    START,
)

FRONT = (
    Line("memory", "memory of a region's containers", "memory", "MB", limit=700),
    *(Line("requests", f"{what} from Keystone", what, beside=(Against(f"{what} router", "behind uwsgi's router", 1.05),))
      for what in ("the catalog", "a grant looked for", "a grant made")),
)

SLAVE_STARTS = (
    Line("starts", "slave, `mkdir` to `standby`", "standby", bound=Against("bare", "a bare database container until it accepts connections", 1.2)),
    Line("starts", "slave, `start` to `ready`", "ready", bound=Against("floor", ALONE, 1.3)),
    Line("starts", "slave with a spare, `start` to `ready`", "spare", limit=1.0, beside=(Against("ready", "without one"),)),
)

REPLICATION = (
    Line("visible", "a row of the master's read at the slave's Keystone, beyond `lag` and the same read at the master's", "beyond", limit=0.05),
    Line("synchronised", "`sync` returns after the position is applied", "late", limit=0.02),
    Line("switch over", "switch-over, 100,000 projects: writes refused or kept waiting", "gap", limit=1),
    Line("switch over", "switch-over, the command", "command", limit=1),
    Line("fail over", "fail-over, from the command to the first write accepted", "first", limit=2),
    Line("in flight", "fail-over with 16 writes in flight, from the command to the first write", "first", limit=2),
    Line("in flight", "fail-over with 16 writes in flight, to a write in each directory", "last", limit=2),
    *(Line("tails", f"99th percentile of `{command}`, 1,000 readers blocked, an upload and promotions under way", f"busy {key}",
           bound=Against(f"other {key}", "the same of a file behind `bindfs`, at that time"), beside=idle(key, 2))
      for key, command in (("stat", "stat"), ("ls", "ls"), ("state", "cat state"))),
)

SIX = (
    Line("six", "six regions started at once, until all serve", "all", bound=Against("floor", "six times keystone and glance alone, at once", 1.5),
         beside=(Against("one", "one region"),)),
    Line("six", "each promotion of a chain through six regions", "promotion", limit=1),
    Line("six", "daemon memory with six regions", "memory", "MB", limit=64),
)

# The bytes come to one process, and go to another: a mount's from its daemon, through the kernel, to who reads.
PIPED = Against("piped", "`curl | dd`", 1.1)
HASHED = Against("hashed", "`curl | sha512sum`", 1.1)

IMAGES = (
    Line("first reads", "first read of 1 GiB in order, `verify=off`", "plain", bound=PIPED, beside=(Against("curl", "`curl -o /dev/null`"),)),
    Line("first reads", "first read of 1 GiB in order, `verify=on`", "verified", bound=HASHED, beside=client("image save", key="save")),
    # rclone verifies nothing
    Line("rclone", "first read of 1 GiB in order, `verify=on`, beside another mount", "read", beside=(Against("rclone", "`rclone mount` of the same bytes in nginx"),)),
    Line("second reads", "second read of 1 GiB", "read", bound=Against("bindfs", "a cached file of another FUSE filesystem (`bindfs`)", 1.2),
         beside=(Against("local", "a local file in the page cache"),)),
    *(Line("random reads", f"4 KiB random read, {depth} in flight", f"read {depth}", bound=Against(f"curl {depth}", "`curl` ranges on kept connections", 1.1))
      for depth in (1, 16)),
    Line("uploads", "upload of 1 GiB by `cp`", "cp", bound=Against("requests", "its requests by `curl`: image, `-T`, record", 1.1),
         beside=(Against("curl", "`curl -T`"),)),
    Line("eight uploads", "daemon memory at most while eight uploads run", "memory", "MB", limit=64),
)

IMAGE_LIST = (
    Line("list", "`ls -l` of 10,000 images", "first", bound=Against("curl", "the same pages by `curl`", 1.1)),
    Line("list", "`ls -l` of 10,000 images, a second time within the ttl", "second", bound=Against("local", "a local directory of as many files", 2)),
)

IDENTITY = (
    change("mkdir", "`mkdir` of a user", "user create"),
    change("grant", "`ln -s` of a grant", "role add"),
    change("member", "`ln -s` of a member", "group add"),
    change("email", "`echo >email`", "user set"),
    change("mv", "`mv` of a user", "user set"),
    change("rmdir", "`rmdir` of a user", "user delete"),
    # the kernel lets one mkdir at a time into a directory
    Line("many hands", "1,000 users by 16 `mkdir` at once", "mkdir", bound=Against("turns", "their requests by one `curl`, one after the other", 1.2),
         beside=(Against("curl", HANDS),)),
    Line("many hands", "1,000 users by one `cp` to `import`", "import", bound=Against("curl", HANDS, 1.1)),
    Line("many hands", "the same 1,000 users by `cp` to `import` again", "again", bound=Against("look", "16 `curl` that ask for each of them at once", 1.1),
         beside=(Against("curl", HANDS),)),
)

PEOPLE = (
    Line("list", "`ls -l` of 100,000 users a second time", "second", bound=Against("local", "a local directory of as many files", 2),
         beside=(Against("first", "the first time", 0.5),)),
    Line("list", "`ls` of 100,000 users", "ls", bound=Against("pages", "its pages, by one kept connection", 1.1)),
    Line("list", "daemon memory for `ls -l` of 100,000 users, of the answer's size", "memory", "times", limit=4),
    Line("list", "`ls -U | head -3` of 100,000 users", "head", bound=Against("byte", "the first byte that `curl` gets of the list", 1.1)),
    Line("list", "`stat` of one of 100,000 users", "stat", bound=Against("request", "its request", 1.2)),
)

WALK = (
    Line("walks", "requests of `ls -lR` over 1,000 users", "users", "requests", limit=3000),
    Line("walks", "requests of `ls -lR` over 1,000 images", "images", "requests", limit=3000),
    Line("walks", "requests for a file, `cat` of all files of 1,000 users", "user file", "requests", limit=2),
    Line("walks", "requests for a file, `head -c 1` of 1,000 images", "image file", "requests", limit=2),
    Line("lookups", "4 lookups of 0.5 s in one directory, side by side", "four", bound=Against("one", "one of them", 1.1)),
)

ATTACH = (
    Line("first answer", "attached: from the start of `mcloudfs` to the first answer of `cat whoami`", "whoami",
         bound=Against("requests", "its two requests by `curl`: which versions, and a login", 1.2)),
    Line("lists", "attached: `cat catalog`, login kept", "cold", bound=Against("curl", "`curl` of the same URL with a token", 1.1),
         beside=client("catalog list", 50)),
    Line("lists", "attached: `cat catalog`, cached", "cached", bound=Against("local", "`cat` of a local copy", 2), beside=client("catalog list")),
    Line("lists", "attached: `ls` of 100 images", "ls", bound=Against("curl images", "`curl` of the same list", 1.2), beside=client("image list", key="client images")),
    Line("lists", "attached: daemon memory at most", "memory", "MB", limit=32),
    Line("tls", "attached: first read of 256 MiB through https, `verify=off`", "off", bound=replace(PIPED, key="piped off"),
         beside=(Against("curl off", "`curl -o /dev/null`"),)),
    Line("tls", "attached: first read of 256 MiB through https, `verify=on`", "on", bound=replace(HASHED, key="piped on")),
    Line("far", "attached, 100 ms away: a walk of 10 projects", "walk", beside=(Against("objects", "latency × objects", 0.5),)),
)

LINES = {
    "region": REGION,
    "front": FRONT,
    "slave-starts": SLAVE_STARTS,
    "replication": REPLICATION,
    "six": SIX,
    "images": IMAGES,
    "image-list": IMAGE_LIST,
    "identity": IDENTITY,
    "people": PEOPLE,
    "walk": WALK,
    "attach": ATTACH,
}


def start_of(release):
    """A region's start with that release."""
    return (replace(START, what=f"{START.what}, {release}"),)
