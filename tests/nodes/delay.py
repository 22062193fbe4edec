#!/usr/bin/python3
"""A long cable, for kernels without netem: what comes in at one network device goes out at the other one some time later, and the reverse.

delay.py FIRST SECOND MS [LOSS [SEED]]: frames take MS milliseconds each way and stay in order; LOSS of them (0 to 1) get lost, at random by
SEED. It says "ready" when it carries, and does so until a signal. The devices have no address, and nobody else takes what comes in there.

delay.py --plain DEVICE: from now on it sends only what fits into a frame and has its checksums. What a device leaves to the next one to do,
nobody does where frames are carried by hand.
"""

import array
import collections
import fcntl
import random
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23  # linux/if_packet.h
SO_RCVBUFFORCE = 33
SIOCETHTOOL = 0x8946
OFFLOADS = (0x17, 0x1F, 0x24)  # linux/ethtool.h: ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO
AT_ONCE = 64  # frames, before it is looked whether some are due
MOST_BYTES = 64 << 20  # on their way in one direction: what comes on top of that gets lost


def make_plain(device):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in OFFLOADS:
            value = array.array("I", [command, 0])  # struct ethtool_value
            fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sP", device.encode(), value.buffer_info()[0]))


def tap(device):
    """All that comes in there."""
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    one.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, MOST_BYTES)
    one.bind((device, ETH_P_ALL))
    return one


class Way:
    """One direction."""

    def __init__(self, source, target, seconds, loses):
        self.source, self._target, self._seconds, self._loses = source, target, seconds, loses
        self._frames, self._bytes = collections.deque(), 0

    def take(self):
        for _ in range(AT_ONCE):
            try:
                frame = self.source.recv(65536, socket.MSG_DONTWAIT)
            except OSError:  # there is no more; or the cable is out, which is told once
                return
            if not self._loses() and self._bytes + len(frame) <= MOST_BYTES:
                self._frames.append((time.monotonic() + self._seconds, frame))
                self._bytes += len(frame)

    def due(self):
        """When the next one is; None: there is none."""
        return self._frames[0][0] if self._frames else None

    def give(self):
        while self._frames and self._frames[0][0] <= time.monotonic():
            _, frame = self._frames.popleft()
            self._bytes -= len(frame)
            try:
                self._target.send(frame)
            except OSError:  # the cable is out, or the device has no room
                pass


def carry(first, second, seconds, loss=0.0, seed=0):
    chance = random.Random(seed)
    ends = [tap(first), tap(second)]
    ways = [Way(*pair, seconds, lambda: loss > 0 and chance.random() < loss) for pair in (ends, ends[::-1])]
    print("ready", flush=True)
    while True:
        due = min((way.due() for way in ways if way.due() is not None), default=None)
        readable, _, _ = select.select(ends, [], [], None if due is None else max(due - time.monotonic(), 0))
        for way in ways:
            if way.source in readable:
                way.take()
            way.give()


def main(*arguments):
    if arguments[:1] == ("--plain",) and len(arguments) == 2:
        return make_plain(arguments[1])
    if not 3 <= len(arguments) <= 5:
        return __doc__
    first, second, milliseconds, *rest = arguments
    return carry(first, second, float(milliseconds) / 1000, *(function(text) for function, text in zip((float, int), rest)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
