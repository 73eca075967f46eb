/**
 * Hostile inputs as data: what models, tools, users and callers send when they are wrong or mean harm.
 *
 * @module
 */
export type { Case } from "./case.ts";
export { type ArgumentsOutcome, hostileArguments, hostileArgumentsSchema } from "./arguments.ts";
export { hostileNamePairs, hostileNames, type NameOutcome, type NamePair } from "./names.ts";
export { hostileTexts } from "./texts.ts";
export { hostileKeys, hostileTenantKeys, type KeyOutcome } from "./keys.ts";
export { hostilePayloads, hostilePayloadSchema } from "./payloads.ts";
export { hostileStates, type StateOutcome } from "./states.ts";
export { hostileResults, hostileThrown } from "./values.ts";
export { hostileCallbacks, hostileNumbers } from "./options.ts";
