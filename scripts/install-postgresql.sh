#!/bin/sh
# Makes sure that PostgreSQL is there for the tests of sweeps, where Debian's package may be installed. Elsewhere these
# tests are skipped. Users of sweeps need no server on their own machine.
set -eu

installed() {
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1
}

if ! installed && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
    echo "Installing Debian's package postgresql."
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null || true
fi
installed || echo "PostgreSQL is not installed, so its tests are skipped; on Debian and Ubuntu: apt-get install postgresql"
