"""A server in a thread of this process, as `pydream studio` runs one, before a studio that is none."""

import threading
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import uvicorn
from studio.fake import FakeStudio

from pydream.studio import serve


class Served(NamedTuple):
    address: str  # without a path
    token: str
    once: str
    port: int
    studio: FakeStudio
    api: serve.Api
    folder: Path
    reported: list[str]
    client: httpx.Client  # with the token
    stranger: httpx.Client  # without


def run_server(folder: Path, monkeypatch: pytest.MonkeyPatch, opened: Path | None = None):
    """Serve until the generator is closed."""
    studio, reported, said = FakeStudio(folder), [], []
    servers: list[serve.Server] = []
    opens: list[str] = []
    apis: list[serve.Api] = []
    application = serve.application
    original = uvicorn.Server.__init__

    def noted(self, config):
        original(self, config)
        servers.append(self)

    monkeypatch.setattr(uvicorn.Server, "__init__", noted)
    monkeypatch.setattr(serve, "_open", opens.append)
    monkeypatch.setattr(serve, "application", lambda api: apis.append(api) or application(api))
    sock = serve.listening("127.0.0.1", None)
    options = {"model": "squeezenet_v1.1", "opened": opened, "say": said.append, "report": reported.append}
    thread = threading.Thread(target=lambda: serve.serve(studio, folder, sock, browser=True, **options))
    thread.start()
    while not (servers and servers[0].started):
        thread.join(0.01)
        assert thread.is_alive()
    address, _, token = said[0].partition("/?token=")
    with (
        httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client,
        httpx.Client(base_url=address, trust_env=False) as stranger,
    ):
        once = opens[0].partition("/?token=")[2]
        yield Served(address, token, once, sock.getsockname()[1], studio, apis[0], folder, reported, client, stranger)
    servers[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()
    assert studio.closed
    sock.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield from run_server(tmp_path_factory.mktemp("studio"), patch)


@pytest.fixture
def served(running):
    """A studio of which nothing may be reported: no request makes the program fail."""
    running.stranger.cookies.clear()
    running.reported.clear()
    yield running
    assert running.reported == []
