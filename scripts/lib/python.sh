# The virtual environment .deps/venv, for scripts/setup.

python_run() {
  [ -x .deps/venv/bin/python ] || python3 -m venv .deps/venv
  .deps/venv/bin/python "$@"
}

# python_packages FILE: installs its pinned packages unless that very file has been installed already.
python_packages() {
  local stamp; stamp=.deps/venv/$(basename "$1" .txt).installed
  ! cmp -s "$1" "$stamp" || return 0
  python_run -m pip install -q -r "$1" >&2
  cp "$1" "$stamp"
}
