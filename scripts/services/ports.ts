import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

const listen = async (port: number, host: string): Promise<Server | null> => {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return server;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE' || code === 'EACCES') return null;
    throw error;
  }
};

const close = async (server: Server): Promise<void> => {
  server.close();
  await once(server, 'close');
};

/** @returns whether a server could listen on this port now. */
export const isPortFree = async (port: number, host = '127.0.0.1'): Promise<boolean> => {
  const server = await listen(port, host);
  if (server) await close(server);
  return server !== null;
};

/**
 * Free ports on the loopback address, all different.
 * @param preferred one item per port: a number is answered when it is still free, so that addresses stay the same
 * between starts; anything else means any port.
 */
export const findFreePorts = async (preferred: readonly (number | undefined)[]): Promise<number[]> => {
  const servers: Server[] = [];
  try {
    for (const wish of preferred) {
      const server = (wish ? await listen(wish, '127.0.0.1') : null) ?? (await listen(0, '127.0.0.1'));
      if (server === null) throw new Error('no free port on 127.0.0.1');
      servers.push(server);
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map(close));
  }
};

/** One free port on the loopback address, `preferred` when that is still free. */
export const findFreePort = async (preferred?: number): Promise<number> => {
  const [port] = await findFreePorts([preferred]);
  if (port === undefined) throw new Error('no free port on 127.0.0.1');
  return port;
};
