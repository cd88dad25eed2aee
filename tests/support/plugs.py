"""Installed packages that add runtimes, made in a folder: a module and a dist-info."""

RUNTIME = """
from pydream.runtime import NumpyRuntime, layers

class Runtime(NumpyRuntime):
    name = "plain"
    libraries = ("numpy",)
    runners = {kind: runner for kind, runner in NumpyRuntime.runners.items() if kind is not layers.LRN}
"""


def install(folder, package, source=RUNTIME, entries="plain = {module}:Runtime"):
    """Install a package there; None as source: its module is missing."""
    module = package.replace("-", "_")
    if source is not None:
        (folder / f"{module}.py").write_text(source)
    about = folder / f"{module}-1.5.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
    (about / "entry_points.txt").write_text("[pydream.runtimes]\n" + entries.format(module=module) + "\n")
