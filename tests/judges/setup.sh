#!/bin/sh
# Installs the judges: Debian packages when this user may, and the npm packages of package.json
# (versions and hashes pinned in package-lock.json) into var/judges/node, which git ignores.
# With `quick` only what `make test` uses; where npm is missing those from npm are left out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="$here/../../var/judges/node"

install_debian() {
  missing=""
  need() { # file or program, package
    PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || missing="$missing $2"
  }
  need spamassassin spamassassin
  need /usr/share/perl5/Mail/SPF.pm libmail-spf-perl
  need /usr/share/perl5/Mail/DMARC.pm libmail-dmarc-perl
  need /usr/share/perl5/Mail/DKIM.pm libmail-dkim-perl
  need rspamd rspamd
  need dkimverify python3-dkim
  need opendkim-testmsg opendkim-tools
  need firefox-esr firefox-esr
  need thunderbird thunderbird
  need Xvfb xvfb
  need xdotool xdotool
  need import imagemagick
  need dbus-run-session dbus-daemon
  need ip iproute2
  need npm npm
  need postfix postfix
  need "$(echo /usr/lib/*/girepository-1.0/WebKit2-4.1.typelib)" 'gir1.2-webkit2-4.1 gir1.2-gtk-3.0'
  need /usr/lib/python3/dist-packages/gi python3-gi
  need /usr/lib/python3/dist-packages/nacl python3-nacl
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "These judges are missing (as root on Debian: apt-get install$missing)"
    return 0
  fi
  echo "Installing judges:$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  apt-get update -q >/dev/null && apt-get install -q -y --no-install-recommends $missing >/dev/null
}

install_npm() {
  if ! command -v npm >/dev/null 2>&1; then
    echo "npm is not installed, so the judges from npm are left out"
    return 0
  fi
  mkdir -p "$home"
  cmp -s "$here/package-lock.json" "$home/installed" && return 0
  echo "Installing judges from npm (once, about 15 seconds) …"
  cp "$here/package.json" "$here/package-lock.json" "$home/"
  (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || {
    echo "npm failed; the judges from npm are left out"
    return 0
  }
  cp "$here/package-lock.json" "$home/installed"
}

[ "${1:-}" = quick ] || install_debian
install_npm
