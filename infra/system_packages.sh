#!/bin/sh
# The programs that no Python package brings: ffmpeg, and Apertium with the language pairs of the embedded profile.
# As root on Debian or Ubuntu they are installed; elsewhere the command to run is printed and nothing half-runs.
# Usage: system_packages.sh [test]   (test: also the browser that the report's test drives, PostgreSQL, a font, all of Apertium's pairs)
set -eu

need=""
want() { # want PROGRAM_OR_FILE PACKAGE
    case "$1" in
    /*) [ -e "$1" ] || need="$need $2" ;;
    *) command -v "$1" >/dev/null 2>&1 || need="$need $2" ;;
    esac
}
modes=/usr/share/apertium/modes
want ffmpeg ffmpeg
want apertium apertium
want $modes/por-cat.mode apertium-por-cat
want $modes/pt-es.mode apertium-es-pt
want $modes/pt-gl.mode apertium-pt-gl
"${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || need="$need python3-venv"  # Debian splits it off
if [ "${1:-}" = test ]; then
    want chromium chromium
    want curl curl
    want /usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf fonts-droid-fallback  # Japanese in a film's disclosure
    # Every pair that the offer lists: without its data a route is an error.
    for pair in spa-cat/spa-cat spa-ita/spa-ita spa-ast/spa-ast spa-arg/spa-arg es-oc/oc-es fra-cat/fra-cat \
        cat-srd/cat-srd en-eo/eo-en; do
        want "$modes/${pair%/*}.mode" "apertium-${pair#*/}"
    done
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need="$need postgresql"
fi
[ -n "$need" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "polydub needs these programs, and this system has no apt-get to install them:$need" >&2
    echo "  mend: install ffmpeg and Apertium 3.8 with the pairs named above, then run this again" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "polydub needs these Debian packages, and only root may install them:" >&2
    echo "  sudo apt-get update && sudo apt-get install --no-install-recommends -y$need" >&2
    exit 1
fi
echo "installing:$need"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -qq --no-install-recommends -y $need >/dev/null
