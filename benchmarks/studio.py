"""What the studio costs: the first page, the first picture of a dream, previews, readers, many jobs.

    python benchmarks/studio.py [PART ...] [--model NAME] [--rounds N] [--readers N] [--jobs N] [--markdown]

PARTs are start, weight, click, previews, readers and jobs; the default is all. A studio is a process of its own, and so
are the readers, which do nothing with what they read. What is compared takes turns, `--rounds` times, on a warm worker;
medians count. Each row says what is promised beside what was measured.
"""

import argparse
import json
import multiprocessing
import resource
import selectors
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from tables import markdown

from pydream.bench import table
from pydream.bench.machine import as_lines, machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.studios import running  # noqa: E402

NOISE = [512, 768]
LONG = {"noise": NOISE, "iter_n": 1000, "octave_n": 4, "seed": 1}  # is stopped
WHOLE = {"noise": NOISE, "iter_n": 40, "octave_n": 4, "seed": 1}
TINY = {"noise": [32, 32], "iter_n": 1, "octave_n": 1, "seed": 1}
UNSEEN = WHOLE | {"seed": 2}
BATCH = 200  # jobs that wait at once
# A studio whose worker shows nothing of dreams with the seed 2. It is one process: two differ by more than a preview.
BLIND = """
import sys
from pydream.studio import process, studio
worker = '''
from pydream.studio.worker import previews, __main__ as worker
def show(self, image, shown=previews.Previews.show):
    if self._task.message.order.recipe["seed"] != 2:
        shown(self, image)
previews.Previews.show = show
worker.main()
'''
studio.Studio.__init__.__kwdefaults__["program"] = (sys.executable, "-P", "-c", worker)
from pydream.cli import main
main()
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("-m", "--model", default="squeezenet_v1.1")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown or args.rounds < 1 or args.jobs < 2 * BATCH:
        parser.error(
            f"no part {', '.join(unknown)}" if unknown else f"--rounds: at least 1; --jobs: at least {2 * BATCH}"
        )
    print("\n".join(as_lines(machine())), end="\n\n", flush=True)
    rows = [row for part in args.parts or PARTS for row in PARTS[part](args)]
    print((markdown if args.markdown else table.table)(["", "promised", "measured"], rows))


@contextmanager
def studio(args, **options):
    """A studio in a folder of its own, with a warm worker."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "studio", "-m", args.model, **options) as found,
    ):
        found.warm()
        yield found


def start(args):
    """From the command to the page."""
    times = []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            with running(Path(folder) / "studio", "-m", args.model) as found:
                found.api.get("/", params={"token": found.token}, follow_redirects=True).raise_for_status()
                times.append(time.perf_counter() - begun)
    return [["from the command to the page", "1 s", table.seconds(median(times))]]


def weight(args):
    """All files of the page, as they are sent."""
    with studio(args) as found:
        names = [each.name for each in (resources.files("pydream.studio") / "page").iterdir() if each.is_file()]
        paths = ["/" if name == "index.html" else f"/page/{name}" for name in names]
        sent = sum(len(found.api.get(path).raise_for_status().content) for path in paths)
    return [[f"the page, {len(paths)} files", "200 kB", f"{sent / 1000:.0f} kB"]]


def click(args):
    """From the order to the first picture, and to the end of a dream that is stopped."""
    first, stopped = [], []
    with studio(args) as found:
        for _ in range(args.rounds + 1):  # the first one is not counted
            with Events(found) as events:
                begun = time.perf_counter()
                job = found.submit(kind="dream", recipe=LONG)
                events.until("preview", job)
                first.append(time.perf_counter() - begun)
                begun = time.perf_counter()
                found.api.post(f"/api/jobs/{job}/stop").raise_for_status()
                found.ended(job)
                stopped.append(time.perf_counter() - begun)
    size = table.size(*NOISE)
    return [
        [f"from the click to the first picture, {size}", "1 s", table.seconds(median(first[1:]))],
        ["the slowest of these", "", table.seconds(max(first[1:]))],
        [f"from a click on Stop to the result, {size}", "", table.seconds(median(stopped[1:]))],
    ]


def previews(args):
    """A dream that is watched by one page, and one of which the worker shows nothing."""
    with studio(args, program=("-c", BLIND)) as found, watched_by(found, 1):
        times = taking_turns(args, {"with": lambda: dream(found), "without": lambda: dream(found, UNSEEN)})
        counted = number_of_previews(found, WHOLE)
        assert number_of_previews(found, UNSEEN) == 0
    return [
        [f"a dream of {table.size(*NOISE)} without previews", "", table.seconds(times["without"])],
        ["with previews, to one page", "+3.0 %", over(times["with"], times["without"])],
        ["previews a second", "5", f"{counted / times['with']:.1f}"],
    ]


def readers(args):
    """A dream that nobody watches, and one that many pages watch."""

    def watched():
        with watched_by(found, args.readers) as read:
            took = dream(found)
        seen.append(read())
        return took

    seen = []
    with studio(args) as found:
        times = taking_turns(args, {"with": watched, "without": lambda: dream(found)})
    return [
        [f"a dream of {table.size(*NOISE)} that nobody watches", "", table.seconds(times["without"])],
        [f"that {args.readers} pages watch", "+5.0 %", over(times["with"], times["without"])],
        ["pictures that each of them got", "", f"{median(seen) / args.readers:.1f}"],
    ]


def jobs(args):
    """Many small jobs, two hundred of them queued at once."""
    queued, listed, memory = [], [], []
    with studio(args) as found:
        for _ in range(args.jobs // BATCH):
            begun = time.perf_counter()
            ids = [found.submit(kind="dream", recipe=TINY) for _ in range(BATCH)]
            queued.append((time.perf_counter() - begun) / BATCH)
            begun = time.perf_counter()
            found.get("jobs")
            listed.append(time.perf_counter() - begun)
            states = {found.ended(job)["state"] for job in ids}
            assert states == {"done"}, states
            memory.append(resident(found.process.pid))
        made = len(list((found.folder / "dreams").glob("*.png")))
    assert made == BATCH * len(memory), made
    grown = (memory[-1] - memory[0]) / 1e6
    return [
        [f"one of {BATCH} jobs is queued", "", table.seconds(median(queued))],
        ["the list of all jobs", "", table.seconds(median(listed))],
        [f"memory of the server after {BATCH} jobs", "", f"{memory[0] / 1e6:.0f} MB"],
        [f"after {made} jobs", "the same", f"{grown:+.1f} MB"],
    ]


def dream(found, recipe=WHOLE):
    """Return how long a dream takes, as the studio says."""
    return found.ended(found.submit(kind="dream", recipe=recipe))["seconds"]


def taking_turns(args, ways):
    """Return the median of what each way took."""
    times = {name: [] for name in ways}
    for number in range(args.rounds + 1):  # the first one is not counted
        for name in (list(ways), list(reversed(ways)))[number % 2]:
            took = ways[name]()
            if number:
                times[name].append(took)
    return {name: median(each) for name, each in times.items()}


def over(took, base):
    return f"{100 * (took / base - 1):+.1f} %"


def resident(pid):
    """Return the memory of a process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def number_of_previews(found, recipe):
    """Return how many previews one reader gets of a dream."""
    with Events(found) as events:
        job = found.submit(kind="dream", recipe=recipe)
        return events.until("state", job, "done").count("preview")


class Events:
    """The names of a studio's events, read as a page does."""

    def __init__(self, found):
        self._stream = found.api.stream("GET", "/api/events")

    def __enter__(self):
        self._lines = self._stream.__enter__().iter_lines()
        return self

    def __exit__(self, *error):
        self._stream.__exit__(*error)

    def until(self, name, job, state=None):
        """Read until a job's event comes; return the names of all of its that did."""
        names = []
        event = None
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                event = value
            elif field == "data" and (data := json.loads(value)).get("job") == job:
                names.append(event)
                if event == name and state in (None, data.get("state")):
                    return names
        raise EOFError(f"no {name} came")


@contextmanager
def watched_by(found, count):
    """Have a process read the events, as so many pages; yield what returns how many previews came at the end."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=read, args=(found.base, found.token, count, its))
    process.start()
    assert ours.recv() == "open"
    result = []
    try:
        yield lambda: result[0]
    finally:
        ours.send("end")
        result.append(ours.recv())
        process.join()


def read(base, token, count, pipe):
    """Read events over many connections until told to end."""
    parts = urlsplit(base)
    request = f"GET /api/events HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    previews = 0
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection((parts.hostname, parts.port)))
            sock.sendall(request)
            assert b" 200 " in sock.recv(2**16)
            selector.register(sock, selectors.EVENT_READ)
        selector.register(pipe, selectors.EVENT_READ)
        pipe.send("open")
        while True:
            for key, _ in selector.select():
                if key.fileobj is pipe:
                    pipe.send(previews)
                    return
                data = key.fileobj.recv(2**20)
                assert data, "the studio ended a stream"
                previews += data.count(b"event: preview")


PARTS = {
    "start": start,
    "weight": weight,
    "click": click,
    "previews": previews,
    "readers": readers,
    "jobs": jobs,
}

if __name__ == "__main__":
    main()
