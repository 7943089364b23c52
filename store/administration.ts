import type { Principal } from '../domain/identity/principal.ts';
import type { Committed } from './consequences.ts';
import type { Reader, Writer } from './doors.ts';
import { readerOn } from './read-door.ts';
import { WriteDoor, type WriteOptions } from './write-door.ts';

/**
 * The door across workspaces, as the system's role: for signing in, when no workspace is known yet, and for people who
 * administer the server. A change through it leaves an audit entry in the workspace of whoever made it.
 */
export interface Administration {
  read<T>(fn: (db: Reader) => Promise<T>): Promise<T>;
  write<T>(principal: Principal, fn: (tx: Writer) => Promise<T>, options?: WriteOptions): Promise<T>;
  onCommit(listener: (committed: Committed) => void): void;
  close(): Promise<void>;
}

/** @param url the connection of `taskloom_system`. */
export const openAdministration = (url: string, options: { max: number; name: string }): Administration => {
  const door = new WriteDoor(url, null, options);
  return {
    read: (fn) => fn(readerOn((q) => door.pool.query(q.text, q.values as unknown[]))),
    write: (principal, fn, writeOptions = {}) => door.write(principal, fn, writeOptions),
    onCommit: (listener) => door.onCommit(listener),
    close: () => door.pool.end(),
  };
};
