"""The interface over HTTP: a page, and JSON under /api. docs/studio.md describes it."""

from __future__ import annotations

import asyncio
import mimetypes
import os
import re
import stat
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from ..errors import PydreamError, StudioError, UnknownNameError
from . import catalogue
from .folder import MOST_PAGE
from .guard import error_answer
from .messages import PictureEntry
from .orders import JOB_ID, PICTURE_ID, ClassesWanted, JobId, Order, ThumbnailsWanted
from .studio import Studio
from .uploads import MOST_UPLOAD, Uploads

if TYPE_CHECKING:
    from .events import Event

MOST_JSON = 2**18
MOST_STREAMS = 900  # of events, at once
PAGE = Path(__file__).parent / "page"
_UPLOADS = {("POST", "/api/pictures"), ("POST", "/api/replay")}
_FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}  # of what is named by its content
_KEY = "[0-9a-f]{16,64}"  # of a thumbnail
_KINDS = ("png", "jpg", "webp", "tiff", "mp4")  # of results

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
T = TypeVar("T")

for _suffix, _type in {".js": "text/javascript", ".webp": "image/webp", ".webmanifest": "application/json"}.items():
    mimetypes.add_type(_type, _suffix)  # a system's own table may have others, which browsers do not run


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a job that waits goes: before another one; None: to the end."""

    before: JobId | None = None


def most_body(method: str, path: str) -> int:
    """Return how many bytes the body of a request may have."""
    return MOST_UPLOAD if (method, path) in _UPLOADS else MOST_JSON


class Json(Response):
    """An answer in JSON, of anything that msgspec writes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the text."""
        return msgspec.json.encode(content)


class Events(Response):
    """Server-sent events, for as long as the client listens."""

    def __init__(self, api: Api, job: str | None) -> None:
        super().__init__()
        self._api, self._job = api, job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until there are no more, or the client has gone, or the studio is closed."""
        events: AsyncGenerator[Event, None] = self._api.studio.subscribe(self._job)
        gone = asyncio.create_task(_gone(receive))
        coming: asyncio.Future[Event] | None = None
        self._api.streams.add(gone)
        try:
            fields = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
            while True:
                coming = asyncio.ensure_future(anext(events))
                await asyncio.wait([gone, coming], return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    break
                event = coming.result()
                body = b"event: %s\ndata: %s\n\n" % (event.name.encode(), event.data)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except StopAsyncIteration:
            pass
        finally:
            self._api.streams.discard(gone)
            gone.cancel()
            if coming is not None:
                coming.cancel()
            await asyncio.gather(gone, *([coming] if coming else []), return_exceptions=True)
            await events.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _while_there(request: Request, coming: Coroutine[Any, Any, Any]) -> Response:
    """Answer what takes long, which ends where the client has gone."""
    answer, gone = asyncio.create_task(coming), asyncio.create_task(_gone(request.receive))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            gone.result()  # raises, where the body is too long or too slow
            raise ClientDisconnect
        return Json(answer.result())
    finally:
        for each in (answer, gone):
            each.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)


class Api:
    """The addresses under /api.

    Parameters
    ----------
    studio : Studio
    incoming : Path
        Where uploads are written.
    model : str
        The network that is taken where none is named.
    opened : Path or None
        The picture that the studio was started with.
    """

    def __init__(self, studio: Studio, incoming: Path, model: str, opened: Path | None = None) -> None:
        self.studio, self._model, self._opened = studio, model, opened
        self._uploads = Uploads(incoming)
        self.streams: set[asyncio.Task[None]] = set()  # what waits for the end of each

    def end_streams(self) -> None:
        """End all streams of events, so that the server can end."""
        for stream in self.streams:
            stream.cancel()

    def routes(self) -> list[Route]:
        """Return the addresses, and what answers there."""
        return [
            _route("/api/studio", GET=self._status),
            _route("/api/opened", POST=self._take_opened),
            _route("/api/networks", GET=self._networks),
            _route("/api/presets", GET=self._presets),
            _route("/api/classes", GET=self._classes),
            _route("/api/samples", GET=self._samples),
            _route("/api/samples/{name}", GET=self._sample, POST=self._take_sample),
            _route("/api/pictures", POST=self._take_picture),
            _route("/api/pictures/{id}.{kind}", GET=self._picture_file),
            _route("/api/pictures/{id}", GET=self._picture),
            _route("/api/jobs", GET=self._jobs, POST=self._submit),
            _route("/api/jobs/{id}", GET=self._job, DELETE=self._delete),
            _route("/api/jobs/{id}/events", GET=self._events),
            _route("/api/jobs/{id}/preview.jpg", GET=self._preview),
            _route("/api/jobs/{id}/small.jpg", GET=self._small),
            _route("/api/jobs/{id}/result.{kind}", GET=self._result),
            _route("/api/jobs/{id}/stop", POST=self._stop),
            _route("/api/jobs/{id}/move", POST=self._move),
            _route("/api/jobs/{id}/command", GET=self._command),
            _route("/api/jobs/{id}/python", GET=self._python),
            _route("/api/events", GET=self._events),
            _route("/api/replay", POST=self._replay),
            _route("/api/classify", POST=self._classify),
            _route("/api/thumbnails", POST=self._thumbnails),
            _route("/api/thumbnails/{key}.jpg", GET=self._thumbnail),
            _route("/api/page", GET=self._page, PUT=self._save_page),
        ]

    # ---- what there is ----

    async def _status(self, _: Request) -> Response:
        return Json(self.studio.status() | {"most_upload": MOST_UPLOAD})

    async def _networks(self, _: Request) -> Response:
        return Json(await asyncio.to_thread(catalogue.networks, self._model))

    async def _presets(self, _: Request) -> Response:
        return Json(await asyncio.to_thread(catalogue.presets))

    async def _classes(self, _: Request) -> Response:
        return Json(catalogue.classes())

    async def _samples(self, _: Request) -> Response:
        return Json(catalogue.samples())

    async def _sample(self, request: Request) -> Response:
        return await _file(catalogue.sample(request.path_params["name"]), installed=True)

    # ---- pictures ----

    async def _take_picture(self, request: Request) -> Response:
        async with self._uploads.taken(request) as (path, name):
            return await self._added(name, path)

    async def _take_sample(self, request: Request) -> Response:
        return await self._copied(catalogue.sample(request.path_params["name"]))

    async def _take_opened(self, _: Request) -> Response:
        opened, self._opened = self._opened, None  # a page that is loaded again goes on with its own picture
        return Json(None) if opened is None else await self._copied(opened)

    async def _copied(self, source: Path) -> Response:
        path = await asyncio.to_thread(self._uploads.copy, source)
        try:
            return await self._added(source.name, path)
        finally:
            path.unlink(missing_ok=True)

    async def _added(self, name: str, path: Path) -> Response:
        name = name.encode(errors="replace").decode()  # a file's name on the command line is any bytes
        name = re.split(r"[/\\]", name.replace("\0", ""))[-1][-200:] or "picture"
        return Json(self._shown(await self.studio.add_picture(name, path)), 201)

    def _shown(self, entry: PictureEntry) -> dict[str, Any]:
        """Return a picture as clients see it."""
        return {
            "id": entry.id,
            "name": entry.name,
            "width": entry.width,
            "height": entry.height,
            "frames": entry.frames,
            "seconds": entry.seconds,
            "made_with": _made_with(entry.account),
            "order": entry.order,
            "missing": self.studio.missing(entry),
            "notes": entry.notes,
        }

    async def _picture(self, request: Request) -> Response:
        return Json(self._shown(self.studio.picture(_picture_id(request))))

    async def _picture_file(self, request: Request) -> Response:
        given = request.path_params["kind"]
        kind: Literal["jpg", "png", "film"] = "jpg" if given == "jpg" else "png" if given == "png" else "film"
        return await _file(self.studio.picture_file(_picture_id(request), kind), _FOR_EVER)

    async def _replay(self, request: Request) -> Response:
        job, picture = (request.query_params.get(name) for name in ("job", "picture"))
        if job is not None:
            return await _while_there(request, self.studio.replay(None, _id(job, JOB_ID, "job"), None))
        if picture is not None:
            return await _while_there(request, self.studio.replay(None, None, _id(picture, PICTURE_ID, "picture")))
        async with self._uploads.taken(request) as (path, _):
            return await _while_there(request, self.studio.replay(path, None, None))

    async def _classify(self, request: Request) -> Response:
        wanted = await _read(request, ClassesWanted)
        return await _while_there(request, self.studio.classify(wanted, self._model))

    # ---- jobs ----

    async def _submit(self, request: Request) -> Response:
        given = await _read(request, dict[str, Any])
        network = given.setdefault("network", {})
        if isinstance(network, dict):
            network.setdefault("name", catalogue.network_of(given.get("preset"), self._model))
        order = _checked(msgspec.convert, given, Order)
        entry = None if order.picture is None else self.studio.picture(order.picture)
        await asyncio.to_thread(_check, order, None if entry is None else (entry.height, entry.width))
        job = await self.studio.submit(order)
        return Json({"id": job.id}, 202)

    async def _jobs(self, _: Request) -> Response:
        return Json({"jobs": self.studio.jobs()})

    async def _job(self, request: Request) -> Response:
        return Json(self.studio.job(_job_id(request)))

    async def _delete(self, request: Request) -> Response:
        await self.studio.delete(_job_id(request))
        return Json({})

    async def _stop(self, request: Request) -> Response:
        await self.studio.stop(_job_id(request))
        return Json({})

    async def _move(self, request: Request) -> Response:
        where = await _read(request, Move)
        await self.studio.move(_job_id(request), where.before)
        return Json({})

    async def _events(self, request: Request) -> Response:
        if len(self.streams) >= MOST_STREAMS:
            raise StudioError(f"{MOST_STREAMS} pages are open already: close one", 429)
        job = _job_id(request) if "id" in request.path_params else None
        if job is not None:
            self.studio.job(job)  # raises, if there is none
        return Events(self, job)

    async def _preview(self, request: Request) -> Response:
        return Response(self.studio.preview(_job_id(request)), media_type="image/jpeg")

    async def _small(self, request: Request) -> Response:
        return await _file(await self.studio.small_file(_job_id(request)))

    async def _result(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in _KINDS:
            raise StudioError(f"no result as .{kind}; there are .{', .'.join(_KINDS)}", 404)
        path = await self.studio.result_file(_job_id(request), kind)
        return await _file(path, name=path.name if request.query_params.get("download") else None)

    async def _command(self, request: Request) -> Response:
        return PlainTextResponse(self.studio.command(_job_id(request)))

    async def _python(self, request: Request) -> Response:
        return PlainTextResponse(self.studio.python(_job_id(request)))

    # ---- thumbnails, and the page's state ----

    async def _thumbnails(self, request: Request) -> Response:
        wanted = await _read(request, ThumbnailsWanted)
        return Json({"items": await self.studio.thumbnails(wanted)})

    async def _thumbnail(self, request: Request) -> Response:
        return await _file(self.studio.thumbnail_file(_id(request.path_params["key"], _KEY, "thumbnail")), _FOR_EVER)

    async def _page(self, _: Request) -> Response:
        return Response(self.studio.page(), media_type="application/json")

    async def _save_page(self, request: Request) -> Response:
        data = await request.body()
        if len(data) > MOST_PAGE:
            raise StudioError(f"the page's state has {len(data)} bytes, of at most {MOST_PAGE}", 413)
        _checked(msgspec.json.decode, data, dict[str, Any])
        await self.studio.save_page(data)
        return Json({})


def application(api: Api) -> Starlette:
    """Return the ASGI application, without its guard."""
    return Starlette(
        routes=[*api.routes(), _route("/", GET=_index), Mount("/page", StaticFiles(directory=PAGE, check_dir=False))],
        exception_handlers=dict.fromkeys((HTTPException, PydreamError, ClientDisconnect, Exception), _answer_error),
    )


def _route(path: str, **handlers: Handler) -> Route:
    """Return a route with a handler for each method."""

    async def answer(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, answer, methods=list(handlers))


async def _index(_: Request) -> Response:
    return await _file(PAGE / "index.html", installed=True)


async def _file(
    path: Path, headers: Mapping[str, str] | None = None, name: str | None = None, *, installed: bool = False
) -> Response:
    """Return a file, to be saved under a name if there is one; a link is followed in pydream's own files only."""
    try:
        found = await asyncio.to_thread(os.stat, path, follow_symlinks=installed)
    except OSError as error:
        raise StudioError(f"{path.name} is not there any more", 404) from error
    if not stat.S_ISREG(found.st_mode):
        raise StudioError(f"{path.name} is not a regular file", 404)
    return FileResponse(path, headers=headers, filename=name, stat_result=found)


async def _read(request: Request, kind: type[T]) -> T:
    return _checked(msgspec.json.decode, await request.body(), kind)


def _checked(read: Callable[..., T], data: Any, kind: type[T]) -> T:
    try:
        return read(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text, _, where = str(error).partition(" - at `$")  # msgspec's words for a place in JSON
        text = re.sub("`str` matching regex '.*'", "an id", text)
        place = where.strip("`.") or "the body"
        raise StudioError(f"{place}: {text}") from error


def _made_with(account: str | None) -> Any:
    """Return the recipe of a picture's record; None where there is none, or no longer one that can be read."""
    try:
        return None if account is None else msgspec.json.decode(account, type=dict[str, Any]).get("dream")
    except (msgspec.MsgspecError, RecursionError):
        return None


def _check(order: Order, size: tuple[int, int] | None) -> None:
    from .checking import check  # with what prepares dreams, which the page need not wait for

    check(order, size)


def _id(given: str, pattern: str, noun: str) -> str:
    if re.fullmatch(pattern, given) is None:
        raise StudioError(f"no {noun} {given!r}", 404)
    return given


def _job_id(request: Request) -> str:
    return _id(request.path_params["id"], JOB_ID, "job")


def _picture_id(request: Request) -> str:
    return _id(request.path_params["id"], PICTURE_ID, "picture")


def _answer_error(request: Request, error: Exception) -> Response:
    line, status, headers = str(error), 400, dict[str, str]()
    if isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
        line = f"nothing is at {request.url.path}" if status == 404 else error.detail
        if status == 405:
            line = f"{request.method} is not for {request.url.path}; that takes {headers.get('Allow', 'GET, HEAD')}"
    elif isinstance(error, StudioError):
        status = error.status
    elif isinstance(error, UnknownNameError):
        status = 404 if request.method == "GET" else 400
    elif not isinstance(error, (PydreamError, ClientDisconnect)):
        line, status = f"the program failed: {type(error).__name__}; its terminal says more", 500
    if status in (408, 413, 429, 507):
        headers["connection"] = "close"  # nothing more of the body is read
    return Response(error_answer(line), status, headers, "application/json")
