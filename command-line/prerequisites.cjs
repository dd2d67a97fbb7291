// Loaded before each program of package.json: without its packages, or on an old Node, a program ends with a stack trace.
const OLDEST = [22, 18];
const [major, minor] = process.versions.node.split('.').map(Number);
const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);

/** True when the packages are there. */
function isInstalled() {
  try {
    require.resolve('zod');
    return true;
  } catch {
    return false;
  }
}

function reason() {
  if (!isInstalled()) return 'the packages are missing: run npm ci, which also brings the right Node';
  if (isOld)
    return `Node ${process.versions.node} is too old, ${OLDEST.join('.')} is the least: start it by npm, which takes the right Node from node_modules`;
  return undefined;
}

const missing = reason();
if (missing !== undefined) {
  process.stderr.write(`networking-zvm cannot start: ${missing}\n`);
  process.exit(1);
}
