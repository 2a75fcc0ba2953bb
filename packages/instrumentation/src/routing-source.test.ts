import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { createArmspan } from "./armspan.ts";
import { startSpan } from "./fixtures/recording-span.ts";
import { supportBundle, writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

recordTelemetry();

it("keeps the last good bundle while the directory holds rubbish, says so on spans, and recovers", async () => {
	const directory = await writeSupportBundle();
	const armspan = createArmspan({ routingDirectory: directory, pollMs: 10 });
	const route = () => armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } });
	const { version } = route();

	writeFileSync(join(directory, "routing.json"), '{"flags":');
	await vi.waitFor(() => expect(armspan.status().stale).toBe(true), { timeout: 10_000 });
	expect(route()).toMatchObject({ version, fallbackReason: "bundle-stale", enrolled: true });
	expect(route().run(() => startSpan()).attributes).toMatchObject({
		"armspan.fallback.reason": "bundle-stale",
		"armspan.routing.revision": 7,
		"armspan.experiment": "polite",
	});
	expect(armspan.status().counters.bundlesRefused).toBeGreaterThan(0);

	writeFileSync(join(directory, "routing.json"), supportBundle(8).json);
	await vi.waitFor(() => expect(armspan.status().revision).toBe(8), { timeout: 10_000 });
	expect(route()).toMatchObject({ version, fallbackReason: undefined });
	armspan.close();
});

it("is no longer stale when the same bytes come back", async () => {
	const directory = await writeSupportBundle();
	const armspan = createArmspan({ routingDirectory: directory, pollMs: 10 });
	writeFileSync(join(directory, "routing.json"), "rubbish");
	await vi.waitFor(() => expect(armspan.status().stale).toBe(true), { timeout: 10_000 });
	writeFileSync(join(directory, "routing.json"), supportBundle(7).json);
	await vi.waitFor(() => expect(armspan.status().stale).toBe(false), { timeout: 10_000 });
	expect(armspan.status().lastError).toBeUndefined();
	armspan.close();
});
