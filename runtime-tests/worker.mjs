import { conversation } from "./handoff.mjs";

export default {
  async fetch() {
    return new Response(await conversation());
  },
};
