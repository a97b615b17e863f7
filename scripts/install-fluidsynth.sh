#!/bin/sh
# Makes sure that FluidSynth's library and a General MIDI soundfont are there: installs Debian's packages where the user
# may, and otherwise says what to install. Usage: scripts/install-fluidsynth.sh PYTHON
set -eu
python=$1

missing() {
    "$python" - <<'PYTHON'
from datamodules import DataError
from datamodules.synthesis import fluidsynth

try:
    fluidsynth.synthesis_key(fluidsynth.find_soundfont())
except DataError as error:
    print(error)
PYTHON
}

what=$(missing)
[ -n "$what" ] || exit 0

# A soundfont that is named and not there is a slip of the pen, for which nothing need be installed.
if [ -z "${DISENTANGLE_SOUNDFONT:-}" ] && command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        as_root=no
    fi
    if [ "$as_root" != no ]; then
        echo "Installing Debian's packages fluidsynth and musescore-general-soundfont."
        # Where this fails, the message below says what is left to do.
        $as_root apt-get update -qq || true
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            fluidsynth musescore-general-soundfont >/dev/null || true
        what=$(missing)
        [ -n "$what" ] || exit 0
    fi
fi

cat >&2 <<MESSAGE
error: $what

Install FluidSynth and a General MIDI soundfont, then run make again:
  Debian, Ubuntu  sudo apt-get install fluidsynth musescore-general-soundfont
  macOS           brew install fluid-synth
  conda           conda install -c conda-forge fluidsynth
On macOS and conda, fetch MuseScore_General.sf3 from musescore.org (or take any General MIDI soundfont) and point at it:
  export DISENTANGLE_SOUNDFONT=/path/to/MuseScore_General.sf3
MESSAGE
exit 1
