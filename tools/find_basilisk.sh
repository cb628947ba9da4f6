#!/bin/sh
# Basilisk (PyPI: bsk) in build/basilisk, an environment of its own. What it is compared with says NOT RUN
# and fails where it cannot be installed.
set -eu

python=${1:?usage: find_basilisk.sh PYTHON}
cd "$(dirname "$0")/.."
there=build/basilisk
[ -n "${NIGHTSIDE_BASILISK:-}" ] && exit 0
"$there/bin/python" -c 'import Basilisk' 2>/dev/null && exit 0
echo "nightside: installing Basilisk into $there (600 MB on disk)"
rm -rf "$there"
mkdir -p build
"$python" -m venv "$there" &&
    "$there/bin/python" -m pip install --quiet --disable-pip-version-check \
        $("$python" tools/requirements.py verify) && exit 0
rm -rf "$there"
echo "nightside: Basilisk cannot be installed here; the comparison with it is NOT RUN"
