// All tests, with real servers on a machine that may be busy: a test that failed is run once more, alone. The end names each test that was
// flaky, failed or skipped, and why, and each process that the tests have left. Writes `PASSED FAILED SKIPPED` to the file that is its first
// argument; more arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** More than these fail for a reason: nothing is repeated. */
const MOST_REPEATED = 20;
const SLOWEST_SHOWN = 10;
/** Faster files are not worth a line. */
const SLOW_MS = 20_000;
const LONGEST_ENDING_MS = 10_000;

const [countsFile, ...chosen] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'tests-'));
/** In the environment of all that the tests start. */
const mark = `NETWORKING_ZVM_TESTS=${randomUUID()}`;

/** The report of a run of vitest on its files, and whether the run was without any error. */
function run(args = []) {
  const outputFile = join(folder, `${randomUUID()}.json`);
  const options = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`];
  const [name, value] = mark.split('=');
  const PATH = [join(process.cwd(), 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH, [name]: value };
  const { status } = spawnSync('vitest', [...options, ...args], { stdio: 'inherit', env });
  return { files: JSON.parse(readFileSync(outputFile, 'utf8')).testResults, isGood: status === 0 };
}

const isFailed = ({ status }) => status === 'failed';
const isSkipped = ({ status }) => ['pending', 'skipped', 'todo', 'disabled'].includes(status);
const firstLine = (text = '') => text.split('\n')[0].slice(0, 500);

/** Each failed test, and each file of which no test failed but which failed as a whole, such as by its `beforeAll`. */
function failuresOf(files) {
  return files.filter(isFailed).flatMap((file) => {
    const path = relative('.', file.name);
    const failed = file.assertionResults.filter(isFailed);
    if (failed.length === 0) return [{ path, name: path, test: undefined, message: firstLine(file.message) }];
    return failed.map(({ fullName, failureMessages }) => {
      const message = failureMessages.map(firstLine).join(' | ');
      return { path, name: fullName, test: fullName, message };
    });
  });
}

/** Run a failed test alone; of a file that failed as a whole none has run, so that is run as a whole. Answers its report when it passes. */
function passedAlone({ path, test }) {
  process.stderr.write(`== once more, alone: ${test ?? path}\n`);
  const { files, isGood } = run(test === undefined ? [path] : [path, '-t', `^${escaped(test)}$`]);
  const [file] = files;
  return isGood && file?.assertionResults.some(({ status }) => status === 'passed') ? file : undefined;
}

const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** Processes that the tests have started and that are there, once those that are about to end have done so. */
async function leftovers() {
  const deadline = Date.now() + LONGEST_ENDING_MS;
  for (;;) {
    const left = marked();
    if (left.length === 0 || Date.now() > deadline) return left;
    await sleep(200);
  }
}

/** By the environment of each process, which Linux shows. */
function marked() {
  if (process.platform !== 'linux') return [];
  const read = (pid, file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const ours = pids.filter((pid) => read(pid, 'environ').split('\0').includes(mark));
  return ours.map((pid) => ({ pid, command: read(pid, 'cmdline').split('\0').join(' ').trim().slice(0, 200) }));
}

function end({ pid }) {
  try {
    process.kill(Number(pid), 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function showSlowest(files) {
  const rows = files.map(({ name, startTime, endTime }) => ({ path: relative('.', name), ms: endTime - startTime }));
  const slowest = rows
    .filter(({ ms }) => ms > SLOW_MS)
    .toSorted((one, other) => other.ms - one.ms)
    .slice(0, SLOWEST_SHOWN);
  for (const { path, ms } of slowest) process.stderr.write(`SLOW: ${(ms / 1_000).toFixed(0)} s ${path}\n`);
}

try {
  const { files, isGood } = run(chosen);
  const found = failuresOf(files);
  // The chaos test takes another seed each time: a second run would hide the findings of the first.
  const isRepeated = ({ path }) => found.length <= MOST_REPEATED && !path.startsWith('test/chaos/');
  const repeated = found.filter(isRepeated).map((failure) => ({ ...failure, again: passedAlone(failure) }));
  const flaky = repeated.filter(({ again }) => again !== undefined);
  const isSame = (one, other) => one.path === other.path && one.name === other.name;
  const failed = found.filter((failure) => !flaky.some((other) => isSame(failure, other)));
  // An error that belongs to no test, such as a rejection that nobody handles.
  if (!isGood && found.length === 0)
    failed.push({ name: 'the run', message: 'an error outside of all tests, see above' });
  for (const process of await leftovers()) {
    failed.push({ name: 'a process is left', message: `${process.pid} ${process.command}` });
    end(process);
  }
  const inPlace = (file) =>
    flaky.find(({ test, path }) => test === undefined && path === relative('.', file.name))?.again;
  const tests = files.flatMap((file) => (inPlace(file) ?? file).assertionResults);
  const skipped = tests.filter(isSkipped);
  const passed = tests.filter(({ status }) => status === 'passed').length + flaky.filter(({ test }) => test).length;
  showSlowest(files);
  for (const { fullName } of skipped) process.stderr.write(`SKIPPED: ${fullName}\n`);
  for (const { name, message } of flaky) process.stderr.write(`FLAKY: ${name}: ${message}\n`);
  for (const { name, message } of failed) process.stderr.write(`FAILED: ${name}: ${message}\n`);
  writeFileSync(countsFile, `${passed} ${failed.length} ${skipped.length}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
