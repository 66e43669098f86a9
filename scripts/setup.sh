# Shared by ./mansard and ./test: what the build needs, and how it is configured. Sourced, not run.
# Everything it says goes to stderr.

say() { printf 'mansard: %s\n' "$*" >&2; }

core_packages=(g++ cmake ninja-build ccache libfmt-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev
  libboost-dev)
ir_packages=(llvm-19-dev libmlir-19-dev mlir-19-tools)
test_packages=(libgtest-dev libbenchmark-dev llvm-19-tools clang-19 python3)

# Of the packages named, those that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

# Installs what is missing of the packages named, or says what to install and fails.
need_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    say "this system has no apt-get; install the equivalents of: ${missing[*]}"
    return 1
  fi
  local root_runner=()
  if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then
      root_runner=(sudo -n)
    else
      say "these packages are missing, and installing them needs root:"
      say "  sudo apt-get install ${missing[*]}"
      return 1
    fi
  fi
  say "installing ${missing[*]}"
  "${root_runner[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying the lists there are"
  "${root_runner[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >&2 || {
    say "apt-get could not install: ${missing[*]}"
    return 1
  }
}

# configure_and_build PRESET [CMAKE OPTION ...]: into build/PRESET, with ninja's progress on stderr. Leaves a stamp
# as old as the sources it saw: what is newer needs another build.
configure_and_build() {
  local preset=$1 begun
  shift
  begun=$(date +%s)
  export CCACHE_DIR="${CCACHE_DIR:-$root/.cache/ccache}"
  if [ ! -f "$root/build/$preset/build.ninja" ] || [ $# -gt 0 ]; then
    (cd "$root" && cmake --preset "$preset" "$@") >&2 || return 1
  fi
  cmake --build "$root/build/$preset" -j "$(nproc)" >&2 || return 1
  touch -d "@$begun" "$root/build/$preset/.built"
}
