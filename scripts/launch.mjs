#!/usr/bin/env node
// Plain JavaScript for any Node from 20 on: everything else in this project needs what this file installs first.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.taskloom-stamp');
const NODE_MAJOR = 24;
const LOCK_STALE_MS = 20_000;

/** Command → program. */
const COMMANDS = {
  start: 'scripts/start.ts',
  test: 'scripts/test.ts',
  check: 'scripts/check.ts',
  api: 'api/main.ts',
  worker: 'worker/main.ts',
  migrate: 'scripts/migrate.ts',
  user: 'scripts/user.ts',
  backup: 'scripts/backup.ts',
  restore: 'scripts/restore.ts',
  'audit:verify': 'scripts/audit-verify.ts',
  spec: 'scripts/spec.ts',
  bench: 'scripts/bench.ts',
  chaos: 'scripts/chaos.ts',
  fuzz: 'scripts/fuzz.ts',
};

const fail = (message) => {
  process.stderr.write(`taskloom: ${message}\n`);
  process.exit(1);
};

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');

/** Whether what npm says it installed has the versions of the lock file; packages for other systems may be absent. */
const isSameTree = () => {
  try {
    const wanted = readJson(join(ROOT, 'package-lock.json')).packages;
    const installed = readJson(join(MODULES, '.package-lock.json')).packages;
    return Object.entries(wanted).every(([path, { version, optional, link, peer }]) => {
      if (path === '' || link) return true;
      const found = installed[path];
      return found ? found.version === version && existsSync(join(ROOT, path)) : Boolean(optional || peer);
    });
  } catch {
    return false;
  }
};

/** A tree from a manual `npm install` has no stamp: it is good when its versions fit. */
const isInstalled = () => {
  if (!existsSync(MODULES)) return false;
  const hash = lockHash();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash) return true;
  if (!isSameTree()) return false;
  writeFileSync(STAMP, hash);
  return true;
};

/** Outside node_modules, which `npm ci` empties. Its holder touches it, so one left by a killed launcher turns stale. */
const lockPath = () => {
  const checkout = createHash('sha256').update(realpathSync(ROOT)).digest('hex').slice(0, 16);
  return join(tmpdir(), `taskloom-install-${process.getuid?.() ?? 0}-${checkout}.lock`);
};

const tryLock = (path) => {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    const touchedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - touchedAt > LOCK_STALE_MS) rmSync(path, { force: true });
    return false;
  }
};

/** Shows one line with the seconds that went by; two plain lines where the output is no terminal. */
const showProgress = (label) => {
  const out = process.stderr;
  const beganAt = Date.now();
  const seconds = () => Math.round((Date.now() - beganAt) / 1000);
  const draw = () => out.isTTY && out.write(`\r\x1b[2K${label} … ${seconds()} s`);
  if (out.isTTY) draw();
  else out.write(`${label} …\n`);
  const timer = setInterval(draw, 1000);
  return (outcome) => {
    clearInterval(timer);
    out.write(`${out.isTTY ? '\r\x1b[2K' : ''}${label}: ${outcome} ${seconds()} s\n`);
  };
};

const runNpmCi = (log) =>
  new Promise((resolve) => {
    // Under `npm start` the very npm that runs us is used; else the one on the PATH.
    const npmScript = process.env.npm_execpath;
    const viaNode = npmScript !== undefined && /npm-cli\.c?js$/.test(npmScript) && existsSync(npmScript);
    // Error level keeps the expected EBADENGINE warnings (Node 20 installing for Node 24) out of the log as well.
    const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    const child = viaNode
      ? spawn(process.execPath, [npmScript, ...args], { cwd: ROOT, stdio: ['ignore', log, log] })
      : spawn('npm', args, { cwd: ROOT, stdio: ['ignore', log, log], shell: process.platform === 'win32' });
    const stop = () => child.kill('SIGTERM');
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const done = (code) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve(code);
    };
    child.once('error', () => done(127));
    child.once('exit', (code) => done(code ?? 1));
  });

const install = async () => {
  const logPath = join(tmpdir(), `taskloom-install-${process.pid}.log`);
  const log = openSync(logPath, 'w', 0o600);
  const done = showProgress('Installing dependencies (once, about a minute)');
  const code = await runNpmCi(log);
  closeSync(log);
  if (code === 0) {
    writeFileSync(STAMP, lockHash());
    rmSync(logPath, { force: true });
    return done('done in');
  }
  done('failed after');
  const lines = readFileSync(logPath, 'utf8').trim().split('\n');
  // npm says the reason first and its usage last.
  const errors = lines.filter((line) => /^npm (error|ERR!) \S/.test(line));
  const words = errors.length > 0 ? errors.slice(0, 10) : lines.slice(-10);
  const reason =
    code === 127
      ? 'npm was not found: install it, it comes with Node'
      : `npm ci failed:\n${words.join('\n')}\nThe whole log: ${logPath}`;
  throw new Error(reason);
};

/** Installs what the lock file names, once, even when several launchers start at the same time. */
const ensureDependencies = async () => {
  if (isInstalled()) return;
  const path = lockPath();
  let told = false;
  while (!tryLock(path)) {
    if (!told) process.stderr.write('Another launcher installs the dependencies: waiting for it …\n');
    told = true;
    await wait(500);
  }
  const touch = setInterval(() => utimesSync(path, new Date(), new Date()), 2_000);
  try {
    if (!isInstalled()) await install();
  } finally {
    clearInterval(touch);
    rmSync(path, { force: true });
  }
};

const findNode = () => {
  const binary = join(MODULES, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(binary)) return binary;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  return fail(
    `Node ${NODE_MAJOR} is missing from node_modules, probably because npm held back the install script of the package "node".\n` +
      `Run \`npm rebuild node\`, or install Node ${NODE_MAJOR} or newer, and start again.`,
  );
};

const run = (program, args) => {
  const child = spawn(findNode(), [join(ROOT, program), ...args], { cwd: ROOT, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => fail(`${program} could not be started: ${error.message}`));
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
};

const [command, ...args] = process.argv.slice(2);
const program = Object.hasOwn(COMMANDS, command ?? '') ? COMMANDS[command] : undefined;
if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Node 20 or newer is needed, this is ${process.versions.node}`);
if (program === undefined || !existsSync(join(ROOT, program))) {
  const known = Object.keys(COMMANDS).filter((name) => existsSync(join(ROOT, COMMANDS[name])));
  fail(
    `${command ? `there is no command "${command}".` : 'which command?'} Use: node scripts/launch.mjs <${known.join('|')}> [arguments]`,
  );
}
try {
  await ensureDependencies();
  run(program, args);
} catch (error) {
  fail(error.message);
}
