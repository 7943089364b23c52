import type { Result } from '../table.ts';
import type { World } from '../world.ts';

export interface MeasureOptions {
  /** Ours and the floor take turns this often. */
  readonly rounds: number;
  /** Rows of the large lists. */
  readonly rows: number;
  readonly note: (line: string) => void;
}

export type Measure = (world: World, options: MeasureOptions) => Promise<Result[]>;
