import type { Config } from '../../platform/config.ts';
import type { Guesses } from '../../store/limits/guesses.ts';
import type { Spine } from '../../store/spine.ts';
import { ApiKeys } from './api-keys.ts';
import { Captchas } from './captcha.ts';
import { SecondFactors } from './second-factor.ts';
import { Sessions } from './sessions.ts';
import { SignIns } from './sign-in.ts';
import { createTokens } from './tokens.ts';

/** All that knows who somebody is. */
export const openIdentity = (
  config: Config,
  { store, administration, bus }: Pick<Spine, 'store' | 'administration' | 'bus'>,
  guesses: Guesses,
) => {
  const { secretKey, signInSeconds } = config;
  const tokens = createTokens(config, store, bus);
  const secondFactors = new SecondFactors(administration, guesses, secretKey);
  return {
    tokens,
    sessions: new Sessions(store, tokens, new ApiKeys(store), bus),
    secondFactors,
    signIns: new SignIns({ administration, secondFactors, guesses, tokens, secretKey, signInSeconds }),
    captchas: config.captcha ? new Captchas(administration, guesses, secretKey) : null,
    /** Tells every process that somebody's rights may have changed. */
    rightsChanged: (): void => bus.hint('taskloom_identity', ['*']),
  };
};
