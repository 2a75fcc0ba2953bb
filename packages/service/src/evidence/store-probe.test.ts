import type { FastifyBaseLogger } from "fastify";
import { expect, test } from "vitest";
import { StoreProbe } from "./store-probe.ts";

const logger = { error() {} } as unknown as FastifyBaseLogger;

test("a store that refuses is away, one that answers again is there", async () => {
	let fails = true;
	const ping = async () => {
		if (fails) throw new Error("ECONNREFUSED");
	};
	const probe = new StoreProbe({ store: { ping }, logger });
	expect(await probe.isReachable()).toBe(false);
	fails = false;
	expect(await probe.isReachable()).toBe(true);
});

test("a store that hangs is away after five seconds, is asked once, and nobody waits for it", async () => {
	let nowMs = 0;
	let asked = 0;
	const answer = Promise.withResolvers<void>();
	const ping = () => {
		asked++;
		return answer.promise;
	};
	const probe = new StoreProbe({ store: { ping }, logger, elapsedMs: () => nowMs, waitMs: 1 });
	expect(await probe.isReachable()).toBe(true);
	nowMs = 4999;
	expect(await probe.isReachable()).toBe(true);
	nowMs = 5000;
	expect(await probe.isReachable()).toBe(false);
	expect(asked).toBe(1);
	answer.resolve();
	expect(await probe.isReachable()).toBe(true);
});
