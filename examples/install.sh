#!/usr/bin/env bash
# Installs the missing dependencies of the examples in C and JavaScript and of the browser tests: Debian packages, and
# npm packages in programs/.
set -euo pipefail
cd "$(dirname "$0")"

missing() {
    local command library
    for command in cc:gcc pkg-config:pkg-config node:nodejs npm:npm chromium:chromium chromedriver:chromium-driver; do
        command -v "${command%:*}" >/dev/null || echo "${command#*:}"
    done
    for library in hdf5:libhdf5-dev jansson:libjansson-dev; do
        pkg-config --exists "${library%:*}" 2>/dev/null || echo "${library#*:}"
    done
}

packages=$(missing)
if [ -n "$packages" ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    echo "== apt-get install" $packages
    # shellcheck disable=SC2086 # one package per word
    "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install --yes -qq --no-install-recommends $packages || true
    packages=$(missing)
fi
if [ -n "$packages" ]; then
    echo "the examples and the browser tests need these Debian packages, which could not be installed:" $packages >&2
    exit 1
fi

if [ ! programs/node_modules/.package-lock.json -nt programs/package-lock.json ]; then
    echo "== npm ci"
    npm --prefix programs ci --ignore-scripts --no-audit --no-fund
fi
