#!/usr/bin/env bash
# A nightly job: read the exports, write a report in Markdown and in JSON, and print warnings.
#
#   examples/nightly.sh [EXPORTS] [REPORTS]
#
# Exit codes are those of crmkpi: 0 for success, 1 for unusable data, 2 for an invalid command line.
set -euo pipefail

exports=${1:-crmkpi-demo}
reports=${2:-reports}
mkdir -p "$reports"

# The sample company replaces the export of a CRM.
[ -e "$exports" ] || crmkpi demo --dir "$exports" > "$reports/demo.txt"

measure() {
    crmkpi report sales service \
        --deals "$exports/deals.csv" --tickets "$exports/tickets.csv" \
        --period "last quarter" --compare previous --as-of 2026-10-01 \
        --tz Europe/Berlin --currency EUR --rate CHF=1.05 "$@"
}

# Data goes to stdout, messages (such as rows that could not be read) to stderr.
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
