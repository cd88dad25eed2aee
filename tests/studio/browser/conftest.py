"""A real studio and a real browser: every test drives the page as a person would."""

import os
from pathlib import Path

import pytest
from support.browsers import chromium, need_chromium
from support.pages import DESKTOP, PHONE, picture_file, remember
from support.studios import running

SCREENSHOTS = os.environ.get("PYDREAM_SCREENSHOTS")  # a folder for pictures of every state


@pytest.fixture(scope="session")
def studio(tmp_path_factory):
    """One studio for all tests: its worker takes seconds until it is warm."""
    need_chromium()
    with running(tmp_path_factory.mktemp("studio")) as found:
        yield found


@pytest.fixture
def api(studio):
    """Return a client of a studio that has forgotten the visit before."""
    with studio.client() as client:
        for job in client.get("/api/jobs").json()["jobs"]:
            client.delete(f"/api/jobs/{job['id']}").raise_for_status()
        client.put("/api/page", content="{}").raise_for_status()
        yield client


@pytest.fixture(scope="module")
def browser():
    """A browser until the last test of the file: while Playwright runs, asyncio cannot in the same process."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, studio, api):
    """Return what opens the page anew; nothing may go to another host, and no error be logged.

    With an `order`, the page opens as a visit left it that had put that order together.
    """
    contexts, complaints = [], []

    def opened(viewport=DESKTOP, address=None, order=None, view=None, **options):
        if order is not None:
            remember(api, order, view)
        options.setdefault("has_touch", viewport is PHONE)
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: complaints.append(request.url) if elsewhere(request.url) else None)
        page.on("console", lambda message: complaints.append(told(message)) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.complaints = complaints
        page.goto(address or studio.address)
        page.locator("main:not([aria-busy])").wait_for(state="attached")
        return page

    def told(message):
        return f"{message.text} [{message.location['url'].removeprefix(studio.base)}]"

    def elsewhere(url):
        return not url.startswith((studio.base, "about:"))

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def shot(request):
    """Return what keeps a picture of a state, where these are wanted."""

    def shot(page, name):
        if SCREENSHOTS:
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")

    return shot


@pytest.fixture(scope="session")
def photograph(tmp_path_factory):
    """A small picture with something in it."""
    return picture_file(tmp_path_factory.mktemp("pictures") / "photograph.png")


@pytest.fixture
def picture(api, photograph):
    """The id of that picture, which the studio has."""
    answer = api.post("/api/pictures?name=photograph.png", content=photograph.read_bytes())
    return answer.raise_for_status().json()["id"]
