import type { ContentActivities } from '../../activities/content/index.ts';
import { useProfile } from '../profiles.ts';
import { carryRun } from '../runs/carry.ts';
import type { RunInput } from '../runs/messages.ts';

/** Measures the newest revision of a piece of content; changes nothing. */
export const contentAnalysis = (input: RunInput): Promise<void> =>
  carryRun(input, async (carrier) => {
    const content = useProfile<ContentActivities>('write');
    const output = await carrier.step(() =>
      content.measure.executeWithOptions({ summary: 'Measure' }, [input]),
    );
    return { output };
  });
