"""websockets of Python: python-websockets.py client URL, or server."""

import asyncio
import sys

import websockets

from lines import emit, obey


class ShowsPings:
    """Lets the pings that arrive be seen: each is answered by a call of pong."""

    async def pong(self, data=b""):
        emit("ping", data)
        await super().pong(data)


class Client(ShowsPings, websockets.WebSocketClientProtocol):
    pass


class Server(ShowsPings, websockets.WebSocketServerProtocol):
    pass


# Room for noise that compression makes longer; pings are sent when asked for.
OPTIONS = {"max_size": 2 << 20, "ping_interval": None}

socket = None


async def watch(s):
    global socket
    socket = s
    emit("open")
    try:
        async for message in s:
            emit("text" if isinstance(message, str) else "binary", message)
    except websockets.ConnectionClosed:
        pass
    await s.wait_closed()
    emit("close", code=s.close_code, reason=s.close_reason)


async def text(data, code, reason):
    await socket.send(data.decode())


async def binary(data, code, reason):
    await socket.send(data)


async def ping(data, code, reason):
    await (await socket.ping(data))
    emit("pong", data)


async def close(data, code, reason):
    await socket.close(code, reason)


async def client(url):
    try:
        s = await websockets.connect(url, create_protocol=Client, **OPTIONS)
    except Exception as err:
        print(err, file=sys.stderr)
        emit("close", code=1006, reason="")
        return
    await watch(s)


async def main(role, url=None):
    if role == "client":
        serving = asyncio.create_task(client(url))
    else:
        server = await websockets.serve(watch, "127.0.0.1", 0, create_protocol=Server, **OPTIONS)
        emit("listening", port=server.sockets[0].getsockname()[1])
    await obey({"text": text, "binary": binary, "ping": ping, "close": close})


asyncio.run(main(*sys.argv[1:]))
