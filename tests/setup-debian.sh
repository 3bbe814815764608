#!/bin/sh
# Installs the Debian packages that some tests use, when this user may; otherwise says which
# are missing, and those tests are skipped by name (with CI=true such a skip is a failure).
set -eu

missing=""
need() { # program, package
  PATH="$PATH:/usr/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')" \
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need chromium chromium
need smtp-sink postfix
need dovecot 'dovecot-imapd dovecot-pop3d'
need initdb postgresql
need gpg gnupg
need hb-shape libharfbuzz-bin
need notmuch notmuch
need mutt mutt
need mshow mblaze
[ -e /usr/share/perl5/Email/MIME.pm ] || missing="$missing libemail-mime-perl"
need uconv icu-devtools
[ -e /usr/share/fonts/truetype/padauk/Padauk-Regular.ttf ] || missing="$missing fonts-sil-padauk"
[ -e /usr/share/fonts/truetype/noto/NotoSansMyanmar-Regular.ttf ] || missing="$missing fonts-noto-core"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Not installed, so the tests that need them will be skipped:$missing"
  echo "(as root on Debian: apt-get install$missing)"
  exit 0
fi
echo "Installing for the tests:$missing"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log"
  echo "apt-get failed; the tests that need$missing will be skipped"
fi
rm -f "$log"
