import { afterEach, expect, it, vi } from "vitest";
import { armspan } from "./default-armspan.ts";
import { writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

recordTelemetry();
const variables = { question: "?" };
const fallback = { messages: [{ role: "user", content: "?" }], model: "gpt-4o" } as const;
afterEach(() => armspan.close());

it("serves the caller's fallback until it is started, and says how to start", () => {
	const routed = armspan.prompt("support-reply", { user: "u1", variables });
	expect(routed.error).toMatchObject({ code: "NOT_STARTED", message: expect.stringContaining("--import") });
	expect(armspan.prompt("support-reply", { user: "u1", fallback })).toMatchObject({ ...fallback, error: undefined });
	expect(armspan.prompt(undefined as never, null as never).run(() => 3)).toBe(3);
	expect(armspan.status()).toMatchObject({ started: false, counters: { unroutedCalls: 3 } });
});

it("says once that it was never started, where a host without OpenTelemetry can see it", () => {
	delete (globalThis as Record<symbol, unknown>)[Symbol.for("armspan.not-started.warned")];
	const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
	expect(armspan.feedback("reference", { score: 1 })).toBe(false);
	armspan.prompt("support-reply", { user: "u1", variables });
	expect(emitWarning.mock.calls).toEqual([
		[expect.stringContaining("call armspan.start()"), { type: "ArmspanWarning", code: "ARMSPAN_NOT_STARTED" }],
	]);
	emitWarning.mockRestore();
});

it("is shared by every copy of this package", async () => {
	armspan.start({ routingDirectory: await writeSupportBundle() });
	vi.resetModules();
	const copy = await import("./default-armspan.ts");
	expect(copy.armspan).not.toBe(armspan);
	expect(copy.armspan.prompt("support-reply", { user: "u1", variables })).toMatchObject({ enrolled: true });
	expect(armspan.status().counters.routedCalls).toBe(1);
});

it("reads the folder and the key from the environment", async () => {
	vi.stubEnv("ARMSPAN_ROUTING", await writeSupportBundle(undefined, 12));
	vi.stubEnv("ARMSPAN_UNIT_KEY", "key");
	armspan.start();
	expect(armspan.status()).toMatchObject({
		started: true,
		revision: 12,
		source: "routing-directory",
		unitIds: "hmac-sha256",
	});
	vi.unstubAllEnvs();
});
