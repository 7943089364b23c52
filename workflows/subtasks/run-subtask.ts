import type { SubtaskActivities } from '../../activities/subtasks/index.ts';
import type { JsonObject } from '../../domain/json.ts';
import { subtaskOf, type Subtask } from '../../domain/subtasks/subtask.ts';
import { useProfile } from '../profiles.ts';
import { carryRun, type Carrier } from '../runs/carry.ts';
import type { RunInput } from '../runs/messages.ts';

interface Bench {
  readonly input: RunInput;
  readonly carrier: Carrier;
  readonly tools: ReturnType<typeof useProfile<SubtaskActivities>>;
}

const research = async ({ input, carrier, tools }: Bench): Promise<JsonObject> => {
  const { sources } = await carrier.step(() =>
    tools.findSources.executeWithOptions({ summary: 'Research' }, [input]),
  );
  const made = await carrier.step(() =>
    tools.reportFindings.executeWithOptions({ summary: 'Findings' }, [input]),
  );
  return { sources, ...made };
};

/** Section by section where the model can't write the whole at once. */
const creative = async ({ input, carrier, tools }: Bench): Promise<JsonObject> => {
  const { sections } = await carrier.step(() =>
    tools.outlineText.executeWithOptions({ summary: 'Outline' }, [input]),
  );
  if (sections === 0)
    return carrier.step(() => tools.writeText.executeWithOptions({ summary: 'Write' }, [input]));
  const write = (index: number): Promise<unknown> => {
    const summary = `Section ${index + 1} of ${sections}`;
    return carrier.step(() => tools.writePart.executeWithOptions({ summary }, [{ ...input, index }]));
  };
  await Promise.all(Array.from({ length: sections }, (_, index) => write(index)));
  return carrier.step(() => tools.composeText.executeWithOptions({ summary: 'Compose' }, [input]));
};

const qa = async ({ input, carrier, tools }: Bench): Promise<JsonObject> => {
  const { by } = await carrier.step(() =>
    tools.reviewText.executeWithOptions({ summary: 'Review by the model' }, [input]),
  );
  const checked = await carrier.step(() => tools.checkText.executeWithOptions({ summary: 'Check' }, [input]));
  return { ...checked, reviewed_by: by };
};

const images = ({ input, carrier, tools }: Bench): Promise<JsonObject> =>
  carrier.step(() => tools.makePictures.executeWithOptions({ summary: 'Images' }, [input]));

const format = ({ input, carrier, tools }: Bench): Promise<JsonObject> =>
  carrier.step(() => tools.formatText.executeWithOptions({ summary: 'Format' }, [input]));

const BODIES: Record<Subtask, (bench: Bench) => Promise<JsonObject>> = {
  research,
  creative,
  qa,
  images,
  format,
};

/** One of the pipeline's own steps, run alone. */
export const runSubtask = (input: RunInput): Promise<void> =>
  carryRun(input, (carrier, asked) =>
    BODIES[subtaskOf(asked)]({ input, carrier, tools: useProfile<SubtaskActivities>('model') }),
  );
