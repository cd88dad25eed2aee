"""Write the page as one file that needs no other: `python pack.py index.html out.html ID=FILE ...`.

Styles and scripts stand where the page names them. ``<script type="text/plain" id="ID">`` gets FILE's bytes in base64,
or the array NAME of a file of NumPy's, ``ID=FILE.npz:NAME``, or as text the JavaScript files ``ID=ONE.js,TWO.js``. The
page's policy allows these scripts by their hashes, WebAssembly, workers of its own, and no request to anywhere.
"""

import base64
import hashlib
import os
import re
import sys
import zipfile
from pathlib import Path

POLICY = (
    "default-src 'none'; script-src {scripts} 'wasm-unsafe-eval'; style-src {styles}; img-src data: blob:; "
    "worker-src blob:; base-uri 'none'; form-action 'none'"
)


def base64_of(data):
    return base64.b64encode(data).decode()


def array_of(file, name):
    """Return the bytes of an array in a file of NumPy's, without its header."""
    with zipfile.ZipFile(file) as arrays:
        data = arrays.read(f"{name}.npy")
    return data[10 + int.from_bytes(data[8:10], "little") :]


def content(source, folder):
    if source.endswith(".js"):
        return "\n".join((folder / name).read_text(encoding="utf-8") for name in source.split(","))
    file, array = re.fullmatch(r"(.+?\.npz):(\w+)|.+", source).groups()
    return base64_of(array_of(file, array) if array else Path(source).read_bytes())


def inlined(page, pattern, tag, folder):
    """Return the page with the files that `pattern` finds in it, and their hashes as a policy's sources."""
    hashes = []

    def put(found):
        text = "\n" + (folder / found[1]).read_text(encoding="utf-8")
        if f"</{tag}" in text:
            raise SystemExit(f"{found[1]}: it has </{tag}, which would end it in the page")
        hashes.append(f"'sha256-{base64_of(hashlib.sha256(text.encode()).digest())}'")
        return f"<{tag}>{text}</{tag}>"

    return re.sub(pattern, put, page), " ".join(hashes)


def pack(index, blocks):
    """Return the page, given the path of its index.html and {id: source}."""
    folder = index.parent
    page = index.read_text(encoding="utf-8")
    page, styles = inlined(page, r'<link rel="stylesheet" href="(.+?)">', "style", folder)
    page, scripts = inlined(page, r'<script src="(.+?)"></script>', "script", folder)
    page = re.sub(
        r'"([^"]+\.svg)"',
        lambda found: f'"data:image/svg+xml;base64,{base64_of((folder / found[1]).read_bytes())}"',
        page,
    )
    page = page.replace('content="POLICY"', f'content="{POLICY.format(scripts=scripts, styles=styles)}"')
    for name, source in blocks.items():
        start, end = page.split(f'<script type="text/plain" id="{name}">')
        page = f'{start}<script type="text/plain" id="{name}">{content(source, folder)}{end}'
    return page


if __name__ == "__main__":
    index, out, *blocks = sys.argv[1:]
    temporary = Path(f"{out}.part")
    temporary.write_text(pack(Path(index), dict(block.split("=", 1) for block in blocks)), encoding="utf-8")
    os.replace(temporary, out)
