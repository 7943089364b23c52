import pg from 'pg';
import { workerPrincipal } from '../../../domain/identity/principal.ts';
import { LiveBus } from '../../../store/live/bus.ts';
import { Sequencer } from '../../../store/live/sequencer.ts';
import { openStore } from '../../../store/store.ts';
import { openSystemStore } from '../../../store/system.ts';
import type { PartHandle } from '../child.ts';
import { wallClock } from '../stats.ts';

export interface EmitterSettings {
  /** The connection of `taskloom_app`. */
  readonly appUrl: string;
  /** The connection of `taskloom_system`. */
  readonly systemUrl: string;
  /** Where bare rows go. */
  readonly floorUrl: string;
  readonly workspaceId: string;
  readonly stream: string;
}

/** Commits events as the worker does (the store's write door, a hint and the sequencer after the commit), and bare rows with a NOTIFY. */
export const openEmitter = async (settings: EmitterSettings): Promise<PartHandle> => {
  const store = await openStore(settings.appUrl, { name: 'bench-emitter', poolSize: 2 });
  const bus = new LiveBus(settings.appUrl);
  await bus.open();
  const system = openSystemStore(settings.systemUrl, { name: 'bench-emitter-system', poolSize: 2 });
  const sequencer = new Sequencer(system, bus);
  sequencer.start();
  let committedAt = 0;
  store.onCommit(({ streams }) => {
    committedAt = wallClock();
    bus.hint('taskloom_streams', streams);
    sequencer.wake();
  });
  const floor = new pg.Client({ connectionString: settings.floorUrl });
  await floor.connect();
  const principal = workerPrincipal(settings.workspaceId);
  const emit = async (n: number): Promise<number> => {
    await store.write(principal, async (tx) => tx.emit(settings.stream, 'bench.tick', { n }));
    return committedAt;
  };
  const notify = async (n: number): Promise<number> => {
    await floor.query('begin');
    await floor.query('insert into floor_steps (id, step) values (gen_random_uuid(), $1)', [n]);
    await floor.query(`select pg_notify('floor', $1)`, [String(n)]);
    await floor.query('commit');
    return wallClock();
  };
  return {
    answer: ({ what, n }) => (what === 'emit' ? emit(Number(n)) : notify(Number(n))),
    close: async () => {
      await sequencer.stop();
      await system.close();
      await bus.close();
      await store.close();
      await floor.end();
    },
  };
};
