# The cross compiler, the emulator and the arm64 libraries, for scripts/setup --arm64.
#
# The libraries are those of this machine's own release, unpacked to .deps/arm64: nothing about the machine's packages changes. A private
# apt root that knows the architecture arm64 alone finds what they depend on.

arm64_libraries=(libonnx-dev libprotobuf-dev libcli11-dev libspdlog-dev nlohmann-json3-dev libjpeg-dev libpng-dev nettle-dev
                 libminizip-dev zlib1g-dev)

# arm64_apt ROOT COMMAND...: apt-get or apt-cache in that private root.
arm64_apt() {
  local root=$1; shift
  APT_CONFIG=$root/apt.conf "$@"
}

# arm64_root ROOT: sources of this machine that name its release, and its backports, all for arm64.
arm64_root() {
  local root=$1 release; release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$root/parts"
  : > "$root/none"
  : > "$root/status"
  cat > "$root/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "$(id -un)";
Dir::Etc::SourceList "$root/none";
Dir::Etc::SourceParts "$root/parts";
Dir::State::Lists "$root/lists";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
CONF
  apt_entries "/etc/apt/sources.list /etc/apt/sources.list.d/*.list" | awk -v r="$release" '
    $1 == "deb" { for (i = 2; i <= NF; i++) if ($i == r) { sub(/arch=[a-z0-9,]*/, "arch=arm64"); print; next } }' > "$root/parts/release.list"
  apt_entries "/etc/apt/sources.list.d/*.sources" | awk -v r="$release" -v RS= -v ORS='\n\n' '
    $0 ~ "(^|\n)Suites:[^\n]*[ \t]" r "([ \t\n]|$)" { gsub(/\nArchitectures:[^\n]*/, ""); print }' > "$root/parts/release.sources"
  apt_backports_sources "$root/parts"
  sed -i 's/arch=[a-z0-9,]*/arch=arm64/' "$root/parts/backports.list"
  sed -i '/^Architectures:/d' "$root/parts/backports.sources"
  arm64_apt "$root" apt-get -q=2 update >&2
}

# Links to absolute paths would leave the sysroot.
arm64_relative_links() {
  local root=$1 link target
  find "$root" -type l -lname '/*' | while read -r link; do
    target=$root$(readlink "$link")
    ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$target")" "$link"
  done
}

# The packages of Catch2 3: in Debian 12 from its backports, where they have another name.
arm64_catch2() {
  local version; version=$(arm64_apt "$1" apt-cache policy catch2 | sed -n 's/^ *Candidate: *//p')
  if dpkg --compare-versions "$version" ge 3; then echo catch2; else echo "libcatch2-dev catch2/$(. /etc/os-release && echo "$VERSION_CODENAME")-backports"; fi
}

# Fails where this machine's sources have no arm64 (Ubuntu keeps it elsewhere).
arm64_sysroot() {
  local root package
  root=$(mktemp -d)
  arm64_root "$root" || return 1
  # shellcheck disable=SC2046
  arm64_apt "$root" apt-get -q=2 -y --no-install-recommends --download-only install "${arm64_libraries[@]}" $(arm64_catch2 "$root") \
    "libstdc++-$(aarch64-linux-gnu-gcc -dumpversion | cut -d. -f1)-dev" > /dev/null || return 1
  rm -rf .deps/arm64.new
  mkdir -p .deps/arm64.new
  for package in "$root"/cache/archives/*.deb; do dpkg-deb -x "$package" .deps/arm64.new; done
  [ -e .deps/arm64.new/lib ] || ln -s usr/lib .deps/arm64.new/lib
  arm64_relative_links .deps/arm64.new
  mv .deps/arm64.new .deps/arm64
  rm -rf "$root"
}

setup_arm64() {
  apt_install g++-aarch64-linux-gnu qemu-user
  [ -e .deps/arm64 ] || arm64_sysroot ||
    echo "setup: this machine's package sources have no arm64 libraries; the ARM build is left out" >&2
}
