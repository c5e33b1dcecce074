#!/usr/bin/env bash
# End every machine of a scheduled evaluation that is older than $OPENGAP_MAX_HOURS, in all regions of the account.
# SkyPilot forgets its machines with the job that rented them; their tags stay. Needs the AWS command line and its keys.
set -euo pipefail
oldest=$(date -u -d "-${OPENGAP_MAX_HOURS:-4} hours" +%Y-%m-%dT%H:%M:%S)
for region in $(aws ec2 describe-regions --query 'Regions[].RegionName' --output text); do
  old=$(aws ec2 describe-instances --region "$region" --output text \
    --filters 'Name=tag:skypilot-cluster-name,Values=opengap-*' \
    'Name=instance-state-name,Values=pending,running,stopping,stopped' \
    --query "Reservations[].Instances[?LaunchTime<='$oldest'].InstanceId")
  [ -n "$old" ] || continue
  echo "$region: ending $old"
  # One word an instance.
  # shellcheck disable=SC2086
  aws ec2 terminate-instances --region "$region" --output text --instance-ids $old >/dev/null
done
