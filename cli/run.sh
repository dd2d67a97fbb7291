# Runs the program $main of the package in $root; sourced by zvmnet and networking-zvm.
if [ -e "$root/$main.ts" ]; then main=$root/$main.ts; else main=$root/dist/$main.js; fi
# V8 would give each of a worker's two heaps 130 MB for young objects on a large machine. The operator's own options come after it and count.
export NODE_OPTIONS="--max-semi-space-size=4${NODE_OPTIONS:+ $NODE_OPTIONS}"
# The C library keeps what threads have freed, for each of many arenas; a worker has few threads that allocate at the same moment.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
# It would take the size of the largest answer that was freed as a measure of what to keep; a threshold that is set stays: blocks of 128 KiB go back at once.
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-131072}"
# The Node of the source tree, of the folder that the package is installed in, or of the machine.
for node in "$root/node_modules/.bin/node" "$root/../.bin/node" node; do
  command -v "$node" > /dev/null && exec "$node" "$main" "$@"
done
echo "networking-zvm needs Node.js 24 or newer: npm install node@24 beside it, or put node into PATH" >&2
exit 1
