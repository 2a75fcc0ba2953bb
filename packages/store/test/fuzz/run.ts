import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkBody, FuzzViolation } from "./check-body.ts";
import { type FuzzBody, fuzzBody } from "./fuzz-body.ts";
import { InsertSample } from "./insert-sample.ts";
import { minimize } from "./minimize.ts";

const { values } = parseArgs({
	options: {
		bodies: { type: "string", default: "100000" },
		seed: { type: "string", default: "7" },
		from: { type: "string", default: "0" },
		minutes: { type: "string", default: "60" },
		failures: { type: "string", default: "fuzz-failures" },
	},
});
const [bodies, seed, from, minutes] = [values.bodies, values.seed, values.from, values.minutes].map(Number) as [
	...[number, number, number, number],
];
/** Of so many bodies, one is decoded twice and its block read back whatever its bytes; one is decoded by the reference. */
const THOROUGH_EVERY = 16;
const DIFFERENTIAL_EVERY = 61;
const INSERT_EVERY = 499;
const MAX_FAILURES = 50;
/** Time of a body that is not worth a look: a garbage collection takes as long. */
const SLOW_MS = 20;

const counts: Record<string, number> = {};
const count = (name: string, by = 1) => {
	counts[name] = (counts[name] ?? 0) + by;
};
const slowest: { index: number; ms: number; bytes: number }[] = [];
const memory: { bodies: number; heapMb: number; externalMb: number; rssMb: number }[] = [];
const sample = new InsertSample();
await sample.open();
const began = performance.now();
let failures = 0;
let done = 0;
let milestone = 1000;

for (let index = from; index < from + bodies && failures < MAX_FAILURES; index++) {
	const made = fuzzBody(seed, index);
	count(`${made.signal} ${made.contentType}`);
	count("bytes", made.body.length);
	if (made.large) count("large");
	if (made.twin !== undefined) count("twins");
	const start = performance.now();
	try {
		const { outcome, encoded, reference } = checkBody(made, {
			thorough: index % THOROUGH_EVERY === 0,
			differential: index % DIFFERENTIAL_EVERY === 0,
		});
		const ms = performance.now() - start;
		if (ms > SLOW_MS) slowest.push({ index, ms: Math.round(ms), bytes: made.body.length });
		count(outcome);
		if (reference !== undefined) count(`reference ${reference}`);
		if (encoded !== undefined && encoded.rows > 0) {
			count("blocks with rows");
			if (index % INSERT_EVERY === 0 || made.large) await sample.add(encoded);
		}
	} catch (error) {
		failures += 1;
		report(made, index, error);
	}
	done += 1;
	if (done === milestone) {
		remember();
		milestone = done < 1_000_000 ? done * 10 : done + 1_000_000;
		if (done >= 100_000) process.stderr.write(`${done} bodies, ${JSON.stringify(memory.at(-1))}\n`);
	}
	if (done % 1024 === 0 && performance.now() - began > minutes * 60_000) break;
}
await sample.flush();
remember();
slowest.sort((a, b) => b.ms - a.ms);
const result = {
	...{ seed, from, bodies: done, failures, seconds: Math.round((performance.now() - began) / 1000) },
	...{ cpuSeconds: Math.round(process.cpuUsage().user / 1e6), counts, memory, slowest: slowest.slice(0, 5) },
	inserted: { blocks: sample.blocks, rows: sample.rows },
};
await sample.close();
process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
process.exitCode = failures > 0 ? 1 : 0;

function remember(): void {
	const mb = (bytes: number) => Math.round(bytes / 1_048_576);
	const { heapUsed, external, rss } = process.memoryUsage();
	memory.push({ bodies: done, heapMb: mb(heapUsed), externalMb: mb(external), rssMb: mb(rss) });
}

/** Writes the body, and the least of it that fails in the same way, to files. */
function report(made: FuzzBody, index: number, error: unknown): void {
	const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
	const ending = made.contentType === "application/json" ? "json" : "bin";
	const file = join(values.failures, `${seed}-${index}-${made.signal}`);
	mkdirSync(values.failures, { recursive: true });
	writeFileSync(`${file}.${ending}`, made.body);
	const kind = (text: string) => text.replace(/\d+/g, "").slice(0, 40);
	const smallest =
		made.twin !== undefined || !(error instanceof FuzzViolation)
			? made.body
			: minimize(made.body, (body) => {
					try {
						checkBody({ ...made, body }, { thorough: true, differential: message.includes("bufbuild") });
						return false;
					} catch (again) {
						return kind(`${(again as Error).name}: ${(again as Error).message}`) === kind(message);
					}
				});
	writeFileSync(`${file}.min.${ending}`, smallest);
	process.stderr.write(`body ${index}: ${message.slice(0, 400)}\n  ${file}.min.${ending} (${smallest.length} bytes)\n`);
}
