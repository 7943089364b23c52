import { readMonth, setMonthlyLimit, type MonthRow } from '../../../store/budgets/budgets.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { defineHandlers } from '../../http/operation.ts';
import { usd } from '../../http/wire.ts';

const monthView = ({ month, limit, spent, reserved }: MonthRow): components['schemas']['MonthlyBudget'] => ({
  month,
  limit_usd: limit === null ? null : usd(limit),
  spent_usd: usd(spent),
  reserved_usd: usd(reserved),
  left_usd: limit === null ? null : usd(Math.max(0, limit - spent - reserved)),
  overrun_usd: limit === null ? 0 : usd(Math.max(0, spent - limit)),
});

export const budgetHandlers = () =>
  defineHandlers({
    getMonthlyBudget: (_input, ctx) => ctx.read(async (db) => monthView(await readMonth(db))),

    setMonthlyBudget: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        await setMonthlyLimit(tx, body.limit_usd === null ? null : Math.round(body.limit_usd * 1_000_000));
        return monthView(await readMonth(tx));
      }),
  });
