/**
 * The embedded model of Baton: routes and answers in-process, with no key and no network. **Not a language model.**
 *
 * @module
 */
export { local, localModel, type LocalModelOptions } from "./local.ts";
