#!/usr/bin/env python3
"""tests/attach/slow_relay.py MS PORT=TO…: to 127.0.0.2:PORT answers who listens at 127.0.0.1:TO, with MS of latency each way. Says "ready",
and ends with its standard input."""

import asyncio
import sys


async def carry(reader, writer, delay):
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
            pieces.put_nowait((loop.time() + delay, data))
    except ConnectionError:
        pass
    pieces.put_nowait((loop.time() + delay, b""))
    try:
        await delivery
    except ConnectionError:
        pass


def relay(to, delay):
    async def connected(reader, writer):
        # a connection is there after the way to the other end and back
        await asyncio.sleep(2 * delay)
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(carry(reader, other_writer, delay), carry(other_reader, writer, delay))

    return connected


async def main(delay, *ports):
    loop = asyncio.get_running_loop()
    for pair in ports:
        port, to = pair.split("=")
        await asyncio.start_server(relay(int(to), float(delay) / 1000), "127.0.0.2", int(port))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
