"""Walks: how many requests they are for 1,000 users and 1,000 images, and lookups in one directory side by side when each is slow."""

import concurrent.futures
import os
import pathlib
import socket
import subprocess
import threading
import time

from cloud import timed
from identity import Keystone, add_people

USERS = IMAGES = 1_000
DELAY = 0.5
LOOKUPS = 4


def requests(cloud):
    return sum(float(line.split()[-1]) for line in (cloud.mount / "metrics").read_text().splitlines()
               if line.startswith("mcloudfs_backend_calls_total"))


def counted(cloud, *command):
    before = requests(cloud)
    subprocess.run(command, check=False, timeout=1200, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return requests(cloud) - before


def fill(cloud):
    (cloud.mount / "domains/walk").mkdir()
    domain = (cloud.mount / "domains/walk/id").read_text().strip()
    add_people(cloud, domain, USERS)
    glance = Keystone(cloud.mount / "regions/Kista")
    url = (cloud.mount / "regions/Kista/endpoints/image/public").read_text().strip()
    glance.path = "/v2"
    glance.connection = type(glance.connection)(*url.split("//")[1].split("/")[0].split(":"), timeout=300)
    for number in range(IMAGES):
        glance.ask("POST", "/images", {"name": f"walk{number}"})
    return glance


def files(directory):
    return sum(len(names) for _, _, names in os.walk(directory))


def walks(table, cloud):
    users, images = cloud.mount / "users/walk", cloud.mount / "regions/Kista/images"
    for what, directory, count in (("users", users, USERS), ("images", images, IMAGES)):
        table.limit(f"requests of `ls -lR` over {count:,} {what}", counted(cloud, "ls", "-lR", str(directory)), "requests", 3 * count)
    for what, directory, command in (("`cat` of all files of 1,000 users", users, "cat"), ("`head -c 1` of 1,000 images", images, "head -c 1")):
        read = counted(cloud, "find", str(directory), "-type", "f", "!", "-name", "password", "-exec", *command.split(), "{}", "+")
        table.limit(f"requests for a file, {what}", read / files(directory), "requests", 2)


def relay(client, host, port):
    """Each request, which is what comes in one piece, waits."""
    with client, socket.create_connection((host, port)) as server:
        def back():
            while data := server.recv(65536):
                client.sendall(data)
        threading.Thread(target=back, daemon=True).start()
        while data := client.recv(65536):
            time.sleep(DELAY)
            server.sendall(data)


def slow_keystone(address, host, port):
    listener = socket.create_server((address, 5000))

    def serve():
        while True:
            threading.Thread(target=relay, args=(listener.accept()[0], host, port), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()


def side_by_side(table, cloud):
    """The same cloud once more, by a Keystone that takes half a second more for each request."""
    mount, clouds = cloud.directory / "slow", cloud.directory / "slow.yaml"
    address, region = "127.91.99.1", cloud.mount / "regions/Kista"
    slow_keystone(address, region.joinpath("address").read_text().strip(), 5000)
    text = (cloud.mount / "clouds.yaml").read_text()
    clouds.write_text(text + f"    identity_endpoint_override: 'http://{address}:5000/v3'\n")
    mount.mkdir()
    subprocess.run([cloud.command[0], "-o", f"attach,clouds={clouds},ttl=0.1", str(mount)], check=True, timeout=120)
    try:
        users = mount / "users/walk"
        os.stat(users)

        def look(number):
            return timed(os.stat, users / f"user{number}")

        one = [look(number) for number in range(100, 103)]
        with concurrent.futures.ThreadPoolExecutor(LOOKUPS) as pool:
            four = [timed(lambda first: list(pool.map(look, range(first, first + LOOKUPS))), first) for first in (200, 210, 220)]
        table.ratio(f"{LOOKUPS} lookups of {DELAY} s in one directory, side by side", four, one, "one of them", 1.1)
    finally:
        subprocess.run(["fusermount3", "-u", str(mount)], check=False, timeout=60)


def main(table, cloud):
    glance = fill(cloud)
    try:
        walks(table, cloud)
        side_by_side(table, cloud)
    finally:
        for image in pathlib.Path(cloud.mount / "regions/Kista/images-by-id").iterdir():
            glance.ask("DELETE", f"/images/{image.name}")
