import { setTimeout as sleep } from "node:timers/promises";
import { type PlannedCall, planCalls, reactTo } from "./simulated-people.ts";

export interface LoadOptions {
	readonly url: string;
	readonly seed: number;
	readonly users: number;
	/** Calls started per second. */
	readonly rate: number;
	/** Ends after this time or this number of calls, whichever comes first; `Infinity` for never. */
	readonly durationSeconds: number;
	readonly calls: number;
	/** Stops at once; calls that are under way are dropped. */
	readonly signal: AbortSignal;
	/** Called with a sentence when the application cannot be reached; at most every few seconds. */
	readonly onTrouble: (message: string) => void;
}

export interface LoadSummary {
	calls: number;
	answered: number;
	streamed: number;
	/** Answers by HTTP status other than 200. */
	failed: Record<string, number>;
	unreachable: number;
	dropped: number;
	feedback: number;
	conversions: number;
	users: number;
	seconds: number;
}

const MAX_CALLS_UNDER_WAY = 200;
const CALL_TIMEOUT_MS = 20_000;
const TROUBLE_EVERY_MS = 5_000;

/** Simulated people ask the application, rate its answers and buy. A failing application never ends it. */
export async function generateLoad(options: LoadOptions): Promise<LoadSummary> {
	const { signal, seed } = options;
	const users = new Set<string>();
	const buyers = new Set<string>();
	const underWay = new Set<Promise<void>>();
	const summary: LoadSummary = {
		calls: 0,
		answered: 0,
		streamed: 0,
		failed: {},
		unreachable: 0,
		dropped: 0,
		feedback: 0,
		conversions: 0,
		users: 0,
		seconds: 0,
	};
	let troubleAtMs = Number.NEGATIVE_INFINITY;

	async function post(path: string, body: unknown): Promise<Response> {
		return fetch(new URL(path, options.url), {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify(body),
			signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
		});
	}

	async function ask(call: PlannedCall): Promise<void> {
		const response = await post("/reply", call);
		const id = replyId(await response.text(), call.stream);
		if (response.status !== 200 || id === undefined) {
			summary.failed[response.status] = (summary.failed[response.status] ?? 0) + 1;
			return;
		}
		summary.answered++;
		if (call.stream) summary.streamed++;
		const quality = Number(response.headers.get("x-simulated-quality") ?? Number.NaN);
		if (Number.isNaN(quality)) return;
		const { thumbs, buys } = reactTo(seed, call, quality);
		if (thumbs !== undefined && (await post("/feedback", { id, score: thumbs })).status === 204) summary.feedback++;
		if (!buys || buyers.has(call.user)) return;
		buyers.add(call.user);
		if ((await post("/conversion", { id })).status === 204) summary.conversions++;
	}

	async function askSafely(call: PlannedCall): Promise<void> {
		try {
			await ask(call);
		} catch (error) {
			if (signal.aborted) {
				summary.dropped++;
				return;
			}
			summary.unreachable++;
			if (performance.now() - troubleAtMs < TROUBLE_EVERY_MS) return;
			troubleAtMs = performance.now();
			const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
			options.onTrouble(`${options.url} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`);
		}
	}

	const startedAtMs = performance.now();
	let nextAtMs = startedAtMs;
	for (const call of planCalls(seed, options.users)) {
		const nowMs = performance.now();
		if (signal.aborted || summary.calls >= options.calls) break;
		if (nowMs - startedAtMs >= options.durationSeconds * 1000) break;
		// After a stall the calls that were missed are not made up for in one burst.
		nextAtMs = Math.max(nextAtMs, nowMs - 1000);
		if (nextAtMs > nowMs) await sleep(nextAtMs - nowMs, undefined, { signal }).catch(() => {});
		if (underWay.size >= MAX_CALLS_UNDER_WAY) await Promise.race(underWay);
		if (signal.aborted) break;
		nextAtMs += 1000 / options.rate;
		summary.calls++;
		users.add(call.user);
		const asked = askSafely(call).finally(() => underWay.delete(asked));
		underWay.add(asked);
	}
	await Promise.all(underWay);
	summary.users = users.size;
	summary.seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
	return summary;
}

/** Id of the reply: of the JSON answer, or of a stream's last event; `undefined` when the answer is not whole. */
function replyId(text: string, stream: boolean): string | undefined {
	const json = stream
		? text
				.trimEnd()
				.split("\n")
				.at(-1)
				?.replace(/^data: /, "")
		: text;
	try {
		const { id } = JSON.parse(json ?? "") as { id?: unknown };
		return typeof id === "string" ? id : undefined;
	} catch {
		return undefined;
	}
}
