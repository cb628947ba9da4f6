#!/bin/sh
# The flight library holds no simulation and never allocates: check_symbols.sh LIBRARY.a...
set -eu
[ "$#" -gt 0 ] || { echo "usage: check_symbols.sh LIBRARY.a..." >&2; exit 2; }
symbols=$(nm "$@")
# A listing without our own functions would prove nothing.
printf '%s\n' "$symbols" | grep -q ' T ns_' || { echo "no ns_ function in: $*" >&2; exit 1; }
status=0
forbid() { # what, pattern of symbol names
    found=$(printf '%s\n' "$symbols" | awk '{print $NF}' | grep -Ex "$2" | sort -u)
    if [ -n "$found" ]; then
        printf 'the flight library %s: %s\n' "$1" "$(echo "$found" | tr '\n' ' ')" >&2
        status=1
    fi
}
forbid 'knows the simulation' '(nightside_)?sim_.*|.*_sim_.*|SIM_.*'
forbid 'allocates' '(m|c|re)alloc|free|aligned_alloc|posix_memalign|strn?dup|v?asprintf|getline|fopen|fdopen'
forbid 'ends its process' 'exit|_exit|abort'
forbid 'sleeps or waits without a bound' 'sleep|usleep|pause|system|popen'
exit $status
