#!/bin/sh
# Finds what Lafia is built and run with, and installs what is missing with this system's package manager.
#
#   .tools/setup.sh         Go, the PostgreSQL server, Redis or Valkey
#   .tools/setup.sh test    the same, and a browser with a font, for the tests of the web pages
#
# It says nothing when nothing is missing. It starts no service, stops none, and leaves running none that it installed:
# Lafia starts a PostgreSQL and a Redis of its own, and never touches those of the system.
set -u

pg_least=15 # as in internal/servers: what Debian 12 has, and the oldest that is tested
root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/local/go/bin:/opt/homebrew/bin:/usr/local/bin
export PATH

have() { command -v "$1" >/dev/null 2>&1; }
say() { echo "setup: $*"; }
fail() {
	echo "setup: $*" >&2
	exit 1
}

# ---- what is here ---------------------------------------------------------------------------------------------------

go_version=
go_ok() { # asked inside the module, so that a Go of 1.21 or later may fetch the one that go.mod wants
	have go || return 1
	go_version=$(cd "$root" && go env GOVERSION 2>/dev/null) || return 1
	case $go_version in
	go1.2[6-9]* | go1.[3-9][0-9]* | go[2-9]* | devel*) return 0 ;;
	esac
	return 1
}

pg_found= # the newest version met, for the message
pg_dir_ok() {
	[ -x "$1/postgres" ] && [ -x "$1/initdb" ] || return 1
	# "postgres (PostgreSQL) 15.14 (Debian …)"
	pg_version=$("$1/postgres" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p')
	[ -n "$pg_version" ] || return 1
	[ "${pg_found:-0}" -ge "$pg_version" ] || pg_found=$pg_version
	[ "$pg_version" -ge $pg_least ]
}

pg_ok() { # the places and their order are those of internal/servers
	if [ -n "${LAFIA_PG_BIN:-}" ]; then
		pg_dir_ok "$LAFIA_PG_BIN" && return 0
		fail "LAFIA_PG_BIN=$LAFIA_PG_BIN holds no PostgreSQL server >= $pg_least (postgres and initdb); correct or unset it"
	fi
	if have postgres; then
		pg_dir_ok "$(dirname "$(command -v postgres)")" && return 0
	fi
	if have pg_config; then
		pg_dir_ok "$(pg_config --bindir)" && return 0
	fi
	for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql*; do
		pg_dir_ok "$dir" && return 0
	done
	for dir in /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql*/bin; do
		pg_dir_ok "$dir" && return 0
	done
	return 1
}

redis_ok() { have redis-server || have valkey-server; }

browser_ok() {
	for name in chromium chromium-browser chromium-headless-shell google-chrome google-chrome-stable; do
		have "$name" || continue
		# Ubuntu's chromium-browser is a script that only asks for a snap.
		head -c 4096 "$(command -v "$name")" 2>/dev/null | grep -qs 'snap install' || return 0
	done
	for app in '/Applications/Chromium.app/Contents/MacOS/Chromium' '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
		[ -x "$app" ] && return 0
	done
	return 1
}

font_ok() { # ɛ ɔ ŋ ɲ must have a shape in the pictures
	[ "$(uname -s)" = Darwin ] && return 0
	for file in /usr/share/fonts/*/DejaVuSans.ttf /usr/share/fonts/*/*/DejaVuSans.ttf; do
		[ -e "$file" ] && return 0
	done
	return 1
}

missing=
go_ok || missing="$missing go"
pg_ok || missing="$missing postgresql"
redis_ok || missing="$missing redis"
if [ "${1:-}" = test ]; then
	browser_ok || missing="$missing browser"
	font_ok || missing="$missing font"
fi
[ -n "$missing" ] || exit 0

# ---- what to install ------------------------------------------------------------------------------------------------

if have apt-get; then
	manager=apt-get
elif have dnf; then
	manager=dnf
elif have apk; then
	manager=apk
elif have pacman; then
	manager=pacman
elif have brew; then
	manager=brew
else
	fail "missing:$missing; no apt-get, dnf, apk, pacman or brew here: install them by hand, then run make again"
fi

# package WHAT: the names that hold it, the preferred one first
package() {
	case $manager:$1 in
	apt-get:go) echo "golang-1.26-go golang-go" ;;
	apt-get:postgresql) echo postgresql ;;
	apt-get:redis) echo "redis-server valkey-server" ;;
	apt-get:browser) echo "chromium chromium-headless-shell" ;;
	apt-get:font) echo fonts-dejavu-core ;;
	dnf:go) echo golang ;;
	dnf:postgresql) echo postgresql-server ;;
	dnf:redis) echo "valkey redis" ;;
	dnf:browser) echo "chromium-headless chromium" ;;
	dnf:font) echo dejavu-sans-fonts ;;
	apk:go) echo go ;;
	apk:postgresql) echo "postgresql18 postgresql17 postgresql16 postgresql15" ;;
	apk:redis) echo "valkey redis" ;;
	apk:browser) echo chromium ;;
	apk:font) echo "font-dejavu ttf-dejavu" ;;
	pacman:go) echo go ;;
	pacman:postgresql) echo postgresql ;;
	pacman:redis) echo "valkey redis" ;;
	pacman:browser) echo chromium ;;
	pacman:font) echo ttf-dejavu ;;
	brew:go) echo go ;;
	brew:postgresql) echo postgresql@17 ;;
	brew:redis) echo "redis valkey" ;;
	brew:browser) echo "--cask chromium" ;;
	esac
}

install_line() {
	case $manager in
	apt-get) echo "apt-get install -y --no-install-recommends $*" ;;
	dnf) echo "dnf install -y --setopt=install_weak_deps=False $*" ;;
	apk) echo "apk add --no-cache $*" ;;
	pacman) echo "pacman -S --noconfirm --needed $*" ;;
	brew) echo "brew install $*" ;;
	esac
}

refresh_line() {
	case $manager in
	apt-get) echo "apt-get update" ;;
	pacman) echo "pacman -Sy" ;;
	*) echo true ;;
	esac
}

first_names() {
	for what in $missing; do
		names=$(package "$what")
		case $names in
		--cask*) ;;
		*) names=${names%% *} ;;
		esac
		printf ' %s' "$names"
	done
}

as_root=
if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
	if have sudo && sudo -n true 2>/dev/null; then
		as_root="sudo -n"
	else
		# shellcheck disable=SC2046
		fail "missing:$missing; run this, then make again: sudo sh -c '$(refresh_line) && $(install_line $(first_names | sed 's/^ //'))'"
	fi
fi

log=$(mktemp "${TMPDIR:-/tmp}/lafia-setup.XXXXXX") || exit 1
policy= # a policy-rc.d of our own, so that Debian's packages start no service while they are installed
cleanup() {
	rm -f "$log"
	[ -z "$policy" ] || $as_root rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# run COMMAND…: as root, unattended, its output kept for the case that it fails
run() {
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@" >>"$log" 2>&1 </dev/null
}

before=$(ls -d /etc/postgresql/*/* 2>/dev/null)
if [ "$manager" = apt-get ] && [ ! -e /usr/sbin/policy-rc.d ]; then
	policy=/usr/sbin/policy-rc.d
	# shellcheck disable=SC2016
	run sh -c 'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d'
fi

refresh=$(refresh_line)
if [ "$refresh" != true ]; then
	say "$refresh"
	# shellcheck disable=SC2086
	run $refresh || say "$refresh did not succeed; going on with the lists that are here"
fi

for what in $missing; do
	done=
	names=$(package "$what")
	case $names in
	--cask*) set -- "$names" ;;
	# shellcheck disable=SC2086
	*) set -- $names ;;
	esac
	for name; do
		# shellcheck disable=SC2086
		line=$(install_line $name)
		say "$line"
		if [ "$manager" = apt-get ]; then
			line="$line -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3"
		fi
		# shellcheck disable=SC2086
		if run $line; then
			done=yes
			break
		fi
	done
	if [ -z "$done" ]; then
		tail -n 5 "$log" >&2
		fail "$manager could not install $what (its last words are above); install it by hand, then run make again"
	fi
	# Enabled by their packages, these would start at the next boot. A cluster that was here before is somebody's: left alone.
	if [ -d /run/systemd/system ] && [ "$manager" != brew ]; then
		case $what in
		redis) run systemctl disable --now redis-server.service || run systemctl disable --now valkey-server.service || true ;;
		postgresql) [ -n "$before" ] || run systemctl disable --now postgresql.service || true ;;
		esac
	fi
done

# ---- is it there now ------------------------------------------------------------------------------------------------

hash -r
for what in $missing; do
	case $what in
	go) go_ok || fail "Go 1.26 or later is needed, here is ${go_version:-none}; get it from https://go.dev/dl/ into /usr/local/go" ;;
	postgresql) pg_ok || fail "a PostgreSQL server >= $pg_least is needed, this system's is ${pg_found:-not found}; take one from https://www.postgresql.org/download/ and set LAFIA_PG_BIN to its bin folder" ;;
	redis) redis_ok || fail "installed, but neither redis-server nor valkey-server is on PATH" ;;
	browser) browser_ok || fail "no usable Chromium was installed; install Chromium or Google Chrome by hand" ;;
	esac
done
exit 0
