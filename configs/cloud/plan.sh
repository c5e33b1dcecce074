#!/usr/bin/env bash
# What a scheduled evaluation can cost at most; exit code 3 above $OPENGAP_MAX_USD. Nothing is rented, nothing is asked.
set -euo pipefail
env=${OPENGAP_ENV:-$HOME/opengap-env}
read -ra asked <<<"${OPENGAP_ASKED:-}"
read -ra hosted <<<"${OPENGAP_HOSTED:-}"

# The task file bounds the price of an hour; an hour beside the run's own time covers set-up, grace and autostop.
hour=$(awk '$1 == "max_hourly_cost:" { print $2 }' "${OPENGAP_TASK:?set it to the task file that will be launched}")
: "${hour:?$OPENGAP_TASK sets no max_hourly_cost}"
rent=$(awk -v minutes="$OPENGAP_MINUTES" -v hour="$hour" 'BEGIN { printf "%.2f", (minutes + 60) / 60 * hour }')
left=$(awk -v most="$OPENGAP_MAX_USD" -v rent="$rent" 'BEGIN { printf "%.2f", most - rent }')
echo "machine: at most \$$rent (an hour and $OPENGAP_MINUTES minutes at \$$hour an hour), of \$$OPENGAP_MAX_USD"
if [[ $left == -* ]]; then
  echo "the machine alone can cost more than that: lower OPENGAP_MINUTES or raise OPENGAP_MAX_USD" >&2
  exit 3
fi
if [ ${#hosted[@]} -gt 0 ]; then
  echo "hosted models: at most \$$left"
  "$env/bin/opengap" estimate "${hosted[@]}" "${asked[@]}" --budget "$left"
fi
echo "budget=$left" >>"${GITHUB_OUTPUT:-/dev/null}"
