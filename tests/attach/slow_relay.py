#!/usr/bin/env python3
"""tests/attach/slow_relay.py MS PORT=[HOST:]TO…: to 127.0.0.2:PORT answers who listens at HOST (127.0.0.1), port TO, with MS of latency each way. Says "ready",
then the first line of each request, and ends with its standard input."""

import asyncio
import sys


METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ")


def tell(data):
    """Who waits for each answer before the next question begins a piece with it."""
    if data.startswith(METHODS):
        print(data.split(b"\r\n", 1)[0].decode("ascii", "replace"), flush=True)


async def carry(reader, writer, delay, note=None):
    """Each piece comes DELAY after it was sent, however many are under way."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue()

    async def deliver():
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    try:
        while data := await reader.read(65536):
            if note:
                note(data)
            pieces.put_nowait((loop.time() + delay, data))
    except ConnectionError:
        pass
    pieces.put_nowait((loop.time() + delay, b""))
    try:
        await delivery
    except ConnectionError:
        pass


def relay(to, delay):
    host, _, port = to.rpartition(":")

    async def connected(reader, writer):
        # a connection is there after the way to the other end and back
        await asyncio.sleep(2 * delay)
        other_reader, other_writer = await asyncio.open_connection(host or "127.0.0.1", int(port))
        await asyncio.gather(carry(reader, other_writer, delay, tell), carry(other_reader, writer, delay))

    return connected


async def main(delay, *ports):
    loop = asyncio.get_running_loop()
    for pair in ports:
        port, to = pair.split("=")
        await asyncio.start_server(relay(to, float(delay) / 1000), "127.0.0.2", int(port))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
