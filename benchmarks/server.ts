/**
 * A server on the loopback network that speaks Responses: S9's model. Under `/json` it answers at once, under `/sse` in
 * the events that OpenAI sends. Where a tool may be called it calls the first, otherwise it answers.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ANSWER } from "./contestants/contestant.ts";

let ids = 0;

function responseWith(output: readonly unknown[], status: string): Record<string, unknown> {
  return {
    id: `resp_${ids}`,
    object: "response",
    created_at: 1_700_000_000,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model: "gpt-4o",
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: true,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    truncation: "disabled",
    usage:
      status === "completed"
        ? {
            input_tokens: 100,
            input_tokens_details: { cached_tokens: 0 },
            output_tokens: 10,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: 110,
          }
        : null,
    user: null,
    metadata: {},
  };
}

const callOf = (name: string, args: string, status: string): Record<string, unknown> => ({
  type: "function_call",
  id: `fc_${ids}`,
  call_id: `call_${ids}`,
  name,
  arguments: args,
  status,
});
const textPart = (text: string): Record<string, unknown> => ({
  type: "output_text",
  text,
  annotations: [],
  logprobs: [],
});
const messageOf = (content: readonly unknown[], status: string): Record<string, unknown> => ({
  type: "message",
  id: `msg_${ids}`,
  status,
  role: "assistant",
  content,
});

type Event = Record<string, unknown>;

function* callEvents(name: string): Generator<Event> {
  const item_id = `fc_${ids}`;
  yield { type: "response.output_item.added", output_index: 0, item: callOf(name, "", "in_progress") };
  yield { type: "response.function_call_arguments.delta", item_id, output_index: 0, delta: "{}" };
  yield { type: "response.function_call_arguments.done", item_id, output_index: 0, arguments: "{}" };
  yield { type: "response.output_item.done", output_index: 0, item: callOf(name, "{}", "completed") };
}

function* textEvents(): Generator<Event> {
  const at = { item_id: `msg_${ids}`, output_index: 0, content_index: 0 };
  yield { type: "response.output_item.added", output_index: 0, item: messageOf([], "in_progress") };
  yield { type: "response.content_part.added", ...at, part: textPart("") };
  for (const delta of ANSWER.split(/(?= )/)) yield { type: "response.output_text.delta", ...at, delta, logprobs: [] };
  yield { type: "response.output_text.done", ...at, text: ANSWER, logprobs: [] };
  yield { type: "response.content_part.done", ...at, part: textPart(ANSWER) };
  yield { type: "response.output_item.done", output_index: 0, item: messageOf([textPart(ANSWER)], "completed") };
}

function* eventsOf(name: string | undefined): Generator<Event> {
  yield { type: "response.created", response: responseWith([], "in_progress") };
  yield { type: "response.in_progress", response: responseWith([], "in_progress") };
  yield* name === undefined ? textEvents() : callEvents(name);
  yield { type: "response.completed", response: replyOf(name) };
}

const replyOf = (name: string | undefined): Event =>
  responseWith(
    [name === undefined ? messageOf([textPart(ANSWER)], "completed") : callOf(name, "{}", "completed")],
    "completed",
  );

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => {
    ids++;
    const { tools } = JSON.parse(body) as { readonly tools?: readonly { readonly name: string }[] };
    const name = tools?.[0]?.name;
    if (request.url!.startsWith("/json")) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(replyOf(name)));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sequence_number = 0;
    for (const event of eventsOf(name)) {
      response.write(
        `event: ${String(event["type"])}\ndata: ${JSON.stringify({ ...event, sequence_number: sequence_number++ })}\n\n`,
      );
    }
    response.end();
  });
});
server.listen(0, "127.0.0.1", () =>
  process.send!({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
);
process.on("disconnect", () => process.exit());
