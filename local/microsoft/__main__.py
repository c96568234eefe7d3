"""The local directory: login and Graph over TLS, and beside it a desk with emu.chat's identity and the control.

python -m local.microsoft [--port 8443] [--desk-port 8081] [--people 2500]
"""

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from local.arguments import Parser, milliseconds, people, port
from local.microsoft.authority import authority
from local.microsoft.control_routes import ControlRoutes, make_tenant
from local.microsoft.delta_routes import DeltaRoutes
from local.microsoft.graph_routes import GraphRoutes
from local.microsoft.guard import Guard
from local.microsoft.identity_routes import IdentityRoutes
from local.microsoft.login_routes import LoginRoutes
from local.microsoft.notifier import Notifier
from local.microsoft.sign_in_routes import SignInRoutes
from local.microsoft.subscription_routes import SubscriptionRoutes
from local.microsoft.world import World

CONTOSO = "c0470500-0000-4000-8000-000000000001"
_REDIRECT_URI = "http://localhost:7071/api/integrations/entra/consent/callback"


def main() -> int:
    arguments = _arguments()
    try:
        certificate = _certificate(arguments.state)
    except OSError as error:
        print(f"the folder {arguments.state} cannot be written ({error.strerror}): choose another", file=sys.stderr)
        return 1
    try:
        return asyncio.run(_serve(arguments, certificate))
    except OSError as error:
        print(f"a port is busy: end what uses it, or choose others ({error.strerror})", file=sys.stderr)
        return 1


def _arguments() -> argparse.Namespace:
    parser = Parser(prog="python -m local.microsoft", description="Run the local directory until Ctrl-C.")
    parser.add_argument("--port", type=port, default=8443, help="login and Graph; 0 takes a free one (default: 8443)")
    parser.add_argument("--desk-port", type=port, default=8081, help="identity and control (default: 8081)")
    parser.add_argument("--state", type=Path, default=Path(".local/microsoft"), help="where its CA is kept")
    parser.add_argument("--people", type=people, default=2500, help="users of Contoso (default: 2500)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=milliseconds, default=0.0, help="added to each answer of Contoso's Graph")
    parser.add_argument("--consented", action="store_true", help="Contoso has consented already")
    parser.add_argument("--redirect-uri", action="append", default=[], help="besides the usual one")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace, certificate: tuple[ssl.SSLContext, Path]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    world, notifier = World({_REDIRECT_URI, *arguments.redirect_uri}), Notifier()
    callbacks = [urlsplit(one) for one in arguments.redirect_uri or [_REDIRECT_URI]]
    world.portals = [f"{one.scheme}://{one.netloc}/api/portal/" for one in callbacks]
    guard = Guard(world)
    make_tenant(
        world,
        notifier,
        people=arguments.people,
        seed=arguments.seed,
        tenant_id=CONTOSO,
        consented=arguments.consented,
        shape={"latencyMs": arguments.latency_ms},
    )
    context, ca_path = certificate
    cloud, desk = web.Application(), web.Application(client_max_size=64 * 1024 * 1024)
    LoginRoutes(world).add_to(cloud)
    SignInRoutes(world).add_to(cloud)
    DeltaRoutes(world, guard).add_to(cloud)
    GraphRoutes(world, guard).add_to(cloud)
    SubscriptionRoutes(guard, notifier).add_to(cloud)
    IdentityRoutes(world).add_to(desk)
    ControlRoutes(world, notifier).add_to(desk)
    runners = [web.AppRunner(one, access_log=None, shutdown_timeout=0.5) for one in (cloud, desk)]
    for runner in runners:
        await runner.setup()
    await web.TCPSite(runners[0], "127.0.0.1", arguments.port, ssl_context=context, reuse_address=True).start()
    await web.TCPSite(runners[1], "127.0.0.1", arguments.desk_port, reuse_address=True).start()
    world.address = f"https://localhost:{runners[0].addresses[0][1]}"
    world.desk = f"http://localhost:{runners[1].addresses[0][1]}"
    print(json.dumps({"graph": world.address, "desk": world.desk, "ca": str(ca_path), "pid": os.getpid()}), flush=True)
    await stop.wait()
    await notifier.close()
    for runner in runners:
        await runner.cleanup()
    return 0


def _certificate(state: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate for this machine from an authority that is kept, so that a browser's exception lasts."""
    made, ca_path = authority(state)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context, ca_path


if __name__ == "__main__":
    sys.exit(main())
