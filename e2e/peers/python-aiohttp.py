"""aiohttp of Python: python-aiohttp.py client URL, or server."""

import asyncio
import sys

import aiohttp
from aiohttp import WSMsgType, web

from lines import emit, obey

# Pings and closes are answered below, not by aiohttp, which would hide the
# first and answer every close with 1000.
MANUAL = {"autoping": False, "autoclose": False}
NAMES = {
    WSMsgType.TEXT: "text",
    WSMsgType.BINARY: "binary",
    WSMsgType.PING: "ping",
    WSMsgType.PONG: "pong",
}

socket = None
reading = None
closed = asyncio.Event()


async def watch(s):
    global socket, reading
    socket = s
    reading = asyncio.current_task()
    emit("open")
    while True:
        message = await s.receive()
        if message.type in NAMES:
            emit(NAMES[message.type], message.data)
            if message.type == WSMsgType.PING:
                await s.pong(message.data)
            continue
        if message.type == WSMsgType.CLOSE:
            await s.close(code=message.data or 1000)
            emit("close", code=message.data or 1005, reason=message.extra)
        else:
            print(message, file=sys.stderr)
            emit("close", code=1006, reason="")
        return


async def text(data, code, reason):
    await socket.send_str(data.decode())


async def binary(data, code, reason):
    await socket.send_bytes(data)


async def ping(data, code, reason):
    await socket.ping(data)


async def close(data, code, reason):
    # With a receive pending, close would not wait for the answer.
    reading.cancel()
    await asyncio.sleep(0)
    await socket.close(code=code, message=reason.encode())
    emit("close", code=socket.close_code, reason="")
    closed.set()


async def client(url):
    async with aiohttp.ClientSession() as session:
        try:
            s = await session.ws_connect(url, **MANUAL)
        except aiohttp.ClientError as err:
            print(err, file=sys.stderr)
            emit("close", code=1006, reason="")
            return
        try:
            await watch(s)
        except asyncio.CancelledError:
            await closed.wait()


async def handler(request):
    s = web.WebSocketResponse(**MANUAL)
    await s.prepare(request)
    try:
        await watch(s)
    except asyncio.CancelledError:
        await closed.wait()
    return s


async def main(role, url=None):
    if role == "client":
        serving = asyncio.create_task(client(url))
    else:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        emit("listening", port=runner.addresses[0][1])
    await obey({"text": text, "binary": binary, "ping": ping, "close": close})


asyncio.run(main(*sys.argv[1:]))
