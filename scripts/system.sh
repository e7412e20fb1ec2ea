#!/bin/sh
# See that this machine has what pip cannot bring: Python 3.11 or newer with venv, and for the tests a Redis and a
# C compiler. As root on Debian or Ubuntu it installs what is missing; else it says what to install. Without Python
# it fails; without Redis it only tells, since the tests then run on the Valkey that `make install` brings, and
# without a compiler too: what loses power is then not tested.
set -eu

python=${1:-python3}

say() { printf 'gameball-shipper: %s\n' "$*" >&2; }
give_up() { say "$@"; exit 1; }

apt_install() {
    say "installing $* (apt-get)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null && apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

command -v "$python" >/dev/null ||
    give_up "$python is not on the PATH. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12"

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    give_up "$python is Python $version. Install Python 3.11 or newer and name it: make PYTHON=python3.11"

# Debian keeps venv's second half in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if can_apt; then
        apt_install "python$version-venv"
    else
        give_up "Python $version has no venv. As root: apt-get install python$version-venv (or your system's package of it)"
    fi
fi

# Debian's redis-tools holds the server program too, under the name redis-check-rdb, which is the same file.
# Its package redis-server would also start a service, and nobody asked for one.
if ! command -v redis-server >/dev/null && ! command -v redis-check-rdb >/dev/null; then
    if ! can_apt || ! apt_install redis-tools; then
        say "no redis-server 7.0 or newer here: tests that need one are skipped, the rest run on Valkey." \
            "For all of them, as root: apt-get install redis-tools"
    fi
fi

# The tests of a power loss compile a page of C that records what Redis has synced.
if ! command -v cc >/dev/null; then
    if ! can_apt || ! apt_install gcc libc6-dev; then
        say "no C compiler here: tests that cut the power are skipped. As root: apt-get install gcc libc6-dev"
    fi
fi

# The tests of the web page look at it in a real browser.
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
    if ! can_apt || ! apt_install chromium fonts-dejavu-core; then
        say "no chromium here: tests of the page in a browser are skipped. As root: apt-get install chromium"
    fi
fi
