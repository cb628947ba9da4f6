#!/bin/sh
# Tests of the link run a Mosquitto of their own. Where root may install it on Debian it is installed;
# anybody else is told that those tests say NOT RUN.
set -eu
PATH=$PATH:/usr/sbin
command -v mosquitto >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "nightside: installing mosquitto with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends mosquitto; } >/dev/null 2>&1 || true
    command -v mosquitto >/dev/null && exit 0
fi
echo "nightside: no mosquitto here; tests on a real broker are NOT RUN (Debian: sudo apt-get install mosquitto)"
