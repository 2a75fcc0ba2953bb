#!/usr/bin/env bash
# Installs flagd's evaluators of Python and Go for the tests beside this folder, and what examples/python needs, each in a
# folder of the cache that is named by the digest of what pins it. Needs python3 (3.10 or newer, with venv), go (1.25 or
# newer), PyPI and the Go proxy.
set -euo pipefail
cd "$(dirname "$0")"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/armspan/conformance"
digest() { cat "$@" | sha256sum | cut -c1-16; }

python() { # <requirements>
	local folder
	folder="$cache/python-$(digest "$1")"
	if [ ! -e "$folder/installed" ]; then
		rm -rf "$folder"
		python3 -m venv "$folder"
		"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$1"
		touch "$folder/installed"
	fi
	printf '%s: %s\n' "$1" "$folder"
}

go_program() {
	local folder
	folder="$cache/go-$(digest go.mod go.sum main.go)"
	if [ ! -e "$folder/installed" ]; then
		mkdir -p "$folder"
		GOFLAGS=-mod=readonly go build -buildvcs=false -trimpath -o "$folder/evaluate" .
		touch "$folder/installed"
	fi
	printf 'go.mod: %s\n' "$folder"
}

python requirements.txt
python requirements-hash-v3.txt
python ../../../examples/python/requirements.txt
go_program
# For test/compose, which runs it: compiled now, it does not keep a test waiting.
(cd ../../compose/loader && GOFLAGS=-mod=readonly go build -buildvcs=false -o /dev/null .)
