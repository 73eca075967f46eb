/** S9 of those that only speak to a server: a hand-written `fetch` loop, and the same loop with the `openai` client. */
import OpenAI from "openai";
import { type Contestant, INSTRUCTIONS, QUESTION, type Wire, baseUrl } from "./contestant.ts";

type Input = OpenAI.Responses.ResponseInputItem;
type Output = OpenAI.Responses.ResponseOutputItem;

const TRANSFER: OpenAI.Responses.FunctionTool = {
  type: "function",
  name: "transfer_to_answering",
  description: "Hand the conversation over to answering.",
  parameters: { type: "object", properties: {}, additionalProperties: false },
  strict: false,
};

interface Asked {
  readonly model: string;
  readonly instructions: string;
  readonly input: Input[];
  readonly tools?: OpenAI.Responses.FunctionTool[];
}

/** Triage, handoff, answer. */
async function run(ask: (asked: Asked) => Promise<readonly Output[]>): Promise<string> {
  const input: Input[] = [{ role: "user", content: QUESTION }];
  let tools: Asked["tools"] = [TRANSFER];
  while (true) {
    const output = await ask({ model: "gpt-4o", instructions: INSTRUCTIONS, input, ...(tools ? { tools } : {}) });
    let answer = "";
    for (const item of output) {
      input.push(item as Input);
      if (item.type === "message") {
        for (const part of item.content) if (part.type === "output_text") answer += part.text;
      } else if (item.type === "function_call") {
        input.push({ type: "function_call_output", call_id: item.call_id, output: "ok" });
        tools = undefined;
      }
    }
    if (answer !== "") return answer;
  }
}

function fetching(wire: Wire): (asked: Asked) => Promise<readonly Output[]> {
  const url = `${baseUrl(wire)}/responses`;
  return async (asked) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer none" },
      body: JSON.stringify(wire === "sse" ? { ...asked, stream: true } : asked),
    });
    if (wire === "json") return ((await response.json()) as { output: Output[] }).output;
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const data = text.slice(text.indexOf("data: ") + 6, end);
        text = text.slice(end + 2);
        const event = JSON.parse(data) as OpenAI.Responses.ResponseStreamEvent;
        if (event.type === "response.completed") return event.response.output;
      }
    }
    throw new Error("The stream ended without a response");
  };
}

/** Without a framework and without a client. */
export const contestant: Contestant = { S9: (wire) => () => run(fetching(wire)) };

/** With the client that frameworks use. */
export const client: Contestant = {
  S9: (wire) => {
    const openai = new OpenAI({ apiKey: "none", baseURL: baseUrl(wire) });
    const ask = async (asked: Asked): Promise<readonly Output[]> => {
      if (wire === "json") return (await openai.responses.create(asked)).output;
      for await (const event of await openai.responses.create({ ...asked, stream: true }))
        if (event.type === "response.completed") return event.response.output;
      throw new Error("The stream ended without a response");
    };
    return () => run(ask);
  },
};
