import { conversation } from "./handoff.mjs";

console.log(await conversation());
