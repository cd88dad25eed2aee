#!/usr/bin/env bash
# The bill of materials of what `pip install pydeepdream` brings, in CycloneDX's JSON, by cyclonedx-bom:
#
#     bash tests/tools/sbom.sh FOLDER_OF_WHEELS [PYTHON]
#
# build/sbom/pydeepdream.cdx.json lists the packages, versions, licences and dependencies of an environment that has the
# wheel and nothing else. The weights and texts that the wheel carries have their licences in its metadata.
set -euo pipefail
wheels=$(realpath "${1:?a folder with wheels of pydeepdream}")
python=${2:-python3}
cd "$(dirname "$0")/../.."
out=build/sbom
rm -rf "$out"
mkdir -p "$out"
"$python" -m venv "$out/tool"
"$out/tool/bin/pip" install --quiet 'cyclonedx-bom>=7.5,<8'
"$python" -m venv --without-pip "$out/venv"
"$out/tool/bin/pip" --python "$out/venv" install --quiet --find-links "$wheels" --no-index --no-deps pydeepdream
"$out/tool/bin/pip" --python "$out/venv" install --quiet --find-links "$wheels" pydeepdream
"$out/tool/bin/cyclonedx-py" environment "$out/venv" --pyproject pyproject.toml --mc-type application --output-reproducible \
    --gather-license-texts --spec-version 1.6 --output-format JSON --validate --output-file "$out/pydeepdream.cdx.json"
# pyproject.toml has no version, since pydream/__init__.py has it; the package that is installed says which.
"$out/venv/bin/python" - "$out/pydeepdream.cdx.json" <<'END'
import importlib.metadata
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    bill = json.load(file)
bill["metadata"]["component"]["version"] = importlib.metadata.version("pydeepdream")
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(bill, file, indent=2)
missing = [each["name"] for each in bill["components"] if not each.get("licenses")]
print(f"{sys.argv[1]}: {len(bill['components'])} packages; without a licence in their metadata: {', '.join(missing) or 'none'}")
END
