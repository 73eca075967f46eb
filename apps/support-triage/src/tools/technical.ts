/** What the Technical Agent can look up and do. */
import { type ToolContext, tool } from "@batonjs/core";
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { TODAY, all, change, one } from "../database.ts";
import { listed, signedIn, type Support } from "../support.ts";

const SERVICES = ["sync", "mobile_app", "desktop_app", "web", "sign_in"] as const;

interface Service {
  readonly name: string;
  readonly label: string;
  readonly status: "operational" | "degraded" | "down";
  readonly note: string;
  readonly updated_at: string;
}

const checkServiceStatus = tool({
  name: "check_service_status",
  description: "Tells whether Larkspur's services are up: one of them, or all.",
  when: "outages",
  examples: [
    "is Larkspur down?",
    "is there an outage",
    "is the web app working right now",
    "status of sync",
    "are your servers up",
  ],
  parameters: z.object({
    service: z.enum(SERVICES).nullable().describe("The service that the customer asks about"),
  }),
  sideEffects: "none",
  execute: ({ service }, run: ToolContext<Support>) => {
    const services = all<Service>(
      run.context.db,
      "SELECT * FROM services WHERE ? IS NULL OR name = ?",
      service,
      service,
    );
    const troubled = services.filter(({ status }) => status !== "operational");
    const [only] = services;
    if (troubled.length > 0) {
      return {
        services,
        message: troubled.map(({ label, status, note }) => `${label} is ${status}: ${note}`).join(" "),
      };
    }
    const what = service !== null && only ? `${only.label} is` : "All services are";
    return { services, message: `${what} up, with no known incident.` };
  },
});

interface KnownIssue {
  readonly id: string;
  readonly title: string;
  readonly workaround: string;
  readonly fixed_in: string | null;
}

/** Words that say nothing about what is broken. */
const FILLER = new Set(
  "a an and any are as at be been but by can cannot could do does for from get gets had has have help how i in hello hi is it its just keep keeps me my no not now of on or our please problem since still so thank thanks that the them there they this to up was we what when where which why will with you your app".split(
    " ",
  ),
);
/** The most words of a message that are searched for. */
const MAX_WORDS = 24;

/**
 * The issue that shares most words with what the customer says; of equals the one that fits best. One word in common is
 * enough only where nothing else was said.
 */
function bestIssue(db: DatabaseSync, problem: string): KnownIssue | undefined {
  const words = new Set(problem.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu));
  const told = [...words].filter((word) => !FILLER.has(word)).slice(0, MAX_WORDS);
  const shared = new Map<string, number>();
  for (const word of told) {
    for (const { id } of matching(db, `"${word}"`)) shared.set(id, (shared.get(id) ?? 0) + 1);
  }
  const most = Math.max(0, ...shared.values());
  if (most < Math.min(2, told.length) || most === 0) return undefined;
  const anyWord = told.map((word) => `"${word}"`).join(" OR ");
  const best = matching(db, anyWord).find(({ id }) => shared.get(id) === most);
  return best && one<KnownIssue>(db, "SELECT * FROM known_issues WHERE id = ?", best.id);
}

/** The issues that a query of FTS5 finds, the best first. */
function matching(db: DatabaseSync, query: string): readonly { readonly id: string }[] {
  return all(
    db,
    "SELECT id FROM known_issues_text WHERE known_issues_text MATCH ? ORDER BY bm25(known_issues_text, 0, 2, 1)",
    query,
  );
}

const searchKnownIssues = tool({
  name: "search_known_issues",
  description: "Searches the known issues by what the customer sees, and gives the workaround.",
  when: "crashes, errors and what is slow or stuck",
  notFor: "whether there is an outage right now",
  examples: [
    "the app crashes when I open the settings",
    "my phone app keeps crashing",
    "I get error 504 when I share a folder",
    "sync is stuck at 99%",
    "it is very slow and my laptop gets hot",
    "photos are uploaded twice",
  ],
  parameters: z.object({
    problem: z.string().min(1).max(2_000).describe("What happens, in the customer's words"),
  }),
  sideEffects: "none",
  execute: ({ problem }, run: ToolContext<Support>) => {
    const issue = bestIssue(run.context.db, problem);
    if (!issue) {
      return {
        issue: null,
        message:
          "This is not among the issues we know. I can open a ticket, so that an engineer looks into it. Shall I?",
      };
    }
    const fixed =
      issue.fixed_in === null
        ? "We are working on a fix."
        : `It is fixed in ${issue.fixed_in}, so please update first.`;
    return {
      issue,
      message: `This is a known issue (${issue.id}): ${lowerFirst(issue.title)}. ${fixed} Until then: ${lowerFirst(issue.workaround)}`,
    };
  },
});

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

interface Device {
  readonly id: string;
  readonly name: string;
  readonly app: string;
  readonly version: string;
  readonly state: "in_sync" | "syncing" | "stuck" | "offline";
  readonly last_sync: string;
}

function devicesOf(db: DatabaseSync, customerId: string): readonly Device[] {
  return all(db, "SELECT * FROM devices WHERE customer_id = ? ORDER BY id", customerId);
}

const deviceLine = ({ name, app, version, state, last_sync }: Device): string =>
  `${name} (${app} ${version}) is ${state.replace("_", " ")}, last synced ${last_sync}`;

const listDevices = tool({
  name: "list_devices",
  description: "Lists the customer's devices with the version of the app, and whether they are in sync.",
  when: "the state of your devices",
  examples: [
    "which devices are connected",
    "when did my phone last sync",
    "which version do I have",
    "is my laptop backed up",
    "list my devices",
  ],
  parameters: z.object({}),
  sideEffects: "none",
  execute: signedIn((_, customer, run) => {
    const devices = devicesOf(run.context.db, customer.id);
    if (devices.length === 0) return { devices, message: "No device has signed in with this account yet." };
    return { devices, message: `${listed(devices.map(deviceLine))}.` };
  }),
});

const restartSync = tool({
  name: "restart_sync",
  description: "Starts the sync of a device again that is stuck.",
  when: "restarting the sync",
  notFor: "finding out why something does not work",
  examples: ["restart the sync on my phone", "please reset sync", "kick off the backup again on my laptop"],
  parameters: z.object({
    device: z
      .string()
      .max(200)
      .nullable()
      .describe("Name of the device as list_devices gives it; none where only one is stuck"),
  }),
  sideEffects: "idempotent",
  execute: signedIn(({ device }, customer, run) => {
    const { db } = run.context;
    const devices = devicesOf(db, customer.id);
    const named =
      device === null
        ? undefined
        : devices.find(({ name }) => includesWord(device, name) || includesWord(name, device));
    const chosen = named ?? devices.find(({ state }) => state === "stuck");
    if (!chosen)
      return { restarted: false, message: "None of your devices is stuck, so there was nothing to restart." };
    change(db, "UPDATE devices SET state = 'syncing' WHERE id = ?", chosen.id);
    return {
      restarted: true,
      device: chosen.name,
      message: `I have restarted the sync of ${chosen.name}. Please keep it on Wi-Fi for some minutes.`,
    };
  }),
});

const includesWord = (text: string, word: string): boolean => text.toLowerCase().includes(word.toLowerCase());

const PRIORITIES = ["low", "normal", "high"] as const;
const MAX_SUBJECT_LENGTH = 120;

/** Opens a ticket. However often one call is run, there is one ticket. */
const createTicket = tool({
  name: "create_ticket",
  description: "Opens a ticket for the engineers, where no known issue fits or the workaround did not help.",
  when: "opening a ticket for the engineers",
  examples: [
    "open a ticket",
    "please create a ticket for this",
    "that did not help",
    "I want to report a bug",
    "can an engineer look at this",
    "still not working",
  ],
  parameters: z.object({
    subject: z.string().min(1).max(2_000).describe("What is wrong, in one line"),
    priority: z.enum(PRIORITIES).nullable().describe("high where the customer cannot work or has lost files"),
  }),
  sideEffects: "idempotent",
  execute: signedIn(({ subject, priority }, customer, run) => {
    const { db } = run.context;
    const line = subject.replace(/\s+/g, " ").trim().slice(0, MAX_SUBJECT_LENGTH);
    change(
      db,
      "INSERT INTO tickets (customer_id, subject, priority, status, opened_on, idempotency_key) VALUES (?, ?, ?, 'open', ?, ?) ON CONFLICT (idempotency_key) DO NOTHING",
      customer.id,
      line,
      priority ?? "normal",
      TODAY,
      run.idempotencyKey,
    );
    const ticket = one<{ readonly number: number }>(
      db,
      "SELECT number FROM tickets WHERE idempotency_key = ?",
      run.idempotencyKey,
    );
    return {
      ticket: `T-${ticket?.number}`,
      message: `I have opened ticket T-${ticket?.number}. An engineer will write to ${customer.email} within a working day.`,
    };
  }),
});

const listTickets = tool({
  name: "list_tickets",
  description: "Lists the customer's tickets and how they stand.",
  when: "news about your tickets",
  examples: ["what happened to my ticket", "any news on T-310", "the status of my ticket"],
  parameters: z.object({}),
  sideEffects: "none",
  execute: signedIn((_, customer, run) => {
    const tickets = all<{ readonly number: number; readonly subject: string; readonly status: string }>(
      run.context.db,
      "SELECT number, subject, status FROM tickets WHERE customer_id = ? ORDER BY number DESC",
      customer.id,
    );
    if (tickets.length === 0) return { tickets, message: "You have no tickets." };
    const lines = tickets.slice(0, 5).map(({ number, subject, status }) => `T-${number} “${subject}” is ${status}`);
    return { tickets, message: `${listed(lines)}.` };
  }),
});

export const technicalTools = [
  searchKnownIssues,
  checkServiceStatus,
  listDevices,
  restartSync,
  createTicket,
  listTickets,
] as const;
