#!/usr/bin/env bash
# Builds the Collector of builder.yaml with ocb, in a folder of the cache that is named by the digest of what pins it,
# and prints the path of the program. Takes two to nine minutes the first time, nothing later.
# Needs go (1.26 or newer) and the Go proxy. After a change of builder.yaml: install.sh --update
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD

ocb=go.opentelemetry.io/collector/cmd/builder@v0.161.0
digest=$(cat builder.yaml module/go.mod module/go.sum | sha256sum | cut -c1-16)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/armspan/collector/$digest"
program="$folder/armspan-collector"

generate() { # <folder> <flags of ocb>
	mkdir -p "$1"
	(cd "$1" && go run "$ocb" --config "$here/builder.yaml" --skip-compilation "${@:2}" >&2)
}

if [ "${1:-}" = --update ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	generate "$work"
	cp "$work/go.mod" "$work/go.sum" module/
	echo "updated collector-config/module; now run collector-config/install.sh" >&2
	exit 0
fi

if [ ! -x "$program" ]; then
	# Sources come from ocb, versions from module/: every module is checked against a digest that git holds, and modules
	# that only tests of dependencies need are not fetched.
	build=$(mktemp -d "${TMPDIR:-/tmp}/armspan-collector-XXXXXX")
	trap 'rm -rf "$build"' EXIT
	generate "$build" --skip-get-modules
	cp module/go.mod module/go.sum "$build/"
	(cd "$build" && GOFLAGS=-mod=readonly nice go build -buildvcs=false -trimpath -ldflags="-s -w" -o armspan-collector .)
	mkdir -p "$folder"
	# Two installations at once: each moves a whole program into place.
	mv "$build/armspan-collector" "$program.$$"
	mv "$program.$$" "$program"
fi
printf '%s\n' "$program"
