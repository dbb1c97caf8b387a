"""What every peer written in Python shares: commands come in on stdin and
events go out on stdout, one JSON object a line, their data in base64. At the
end of stdin a peer exits, without a word to the other side."""

import asyncio
import base64
import json
import os
import sys


def emit(kind, data=b"", **fields):
    if isinstance(data, str):
        data = data.encode()
    event = {"kind": kind, "data": base64.b64encode(data).decode(), **fields}
    print(json.dumps(event), flush=True)


async def obey(actions):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=16 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        command = json.loads(line)
        data = base64.b64decode(command.get("data", ""))
        await actions[command["do"]](data, command.get("code"), command.get("reason"))
    os._exit(0)
