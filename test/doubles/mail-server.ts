import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface MailServer {
  readonly url: string;
  /** What was sent, as it was sent. */
  readonly mails: string[];
  close(): Promise<void>;
}

/** As much of a mail server (RFC 5321) as a client that sends needs. */
const converse = (socket: Socket, deliver: (mail: string) => void): void => {
  let waiting = '';
  let isInMail = false;
  const say = (line: string): boolean => socket.write(`${line}\r\n`);
  const obey = (line: string): void => {
    if (/^(EHLO|HELO|MAIL|RCPT|RSET)/i.test(line)) say('250 ok');
    else if (/^DATA/i.test(line)) {
      isInMail = true;
      say('354 go on');
    } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
    else say('502 unknown');
  };
  say('220 here');
  socket.on('error', () => {});
  socket.on('data', (data) => {
    waiting += data.toString();
    for (;;) {
      const mark = isInMail ? '\r\n.\r\n' : '\r\n';
      const end = waiting.indexOf(mark);
      if (end < 0) return;
      const text = waiting.slice(0, end);
      waiting = waiting.slice(end + mark.length);
      if (!isInMail) obey(text);
      else {
        isInMail = false;
        deliver(text);
        say('250 taken');
      }
    }
  });
};

export const startMailServer = async (): Promise<MailServer> => {
  const mails: string[] = [];
  const server = createServer((socket) => converse(socket, (mail) => mails.push(mail)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
