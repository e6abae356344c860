# apt, for scripts/setup.

apt_as_root() {
  if [ "$(id -u)" = 0 ]; then DEBIAN_FRONTEND=noninteractive apt-get "$@"; else sudo -n env DEBIAN_FRONTEND=noninteractive apt-get "$@"; fi
}

# Package lists may be absent (a fresh root) or old: refreshed once a run, when first needed.
apt_refresh() {
  [ -z "${apt_refreshed:-}" ] || return 0
  apt_as_root update -q=2 >&2
  apt_refreshed=1
}

apt_missing() {
  local package
  local installed; installed=" $(dpkg-query -W -f '${db:Status-Status}=${Package} ' "$@" 2>/dev/null || true)"
  for package in "$@"; do
    case $installed in *" installed=$package "*) ;; *) printf '%s ' "$package" ;; esac
  done
}

# apt_install PACKAGE...: installs those that are not; without the right to, says the command to type.
apt_install() {
  local missing; missing=$(apt_missing "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    echo "setup: packages are missing; run this, then repeat:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing" >&2
    exit 1
  fi
  echo "setup: installing $missing" >&2
  apt_refresh
  # shellcheck disable=SC2086
  apt_as_root install -y -q=2 --no-install-recommends -o Dpkg::Use-Pty=0 $missing > /dev/null
}

# apt_has PACKAGE MAJOR: whether this machine's sources have at least that version.
apt_has() {
  local candidate; candidate=$(apt-cache policy "$1" | sed -n 's/^ *Candidate: *//p')
  if [ -z "$candidate" ] && [ -z "${apt_refreshed:-}" ] && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    apt_refresh
    candidate=$(apt-cache policy "$1" | sed -n 's/^ *Candidate: *//p')
  fi
  [ -n "$candidate" ] && [ "$candidate" != "(none)" ] && dpkg --compare-versions "$candidate" ge "$2"
}

# apt_download DIR PACKAGE...: the packages alone, as files; lists that are out of date are refreshed once.
apt_download() {
  local target=$1; shift
  (cd "$target" && { apt-get -q=2 -o "APT::Sandbox::User=$(id -un)" download "$@" >&2 || {
    apt_refresh && apt-get -q=2 -o "APT::Sandbox::User=$(id -un)" download "$@" >&2; }; })
}

# apt_entries PATTERN: the text of the machine's own source files of that kind.
apt_entries() {
  local file
  for file in $1; do
    [ ! -e "$file" ] || { cat "$file"; echo; }
  done
}

# The machine's own sources with its release replaced by the release's backports, as files in folder $1: apt has two ways to write them.
apt_backports_sources() {
  local release; release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  apt_entries "/etc/apt/sources.list /etc/apt/sources.list.d/*.list" | awk -v r="$release" '
    $1 == "deb" { for (i = 3; i <= NF; i++) if ($i == r) { $i = r "-backports"; print; next } }' > "$1/backports.list"
  apt_entries "/etc/apt/sources.list.d/*.sources" | awk -v r="$release" -v RS= -v ORS='\n\n' '
    $0 ~ "(^|\n)Suites:[^\n]*[ \t]" r "([ \t\n]|$)" { gsub(/Suites:[^\n]*/, "Suites: " r "-backports"); print }' > "$1/backports.sources"
}

# apt_download_from_backports PACKAGE DIR: with lists and cache of its own, so the machine's sources stay as they are.
apt_download_from_backports() {
  local package=$1 target=$2 root; root=$(mktemp -d)
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$root/parts"
  apt_backports_sources "$root/parts"
  local options=(-q=2 -o "Dir::Etc::SourceList=$root/none" -o "Dir::Etc::SourceParts=$root/parts" -o "Dir::State::Lists=$root/lists"
                 -o "Dir::Cache=$root/cache" -o "APT::Sandbox::User=$(id -un)")
  : > "$root/none"
  apt-get "${options[@]}" update >&2
  (cd "$target" && apt-get "${options[@]}" download "$package" >&2)
  rm -rf "$root"
}
