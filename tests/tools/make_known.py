"""Make `pydream/reproduce/known.json` from two runs of `pydream reproduce --exact`, which must agree on every result.

    PYDREAM_NUM_THREADS=1 pydream reproduce --exact -o one
    PYDREAM_NUM_THREADS=2 pydream reproduce --exact -o two
    python tests/tools/make_known.py one/report.json two/report.json

With ``--golden golden/googlenet_4c_1024x575.npz`` the result with that file's hash is recorded as Caffe's, with its
values on the border between two levels: this dream ends closest to where rounding differences show.
"""

import argparse
import json
from pathlib import Path

import msgspec
import numpy as np

from pydream.reproduce.known import FILE, Known, known_results

CAFFE = "Caffe 1.0 in double precision"


def made_twice(runs):
    """Yield the results of two runs; end the program where they differ."""
    one, two = runs
    threads = {run["threads"] for run in runs}
    if len(threads) != 2 or not all(run["exact"] for run in runs):
        raise SystemExit(f"two runs with --exact and different PYDREAM_NUM_THREADS are needed, not {threads}")
    counts = " and ".join(sorted(text.rpartition("=")[2] for text in threads))
    for first, second in zip(one["results"], two["results"], strict=True):
        if first["interrupted"] or second["interrupted"]:
            raise SystemExit(f"{first['result']} was interrupted")
        for what in ("result", "facts", "pictures"):
            if first[what] != second[what]:
                raise SystemExit(f"{first['result']}: the runs have different {what}")
        by = f"pydream {one['versions']['pydream']} on {counts} threads"
        yield Known(result=first["result"], by=by, facts=first["facts"], pictures=first["pictures"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs=2, type=Path, metavar="report.json")
    parser.add_argument("--golden", type=Path)
    options = parser.parse_args()
    runs = [json.loads(path.read_text()) for path in options.runs]
    found = list(made_twice(runs))
    if options.golden is not None:
        golden = str(np.load(options.golden)["sha256"])
        if not any(one.pictures[-1] == golden for one in found):
            raise SystemExit(f"no result has the golden hash, {golden}")
        for number, (one, run) in enumerate(zip(found, runs[0]["results"], strict=True)):
            if one.pictures[-1] == golden:
                borders = {int(index): level for index, level in run["borders"].items()}
                found[number] = msgspec.structs.replace(one, by=CAFFE, borders=borders)
    kept = {json.dumps([one.result, one.facts]): one for one in [*known_results(), *found]}
    FILE.write_text(json.dumps(msgspec.to_builtins(list(kept.values())), indent=1) + "\n")
    print(f"{len(found)} results from these runs, {len(kept)} in all")


if __name__ == "__main__":
    main()
