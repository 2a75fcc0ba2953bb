import { ROOT_CONTEXT } from "@opentelemetry/api";
import { afterEach, expect, it, vi } from "vitest";
import { EventLogger } from "./event-logger.ts";

// The application's api is 1.9: there is no `logs`.
vi.mock("@opentelemetry/api", async (importOriginal) => {
	const { logs: _, ...older } = await importOriginal<typeof import("@opentelemetry/api")>();
	return older;
});

const LEGACY = Symbol.for("io.opentelemetry.js.api.logs");
const REGISTERED = Symbol.for("opentelemetry.js.api.1");
const globals = globalThis as Record<symbol, unknown>;
const events: unknown[] = [];
const provider = { getLogger: () => ({ emit: (event: unknown) => events.push(event) }) };

afterEach(() => {
	delete globals[LEGACY];
	delete globals[REGISTERED];
	events.length = 0;
});

it("drops events when the process has no logs API", () => {
	expect(new EventLogger().emit("e", {}, ROOT_CONTEXT)).toBe(false);
});

it("finds the provider that an SDK registered through a newer copy of the api", () => {
	globals[REGISTERED] = { version: "1.10.0", logs: provider };
	expect(new EventLogger().emit("e", { a: 1 }, ROOT_CONTEXT)).toBe(true);
	expect(events).toMatchObject([{ eventName: "e", attributes: { a: 1 } }]);
});

it("finds the older api-logs", () => {
	globals[LEGACY] = (version: number) => (version === 1 ? provider : undefined);
	expect(new EventLogger().emit("e", {}, ROOT_CONTEXT)).toBe(true);
	expect(events).toHaveLength(1);
});
