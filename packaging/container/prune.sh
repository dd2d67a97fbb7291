#!/bin/sh
# Removes from an installed package what no service reads: types, source maps, Temporal's core for other machines, and the compiler of
# workflows, which are bundled already. The argument is the folder node_modules.
set -eu
modules=$1
here=$(node --print '`${process.arch === "x64" ? "x86_64" : "aarch64"}-unknown-linux-gnu`')
find "$modules/@temporalio/core-bridge/releases" -mindepth 1 -maxdepth 1 ! -name "$here" -exec rm -rf {} +
rm -rf "$modules/@swc/core-"*
find "$modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) ! -path '*/networking-zvm/docs/*' -delete
