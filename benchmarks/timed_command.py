"""Run `pydream` in this process, as the command does, and write what its network and its image operations took.

    python benchmarks/timed_command.py READINGS.json dream PICTURE -o DREAM

Nothing but the command line itself is imported before the command; the clocks are, once it is.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

from pydream import __main__, cli

OCTAVES, STEPS = 4, 10


def main():
    readings = Path(sys.argv.pop(1))
    sys.argv[0] = "pydream"
    get_command = cli.Commands.get_command

    def get_clocked(self, ctx, name):
        command = get_command(self, ctx, name)
        ctx.with_resource(clocks(readings))
        return command

    cli.Commands.get_command = get_clocked
    __main__.run()


def clocks(readings):
    """Time the network that is loaded in this block, and the image operations; write the readings at its end."""
    from contextlib import contextmanager

    from pydream import imageops
    from pydream.bench.clock import OPERATIONS, TimedNet, clocked
    from pydream.easy import preparation

    class Clock(TimedNet):
        """A network that notes when the first step of each picture began, too."""

        def __init__(self, net):
            super().__init__(net)
            self.began = []

        def forward(self, end=None, *, tensor=None):
            if len(self.forwards) % (OCTAVES * STEPS) == 0:
                self.began.append(perf_counter())
            return super().forward(end, tensor=tensor)

    nets, load = [], preparation.load

    def load_clocked(*asked):
        net, facts = load(*asked)
        nets.append(Clock(net))
        return nets[-1], facts

    @contextmanager
    def block():
        preparation.load = load_clocked
        with clocked(imageops.backend("native"), OPERATIONS) as taken:
            yield
        (net,) = nets
        readings.write_text(json.dumps([readings_of(net, taken, i) for i in range(len(net.began))]))

    return block()


def readings_of(net, taken, number):
    """Return the readings of one picture."""
    part = slice(number * OCTAVES * STEPS, (number + 1) * OCTAVES * STEPS)
    return {
        "began": net.began[number],
        "net": {"forwards": net.forwards[part], "backwards": net.backwards[part]},
        "taken": {"to_tensor": taken["to_tensor"][part], "ascend_tensor": taken["ascend_tensor"][part], "zoom": []},
    }


if __name__ == "__main__":
    main()
