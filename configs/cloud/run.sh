#!/usr/bin/env bash
# One scheduled evaluation, on the machine that asks. Start it again after any end: it goes on, and asks nothing twice.
#
#   OPENGAP_SOURCE    what pip installs
#   OPENGAP_MODELS    models that run on this machine; OPENGAP_HOSTED: models asked at their provider
#   OPENGAP_ASKED     what they are asked, as options of `opengap eval`
#   OPENGAP_BUDGET    dollars for the hosted models; OPENGAP_MINUTES: time for everything
#   OPENGAP_OCCASION  name of this occasion: the same name goes on, another one asks anew
#   OPENGAP_HISTORY   store of what was published before, if there is one
#   OPENGAP_OUT       folder for what may leave this machine; OPENGAP_BUCKET: one more place for it
#
# Writes into OPENGAP_OUT beside the published store: `since`, when this occasion began, and `code`, how asking ended.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
env=${OPENGAP_ENV:-$HOME/opengap-env}
home=${OPENGAP_HOME:-$HOME/opengap-run}
out=${OPENGAP_OUT:-$PWD/published}
store=$home/store
begun=$home/occasions/${OPENGAP_OCCASION:?set it to a name of this occasion, such as a date}
read -ra asked <<<"${OPENGAP_ASKED:-}"
read -ra models <<<"${OPENGAP_MODELS:-}"
read -ra hosted <<<"${OPENGAP_HOSTED:-}"

mkdir -p "$store/runs" "$home/occasions" "$out"
[ -s "$begun" ] || date -u +%Y-%m-%dT%H:%M:%SZ >"$begun"
since=$(cat "$begun")
end=$(($(date -u -d "$since" +%s) + 60 * ${OPENGAP_MINUTES:-120}))

OPENGAP_ENV=$env bash "$here/install.sh" "${OPENGAP_ENGINE-vllm}" || exit
# Earlier runs tell which revisions of weights and data to ask again.
[ -d "${OPENGAP_HISTORY:-}/runs" ] && cp -Rn "$OPENGAP_HISTORY/runs/." "$store/runs/"

code=0
ask() {
  local left=$((end - $(date +%s))) status=0
  [ $left -gt 0 ] || left=1
  timeout --signal=TERM --kill-after=120 "$left" "$env/bin/opengap" eval "$@" "${asked[@]}" \
    --again-since "$since" --store "$store" || status=$?
  [ $status -gt $code ] && code=$status
}
[ ${#models[@]} -gt 0 ] && ask "${models[@]}"
[ ${#hosted[@]} -gt 0 ] && ask "${hosted[@]}" ${OPENGAP_BUDGET:+--budget "$OPENGAP_BUDGET"}

# Whatever was sealed is published, however asking ended; the report is drawn where nothing is paid by the hour.
"$env/bin/opengap" publish "$out" --no-report --store "$store" || [ $code -gt 1 ] || code=4
echo "$since" >"$out/since"
echo "$code" >"$out/code"
[ -n "${OPENGAP_BUCKET:-}" ] && cp -R "$out/." "$OPENGAP_BUCKET/"
exit "$code"
