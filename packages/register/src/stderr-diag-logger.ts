import { formatWithOptions } from "node:util";
import type { DiagLogger } from "@opentelemetry/api";

/** The same complaint, such as an unreachable collector, is printed once in this time. */
const QUIET_MS = 60_000;
const REMEMBERED_LINES = 100;
const MAX_LINE_LENGTH = 500;

/** OpenTelemetry's diagnostics on stderr; stdout belongs to the application. */
export function createStderrDiagLogger(now: () => number = () => performance.now()): DiagLogger {
	const printedAt = new Map<string, number>();
	function print(level: string, values: unknown[]): void {
		const line = formatWithOptions({ depth: 2, breakLength: Infinity }, ...values).replace(/\s+/g, " ");
		const key = `${level} ${line.replace(/\d+/g, "#").slice(0, 80)}`;
		const last = printedAt.get(key);
		if (last !== undefined && now() - last < QUIET_MS) return;
		if (printedAt.size >= REMEMBERED_LINES) printedAt.clear();
		printedAt.set(key, now());
		process.stderr.write(`[armspan] ${level}: ${line.slice(0, MAX_LINE_LENGTH)}\n`);
	}
	return {
		error: (...values) => print("error", values),
		warn: (...values) => print("warn", values),
		info: (...values) => print("info", values),
		debug: (...values) => print("debug", values),
		verbose: (...values) => print("verbose", values),
	};
}
