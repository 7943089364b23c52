import { dictionary } from '@zxcvbn-ts/language-common';

const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

/** Whether leaks hold this password often. @param text in lower case */
export const isCommonPassword = (text: string): boolean => COMMON.has(text);
