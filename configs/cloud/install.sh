#!/usr/bin/env bash
# Put opengap, with the extra $1 if one is given, into the environment $OPENGAP_ENV; one that is there is used as it is.
set -euo pipefail
: "${OPENGAP_SOURCE:?set it to what pip installs: a wheel by its URL, or git+https://…@commit}"
env=${OPENGAP_ENV:-$HOME/opengap-env}
[ -x "$env/bin/opengap" ] && exit 0

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
for python in python3 python3.13 python3.12 python3.11; do
  if new_enough "$python"; then break; else python=; fi
done
if [ -n "$python" ]; then
  "$python" -m venv "$env"
else # unverified: no machine without Python 3.11 was at hand
  python3 -m pip install --quiet --user uv
  python3 -m uv venv --quiet --seed --python 3.12 "$env"
fi
"$env/bin/python" -m pip install --quiet "opengap${1:+[$1]} @ $OPENGAP_SOURCE"
