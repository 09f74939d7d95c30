#!/usr/bin/env bash
# Puts a headless Chromium into build/browser, once; the reports are tried in it.
# Debian's chromium would need root and a hundred libraries, and could not be pinned: its archive
# keeps the newest one only. This one is a package of npm's that needs nothing but libc.
# usage: tools/setup_browser.sh
set -euo pipefail
cd "$(dirname "$0")/.."
version=153.0.0
sum=8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34efc41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0
into=build/browser/$version

[ ! -d "$into" ] || exit 0
[ "$(uname -sm)" = "Linux x86_64" ] || {
  echo "browser: the pinned Chromium is for Linux on x86_64: set CHROMIUM to a Chromium of your own" >&2
  exit 1
}
mkdir -p build/browser
work=$(mktemp -d "build/browser/.$version.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "browser: fetching Chromium $version, once (70 MB, about ten seconds)" >&2
npm pack --silent --pack-destination "$work" "@sparticuz/chromium@$version" >/dev/null
echo "$sum  $work/sparticuz-chromium-$version.tgz" | sha512sum --check --quiet
tar -xzf "$work"/*.tgz -C "$work" package/bin
mkdir "$work/done"
for name in chromium al2023.tar fonts.tar; do
  node -e 'process.stdout.write(require("zlib").brotliDecompressSync(require("fs").readFileSync(process.argv[1])))' \
    "$work/package/bin/$name.br" >"$work/$name"
done
tar -xf "$work/al2023.tar" -C "$work/done"
# The same letters everywhere, and some on a machine that has none.
tar -xf "$work/fonts.tar" -C "$work/done" fonts
cat >"$work/done/fonts.conf" <<'FONTS'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
FONTS
mv "$work/chromium" "$work/done/"
chmod +x "$work/done/chromium"
mv "$work/done" "$into"
