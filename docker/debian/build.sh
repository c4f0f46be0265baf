#!/bin/sh
# Builds ringfence_VERSION_ARCH.deb with dpkg-deb: `make deb`, or `sh docker/debian/build.sh FOLDER`. Needs Debian's own
# python3 with python3-venv, and a package index, which pip is told of as everywhere (its configuration, PIP_* variables).
#
# Inside is a virtual environment in /usr/lib/ringfence with every dependency at its locked, hashed version: nothing of
# Debian's Python but the interpreter is used, and `apt-get upgrade` of another package cannot change what runs here. The
# price is that the package belongs to one minor version of Python, which is part of its version and of its `Depends`.
set -eu
umask 022
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "${1:?usage: build.sh FOLDER}"
folder=$(cd "$1" && pwd)
python=/usr/bin/python3
home=/usr/lib/ringfence

fail() { echo "deb: $*" >&2; exit 1; }

command -v dpkg-deb >/dev/null || fail "no dpkg-deb: a package is built on Debian or Ubuntu"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "apt-get install python3 python3-venv"
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
release=$("$python" -c 'import sys, tomllib; print(tomllib.load(sys.stdin.buffer)["project"]["version"])' \
  <"$source/pyproject.toml")
version="$release+python$minor"
architecture=$(dpkg --print-architecture)
# Of the same sources the same package, to the byte.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$source" log -1 --format=%ct 2>/dev/null || date +%s)}
PYTHONHASHSEED=0
export SOURCE_DATE_EPOCH PYTHONHASHSEED

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

# The build's tools stay outside the package, and the checkout is left as it is.
mkdir "$work/source"
for part in LICENSE README.md asterisk-conf pyproject.toml service; do cp -R "$source/$part" "$work/source/"; done
find "$work/source" -name __pycache__ -prune -exec rm -rf {} +
"$python" -m venv "$work/tools"
pip="$work/tools/bin/pip --quiet --disable-pip-version-check --no-cache-dir"
$pip install --require-hashes --requirement "$source/requirements/build.txt"
$pip wheel --no-deps --no-build-isolation --wheel-dir "$work/wheels" "$work/source"

mkdir -p "$tree/usr/lib"
"$python" -m venv --without-pip "$tree$home"
inside="--python $tree$home/bin/python install --no-compile"
$pip $inside --require-hashes --requirement "$source/requirements/runtime.txt"
$pip $inside --no-deps --no-index "$work"/wheels/ringfence-*.whl

# Only our own program: whoever needs another one of the environment has `python -m`.
find "$tree$home/bin" -mindepth 1 ! -name 'python*' ! -name ringfence -delete
rm -rf "$tree$home/include" "$tree$home/lib64"
ln -sf "/usr/bin/python$minor" "$tree$home/bin/python"
find "$tree$home/bin" -name 'python?*' -exec ln -sf python {} \;
# `-I`: neither PYTHONPATH nor root's own site-packages have a say in what runs here.
sed -i "1s|.*|#!$home/bin/python -I|" "$tree$home/bin/ringfence"
printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = %s\n' "$minor" >"$tree$home/pyvenv.cfg"
find "$tree$home/lib" -path '*.dist-info/*' \( -name direct_url.json -o -name RECORD -o -name INSTALLER \) -delete
# Compiled here and never again: whoever runs it as root leaves no file behind that dpkg does not know.
"$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$tree" -p / "$tree$home/lib"

put() { install -D -m "$1" "$2" "$tree/$3"; }
mkdir -p "$tree/usr/bin"
ln -s ../lib/ringfence/bin/ringfence "$tree/usr/bin/ringfence"
put 644 "$source/docker/systemd/ringfence.service" usr/lib/systemd/system/ringfence.service
put 644 "$source/docker/debian/sysusers.conf" usr/lib/sysusers.d/ringfence.conf
put 644 "$source/docker/debian/default" etc/default/ringfence

program="$tree$home/bin/python -I $tree$home/bin/ringfence"
for shell in bash zsh fish; do _RINGFENCE_COMPLETE=source_$shell $program >"$work/completion.$shell"; done
put 644 "$work/completion.bash" usr/share/bash-completion/completions/ringfence
put 644 "$work/completion.zsh" usr/share/zsh/vendor-completions/_ringfence
put 644 "$work/completion.fish" usr/share/fish/vendor_completions.d/ringfence.fish
"$tree$home/bin/python" -I "$source/docker/debian/manpage.py" "$release" | gzip -9n >"$work/ringfence.8.gz"
put 644 "$work/ringfence.8.gz" usr/share/man/man8/ringfence.8.gz

papers=usr/share/doc/ringfence
put 644 "$source/docker/debian/copyright" $papers/copyright
put 644 "$source/README.md" $papers/README.md
gzip -9nc "$source/docs/CHANGELOG.md" >"$work/changelog.gz"
put 644 "$work/changelog.gz" $papers/changelog.gz
(cd "$source" && find docs asterisk-conf -type f ! -name CHANGELOG.md -exec install -D -m 644 {} "$tree/$papers/{}" \;)
# Documentation addresses and freshly made secrets: only the file without secrets is kept.
$program init --config "$work/example/ringfence.toml" --asterisk-conf-dir "$work/example/asterisk/ringfence" \
  --no-include --platform 192.0.2.10:5060 --trunk-source 198.51.100.1 --egress 203.0.113.20:5060 >/dev/null
sed -i "s|$work/example|/etc|g" "$work/example/ringfence.toml"
put 644 "$work/example/ringfence.toml" $papers/examples/ringfence.toml

mkdir "$tree/DEBIAN"
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@PYTHON@|python$minor|" \
  -e "s|@LIBC@|$(getconf GNU_LIBC_VERSION | cut -d ' ' -f 2)|" \
  -e "s|@SIZE@|$(du -ks --exclude=DEBIAN "$tree" | cut -f 1)|" "$source/docker/debian/control" >"$tree/DEBIAN/control"
echo /etc/default/ringfence >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 "$source/docker/debian/$script" "$tree/DEBIAN/$script"; done
(cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$work/md5sums"
install -m 644 "$work/md5sums" "$tree/DEBIAN/md5sums"

package=$folder/ringfence_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$tree" "$work/package.deb" >/dev/null
mv "$work/package.deb" "$package"
echo "$package"
