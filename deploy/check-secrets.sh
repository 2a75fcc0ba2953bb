#!/bin/sh
# Refuses passwords that ClickHouse, which puts them into XML, or the Collector, which expands $, would read otherwise.
# usage: check-secrets.sh NAME…, names of environment variables
LC_ALL=C
status=0
for name in "$@"; do
	case $(printenv "$name") in
		"") echo "$name is empty: fill it in in .env" >&2 && status=1 ;;
		*[!A-Za-z0-9_.~+/=-]*)
			echo "$name has a character other than A-Z a-z 0-9 _ . ~ + / = - (& < > \$ would stop ClickHouse or the Collector): choose another in .env, e.g. by openssl rand -hex 24" >&2
			status=1
			;;
	esac
done
exit $status
