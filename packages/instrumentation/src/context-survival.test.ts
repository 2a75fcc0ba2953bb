import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { setImmediate, setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Armspan, createArmspan } from "./armspan.ts";
import { callHandle, withCallHandle } from "./call-handle.ts";
import { startSpan } from "./fixtures/recording-span.ts";
import { writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

recordTelemetry();
const variables = { question: "Where is my parcel?" };
let armspan: Armspan;

beforeAll(async () => {
	armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
});
afterAll(() => armspan.close());

/** Makes a span where an LLM SDK would. */
const spanUnit = () => startSpan().attributes["armspan.unit.id"];

async function spanUnitLater(): Promise<unknown> {
	await setTimeout(1);
	return spanUnit();
}

async function collect(values: AsyncIterable<unknown>): Promise<unknown[]> {
	const collected: unknown[] = [];
	for await (const value of values) collected.push(value);
	return collected;
}

const storage = new AsyncLocalStorage<string>();

/** Each gives the units on the spans that a call made. */
const WAYS: Readonly<Record<string, (run: <R>(fn: () => R) => R) => Promise<unknown[]>>> = {
	"awaits and timers": (run) =>
		run(async () => {
			const units = [spanUnit()];
			await null;
			units.push(spanUnit());
			await setTimeout(1);
			units.push(spanUnit());
			await setImmediate();
			return [...units, spanUnit()];
		}),
	"Promise.all and Promise.race": (run) =>
		run(async () => {
			const late = spanUnitLater;
			return [...(await Promise.all([late(), late()])), await Promise.race([late(), late()])];
		}),
	"callbacks of timers and microtasks": (run) =>
		run(() =>
			Promise.all([
				new Promise((resolve) => globalThis.setTimeout(() => resolve(spanUnit()), 1)),
				new Promise((resolve) => queueMicrotask(() => resolve(spanUnit()))),
				new Promise((resolve) => process.nextTick(() => resolve(spanUnit()))),
			]),
		),
	"a promise that is awaited outside": async (run) => {
		const promise = run(spanUnitLater);
		return [await promise];
	},
	"a stream that is read outside": async (run) => {
		const stream = run(
			() =>
				new ReadableStream({
					async start(controller) {
						for (let chunk = 0; chunk < 3; chunk++) {
							await setTimeout(1);
							controller.enqueue(spanUnit());
						}
						controller.close();
					},
				}),
		);
		return collect(stream);
	},
	"an async generator that is consumed outside": async (run) => {
		const generator = run(async function* () {
			yield spanUnit();
			await setTimeout(1);
			yield spanUnit();
		});
		return collect(generator);
	},
	"a generator inside a generator": (run) =>
		collect(
			run(async function* () {
				yield* (async function* () {
					await setTimeout(1);
					yield spanUnit();
				})();
			}),
		),
	"leaving another AsyncLocalStorage": (run) =>
		storage.run("mine", () => run(() => storage.exit(async () => [storage.getStore() ?? (await spanUnitLater())]))),
	"an emitter that emits inside": (run) =>
		run(async () => {
			const emitter = new EventEmitter();
			const seen: unknown[] = [];
			emitter.on("answer", () => seen.push(spanUnit()));
			await setTimeout(1);
			emitter.emit("answer");
			return seen;
		}),
	"a resource made inside": async (run) => {
		const resource = run(() => new AsyncResource("connection"));
		return [resource.runInAsyncScope(spanUnit)];
	},
};

describe("the assignment stays through", () => {
	it.each(Object.keys(WAYS))("%s, for 20 users at once", async (way) => {
		const users = Array.from({ length: 20 }, (_, index) => `u${index}`);
		const seen = await Promise.all(
			users.map((user) => WAYS[way]!(armspan.prompt("support-reply", { user, variables }).run)),
		);
		for (const [index, units] of seen.entries()) {
			expect(units.length).toBeGreaterThan(0);
			expect(new Set(units)).toEqual(new Set([users[index]]));
		}
	});
});

/** One worker, made outside of all calls; a waiting job starts from inside the one that has just ended. */
class Queue {
	readonly #waiting: (() => Promise<void>)[] = [];
	#busy = false;
	push<Result>(job: () => Promise<Result>): Promise<Result> {
		return new Promise((resolve, reject) => {
			this.#waiting.push(() => job().then(resolve, reject));
			if (!this.#busy) void this.#next();
		});
	}
	async #next(): Promise<void> {
		const job = this.#waiting.shift();
		this.#busy = job !== undefined;
		if (job === undefined) return;
		await job();
		void this.#next();
	}
}

describe("a job queue that is busy", () => {
	const users = ["u0", "u1", "u2", "u3"];
	const job = spanUnitLater;

	it("has jobs begin in the context of the one before: nothing in the process can tell", async () => {
		const queue = new Queue();
		const seen = users.map((user) => armspan.prompt("support-reply", { user, variables }).run(() => queue.push(job)));
		expect(await Promise.all(seen)).toEqual(["u0", "u0", "u0", "u0"]);
	});

	it.each<[string, (run: <R>(fn: () => R) => R, queue: Queue) => Promise<unknown>]>([
		["run is called in the job", (run, queue) => queue.push(() => run(job))],
		[
			"the job gets a handle",
			(run, queue) =>
				run(() => {
					const handle = callHandle();
					return queue.push(() => withCallHandle(handle, job));
				}),
		],
		["the job is bound", (run, queue) => run(() => queue.push(AsyncLocalStorage.bind(job)))],
	])("is right when %s", async (_how, ask) => {
		const queue = new Queue();
		const seen = users.map((user) => ask(armspan.prompt("support-reply", { user, variables }).run, queue));
		expect(await Promise.all(seen)).toEqual(users);
	});
});

it("a listener that is called from outside carries a handle", () => {
	const emitter = new EventEmitter();
	const seen: unknown[] = [];
	armspan.prompt("support-reply", { user: "u1", variables }).run(() => {
		const handle = callHandle();
		emitter.on("answer", () => seen.push(spanUnit(), withCallHandle(handle, spanUnit)));
	});
	emitter.emit("answer");
	expect(seen).toEqual([undefined, "u1"]);
});
