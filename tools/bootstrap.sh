#!/bin/sh
# Make a virtual environment, and see that what only the system can give is there: Python 3.11 or
# newer with its headers, venv and a C compiler. As root on Debian the missing packages are installed;
# anybody else gets one line that names the command.
#   bootstrap.sh VENV [PYTHON]
set -eu
venv=$1
wanted=${2:-}

fail() { printf 'nightside: %s\n' "$1" >&2; exit 1; }

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    [ -z "$wanted" ] || command -v "$wanted" >/dev/null || fail "there is no $wanted"
    for candidate in $wanted python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        path=$(command -v "$candidate") || continue
        if is_new_enough "$path"; then
            printf '%s\n' "$path"
            return
        fi
        [ -z "$wanted" ] || fail "$wanted is older than Python 3.11"
    done
}

has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

has_headers() {
    "$1" -c 'import os.path, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}

has_compiler() {
    printf '#include <stdio.h>\nint main(void) { return 0; }\n' |
        "${CC:-cc}" -x c -o /dev/null - 2>/dev/null
}

missing_packages() {
    python=$(find_python)
    if [ -z "$python" ]; then
        printf 'python3 python3-venv python3-dev '
    else
        has_venv "$python" || printf 'python3-venv '
        has_headers "$python" || printf 'python3-dev '
    fi
    has_compiler || printf 'gcc libc6-dev '
}

install_packages() {
    printf 'nightside: installing %s with apt-get\n' "$1"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of package names
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $1; } >/dev/null ||
        fail "apt-get could not install: $1"
}

missing=$(missing_packages)
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        install_packages "$missing"
    else
        fail "this machine lacks ${missing% }; install with: sudo apt-get install ${missing% }"
    fi
    still=$(missing_packages)
    [ -z "$still" ] || fail "still no ${still% } for $(find_python); name others: make PYTHON=/usr/bin/python3 CC=gcc"
fi

python=$(find_python)
printf 'nightside: %s in %s\n' "$("$python" --version)" "$venv"
"$python" -m venv "$venv"
