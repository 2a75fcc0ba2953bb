import { parseArgs } from "node:util";
import { generateLoad } from "./load-generator.ts";

const USAGE =
	"usage: node src/load.ts [--url http://127.0.0.1:3000] [--users 3000] [--rate 50] [--seed 1] [--duration SECONDS] [--calls N]";

function readOptions() {
	const string = { type: "string" } as const;
	const { values } = parseArgs({
		options: { url: string, users: string, rate: string, seed: string, duration: string, calls: string },
	});
	const number = (
		name: "users" | "rate" | "seed" | "duration" | "calls",
		fallback: number,
		minimum: number,
	): number => {
		const text = values[name];
		if (text === undefined) return fallback;
		const value = Number(text);
		if (text.trim() !== "" && value >= minimum && value <= 1e9) return value;
		throw new Error(`invalid --${name}: "${text}"; expected a number of at least ${minimum}`);
	};
	const url = values.url ?? "http://127.0.0.1:3000";
	if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new Error(`invalid --url: "${url}"`);
	return {
		url,
		users: number("users", 3000, 1),
		rate: number("rate", 50, 0.01),
		seed: number("seed", 1, 0),
		durationSeconds: number("duration", Number.POSITIVE_INFINITY, 0),
		calls: number("calls", Number.POSITIVE_INFINITY, 0),
	};
}

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
process.once("SIGINT", () => stop.abort());

try {
	const onTrouble = (message: string) => process.stderr.write(`load: ${message}\n`);
	const summary = await generateLoad({ ...readOptions(), signal: stop.signal, onTrouble });
	process.stdout.write(`${JSON.stringify(summary)}\n`);
	// Kept-alive connections would hold the process for a few seconds more.
	process.exit(0);
} catch (error) {
	process.stderr.write(`load: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
	process.exit(1);
}
