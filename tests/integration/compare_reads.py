#!/usr/bin/python3
"""compare_reads.py LOCAL IMAGE OPERATIONS [SEED]: random reads of IMAGE by pread(2) and mmap(2), in several threads, beside LOCAL, which has
the same bytes. Fails at the first difference."""

import mmap
import os
import random
import sys
import threading

SIZES = (1, 7, 100, 511, 4096, 4097, 65536, 200000)
THREADS = 8
# So often all that was kept is given back, for the reads after it to come from the service again.
FORGET_EVERY = 2000


class Comparison:
    def __init__(self, local, image):
        self.descriptors = [os.open(path, os.O_RDONLY) for path in (local, image)]
        self.size = os.fstat(self.descriptors[0]).st_size
        if os.fstat(self.descriptors[1]).st_size != self.size:
            sys.exit("the sizes differ")
        self.maps = [mmap.mmap(descriptor, self.size, prot=mmap.PROT_READ) for descriptor in self.descriptors]
        self.bad = None

    def read(self, which, way, at, size):
        if way == "pread":
            return os.pread(self.descriptors[which], size, at)
        return self.maps[which][at:at + size]

    def run(self, seed, operations):
        numbers = random.Random(seed)
        at = 0
        for operation in range(operations):
            if self.bad:
                return
            size = numbers.choice(SIZES)
            way = numbers.choice(("pread", "mmap"))
            # Some reads go on where the last one ended, some are at the end, most are anywhere.
            at = numbers.choice((at, self.size - size // 2 - 1, *(numbers.randrange(self.size) for _ in range(4))))
            at = max(0, min(at, self.size - 1))
            if self.read(0, way, at, size) != self.read(1, way, at, size):
                self.bad = f"{way} of {size} bytes at {at} differs (seed {seed}, operation {operation})"
            at += size
            if operation % FORGET_EVERY == FORGET_EVERY - 1:
                os.posix_fadvise(self.descriptors[1], 0, 0, os.POSIX_FADV_DONTNEED)


def main():
    comparison = Comparison(sys.argv[1], sys.argv[2])
    operations, seed = int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1
    threads = [threading.Thread(target=comparison.run, args=(seed * THREADS + i, operations // THREADS)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(comparison.bad)


main()
