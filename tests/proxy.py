"""A TCP proxy that breaks connections on purpose: cut, reset or stalled after so many bytes.

It runs an event loop on a thread of its own and listens on 127.0.0.1 only.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """kind: "fin", "rst" or "stall"; after: bytes that the server may send before."""

    kind: str
    after: int


class Proxy:
    """Forward connections to a port; one after the other the faults meet those that get so far.

    faults: each happens once, to the first connection by which so many bytes have come; with
    `lasting` the first of them happens to all. `met` counts those that have happened.
    """

    def __init__(self, target, faults=(), *, lasting=False):
        self.target, self.faults, self.lasting = target, list(faults), lasting
        self.met = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._loop.close()

    async def _run(self):
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._tasks = set()
        self._ready.set()
        await self._stop.wait()
        server.close()
        await asyncio.sleep(0.02)  # a connection just taken begins a turn later
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.02)  # a transport closes its socket a turn after it is told to

    async def _connection(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        onward, orderly = None, False
        try:
            there, onward = await asyncio.open_connection("127.0.0.1", self.target)
            up = asyncio.create_task(self._copy(reader, onward))
            down = asyncio.create_task(self._copy(there, writer, self.faults))
            both = {up, down}
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in both:
                    one.cancel()
                await asyncio.gather(*both, return_exceptions=True)
            orderly = True
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            if onward is not None:
                onward.transport.abort()
            writer.close() if orderly else writer.transport.abort()
            self._tasks.discard(task)

    async def _copy(self, reader, writer, faults=()):
        sent = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                fault = faults[0] if faults and sent + len(data) > faults[0].after else None
                if fault:
                    self.met += 1
                    if not self.lasting:
                        del self.faults[0]
                    data = data[: max(0, fault.after - sent)]
                sent += len(data)
                writer.write(data)
                await writer.drain()
                if fault:
                    await self._break(fault, writer)
                    return

    async def _break(self, fault, writer):
        if fault.kind == "stall":
            await asyncio.sleep(3600)
        elif fault.kind == "rst":
            # To linger for no time is to reset: what is under way is thrown away.
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            writer.transport.abort()
