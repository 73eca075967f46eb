/** Greetings, thanks, goodbyes, and questions about who answers. */
import { contentOf } from "./text.ts";
import { yesOrNo } from "./values.ts";

export type SmallTalk = "greeting" | "thanks" | "goodbye" | "about" | "help" | "yes" | "no" | "stop" | "empty";

const GREETING =
  /^\s*(?:hi+|hello|hey+|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|dear (?:team|support|sirs?|madam)|yo)(?: (?:there|all|team|everyone|support|again|guys|folks))*(?![\p{L}\p{N}])[\s,.!:;–—-]*/iu;
const PLEASANTRY =
  /^\s*(?:how are you(?: doing)?(?: today)?|how(?:'|’)?s it going|nice to meet you|hope you(?:'|’)?re (?:well|doing well)|i hope (?:you are|this finds you) well)[\s,.!?:;]*/i;
const THANKS =
  /^\s*(?:(?:ok(?:ay)?|great|perfect|awesome|cool|super|excellent|lovely|wonderful|alright|no|that(?:'|’)?s (?:great|perfect|all|it|everything))[\s,.!-]+)*(?:many thanks|thanks|thank (?:you|u)|thx|ty|cheers|much appreciated|i appreciate (?:it|that|your help))(?: (?:so|very|much|a|lot|you|again|for|your|the|all|help|that|this|ton|everything|bunch|in advance|kindly))*(?![\p{L}\p{N}])[\s,.!]*/iu;
const GOODBYE =
  /^\s*(?:(?:ok(?:ay)?|great|thanks|alright)[\s,.!]+)*(?:bye(?:[ -]?bye)?|goodbye|good bye|see (?:you|ya)(?: later| soon)?|have a (?:nice|good|great) (?:day|one|evening|weekend)|good ?night|that(?:'|’)?s all(?: for (?:now|today))?|that will be all|nothing else)(?![\p{L}\p{N}])[\s,.!]*/iu;
const STOP =
  /^\s*(?:never ?mind|forget (?:it|about it|that)|cancel that|stop(?: it| that)?|leave it|don(?:'|’)?t bother)[\s,.!]*$/i;
const ABOUT =
  /\b(?:who|what) are you\b|\bare you (?:a |an )?(?:real|human|person|robot|bot|chatbot|ai|machine|computer|language model|llm|chatgpt|gpt)\b|\bis this (?:a )?(?:bot|human|real person|machine|ai)\b|\bam i (?:talking|speaking|chatting) (?:to|with) a\b|\byour name\b/i;
const HELP =
  /^\s*(?:(?:please )?(?:help|help me)(?: please)?|what can (?:you|i) (?:do|ask)(?: (?:for me|here|you))?|what do you do|how can you help(?: me)?|what (?:are your (?:capabilities|functions|features|options|skills|services|abilities)|are you able to do|else can you (?:do|help with))|i need (?:some )?(?:help|assistance|support)|can you help(?: me)?(?: please)?|menu|options|start)[\s.!?]*$/i;
const ACCEPT =
  /^\s*(?:yes|yeah|yep|yup|sure|ok|okay|k|fine|great|good|nice|cool|perfect|awesome|alright|right|correct|understood|got it|i see|do it|go ahead|please do|please)(?:[\s,.!]+(?:please|thanks|thank you|do it|go ahead))*[\s.!]*$/i;
const POINTING = /\d|\b(?:first|second|third|last|other|another|one)\b/i;
const INSTRUCTING =
  /\b(?:ignore|disregard|forget|override|bypass)\s+(?:(?:all|any|every|each|of|the|your|previous|prior|earlier|above|system|former|these|those)\s+)+(?:instructions?|rules?|prompts?|guidelines?|directions?|polic(?:y|ies))\b/i;
const REFUSE = /^\s*(?:no|nope|nah|not really|no thanks|no thank you)[\s.!]*$/i;

/** The text without a greeting, pleasantry or thanks at its beginning. */
export function withoutGreeting(text: string): string {
  let rest = text;
  for (let i = 0; i < 3; i++) {
    const shorter = rest.replace(GREETING, "").replace(PLEASANTRY, "").replace(THANKS, "");
    if (shorter === rest) break;
    rest = shorter;
  }
  return rest;
}

/** Whether nothing is left of a text without its goodbyes, thanks and greetings. */
function saysGoodbye(text: string): boolean {
  let rest = text;
  for (let i = 0; i < 4; i++) rest = withoutGreeting(rest.replace(GOODBYE, ""));
  return GOODBYE.test(text) && contentOf(rest).length === 0;
}

/** Whether a message is about the program that reads it: "ignore your instructions and …". It fits nothing. */
export const tellsTheProgram = (text: string): boolean => INSTRUCTING.test(text);

/** What a message is if it is nothing but small talk. */
export function smallTalk(text: string): SmallTalk | undefined {
  if (!/[\p{L}\p{N}]/u.test(text)) return "empty";
  if (text.length > 300) return undefined;
  if (STOP.test(text)) return "stop";
  if (REFUSE.test(text)) return "no";
  const rest = withoutGreeting(text);
  if (saysGoodbye(rest)) return "goodbye";
  if (rest.trim() === "") return THANKS.test(text.replace(GREETING, "")) ? "thanks" : "greeting";
  if (HELP.test(rest)) return "help";
  if (ABOUT.test(rest) && contentOf(rest).length <= 6) return "about";
  if (ACCEPT.test(rest)) return "yes";
  // "Yes, do that now" says no more than yes; "yes, the second" does, if only where something was asked.
  return contentOf(rest).length === 0 && !POINTING.test(rest) && yesOrNo(rest) === true ? "yes" : undefined;
}
