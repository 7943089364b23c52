import { SCOPES } from '../../../domain/identity/principal.ts';
import { readServerStats } from '../../../store/identity/stats.ts';
import { rotateSigningKey } from '../../../store/identity/signing-keys.ts';
import { requireUser, userListing, type UserRow } from '../../../store/identity/users.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { adminList } from '../../http/resource.ts';
import { usd } from '../../http/wire.ts';
import { addUser, editUser, newPasswordHash, removeUser } from './users.flows.ts';
import { sysUserView, userView } from './users.view.ts';

const listing = ({ role, is_active }: { role?: string; is_active?: boolean }) =>
  userListing({ role, isActive: is_active });

const listUsers = adminList({
  path: '/auth/users',
  view: (row: UserRow) => userView(row),
  listing: (query: Input<'listUsers'>['query']) => listing(query),
});
const listAdminUsers = adminList({
  path: '/api/v1/admin/users',
  view: (row: UserRow) => userView(row),
  listing: (query: Input<'listAdminUsers'>['query']) => listing(query),
});
const listSysUsers = adminList({
  path: '/api/v1/admin/sys/users',
  view: (row: UserRow) => sysUserView(row),
  listing: (query: Input<'listSysUsers'>['query']) =>
    listing({
      ...(query.role === undefined ? {} : { role: query.role }),
      ...(query.status === undefined ? {} : { is_active: query.status === 1 }),
    }),
});

type SysUserBody = Partial<Input<'createSysUser'>['body']> & Input<'updateSysUser'>['body'];

/** Document 004's words for what is changed. */
const sysEdit = (body: SysUserBody) => ({
  email: body.email,
  username: body.username,
  displayName: body.nickname,
  avatarUrl: body.avatar,
  isActive: body.status === undefined ? undefined : body.status === 1,
  role: body.role_id,
  department: body.dept_id,
});

/** The users of the whole server, for administrators. */
export const userHandlers = () =>
  defineHandlers({
    listUsers,
    listAdminUsers,

    updateUser: ({ params, body }, ctx) =>
      ctx.administer(async (tx) =>
        userView(
          await editUser(tx, params.user_id, {
            email: body.email,
            username: body.username,
            displayName: body.name,
            avatarUrl: body.avatar_url,
            isActive: body.is_active,
            role: body.role,
            workspace: body.workspace,
          }),
        ),
      ),
    deleteUser: ({ params }, ctx) =>
      ctx.administer(async (tx) => {
        await removeUser(tx, params.user_id);
        return undefined;
      }),
  });

/** The same users at document 004's door. */
export const sysUserHandlers = () =>
  defineHandlers({
    listSysUsers,

    getSysUser: ({ params }, ctx) =>
      ctx.readAcross(async (db) => sysUserView(await requireUser(db, params.id))),
    createSysUser: async ({ body }, ctx) => {
      const owner = { email: body.email, username: body.username };
      const passwordHash = await newPasswordHash(body.password, owner);
      return ctx.administer(async (tx) =>
        sysUserView(
          await addUser(tx, {
            ...sysEdit(body),
            ...owner,
            displayName: body.nickname ?? body.username,
            passwordHash,
          }),
        ),
      );
    },
    updateSysUser: async ({ params, body }, ctx) => {
      const { password } = body;
      const owner = await ctx.readAcross((db) => requireUser(db, params.id));
      const passwordHash = password === undefined ? undefined : await newPasswordHash(password, owner);
      return ctx.administer(async (tx) =>
        sysUserView(await editUser(tx, params.id, { ...sysEdit(body), passwordHash })),
      );
    },
    deleteSysUser: ({ params }, ctx) =>
      ctx.administer(async (tx) => {
        await removeUser(tx, params.id);
        return undefined;
      }),
  });

/** The server as a whole. */
export const serverHandlers = () =>
  defineHandlers({
    listScopes: async () => ({ items: [...SCOPES] }),

    getServerStats: (_input, ctx) =>
      ctx.readAcross(async (db) => {
        const stats = await readServerStats(db);
        return {
          total_users: stats.users,
          total_sessions: stats.sessions,
          active_sessions: stats.active_sessions,
          total_api_calls_today: stats.calls,
          total_cost_today_usd: usd(stats.cost),
        };
      }),

    rotateSigningKey: (_input, ctx) => ctx.administer(async (tx) => ({ kid: await rotateSigningKey(tx) })),
  });
