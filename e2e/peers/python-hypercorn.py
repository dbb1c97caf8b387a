"""hypercorn of Python, which serves HTTP/1.1 and HTTP/2: python-hypercorn.py server
[CERTIFICATE KEY]. It supports the subprotocol chat. An open tells the version of HTTP."""

import asyncio
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

from lines import emit, obey

send = None


async def app(scope, receive, reply):
    global send
    if scope["type"] != "websocket":
        return
    await receive()  # its connect
    offered = "chat" in scope["subprotocols"]
    await reply({"type": "websocket.accept", "subprotocol": "chat" if offered else None})
    send = reply
    emit("open", version=scope["http_version"])
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            emit("close", code=event["code"], reason=event.get("reason") or "")
            return
        if event.get("text") is not None:
            emit("text", event["text"])
        else:
            emit("binary", event["bytes"])


async def text(data, code, reason):
    await send({"type": "websocket.send", "text": data.decode()})


async def binary(data, code, reason):
    await send({"type": "websocket.send", "bytes": data})


async def close(data, code, reason):
    await send({"type": "websocket.close", "code": code, "reason": reason})


async def main(role, *certificate):
    listening = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listening.fileno()}"]
    if certificate:
        config.certfile, config.keyfile = certificate
    serving = asyncio.create_task(serve(app, config))
    emit("listening", port=listening.getsockname()[1])
    await obey({"text": text, "binary": binary, "close": close})


asyncio.run(main(*sys.argv[1:]))
