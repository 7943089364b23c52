import { notFound } from '../../domain/errors.ts';
import { sql, type Reader } from '../../store/store.ts';
import { inRound, type Round } from './round.ts';

/** The revision of a round that its judge liked best; of equals the newest. */
export interface BestRevision {
  readonly content_id: string;
  readonly revision: number;
  readonly score: number;
  readonly passed: boolean;
  readonly author_model: string | null;
}

/** @throws DomainError not_found when none of the round's revisions was judged. */
export const bestRevision = async (db: Reader, runId: string, round: Round): Promise<BestRevision> => {
  const { first, later } = inRound('compose', round);
  const best = await db.maybe<BestRevision>(
    sql`select j.content_id, j.revision, j.score, j.passed, v.author_model
          from content_judgements j join content_revisions v on v.item_id = j.content_id and v.number = j.revision
         where j.run_id = ${runId} and v.run_id = ${runId} and (v.step_path = ${first} or starts_with(v.step_path, ${later}))
         order by j.score desc, j.revision desc limit 1`,
  );
  if (!best) throw notFound('judged revision of round', round.key);
  return best;
};
