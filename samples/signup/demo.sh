#!/usr/bin/env bash
# demo.sh PATH/TO/signup: starts the server, signs up three times over real HTTP, and shows what came of it; then once
# more with the flow that is written as a story.
# Exits non-zero, with a sentence, if any step did not happen. Leaves nothing behind.
set -euo pipefail

(($# == 1)) || { echo "usage: demo.sh PATH/TO/signup" >&2; exit 2; }
signup=$1
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
data=$(mktemp -d)
server=

cleanup() {
  if [[ -n $server ]]; then kill -KILL "$server" 2> /dev/null || true; fi
  rm -rf "$data"
}
trap cleanup EXIT

bold='' plain=''
if [[ -t 1 ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
die() { printf '\ndemo: %s\n' "$*" >&2; sed 's/^/  server: /' "$data/stderr" >&2 || true; exit 1; }

# await SECONDS COMMAND...: until it succeeds.
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.02
  done
}

# start FOLDER ARGUMENTS...: the server, on that folder of data.
start() {
  folder=$data/$1
  shift
  "$signup" --listen 127.0.0.1:0 --data "$folder" "$@" > "$data/stdout" 2> "$data/stderr" &
  server=$!
  await 10 grep -q '^listening on ' "$data/stdout" || die "the server did not start"
  url=$(sed -n 's/^listening on //p' "$data/stdout")
  echo "listening on $url"
}

# causes: of the last sign-up. The log is written by a listener of its own, which may be a little
# behind the answer.
signed_up() { grep '"event":"signup.user_signed_up"' "$folder/audit.log"; }
answered() { grep "\"correlation\":\"$story\"" "$folder/audit.log" | grep -q 'http.response'; }
causes() {
  await 10 signed_up > "$data/line" || die "the audit log has no UserSignedUp"
  story=$(sed -n 's/.*"correlation":"\([^"]*\)".*/\1/p' "$data/line")
  await 10 answered || die "the audit log has no answer to the good one"
  python3 "$here/causes.py" "$folder/audit.log" "$story" || die "the audit log could not be read"
}

stop() {
  kill -TERM "$server"
  wait "$server" || die "the server did not end well"
  server=
  echo "SIGTERM: drained and gone"
}

title "The server"
start events

# ask EXPECTED BODY: signs up and checks the answer's status; the answer is in $data/answer.
ask() {
  local status
  printf "\n$ curl --data '%s' %s/signup\n" "$2" "$url"
  status=$(curl --silent --max-time 10 --output "$data/answer" --write-out '%{http_code}' \
    --data "$2" "$url/signup") || die "curl failed"
  printf '%s  %s\n' "$status" "$(cat "$data/answer")"
  [[ $status == "$1" ]] || die "the answer should have been $1"
}

title "Three sign-ups"
ask 201 '{"email": "ada@example.org", "name": "Ada Lovelace"}'
id=$(sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' "$data/answer")
[[ -n $id ]] || die "the answer names no id"
ask 409 '{"email": "ada@example.org", "name": "Ada Lovelace"}'
ask 400 '{"email": "not an address", "name": "Nobody"}'

title "The row"
row=$(sqlite3 -header -column "$folder/signup.db" 'SELECT id, email, name, state FROM users')
echo "$row"
[[ $row == *"$id"*ada@example.org*active* ]] || die "there is no active row of $id"
rows=$(sqlite3 "$folder/signup.db" 'SELECT count(*) FROM users')
[[ $rows == 1 ]] || die "there should be one row, there are $rows"

title "The mail"
mails=("$folder"/mail/new/*)
((${#mails[@]} == 1)) && [[ -f ${mails[0]} ]] || die "there should be one mail"
cat "${mails[0]}"
grep -q '^To: ada@example.org' "${mails[0]}" || die "the mail is not to Ada"

title "What caused what: event #number +linked events → its listeners (from the audit log alone)"
causes

title "The end"
stop

title "The same sign-up, written as a story"
start story --flow story
ask 201 '{"email": "ada@example.org", "name": "Ada Lovelace"}'
causes
stop
