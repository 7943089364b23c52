import type { ContentActivities } from '../../activities/content/index.ts';
import { textAt } from '../../domain/json.ts';
import { useProfile } from '../profiles.ts';
import { carryRun } from '../runs/carry.ts';
import type { RunInput } from '../runs/messages.ts';

/** Measures the newest revision of a piece of content; changes nothing. */
export const contentAnalysis = (input: RunInput): Promise<void> =>
  carryRun(input, async (carrier, asked) => {
    const content = useProfile<ContentActivities>('write');
    const where = {
      ...input,
      content_id: textAt(asked, 'content_id'),
      keyword: (asked['keyword'] ?? null) as string | null,
    };
    return carrier.step(() => content.measure.executeWithOptions({ summary: 'Measure' }, [where]));
  });
