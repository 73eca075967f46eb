import { conversations } from "./handoff.mjs";

export default {
  async fetch() {
    return new Response(await conversations());
  },
};
