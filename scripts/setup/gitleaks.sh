#!/bin/sh
# Set-up step: gitleaks, for the pre-push hook and its tests. Prints where it is.
# Where it is not on the PATH, the package of this or a newer suite of the distribution is unpacked into our own directory: with package
# lists of our own, so that neither the system's sources nor what it has installed change. The distribution's keys sign it.
set -eu
home=${XDG_DATA_HOME:-$HOME/.local/share}/bottle/gitleaks
for found in "$(command -v gitleaks || true)" "$home/gitleaks"; do
  if [ -x "$found" ]; then
    echo "$found"
    exit 0
  fi
done

nothing_here() {
  echo "none: pushes of this checkout are refused until it is installed ($1)"
  exit 0
}
command -v apt-get >/dev/null && command -v dpkg >/dev/null || nothing_here 'see bottle hooks --help'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources"
# apt-get as the system has it, with other lists.
apt() {
  apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" -o "Dir::State::Lists=$work/lists" \
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 "$@"
}
. /etc/os-release
case ${ID:-} in
  ubuntu) newer='noble oracular plucky questing' ;;
  *) newer='trixie forky sid' ;;
esac
for suite in "${VERSION_CODENAME:-stable}" $newer; do
  # The system's own sources, of this suite.
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$file" ] && sed -n "s|^\(deb .*[^ ]*://[^ ]*\) ${VERSION_CODENAME:-stable} .*|\1 $suite main universe|p" "$file"
  done >"$work/sources/one.list"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -r "$file" ] && awk -v RS= -v ORS='\n\n' -v own="${VERSION_CODENAME:-stable}" '$0 ~ "Suites:[^\n]*" own && $0 !~ "Suites:[^\n]*-security *\n"' "$file" |
      sed "s|^Suites:.*|Suites: $suite|"
  done >"$work/sources/one.sources"
  echo "    looking for gitleaks in $suite" >&2
  apt update >/dev/null 2>&1 || continue
  if (cd "$work" && apt download gitleaks >/dev/null 2>&1); then break; fi
done
set -- "$work"/gitleaks_*.deb
[ -f "$1" ] || nothing_here 'no suite of this distribution has it'
dpkg -x "$1" "$work/unpacked"
"$work/unpacked/usr/bin/gitleaks" version >/dev/null
mkdir -p "$home"
mv "$work/unpacked/usr/bin/gitleaks" "$home/gitleaks.new.$$"
mv "$home/gitleaks.new.$$" "$home/gitleaks"
echo "$home/gitleaks"
