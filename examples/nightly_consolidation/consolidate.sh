#!/bin/sh
# The daily consolidation: is our list of a day the registry's? By the checksum first. When that differs, the list is judged
# row by row, and the result says who differs and who is missing. Settings are in the environment: README.md.
#
#   consolidate.sh [DAY]      yesterday (WIB) if left out
#
# 0: the same. 1: they differ, and the result is in RESULTS. 2: it could not be compared.
set -eu
umask 077
: "${PEMUDIK:?the address of the registry}" "${PEMUDIK_CLIENT_ID:?}" "${PEMUDIK_CLIENT_SECRET:?}"
: "${LIST:?the command that prints the list of day \$1: the 12 columns as CSV, with semicolons}" "${RESULTS:?a folder}"
day=${1:-$(TZ=Asia/Jakarta date -d yesterday +%Y-%m-%d)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' INT TERM

failed() {
    echo "Konsolidasi $day gagal: $1" >&2
    exit 2
}

# Secrets go by standard input: what stands in a command line can be read by everybody on the machine.
registry() {
    printf '%s\n' "$secretly" | curl --config - --silent --show-error --fail-with-body --max-time 120 \
        --retry 5 --retry-connrefused --output "$work/answer" "$@" || failed "$(head -c 500 "$work/answer" 2>/dev/null)"
}

# A field of the answer. They are flat: no JSON parser is needed.
field() {
    sed -n "s/.*\"$1\": *\"\{0,1\}\([^,\"}]*\).*/\1/p" "$work/answer"
}

sign_in() {
    secretly="user = \"$PEMUDIK_CLIENT_ID:$PEMUDIK_CLIENT_SECRET\""
    registry --data grant_type=client_credentials "$PEMUDIK/oauth/token"
    secretly="header = \"Authorization: Bearer $(field access_token)\""
}

# A line for each standing registrant, as `Consolidation.checksum` in schema.graphql says. A route of motorcycles is known by
# its name: the 12 columns have nothing else.
lines() {
    awk -F';' '
        NR == 1 { for (place = 1; place <= NF; place++) at[$place] = place; next }
        $at["status_pemesanan_code"] <= 3 {
            direction = tolower($at["tipe_keberangkatan"]) ~ /balik/ ? "BALIK" : "MUDIK"
            service = tolower($at["rute_perjalanan"]) ~ /motor/ ? "MOTORCYCLE" : "PASSENGER"
            print $at["data_nik"] "|" direction "|" service "|" $at["status_pemesanan_code"]
        }' | LC_ALL=C sort
}

sh -c "$LIST" list "$day" > "$work/list" || failed "the list could not be made"
sed '1s/^\xef\xbb\xbf//; s/\r$//; s/"//g' "$work/list" | lines > "$work/lines"
ours=$(sha256sum < "$work/lines" | cut -d ' ' -f 1)

sign_in
registry "$PEMUDIK/consolidation/$day"
theirs=$(field checksum) standing=$(field standing)
if [ "$ours" = "$theirs" ]; then
    echo "Konsolidasi $day: sama, $standing pendaftaran."
    exit 0
fi

# Nothing is changed by a dry run. SEND=yes has the rows taken in; who is missing is never cancelled by this program.
dry_run=true
[ "${SEND:-no}" != yes ] || dry_run=false
registry --form "file=@$work/list;filename=$day.csv;type=text/csv" "$PEMUDIK/import?mode=snapshot&day=$day&dryRun=$dry_run"
job=$(field id)
while :; do
    case $(field state) in
        DONE) break ;;
        FAILED) failed "$(cat "$work/answer")" ;;
    esac
    sleep 2
    # A token is good for 15 minutes; a long file takes longer.
    sign_in
    registry "$PEMUDIK/import/$job"
done
for name in new updated unchanged stale refused missing; do
    counts="${counts:-}, $name $(field $name)"
done
registry "$PEMUDIK/import/$job/result.csv"
mkdir -p "$RESULTS"
mv "$work/answer" "$RESULTS/$day.csv"
echo "Konsolidasi $day: BERBEDA. Kami $(wc -l < "$work/lines" | tr -d ' '), registri $standing$counts. Hasil: $RESULTS/$day.csv"
exit 1
