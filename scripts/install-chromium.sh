#!/bin/sh
# Installs Debian's Chromium, in which tests open reports, where the user may. Without it those tests are skipped, so
# that this never fails. Usage: scripts/install-chromium.sh
set -u

there() {
    command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1
}

there && exit 0
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        as_root=no
    fi
    if [ "$as_root" != no ]; then
        echo "Installing Debian's packages chromium and chromium-driver, for tests of reports."
        $as_root apt-get update -qq || true
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            chromium chromium-driver >/dev/null || true
    fi
fi
there || echo "Without chromium and chromedriver on the path, tests of reports in a browser are skipped."
exit 0
