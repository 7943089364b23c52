import { createBriefClient, type BriefClient, type RunEvent } from './brief-client.ts';

const PREVIEW_COLUMNS = 100;
const NAME_LENGTH = 80;

export interface BriefInput {
  readonly apiUrl: string;
  readonly email: string | null;
  readonly password: string | null;
  /** What to write about. */
  readonly text: string;
  /** Approve the draft as the administrator, instead of printing how to. */
  readonly approve: boolean;
  /** Return when an approval is waited for, instead of following on. */
  readonly leaveAtApproval: boolean;
  readonly signal: AbortSignal;
  readonly output?: NodeJS.WriteStream;
}

interface Screen {
  line(text: string): void;
  /** Shows the end of a text that is being written, on one line that the next replaces; nothing without a terminal. */
  preview(delta: string): void;
}

const createScreen = (output: NodeJS.WriteStream): Screen => {
  let tail = '';
  const clear = (): void => {
    if (output.isTTY && tail !== '') output.write('\r\x1b[2K');
    tail = '';
  };
  return {
    line(text) {
      clear();
      output.write(`${text}\n`);
    },
    preview(delta) {
      if (!output.isTTY) return;
      tail = `${tail}${delta}`.replace(/\s+/g, ' ').slice(-PREVIEW_COLUMNS);
      output.write(`\r\x1b[2K  ${tail.slice(-Math.max(20, (output.columns ?? 80) - 4))}`);
    },
  };
};

const textOf = (data: RunEvent['data'], ...names: string[]): string | null => {
  for (const name of names) {
    const value = data[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
};

const progressOf = (data: RunEvent['data']): string => {
  const value = data['progress'] ?? data['percent'];
  return typeof value === 'number' ? `${String(Math.round(value)).padStart(3)} %` : '     ';
};

/** One line about an event that a person follows: steps and the run's own changes; `null` for all others. */
const describeEvent = ({ type, data }: RunEvent): string | null => {
  const [family, verb] = type.split('.');
  if (family === 'step') {
    const note = textOf(data, 'note');
    const said = note === null ? '' : ` (${note})`;
    return `${progressOf(data)}  ${textOf(data, 'title', 'label', 'name', 'step', 'path') ?? 'step'} ${verb ?? ''}${said}`;
  }
  if (family === 'run') return `${progressOf(data)}  run ${verb ?? ''}`;
  return null;
};

const isDelta = ({ type }: RunEvent): boolean => type === 'delta' || type.endsWith('.delta');

const curlFor = (apiUrl: string, token: string, approval: { id: string; revision: number }): string =>
  [
    `curl -X POST ${apiUrl}/api/v1/approvals/${approval.id}/decide \\`,
    `  -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ decision: 'approve', revision: approval.revision })}'`,
  ].join('\n');

const readApproval = ({ data }: RunEvent): { id: string; revision: number } => {
  const id = textOf(data, 'approval_id', 'id');
  if (id === null) throw new Error('an approval was asked for, but its event carries no approval_id');
  return { id, revision: typeof data['revision'] === 'number' ? data['revision'] : 1 };
};

const start = async (client: BriefClient, text: string): Promise<string> => {
  const task = await client.request('POST', '/api/tasks', {
    task_name: text.length > NAME_LENGTH ? `${text.slice(0, NAME_LENGTH - 1)}…` : text,
    topic: text,
    auto_start: true,
  });
  const runId = textOf(task, 'run_id');
  if (runId === null) throw new Error(`the task ${String(task['id'])} was created, but not started`);
  return runId;
};

const finish = async (
  client: BriefClient,
  input: BriefInput,
  screen: Screen,
  runId: string,
  type: string,
): Promise<boolean> => {
  const run = await client.request('GET', `/api/v1/runs/${runId}`);
  if (type !== 'run.completed') {
    const { error } = run;
    const reason =
      typeof error === 'object' && error !== null
        ? textOf({ ...error }, 'message', 'detail')
        : textOf(run, 'error');
    screen.line(`The run ${type.slice('run.'.length)}${reason ? `: ${reason}` : ''}.`);
    return false;
  }
  const output = (run['output'] ?? {}) as RunEvent['data'];
  const postUrl = textOf(output, 'post_url');
  screen.line(postUrl === null ? 'The run completed.' : `Published: ${new URL(postUrl, input.apiUrl).href}`);
  return true;
};

/**
 * Creates and starts a task from a text and follows it as any client of the API could: sign-in, one POST, one event
 * stream. Prints the command that approves the draft, or approves it.
 * @returns whether the run completed, or waits for its approval when that is where to leave.
 */
export const runBrief = async (input: BriefInput): Promise<boolean> => {
  const { email, password } = input;
  if (email === null || password === null) {
    throw new Error(
      '--brief signs in as the administrator, whose password is not kept: set TASKLOOM_ADMIN_PASSWORD (and TASKLOOM_ADMIN_EMAIL when it is not the first one)',
    );
  }
  const client = createBriefClient({ apiUrl: input.apiUrl, email, password, signal: input.signal });
  const screen = createScreen(input.output ?? process.stdout);
  const beganAt = Date.now();
  const runId = await start(client, input.text);
  screen.line(`Brief: ${input.text}\nRun:   ${input.apiUrl}/api/v1/runs/${runId}`);
  for await (const event of client.follow(runId)) {
    if (isDelta(event)) {
      screen.preview(textOf(event.data, 'text', 'delta') ?? '');
      continue;
    }
    const line = describeEvent(event);
    if (line !== null) screen.line(`${((Date.now() - beganAt) / 1000).toFixed(1).padStart(7)} s  ${line}`);
    if (event.type === 'approval.requested') {
      const approval = readApproval(event);
      if (input.approve) {
        await client.request('POST', `/api/v1/approvals/${approval.id}/decide`, {
          decision: 'approve',
          revision: approval.revision,
        });
        screen.line('Approved, as --approve asks for.');
      } else {
        screen.line(`\nThe draft waits for your approval (revision ${approval.revision}). To approve it:\n`);
        screen.line(`${curlFor(input.apiUrl, await client.signIn(), approval)}\n`);
        if (input.leaveAtApproval) return true;
      }
    }
    if (/^run\.(completed|failed|cancelled)$/.test(event.type))
      return finish(client, input, screen, runId, event.type);
  }
  return false;
};
