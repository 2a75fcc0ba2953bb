import { InvalidRequest } from "./chat-request.ts";

/** Tokens of one call: `input` includes those of the cache, `output` those of the reasoning. */
export interface SimulatedUsage {
	readonly input: number;
	readonly output: number;
	readonly cacheRead: number;
	readonly cacheWrite: number;
	/** The part of `cacheWrite` that is kept for an hour. */
	readonly cacheWriteOneHour: number;
	readonly reasoning: number;
}

/**
 * Usage of an answer; the header `x-simulated-usage` replaces what it names: `input=1000, cacheRead=200`.
 * @throws {InvalidRequest}
 */
export function usageOf(input: number, output: number, header: string | string[] | undefined): SimulatedUsage {
	const usage = { input, output, cacheRead: 0, cacheWrite: 0, cacheWriteOneHour: 0, reasoning: 0 };
	if (typeof header !== "string") return usage;
	for (const part of header.split(",")) {
		const [, name, tokens] = /^\s*(\w+)=(\d{1,9})\s*$/.exec(part) ?? [];
		if (name === undefined || !Object.hasOwn(usage, name)) {
			throw new InvalidRequest(
				"x-simulated-usage",
				`invalid x-simulated-usage: "${part}"; expected ${Object.keys(usage).join(", ")} = a whole number`,
			);
		}
		usage[name as keyof SimulatedUsage] = Number(tokens);
	}
	return usage;
}
