#!/usr/bin/env bash
# The published store on a branch of its own: `history.sh fetch DIR`, `history.sh push DIR`. $GH_TOKEN opens the repository.
set -euo pipefail
action=$1 folder=$2 branch=${OPENGAP_BRANCH:-opengap-results}
url=${OPENGAP_REPOSITORY:-https://x-access-token:${GH_TOKEN:-}@${GITHUB_SERVER_URL#https://}/$GITHUB_REPOSITORY}

case $action in
fetch)
  git init --quiet "$folder"
  # 2: there is no such branch yet; any other failure is one.
  found=0
  git ls-remote --quiet --exit-code --heads "$url" "$branch" >/dev/null || found=$?
  [ $found -eq 2 ] && exit 0
  [ $found -eq 0 ] || exit "$found"
  git -C "$folder" fetch --quiet --depth=1 "$url" "$branch"
  git -C "$folder" checkout --quiet --detach FETCH_HEAD
  ;;
push)
  git -C "$folder" add --all
  git -C "$folder" diff --cached --quiet && exit 0
  git -C "$folder" -c user.name=opengap -c user.email=opengap@users.noreply.github.com commit --quiet --message "Results of $(date -u +%F)"
  git -C "$folder" push --quiet "$url" "HEAD:refs/heads/$branch"
  ;;
*)
  echo "fetch or push, not $action" >&2
  exit 2
  ;;
esac
