# Runs while the proxy image is built: copies Node, its libraries and little else into the directory that becomes the image.
set -eu
out=$1

keep() {
  mkdir -p "$out$(dirname "$1")"
  cp -L "$1" "$out$1"
}

keep /usr/local/bin/node
ldd /usr/local/bin/node | grep -o '/[^ ]*' | sort -u | while read -r library; do keep "$library"; done
keep /etc/ssl/certs/ca-certificates.crt

mkdir -p "$out/bin" "$out/etc" "$out/tmp"
chmod 1777 "$out/tmp"
cp "$(command -v busybox)" "$out/bin/busybox"
ln -s busybox "$out/bin/ip"
echo 'bottle:x:1337:1337:bottle:/:/sbin/nologin' >"$out/etc/passwd"
echo 'root:x:0:0:root:/:/sbin/nologin' >>"$out/etc/passwd"
printf 'root:x:0:\nbottle:x:1337:\n' >"$out/etc/group"
echo 'hosts: files dns' >"$out/etc/nsswitch.conf"
