import { conversations } from "./handoff.mjs";

console.log(await conversations());
