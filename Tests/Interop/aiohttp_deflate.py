#!/usr/bin/env python3
"""Compressed messages between our programs and aiohttp.

  aiohttp_deflate.py client URL      a client of an echo server that compresses
  aiohttp_deflate.py server VARIANT  a server for our echoing client; prints `listening on URL`, ends on SIGTERM

With the options of peer_tls.py for wss://. Prints `ok NAME` or `failed NAME: why` for each case, as websockets_peer.py does.
"""

import argparse
import asyncio
import signal

import aiohttp
import peer_tls
from aiohttp import web
from websockets_peer import MESSAGES, ROOM, Failed

# A client's window for the server; a server's answer. 15 is the largest, and what nothing said means.
WINDOWS = {"plain": 15, "server-window-9": 9, "server-window-12": 12}


async def echoed(socket, message):
    if isinstance(message, str):
        await socket.send_str(message)
    else:
        await socket.send_bytes(message)
    got = await socket.receive(timeout=10)
    if got.data != message:
        raise Failed(f"sent {type(message).__name__} of {len(message)}, got {got.type} {str(got.data)[:80]}")


async def everything(socket):
    """Each message twice: with context takeover the second one refers to the first."""
    if not socket.compress:
        raise Failed("no compression was agreed on")
    for message in MESSAGES.values():
        await echoed(socket, message)
        await echoed(socket, message)


async def report(name, run):
    try:
        await run
        print(f"ok {name}", flush=True)
    except (Failed, aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        print(f"failed {name}: {type(error).__name__}: {error}", flush=True)


async def client(url):
    tls = peer_tls.client_arguments(url)
    async with aiohttp.ClientSession() as session:
        for name, window in WINDOWS.items():

            async def connected(window=window):
                async with session.ws_connect(url, compress=window, max_msg_size=ROOM, **tls) as socket:
                    await everything(socket)

            await report(name, connected())


async def answer(request):
    """The paths that echoing clients visit: one case, which is everything."""
    socket = web.WebSocketResponse(max_msg_size=ROOM)
    await socket.prepare(request)
    if request.path == "/getCaseCount":
        await socket.send_str("1")
    elif request.path == "/runCase":
        await report("everything", everything(socket))
    await socket.close()
    return socket


async def server(_):
    application = web.Application()
    application.add_routes([web.get("/{path}", answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=peer_tls.server_context())
    await site.start()
    print(f"listening on {peer_tls.scheme()}://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()
    await runner.cleanup()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("argument", metavar="URL or VARIANT")
    peer_tls.add_arguments(parser)
    options = parser.parse_args(namespace=peer_tls.options)
    asyncio.run({"client": client, "server": server}[options.role](options.argument))


if __name__ == "__main__":
    main()
