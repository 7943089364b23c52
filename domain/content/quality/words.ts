/** Word lists and stems of English, for measures that need to know what a word is for. */

const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Words that hold sentences together; in English prose four to five of ten. */
export const FUNCTION_WORDS = list(`
  a an the this that these those my your his her its our their some any no every each either neither both all such
  i you he she it we they me him us them who whom whose which what where when why how there here
  am is are was were be been being do does did done have has had having will would shall should can could may might must
  and or but nor so yet if because although though while whereas unless until since than as whether
  of in to for with on at by from about into through during before after above below between under over against among
  without within along across behind beyond up down out off around near toward towards upon per via
  not very too also just only even still again then once now ever never always often more most less least much many few
  other another same own one two first
  it's that's don't doesn't didn't isn't aren't wasn't weren't can't couldn't won't wouldn't you're they're we're i'm
  i've you've we've they've you'll there's what's let's it'll hasn't haven't shouldn't`);

/** Words that hold other languages together, to tell those from broken English. */
export const FOREIGN_FUNCTION_WORDS = list(`
  der die das und ist nicht mit den dem des ein eine einen auf für von zu sich auch wird werden sind dass oder bei nach
  le la les des une est et dans pour que qui sur avec pas du au ce cette sont plus par il elle vous nous
  el los las una y es en que por con para se del al lo su como más pero sus
  il di che non per una sono con del della i gli nel più anche
  o os as um uma e não com do da em para mais
  de het een en van niet dat op te voor zijn met
  och att det som en på är av för inte med den till`);

/** Words that a topic is not made of. */
export const TITLE_NOISE = list(`
  guide tips tip best better complete ultimate beginner beginners introduction explained basics ways way things thing
  reasons top year years need needs know choose choosing use using make making get getting work works new good great
  first your people say every what that`);

/** Words that fit every topic and say little about any. */
export const GENERIC_WORDS = list(`
  important importance essential crucial vital key benefit benefits beneficial various numerous several different
  variety aspect aspects factor factors overall improve improving improves enhance enhancing ensure ensuring ensures
  achieve achieving experience experiences effective effectively efficiency efficient efficiently successful success
  successfully goal goals potential opportunity opportunities provide provides providing process quality unique
  wonderful amazing incredible awesome fantastic great perfect perfectly ideal popular modern world life lifestyle
  journey today nowadays additionally furthermore moreover therefore however conclusion summary ultimately
  help helps helping allow allows enjoy enjoyable easy easily simple simply right proper properly need needs
  tips steps things something everything anything everyone anyone people many ways way making sure
  consider considering understand understanding understood known valuable significant significantly
  powerful create creating focus lead leads role impact positive difference well-being wellbeing
  advantages technology technologies solution solutions innovative innovation innovations creativity resources
  community sustainable sustainability inspire inspiring inspiration capabilities features options including
  increase increasingly especially particularly generally certain specific based involves include includes
  related available necessary recommended useful helpful interesting exciting fascinating`);

/** What padding and advertising are made of. Matched in lower case, between word borders. */
export const CLICHES: readonly string[] = [
  "in today's fast-paced",
  "in today's",
  'ever-evolving',
  'fast-paced world',
  'digital age',
  'in this day and age',
  'modern world',
  'it is important to note',
  "it's important to note",
  'it is important to',
  "it's important to",
  'it is essential to',
  'it is worth noting',
  'plays a crucial role',
  'play a crucial role',
  'plays a vital role',
  'play a vital role',
  'plays an important role',
  'crucial role',
  'when it comes to',
  'at the end of the day',
  'needless to say',
  'last but not least',
  'first and foremost',
  'in conclusion',
  'to sum up',
  'in summary',
  'in a nutshell',
  'all in all',
  'with that being said',
  'whether you are',
  "whether you're",
  'look no further',
  'game-changer',
  'game changer',
  'next level',
  'full potential',
  'cutting-edge',
  'cutting edge',
  'state-of-the-art',
  'world-class',
  'best-in-class',
  'one-stop',
  'revolutionary',
  'groundbreaking',
  'unlock the',
  'unleash',
  'delve into',
  'dive into',
  "let's dive",
  'embark on',
  'navigate the',
  'navigating the',
  'harness the',
  'rich tapestry',
  'tapestry of',
  'testament to',
  'in the realm of',
  'realm of',
  'treasure trove',
  'a myriad of',
  'plethora of',
  'wide range of',
  'wide variety of',
  'variety of',
  'wealth of',
  'there are many',
  'many benefits',
  'numerous benefits',
  'many different',
  'think outside the box',
  'one-size-fits-all',
  'the sky is the limit',
  'possibilities are endless',
  'endless possibilities',
  'pave the way',
  'make a difference',
  'foster a',
  'fostering a',
  'leverage the',
  'leveraging',
  'holistic approach',
  'sense of belonging',
  'has never been easier',
  'more important than ever',
  'the right tools',
  'dos and don',
  'tried and true',
  'time-tested',
  'timeless',
  'art of',
  'not only about',
  'is not just',
  'so why not',
  "don't hesitate",
  'stay tuned',
  'hope this',
  'not a destination',
  'greatest asset',
  'best version of yourself',
  'experts agree',
  'studies have shown',
  'research has proven',
  'studies show',
  'many people',
  'some people',
  'more and more',
  'in recent years',
  'since the dawn of',
  'around the globe',
  'all over the world',
];

/** What sells and does not inform. */
export const HYPE: readonly string[] = [
  'act now',
  'buy now',
  'order now',
  'order today',
  'click here',
  'click the link',
  'limited time',
  'special offer',
  'exclusive offer',
  'money back',
  'money-back',
  'guaranteed',
  'free shipping',
  'once-in-a-lifetime',
  "don't miss",
  "won't last",
  'happy customers',
  'satisfied customers',
  'our customers',
  'number one',
  'life-changing',
  'highly recommended',
  'best product',
  'risk-free',
  'sign up today',
  "they don't want you to know",
  "don't want you to know",
  'check out our',
  'share your feedback',
  'visit our website',
  'our products',
  'subscribe now',
];

const DETERMINERS = list('a an the my your our their every');
const AFTER_NO_DETERMINER =
  list(`of and or but is are was were be been has had to in on at for from with by the a an it they
  he she we you i if because than my your our their`);
const PREPOSITIONS = list('of to in at for with from by into');
const AFTER_NO_PREPOSITION = list('is are was were of and or but to');
const PLACES = list('of in at with by under behind between');
const BEFORE_NO_PLACE = list('at with for by under behind between of');
const MODALS = list('must should would could');
const AFTER_NO_MODAL = list('of with and in at for is are was a an itself');
const JOINING = list('and or but');
const NEVER_LAST = list('the a an and or but my your our their because than every');

/** Whether English never puts these two words next to each other, or hardly ever. */
export const isImpossiblePair = (first: string, second: string): boolean =>
  (DETERMINERS.has(first) && AFTER_NO_DETERMINER.has(second)) ||
  (PREPOSITIONS.has(first) && AFTER_NO_PREPOSITION.has(second)) ||
  (BEFORE_NO_PLACE.has(first) && PLACES.has(second)) ||
  (MODALS.has(first) && AFTER_NO_MODAL.has(second)) ||
  (JOINING.has(first) && (JOINING.has(second) || second === 'of')) ||
  (first === 'is' && (second === 'are' || second === 'is' || second === 'of'));

/** Whether no sentence ends with this word. */
export const isNeverLast = (word: string): boolean => NEVER_LAST.has(word);

const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/'s$|’s$/, ''],
  [/(?<=..)ies$/, 'y'],
  [/(?<=...)(?:ations?|ments?|ness|ingly|edly)$/, ''],
  [/(?<=...)(?:ing|ers?|ed|es|ly)$/, ''],
  [/(?<=[^s]..)s$|(?<=[^su])s$/, ''],
];

/** A word cut down so that its forms look alike; no dictionary form. */
export const stem = (word: string): string => {
  let cut = word;
  for (const [ending, replacement] of ENDINGS) {
    if (ending.test(cut)) {
      cut = cut.replace(ending, replacement);
      break;
    }
  }
  return cut
    .replace(/([^aeiouls])\1$/, '$1')
    .replace(/(?<=..)e$/, '')
    .replace(/(?<=..)y$/, 'i');
};

/** The stems of the words that carry meaning. */
export const contentStems = (words: readonly string[]): string[] =>
  words.filter((word) => word.length > 2 && !FUNCTION_WORDS.has(word)).map(stem);
