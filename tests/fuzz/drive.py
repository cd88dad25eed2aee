"""libFuzzer, by atheris, drives the target that is named; what else is on the command line is libFuzzer's."""

import sys

import atheris

# What is imported here says which of its lines are reached.
with atheris.instrument_imports(include=["pydream", "PIL", "google.protobuf.text_format", "zipfile", "yaml"]):
    from mutators import mutate
    from targets import feed

name = sys.argv.pop(1)
atheris.Setup(
    sys.argv,
    lambda data: feed(name, data),
    custom_mutator=lambda data, most, seed: mutate(name, data, most, seed, atheris.Mutate),
)
atheris.Fuzz()
