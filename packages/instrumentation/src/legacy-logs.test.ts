import { logs, ROOT_CONTEXT } from "@opentelemetry/api";
import { afterEach, expect, it } from "vitest";
import { EventLogger } from "./event-logger.ts";

const LEGACY = Symbol.for("io.opentelemetry.js.api.logs");
const globals = globalThis as Record<symbol, unknown>;
const providerInto = (events: unknown[]) => ({
	getLogger: () => ({ emit: (event: unknown) => void events.push(event), enabled: () => true }),
});

afterEach(() => {
	delete globals[LEGACY];
	logs.disable();
});

it("a logs SDK of the 2.x line is found beside an api that has logs of its own, unless those are set up", () => {
	const older: unknown[] = [];
	const newer: unknown[] = [];
	globals[LEGACY] = () => providerInto(older);
	const logger = new EventLogger();
	expect(logger.emit("e", {}, ROOT_CONTEXT)).toBe(true);
	logs.setGlobalLoggerProvider(providerInto(newer) as never);
	logger.emit("e", {}, ROOT_CONTEXT);
	expect([older.length, newer.length]).toEqual([1, 1]);
});
