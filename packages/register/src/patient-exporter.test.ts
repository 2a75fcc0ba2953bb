import { expect, it, vi } from "vitest";
import { type ExportOutcome, PatientExporter } from "./patient-exporter.ts";

const UNREACHABLE: ExportOutcome = { code: 1, error: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) };
const REFUSED: ExportOutcome = { code: 1, error: Object.assign(new Error("Bad Request"), { code: 400 }) };

/** A collector that answers as it is told. */
function collector(...outcomes: ExportOutcome[]) {
	const delivered: string[] = [];
	let tries = 0;
	return {
		delivered,
		tries: () => tries,
		exporter: {
			export(items: string[], done: (outcome: ExportOutcome) => void) {
				tries++;
				const outcome = outcomes.shift() ?? { code: 0 };
				if (outcome.code === 0) delivered.push(...items);
				queueMicrotask(() => done(outcome));
			},
			shutdown: async () => {},
		},
	};
}

const send = (exporter: PatientExporter<string>, items: string[]) =>
	new Promise<ExportOutcome>((resolve) => exporter.export(items, resolve));

it("keeps what could not be delivered and sends it later, once", async () => {
	const { exporter, delivered } = collector(UNREACHABLE, UNREACHABLE);
	const patient = new PatientExporter(exporter, { capacity: 10, pauseMs: 1 });
	expect((await send(patient, ["a", "b"])).code).toBe(0);
	await vi.waitFor(() => expect(delivered).toEqual(["a", "b"]), { timeout: 10_000 });
	await patient.forceFlush();
	expect(delivered).toEqual(["a", "b"]);
});

it("does not repeat what the collector refused", async () => {
	const { exporter, tries } = collector(REFUSED);
	const patient = new PatientExporter(exporter, { capacity: 10, pauseMs: 1 });
	expect(await send(patient, ["a"])).toEqual(REFUSED);
	await patient.forceFlush();
	expect(tries()).toBe(1);
});

it("drops the oldest when more is kept than it may", async () => {
	const { exporter, delivered } = collector(UNREACHABLE, UNREACHABLE, UNREACHABLE);
	const patient = new PatientExporter(exporter, { capacity: 4, pauseMs: 60_000 });
	for (const batch of [["a", "b"], ["c", "d"], ["e"]]) await send(patient, batch);
	await patient.forceFlush();
	expect(delivered).toEqual(["c", "d", "e"]);
});

it("tries once more when flushed, and comes back although the collector stays away", async () => {
	const { exporter, delivered, tries } = collector(UNREACHABLE, UNREACHABLE, UNREACHABLE);
	const patient = new PatientExporter(exporter, { capacity: 10, pauseMs: 60_000 });
	await send(patient, ["a"]);
	await patient.forceFlush();
	expect([tries(), delivered]).toEqual([2, []]);
	await patient.forceFlush();
	await patient.shutdown();
	expect(delivered).toEqual(["a"]);
});
