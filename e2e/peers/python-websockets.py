"""websockets of Python: python-websockets.py client URL [DEFLATE], or server [DEFLATE],
where the last are the parameters of permessage-deflate in JSON."""

import asyncio
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

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


def extensions(factory, deflate):
    return {"extensions": [factory(**json.loads(deflate))]} if deflate else {}


async def client(url, deflate=None):
    try:
        s = await websockets.connect(
            url, create_protocol=Client, **OPTIONS, **extensions(ClientPerMessageDeflateFactory, deflate)
        )
    except Exception as err:
        print(err, file=sys.stderr)
        emit("close", code=1006, reason="")
        return
    await watch(s)


async def server(deflate=None):
    s = await websockets.serve(
        watch, "127.0.0.1", 0, create_protocol=Server, **OPTIONS, **extensions(ServerPerMessageDeflateFactory, deflate)
    )
    emit("listening", port=s.sockets[0].getsockname()[1])
    return s


async def main(role, *given):
    serving = asyncio.create_task(client(*given) if role == "client" else server(*given))
    await obey({"text": text, "binary": binary, "ping": ping, "close": close})


asyncio.run(main(*sys.argv[1:]))
