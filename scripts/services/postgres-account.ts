import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { spawnSync, type SpawnOptions } from 'node:child_process';

/** How to start a PostgreSQL binary: as ourselves, or, as root, as somebody else (PostgreSQL refuses root). */
export interface PostgresAccount {
  /** Who must own the data, `null` when that is ourselves. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  command(binary: string, args: readonly string[]): { file: string; args: string[]; options: SpawnOptions };
}

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const readUsers = (): User[] =>
  readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length > 3)
    .map((fields) => ({ name: fields[0] ?? '', uid: Number(fields[2]), gid: Number(fields[3]) }));

/** The owner of existing data first, so that a `postgres` user added later doesn't lock the data out. */
const chooseUser = (dataDirectory: string): User => {
  const users = readUsers();
  const ownerUid = statSync(dataDirectory, { throwIfNoEntry: false })?.uid;
  const user =
    users.find((one) => one.uid !== 0 && one.uid === ownerUid) ??
    users.find((one) => one.name === 'postgres' && one.uid !== 0) ??
    users.find((one) => one.name === 'nobody' && one.uid > 0);
  if (!user) {
    throw new Error(
      'PostgreSQL does not run as root and there is no user "postgres" or "nobody": start as a normal user, or set DATABASE_URL',
    );
  }
  return user;
};

/** @returns the first folder on the way to `path` that this user may not pass, `null` when there is none. */
const findBarrier = (path: string, user: User): string | null => {
  for (let folder = path; ; folder = dirname(folder)) {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats?.isDirectory()) {
      const bit = stats.uid === user.uid ? 0o100 : stats.gid === user.gid ? 0o010 : 0o001;
      if ((stats.mode & bit) === 0) return folder;
    }
    if (folder === dirname(folder)) return null;
  }
};

const switchUser = (user: User): PostgresAccount => ({
  owner: user,
  command: (binary, args) => ({ file: binary, args: [...args], options: { uid: user.uid, gid: user.gid } }),
});

/**
 * Root's home and `mktemp -d` are closed to other users. `setpriv` gives the server the one capability that lets it
 * pass; it stays a process without root's other rights.
 */
const switchUserKeepingAccess = (user: User): PostgresAccount => ({
  owner: user,
  command: (binary, args) => ({
    file: 'setpriv',
    args: [
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--',
      binary,
      ...args,
    ],
    options: {},
  }),
});

/**
 * Decides who runs PostgreSQL.
 * @param dataDirectory where the data is or will be; @param binary one of the programs to run.
 * @throws Error saying what to change when root starts it and no other user can reach these places.
 */
export const choosePostgresAccount = (dataDirectory: string, binary: string): PostgresAccount => {
  if (process.getuid?.() !== 0) {
    return { owner: null, command: (file, args) => ({ file, args: [...args], options: {} }) };
  }
  const user = chooseUser(dataDirectory);
  const barrier = findBarrier(dirname(dataDirectory), user) ?? findBarrier(dirname(binary), user);
  if (barrier === null) return switchUser(user);
  const closed = switchUserKeepingAccess(user);
  const probe = closed.command(binary, ['--version']);
  if (spawnSync(probe.file, probe.args, { env: {}, stdio: 'ignore' }).status === 0) return closed;
  throw new Error(
    `PostgreSQL does not run as root, and the user "${user.name}" may not enter ${barrier}: start as a normal user, ` +
      `open that folder with chmod o+x, or set DATABASE_URL`,
  );
};
