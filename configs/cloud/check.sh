#!/usr/bin/env bash
# Add what a run published to what was published before, and hold it against the run before. Always ends with 0: the
# codes of asking and of checking go to $GITHUB_OUTPUT, and the job that comes last ends with them.
set -euo pipefail
env=${OPENGAP_ENV:-$HOME/opengap-env}
published=${1:-published} history=${2:-history}

"$env/bin/opengap" publish "$history" --store "$published"
checked=0
"$env/bin/opengap" check --since "$(cat "$published/since")" --store "$history" --markdown \
  >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}" || checked=$?
{
  echo "asked=$(cat "$published/code")"
  echo "checked=$checked"
} >>"${GITHUB_OUTPUT:-/dev/stdout}"
