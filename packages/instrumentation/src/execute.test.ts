import { AsyncLocalStorage } from "node:async_hooks";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { context, type SpanContext, trace } from "@opentelemetry/api";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createArmspan } from "./armspan.ts";
import { armspan as defaultArmspan } from "./default-armspan.ts";
import { type RecordingSpan, startSpan } from "./fixtures/recording-span.ts";
import { shadowedArmspan } from "./fixtures/shadowed-call.ts";
import { temporaryDirectory, writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

const telemetry = recordTelemetry();
const call = { user: "u1", variables: { question: "Why?" } };
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
process.on("unhandledRejection", onUnhandled);
afterAll(() => void process.off("unhandledRejection", onUnhandled));
beforeEach(() => {
	telemetry.events.length = 0;
	unhandled.length = 0;
});

describe("the live call", () => {
	const shadowed = shadowedArmspan();
	afterAll(() => shadowed.runner.close());

	it("returns and throws exactly what the function does", async () => {
		const error = new Error("mine");
		const promise = Promise.resolve(1);
		const stream = new ReadableStream();
		for (const value of [promise, stream, undefined, 5]) {
			expect(shadowed.execute(call, (_, { isShadow }) => (isShadow ? undefined : value))).toBe(value);
		}
		const fails = () => {
			throw error;
		};
		expect(() => shadowed.execute(call, fails)).toThrow(error);
		await expect(shadowed.execute(call, () => Promise.reject(error))).rejects.toBe(error);
	});

	it("gets control's prompt, and the caller's signal", () => {
		const { signal } = new AbortController();
		shadowed.execute({ ...call, signal }, (prompt, execution) => {
			if (execution.isShadow) return;
			expect(prompt).toMatchObject({ version: "1.0.0", enrolled: false, model: "gpt-4o-mini" });
			expect(prompt.messages[0]?.content).toContain("plain");
			expect(execution.signal).toBe(signal);
		});
		shadowed.execute(call, (_, execution) => {
			if (!execution.isShadow) expect(execution.signal.aborted).toBe(false);
		});
		expect.assertions(4);
	});

	it("is made once, as by run, when there is no shadow", async () => {
		const armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
		const fn = vi.fn(() => startSpan().attributes["feature_flag.result.variant"]);
		expect(armspan.execute("support-reply", call, fn)).toMatch(/^polite\./);
		expect(telemetry.named("feature_flag.evaluation")).toHaveLength(1);
		await sleep(20);
		expect(fn).toHaveBeenCalledTimes(1);
		armspan.close();
	});

	it("is made when there is nothing to send, and can see why", () => {
		const armspan = createArmspan({ routingDirectory: temporaryDirectory() });
		const codeOf = (from: Pick<typeof armspan, "execute">, given: unknown) =>
			from.execute("support-reply", given as typeof call, (prompt) => [prompt.error?.code, prompt.messages.length]);
		expect(codeOf(armspan, call)).toEqual(["NO_BUNDLE", 0]);
		expect(codeOf(armspan, null)).toEqual(["NO_BUNDLE", 0]);
		expect(codeOf(defaultArmspan, call)).toEqual(["NOT_STARTED", 0]);
		armspan.close();
	});
});

it("takes any garbage for a call", async () => {
	const { execute, counters } = shadowedArmspan();
	const hostile = new Proxy(
		{},
		{
			get() {
				throw new Error("no");
			},
		},
	);
	const values: unknown[] = [undefined, null, 1, "x", Symbol("s"), () => {}, [], hostile, new Map()];
	const armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
	for (const value of values) {
		const calls: unknown[] = [value, { ...call, signal: value }, { ...call, shadowTimeoutMs: value }];
		for (const given of calls) {
			const fn = (_: unknown, { signal }: { signal: AbortSignal }) => signal.aborted;
			expect(armspan.execute("support-reply", given as typeof call, fn)).toBe(false);
		}
		expect(execute({ ...call, shadowTimeoutMs: value as number }, () => 5)).toBe(5);
	}
	await vi.waitFor(() => expect(counters.shadowCalls).toBe(values.length));
	expect(counters.shadowFailed).toBe(0);
	armspan.close();
});

describe("the shadow", () => {
	it("runs after the live call was started, with the shadow variant's prompt and the same variables", async () => {
		const { execute, counters } = shadowedArmspan();
		const order: string[] = [];
		const variables = { question: "Where?" };
		const done = Promise.withResolvers<void>();
		execute({ user: "u1", variables }, (prompt, { isShadow }) => {
			order.push(`${isShadow ? "shadow" : "live"} ${prompt.version} ${prompt.messages.at(-1)?.content}`);
			if (isShadow) done.resolve();
		});
		order.push("returned");
		variables.question = "changed";
		await done.promise;
		expect(order).toEqual(["live 1.0.0 Where?", "returned", "shadow 2.0.0 Where?"]);
		expect(counters).toMatchObject({ shadowCalls: 1, shadowDropped: 0, shadowFailed: 0 });
	});

	it("has spans of its own trace that say what they are and are linked to the live call's", async () => {
		const { execute } = shadowedArmspan();
		const spans: RecordingSpan[] = [];
		const parents: (SpanContext | undefined)[] = [];
		const requests = new AsyncLocalStorage<string>();
		const seen: (string | undefined)[] = [];
		const request = trace.setSpanContext(context.active(), startSpan().spanContext);
		context.with(request, () =>
			requests.run("request 1", () =>
				execute(call, () => {
					parents.push(trace.getSpanContext(context.active()));
					seen.push(requests.getStore());
					spans.push(startSpan());
				}),
			),
		);
		await vi.waitFor(() => expect(spans).toHaveLength(2));
		const [live, shadow] = spans;
		expect(live?.attributes).toMatchObject({ "armspan.enrolled": false, "gen_ai.prompt.version": "1.0.0" });
		expect(live?.attributes).not.toHaveProperty("armspan.experiment");
		expect(live?.attributes).not.toHaveProperty("armspan.shadow");
		expect(shadow?.attributes).toMatchObject({
			"armspan.shadow": true,
			"armspan.enrolled": false,
			"armspan.experiment": "quiet",
			"armspan.iteration": 3,
			"armspan.unit.id": "u1",
			"feature_flag.result.variant": "quiet.treatment",
			"gen_ai.prompt.version": "2.0.0",
		});
		expect(parents).toEqual([trace.getSpanContext(request), undefined]);
		expect(seen).toEqual(["request 1", undefined]);
		expect(shadow?.links).toEqual([live?.spanContext]);
		expect(live?.links).toEqual([]);
	});

	it("reports no exposure and takes no feedback", async () => {
		const { execute, counters } = shadowedArmspan();
		execute(call, (prompt, { isShadow }) => {
			if (!isShadow) return;
			prompt.run(() => {});
			prompt.feedback({ score: 1 });
			prompt.score("judge", 1);
			prompt.convert();
		});
		await vi.waitFor(() => expect(counters.evaluationsRejected).toBe(3));
		expect(telemetry.events).toEqual([]);
	});

	it("is not made when the live call could not be", async () => {
		const { execute, counters } = shadowedArmspan();
		const fn = vi.fn(() => {
			throw new Error("no client");
		});
		expect(() => execute(call, fn)).toThrow("no client");
		execute({ user: "u1", variables: {} }, vi.fn());
		await sleep(20);
		expect(fn).toHaveBeenCalledTimes(1);
		expect(counters).toMatchObject({ shadowCalls: 0, shadowFailed: 0, shadowDropped: 0 });
	});

	it("is counted as unavailable by run, once for each prompt", () => {
		const { route, counters } = shadowedArmspan();
		const routed = route(call);
		routed.run(() => {});
		routed.run(() => {});
		expect(counters.shadowUnavailable).toBe(1);
	});
});

describe("a shadow that misbehaves", () => {
	const endless = async function* () {
		for (;;) {
			await sleep(1);
			yield "chunk";
		}
	};
	const neverAnswers = () => new Promise(() => {});
	const hostile = {
		// biome-ignore lint/suspicious/noThenProperty: what it does is what is tested
		get then() {
			throw new Error("then");
		},
	};
	const misbehaviours: Record<string, (signal: AbortSignal) => unknown> = {
		"throws synchronously": () => {
			throw new Error("sync");
		},
		rejects: () => Promise.reject(new Error("async")),
		"rejects late": () => sleep(5).then(() => Promise.reject(new Error("late"))),
		"throws when awaited": () => hostile,
		"waits for its signal": (signal) =>
			new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
		"streams for ever": endless,
		"streams for ever without pause": async function* () {
			for (;;) yield "chunk";
		},
		"streams for ever as a response": () => new Response(ReadableStream.from(endless()) as never),
		"streams for ever into nothing": () => new ReadableStream({}),
		"fails in the middle of a stream": async function* () {
			yield 1;
			throw new Error("middle");
		},
		"streams for ever as a Node stream": () => Readable.from(endless()),
		"streams for ever inside": async () => ({ data: endless(), response: new Response("x") }),
	};

	it.each(Object.entries(misbehaviours))("%s: is counted, and the live answer is right", async (_, misbehave) => {
		const { execute, counters } = shadowedArmspan();
		const answer = execute({ ...call, shadowTimeoutMs: 50 }, (_prompt, { isShadow, signal }) =>
			isShadow ? misbehave(signal) : Promise.resolve("answer"),
		);
		expect(await answer).toBe("answer");
		await vi.waitFor(() => expect(counters.shadowFailed).toBe(1), { timeout: 10_000 });
		await sleep(10);
		expect(counters).toMatchObject({ shadowCalls: 1, shadowFailed: 1, internalErrors: 0 });
		expect(unhandled).toEqual([]);
	});

	it("keeps its place as long as it is under way, also beyond its time limit", async () => {
		const { execute, counters } = shadowedArmspan({ maxConcurrent: 2, maxCallsPerMinute: 1000 });
		const once = () => void execute({ ...call, shadowTimeoutMs: 1 }, (_, { isShadow }) => isShadow && neverAnswers());
		for (let calls = 0; calls < 3; calls++) once();
		await vi.waitFor(() => expect(counters).toMatchObject({ shadowCalls: 2, shadowFailed: 2 }));
		once();
		expect(counters).toMatchObject({ shadowCalls: 2, shadowDropped: 2 });
	});

	it("is ended by close, and none begins after it", async () => {
		const { execute, counters, runner } = shadowedArmspan();
		const ended = Promise.withResolvers<void>();
		const fn = (_: unknown, { isShadow, signal }: { isShadow: boolean; signal: AbortSignal }) => {
			if (isShadow) signal.addEventListener("abort", () => ended.resolve());
			return isShadow ? ended.promise : 1;
		};
		execute(call, fn);
		await vi.waitFor(() => expect(counters.shadowCalls).toBe(1));
		execute(call, fn);
		runner.close();
		await ended.promise;
		execute(call, fn);
		await vi.waitFor(() => expect(counters).toMatchObject({ shadowCalls: 1, shadowFailed: 1, shadowDropped: 2 }));
	});
});

describe("limits", () => {
	it("hold when a thousand calls come at once", async () => {
		const { execute, counters } = shadowedArmspan({ maxConcurrent: 4, maxCallsPerMinute: 100 });
		let underWay = 0;
		let most = 0;
		const answers = Array.from({ length: 1000 }, (_, index) =>
			execute({ ...call, user: `u${index}` }, async (_prompt, { isShadow }) => {
				if (!isShadow) return index;
				most = Math.max(most, ++underWay);
				await sleep(5);
				underWay--;
				return -1;
			}),
		);
		expect(await Promise.all(answers)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
		await vi.waitFor(() => expect(counters.shadowCalls).toBe(4));
		expect(most).toBe(4);
		expect(counters.shadowDropped).toBe(996);
	});
});
