"""Walks: how many requests they are for 1,000 users and 1,000 images, and lookups in one directory side by side when each is slow."""

import concurrent.futures
import contextlib
import os
import pathlib
import socket
import subprocess
import threading
import time

from bench import Group
from cloud import timed
from identity import Keystone, add_people, anew
from results import interleaved

USERS = IMAGES = 1_000
DELAY = 0.5
LOOKUPS = 4
SLOW = "127.91.99.1"


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


def walks(cloud, _run):
    """By a daemon that has read nothing yet, but where things are."""
    anew(cloud)
    users, images = cloud.mount / "users/walk", cloud.mount / "regions/Kista/images"
    samples = {key: [counted(cloud, "ls", "-lR", str(directory))] for key, directory in (("users", users), ("images", images))}
    for key, directory, command in (("user file", users, "cat"), ("image file", images, "head -c 1")):
        read = counted(cloud, "find", str(directory), "-type", "f", "!", "-name", "password", "-exec", *command.split(), "{}", "+")
        samples[key] = [read / files(directory)]
    return samples


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


def lookups(cloud, run):
    """The same cloud once more, by a Keystone that takes half a second more for each request."""
    mount, clouds = cloud.directory / f"slow{run}", cloud.directory / "slow.yaml"
    text = (cloud.mount / "clouds.yaml").read_text()
    clouds.write_text(text + f"    identity_endpoint_override: 'http://{SLOW}:5000/v3'\n")
    mount.mkdir()
    subprocess.run([cloud.command[0], "-o", f"attach,clouds={clouds},ttl=0.1", str(mount)], check=True, timeout=120)
    try:
        users = mount / "users/walk"
        os.stat(users)

        def look(number):
            return timed(os.stat, users / f"user{number}")

        def side_by_side(number):
            first = 200 + 10 * number
            with concurrent.futures.ThreadPoolExecutor(LOOKUPS) as pool:
                return timed(lambda: list(pool.map(look, range(first, first + LOOKUPS))))

        return interleaved(3, {"one": lambda number: look(100 + number), "four": side_by_side})
    finally:
        subprocess.run(["fusermount3", "-u", str(mount)], check=False, timeout=60)


@contextlib.contextmanager
def filled(cloud):
    glance = fill(cloud)
    slow_keystone(SLOW, (cloud.mount / "regions/Kista/address").read_text().strip(), 5000)
    try:
        yield cloud
    finally:
        glance.connection.close()  # it was idle for a while, and is opened anew
        for image in pathlib.Path(cloud.mount / "regions/Kista/images-by-id").iterdir():
            glance.ask("DELETE", f"/images/{image.name}")


def groups():
    return [Group("walk", filled, {"walks": walks, "lookups": lookups})]
