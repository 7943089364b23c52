import { createTransport } from 'nodemailer';
import type { Config } from './config.ts';
import type { Log } from './logger.ts';

/** A message to one person. */
export interface Notice {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends a notice in the background: who asked does not learn from the time it takes whether anybody was told. */
export type Notify = (notice: Notice) => void;

/** By the configured mail server; without one, operators find the text in the log and pass it on. */
export const createNotifier = ({ mail }: Pick<Config, 'mail'>, log: Log): Notify => {
  if (mail.smtpUrl === null)
    return (notice) =>
      log.warn({ notice }, 'a notice for a person: no mail server is configured (TASKLOOM_SMTP_URL)');
  const transport = createTransport(mail.smtpUrl);
  return (notice) => {
    transport
      .sendMail({ from: mail.from, ...notice })
      // The text holds a link that opens an account: only its subject is told.
      .catch((err: unknown) => log.error({ err, subject: notice.subject }, 'a mail could not be sent'));
  };
};
