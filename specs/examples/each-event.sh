#!/usr/bin/env bash
# Hands each event of the pinned ledger to a command, as a line of JSON on its standard input.
#
#   each-event.sh curl -sSf --json @- https://backend.example/hook                       a webhook
#   each-event.sh sh -c 'mosquitto_pub -h broker -q 1 -t "tetrad/$EVENT_TYPE" -s'        MQTT
#
# What comes has been proved (`tetrad tail`). It comes in order and at least once: a command that
# fails is run again until it does not. The index of the last event that was taken lies in
# ./each-event.position, where the next run goes on; without it a run begins with the first entry.
#
#   TAIL      options of `tetrad tail`, such as "--type device.register,status.revoke"
#   POSITION  another file for the position
#   PAUSE     seconds before a command is run again, 5 unless it is said
set -euo pipefail

position=${POSITION:-each-event.position}
[ "$#" -gt 0 ] || { echo "usage: each-event.sh COMMAND [ARGUMENT…]" >&2; exit 2; }
[ -e "$position" ] || echo -1 > "$position"

# shellcheck disable=SC2086 # TAIL is several words
tetrad tail --follow --json --after "$(cat "$position")" ${TAIL:-} |
    while IFS= read -r event; do
        index=${event#*'"index":'} index=${index%%[!0-9]*}
        type=${event#*'"type":"'}
        export EVENT_INDEX="$index" EVENT_TYPE="${type%%'"'*}"
        until printf '%s\n' "$event" | "$@"; do
            sleep "${PAUSE:-5}"
        done
        echo "$index" > "$position.new"
        mv "$position.new" "$position"
    done
