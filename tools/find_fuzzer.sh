#!/bin/sh
# libFuzzer comes with clang. Where root may install it on Debian it is installed; anybody else is told
# what runs instead: the same targets under the project's own mutation loop, which knows no coverage.
set -eu

has_fuzzer() {
    source=$(mktemp --suffix=.c)
    trap 'rm -f "$source" "$source.out"' EXIT
    printf 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return n && !d; }\n' >"$source"
    clang -fsanitize=fuzzer,address -o "$source.out" "$source" 2>/dev/null
}

has_fuzzer && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "nightside: installing clang with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    # Without the runtime's package of older releases, clang alone is tried.
    { apt-get update -qq && { apt-get install -y -qq --no-install-recommends clang libclang-rt-dev ||
        apt-get install -y -qq --no-install-recommends clang; }; } >/dev/null 2>&1 || true
    has_fuzzer && exit 0
fi
echo "nightside: no clang with libFuzzer here (Debian: apt-get install clang); fuzzing without coverage feedback"
