import { delivery } from "@armspan/instrumentation";
import { beforeEach, expect, it, vi } from "vitest";
import { DeliveryQueue, type ExportOutcome } from "./delivery-queue.ts";

const UNREACHABLE: ExportOutcome = { code: 1, error: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) };
const REFUSED: ExportOutcome = { code: 1, error: Object.assign(new Error("Bad Request"), { code: 400 }) };
const NEVER: ExportOutcome = { code: -1 };

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
				if (outcome === NEVER) return;
				if (outcome.code === 0) delivered.push(...items);
				queueMicrotask(() => done(outcome));
			},
			shutdown: async () => {},
		},
	};
}

const LONG = 60_000;
function queue(exporter: ReturnType<typeof collector>["exporter"], options: Partial<Record<string, number>> = {}) {
	const all = { capacity: 10, batchSize: 2, delayMs: LONG, pauseMs: LONG, ...options };
	return new DeliveryQueue<string>(exporter, { signal: "spans", ...all });
}
const drops = () => delivery().drops.spans;

beforeEach(() => {
	for (const reason of ["queue-full", "refused"] as const) drops()[reason] = 0;
});

it("sends a full batch at once, the rest after a while, each once and in order", async () => {
	const { exporter, delivered } = collector();
	const waiting = queue(exporter, { delayMs: 1 });
	for (const item of ["a", "b", "c"]) waiting.add(item);
	await vi.waitFor(() => expect(delivered).toEqual(["a", "b", "c"]), { timeout: 10_000 });
	expect(waiting.size).toBe(0);
});

it("keeps what could not be delivered and sends it later, once", async () => {
	const { exporter, delivered } = collector(UNREACHABLE, UNREACHABLE);
	const waiting = queue(exporter, { delayMs: 1, pauseMs: 1 });
	for (const item of ["a", "b", "c"]) waiting.add(item);
	await vi.waitFor(() => expect(delivered).toEqual(["a", "b", "c"]), { timeout: 10_000 });
	await waiting.flush();
	expect(delivered).toEqual(["a", "b", "c"]);
});

it("does not repeat what the collector refused, and counts it", async () => {
	const { exporter, tries } = collector(REFUSED);
	const waiting = queue(exporter);
	waiting.add("a");
	await waiting.flush();
	await waiting.flush();
	expect([tries(), drops().refused, waiting.size]).toEqual([1, 1, 0]);
});

it("takes what an exporter throws for a refusal", async () => {
	const broken = {
		export: () => {
			throw new Error("cannot be written");
		},
		shutdown: async () => {},
	};
	const waiting = queue(broken);
	waiting.add("a");
	await waiting.flush();
	expect([drops().refused, waiting.size]).toEqual([1, 0]);
});

it("drops the oldest when more is kept than it may, and counts them, while nothing comes back", async () => {
	const { exporter, delivered } = collector(NEVER);
	const waiting = queue(exporter, { capacity: 4 });
	for (const item of ["a", "b", "c", "d", "e", "f"]) waiting.add(item);
	expect([waiting.size, drops()["queue-full"]]).toEqual([4, 2]);
	expect(waiting.take()).toEqual(["a", "b", "e", "f"]);
	expect(delivered).toEqual([]);
});

it("stays within bounds when a batch comes back", async () => {
	const { exporter, delivered } = collector(UNREACHABLE);
	const waiting = queue(exporter, { capacity: 3 });
	for (const item of ["a", "b", "c", "d"]) waiting.add(item);
	await vi.waitFor(() => expect(drops()["queue-full"]).toBeGreaterThan(0));
	await waiting.flush();
	await waiting.flush();
	expect(delivered.length + drops()["queue-full"]).toBe(4);
	expect(delivered.at(-1)).toBe("d");
});

it("tries once more when flushed, and comes back although the collector stays away", async () => {
	const { exporter, delivered, tries } = collector(UNREACHABLE, UNREACHABLE);
	const waiting = queue(exporter);
	waiting.add("a");
	await waiting.flush();
	expect([tries(), delivered]).toEqual([1, []]);
	await waiting.flush();
	expect(tries()).toBe(2);
	await waiting.shutdown();
	expect(delivered).toEqual(["a"]);
});

it("gives up a batch under way to who takes it, and sends it no second time", async () => {
	const answers: ((outcome: ExportOutcome) => void)[] = [];
	const waiting = queue({
		export: (_items, done) => {
			answers.push(done);
		},
		shutdown: async () => {},
	});
	waiting.add("a");
	const flushed = waiting.flush();
	await vi.waitFor(() => expect(answers).toHaveLength(1));
	expect(waiting.take()).toEqual(["a"]);
	answers[0]?.(UNREACHABLE);
	await flushed;
	await waiting.flush();
	expect([answers.length, waiting.size]).toEqual([1, 0]);
});
