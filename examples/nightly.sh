#!/usr/bin/env bash
# Every night: read the exports, write a report for people and one for programs, and say when something is wrong.
#
#   examples/nightly.sh [EXPORTS] [REPORTS]
#
# Ends as crmkpi does: 0 when all is well, 1 when the data cannot be used, 2 when the command line cannot be understood.
set -euo pipefail

exports=${1:-crmkpi-demo}
reports=${2:-reports}
mkdir -p "$reports"

# Here the sample company stands for the export of the CRM.
[ -e "$exports" ] || crmkpi demo --dir "$exports" > "$reports/demo.txt"

measure() {
    crmkpi report sales service \
        --deals "$exports/deals.csv" --tickets "$exports/tickets.csv" \
        --period "last quarter" --compare previous --as-of 2026-10-01 \
        --tz Europe/Berlin --currency EUR --rate CHF=1.05 "$@"
}

# Data goes to standard output, messages (such as rows that could not be read) to standard error.
if measure --format markdown > "$reports/kpis.md" 2> "$reports/messages.txt"; then
    measure --format json > "$reports/kpis.json" 2> /dev/null
else
    status=$?
    echo "The report failed with exit code $status:" >&2
    cat "$reports/messages.txt" >&2
    exit "$status"
fi

echo "Rows that could not be read, and other messages:"
cat "$reports/messages.txt"
echo
cat "$reports/kpis.md"
