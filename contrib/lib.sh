# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What quickstart, test and bench share: telling, packages, builds. Sourced, never run.

export LC_ALL=C.UTF-8

# Colour only for a person.
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
	bold=$'\e[1m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
else
	bold='' red='' dim='' plain=''
fi

say() {
	printf '%s==>%s %s\n' "$bold" "$plain" "$*"
}

note() {
	printf '    %s%s%s\n' "$dim" "$*" "$plain"
}

die() {
	printf '%s: %s%s%s\n' "${0##*/}" "$red" "$*" "$plain" >&2
	exit 1
}

have() {
	command -v "$1" >/dev/null 2>&1
}

need_root() {
	((EUID == 0)) && return
	die "$1 needs root: sudo ${0}"
}

# The words each package manager uses; asked for in Debian's names, one `deb|dnf|apk|pacman|zypper`
# a line. A dash means that nothing is needed there.
package_names() {
	cat <<-'END'
		gcc|gcc|gcc|gcc|gcc
		libc6-dev|glibc-devel glibc-static|musl-dev linux-headers|-|glibc-devel glibc-devel-static
		binutils|binutils|binutils|binutils|binutils
		meson|meson|meson|meson|meson
		ninja-build|ninja-build|samurai|ninja|ninja
		pkg-config|pkgconf|pkgconf|pkgconf|pkgconf
		libyajl-dev|yajl-devel|yajl-dev|yajl|libyajl-devel
		libseccomp-dev|libseccomp-devel libseccomp-static|libseccomp-dev libseccomp-static|libseccomp|libseccomp-devel
		libcap-dev|libcap-devel libcap-static|libcap-dev libcap-static|libcap|libcap-devel
		libmnl-dev|libmnl-devel|libmnl-dev|libmnl|libmnl-devel
		libsystemd-dev|systemd-devel|-|systemd-libs|systemd-devel
		musl-tools|-|-|-|-
		gperf|-|-|-|-
		make|-|-|-|-
		dpkg-dev|-|-|-|-
		iproute2|iproute|iproute2|iproute2|iproute2
		mount|util-linux|util-linux|util-linux|util-linux
		procps|procps-ng|procps|procps-ng|procps
		bsdutils|util-linux|util-linux|util-linux|util-linux
		busybox-static|busybox|busybox-static|busybox|busybox-static
		check|check-devel|check-dev|check|libcheck-devel
		python3|python3|python3|python|python3
		python3-pytest|python3-pytest|py3-pytest|python-pytest|python3-pytest
		clang|clang compiler-rt|clang compiler-rt|clang compiler-rt|clang
		libclang-rt-dev|-|-|-|-
		clang-format|clang-tools-extra|clang-extra-tools|-|-
		clang-tidy|-|-|-|-
		cppcheck|cppcheck|cppcheck|cppcheck|cppcheck
		shellcheck|ShellCheck|shellcheck|shellcheck|ShellCheck
		strace|strace|strace|strace|strace
		cpio|cpio|cpio|cpio|cpio
		debootstrap|debootstrap|debootstrap|debootstrap|debootstrap
		crun|crun|crun|crun|crun
		runc|runc|runc|runc|runc
	END
}

# package_hint COLUMN NAME...: the same packages in another manager's words.
package_hint() {
	local column=$1 name words=()
	shift
	for name in "$@"; do
		words+=("$(package_names | awk -F'|' -v n="$name" -v c="$column" '$1 == n && $c != "-" { print $c }')")
	done
	printf '%s ' "${words[@]}" | tr -s ' '
}

missing_packages() {
	local name
	for name in "$@"; do
		dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || printf '%s\n' "$name"
	done
}

# ensure_packages NAME...: on Debian and its children the packages are there afterwards. Elsewhere
# says what to install, once, and goes on: the build itself knows best whether something is missing.
ensure_packages() {
	local missing
	if ! have apt-get || ! have dpkg-query; then
		say "This is not Debian or Ubuntu; knarr needs these packages, please install them if they are missing:"
		if have dnf; then
			note "dnf install $(package_hint 2 "$@")"
			note "(yajl and libcap have no static archive on every release: then the binary is dynamic)"
		elif have apk; then
			note "apk add $(package_hint 3 "$@")"
		elif have pacman; then
			note "pacman -S --needed $(package_hint 4 "$@")"
		elif have zypper; then
			note "zypper install $(package_hint 5 "$@")"
		else
			note "in Debian's names: $*"
		fi
		return 0
	fi
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]} == 0)) && return 0
	say "Installing ${missing[*]}"
	((EUID == 0)) || die "installing packages needs root: sudo $0"
	apt_get_quiet update
	apt_get_quiet install --no-install-recommends "${missing[@]}"
}

# Prints apt's words only if it fails.
apt_get_quiet() {
	local log
	log=$(mktemp)
	if ! DEBIAN_FRONTEND=noninteractive apt-get -y -q "$@" </dev/null >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "apt-get $1 failed (its words are above)"
	fi
	rm -f "$log"
}

# known_packages NAME...: those of the names that this release of the distribution has. A machine just made has no lists yet.
known_packages() {
	local name
	have apt-cache || { printf '%s\n' "$@"; return; }
	if ((EUID == 0)) && ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
		apt_get_quiet update
	fi
	for name in "$@"; do
		apt-cache show "$name" >/dev/null 2>&1 && printf '%s\n' "$name"
	done
	return 0
}

is_static() {
	[[ -x $1 ]] && ! readelf -l "$1" 2>/dev/null | grep -q INTERP
}

# static_busybox DIR: prints the path of a statically linked busybox: the system's, or one unpacked
# into DIR. Never installed: busybox-static would replace the machine's own busybox.
static_busybox() {
	local dir=$1 candidate
	for candidate in "$(command -v busybox || true)" /bin/busybox.static "$dir/bin/busybox" "$dir/usr/bin/busybox"; do
		if is_static "$candidate"; then
			printf '%s\n' "$candidate"
			return 0
		fi
	done
	have apt-get && have dpkg-deb || return 1
	mkdir -p "$dir/download"
	(cd "$dir/download" && { apt-get download -q busybox-static ||
		{ apt-get update -q && apt-get download -q busybox-static; }; }) >"$dir/download.log" 2>&1 || return 1
	dpkg-deb -x "$dir"/download/busybox-static_*.deb "$dir"
	rm -rf "$dir/download"
	for candidate in "$dir/bin/busybox" "$dir/usr/bin/busybox"; do
		if is_static "$candidate"; then
			printf '%s\n' "$candidate"
			return 0
		fi
	done
	return 1
}

# make_rootfs BUSYBOX DIR: a root file system that is busybox and nothing else.
make_rootfs() {
	local busybox=$1 dir=$2 applet
	mkdir -p "$dir"/{bin,dev,etc,home,proc,root,run,sys,tmp,var}
	chmod 1777 "$dir/tmp"
	cp "$busybox" "$dir/bin/busybox"
	while read -r applet; do
		[[ $applet == busybox ]] || ln -sf busybox "$dir/bin/$applet"
	done < <("$busybox" --list)
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$dir/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$dir/etc/group"
}

# static_lack: prints which static archives the linker does not find; nothing if all are there.
static_lack() {
	local cc=${CC:-cc} dir library name found lack=()
	dir=$(mktemp -d)
	printf 'int main(void) { return 0; }\n' >"$dir/t.c"
	"$cc" -static -o "$dir/t" "$dir/t.c" 2>/dev/null || lack+=(libc.a)
	for library in 'yajl_s yajl' seccomp cap; do
		found=''
		for name in $library; do
			[[ -f $("$cc" -print-file-name="lib$name.a") ]] && found=$name
			[[ -f $(pkg-config --variable=libdir "lib$name" 2>/dev/null)/lib$name.a ]] && found=$name
		done
		[[ -n $found ]] || lack+=("lib${library##* }.a")
	done
	rm -rf "$dir"
	printf '%s\n' "${lack[*]}"
}

# meson_setup DIR OPTION...: configured exactly so; quick when it already is. A directory that
# somebody else configured is taken as it is.
meson_setup() {
	local dir=$1 wanted
	shift
	wanted="CC=${CC:-} $*"
	if [[ -f $dir/build.ninja ]]; then
		if [[ ! -f $dir/.knarr-options ]]; then
			note "building in $dir as it was configured before"
			return 0
		fi
		[[ $(cat "$dir/.knarr-options") == "$wanted" ]] && return 0
	fi
	mkdir -p "$dir"
	find "$dir" -mindepth 1 -maxdepth 1 ! -name musl -exec rm -rf {} +
	meson setup "$dir" "$@" || return
	printf '%s\n' "$wanted" >"$dir/.knarr-options"
}

# release_build DIR [TARGET...]: the binary users get, static with musl if that can be had, with the machine's own C
# library if there are the archives.
release_build() {
	local dir=$1 lack log
	local -a options=(-Dbuildtype=release -Dtests=false)
	shift
	if lack=$(contrib/musl "$dir/musl"); then
		options+=(-Dstatic=true --cross-file "$dir/musl/cross.ini")
	else
		note "linking with the machine's own C library, for musl cannot be had here: ${lack:-its libraries cannot be built}"
		lack=$(static_lack)
		if [[ -z $lack ]]; then
			options+=(-Dstatic=true)
		else
			note "linking dynamically: this machine has no $lack; each command then pays for the loader (1-3 ms)"
		fi
	fi
	log=$(mktemp)
	if ! { meson_setup "$dir" "${options[@]}" &&
		ninja -C "$dir" src/cli/knarr "$@"; } >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "the build failed (its words are above)"
	fi
	rm -f "$log"
}

# A build made through sudo belongs to the person who called it.
give_back() {
	if [[ -n ${SUDO_UID:-} && -n ${SUDO_GID:-} && -e $1 ]]; then
		chown -R -h "$SUDO_UID:$SUDO_GID" "$1"
	fi
}
