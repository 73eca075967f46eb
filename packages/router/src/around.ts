import type { Model } from "@batonjs/core";

/** `model` with another way to answer. Name and provider stay what they are, also where they change later. */
export function around(model: Model, stream: Model["stream"]): Model {
  return {
    get name() {
      return model.name;
    },
    get provider() {
      return model.provider;
    },
    stream,
  };
}
