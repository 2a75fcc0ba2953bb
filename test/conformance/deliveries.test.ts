import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS } from "@armspan/schema";
import { openStore } from "@armspan/store";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import {
	type Delivered,
	deliver,
	observeEvidence,
	randomDeliveries,
	randomNumbers,
	repeatedAndShuffled,
} from "./deliveries.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-deliveries-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOW = new Date();
/** Each run opens two stores; raise it for a long search. */
const RUNS = Number(process.env.ARMSPAN_DELIVERY_RUNS ?? 1);
let stores = 0;

/** @param sealed how many deliveries come before sums per unit are made of what is there */
async function observed(deliveries: readonly Delivered[], seed: number, largest: number, sealed = 0) {
	const store = await openStore({ kind: "embedded", path: join(folder, String(stores++)) });
	try {
		await store.migrate();
		await deliver([store], deliveries.slice(0, sealed), randomNumbers(seed), largest);
		if (sealed > 0) {
			const until = new Date(NOW.getTime() - 6 * 3_600_000);
			const metrics = [...BUILT_IN_METRICS.values()];
			await store.sealUnitSums({ experiment: "tone", iteration: 1, metrics, until, arrivedUntil: new Date() });
		}
		await deliver([store], deliveries.slice(sealed), randomNumbers(seed), largest);
		return await observeEvidence(store, NOW);
	} finally {
		await store.close();
	}
}

test(
	"any order, grouping and repetition, up to a day late, gives the same bits, whatever the records say",
	async () => {
		await fc.assert(
			fc.asyncProperty(fc.nat(), fc.integer({ min: 20, max: 400 }), async (seed, largest) => {
				const random = randomNumbers(seed);
				const deliveries = randomDeliveries(random, { units: 25, now: NOW });
				const clean = await observed(deliveries, 1, deliveries.length);
				const repeated = repeatedAndShuffled(random, deliveries);
				expect(await observed(repeated, seed, largest)).toEqual(clean);
				expect(await observed(repeated, seed, largest, repeated.length >> 1)).toEqual(clean);
				// not equal because there was nothing
				expect(clean.counts.calls).toBeGreaterThan(50);
				expect(clean.counts.quarantined).toBeGreaterThan(5);
				expect(new Set(clean.byKey[0]?.metrics.arms.map(({ variant }) => variant)).size).toBeGreaterThan(1);
			}),
			{ numRuns: RUNS },
		);
	},
	60_000 + RUNS * 120_000,
);
